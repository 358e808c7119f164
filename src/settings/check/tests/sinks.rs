use crate::words::{EventKind, WeeklySpan};

use super::*;

fn mqtt(text: &str) -> String {
    with("", "", "", "", "", &format!("name = \"s\"\ntype = \"mqtt\"\nurl = \"mqtt://h\"\n{text}"))
}

fn mqtt_url(url: &str, text: &str) -> String {
    with("", "", "", "", "", &format!("name = \"s\"\ntype = \"mqtt\"\nurl = \"{url}\"\n{text}"))
}

fn command(text: &str) -> String {
    with("", "", "", "", "", &format!("name = \"s\"\ntype = \"command\"\nprogram = \"./notify\"\n{text}"))
}

fn file(text: &str) -> String {
    with("", "", "", "", "", &format!("name = \"s\"\ntype = \"file\"\npath = \"events.jsonl\"\n{text}"))
}

fn bare(text: &str) -> String {
    with("", "", "", "", "", &format!("name = \"s\"\n{text}"))
}

fn template(text: &str) -> String {
    sink(&format!("[sinks.template]\n{text}"))
}

fn headers(text: &str) -> String {
    sink(&format!("headers = {{ {text} }}"))
}

fn only_sink(text: &str) -> Sink {
    let settings = load(text).unwrap_or_else(|error| panic!("{error}\nin\n{text}"));
    settings.sinks.into_iter().next().expect("one sink")
}

#[test]
fn what_is_right_passes() {
    all_pass([
        sink("timeout = \"5m\"\nca_file = \"ca.pem\""),
        sink(&format!("secret = \"{KEY}\"")),
        sink("secret_file = \"secrets/automation\""),
        mqtt(""),
        mqtt_url("mqtts://u:p@h:1/", "ca_file = \"ca.pem\"\ntimeout = \"1s\""),
        mqtt("username = \"u\"\npassword_file = \"secrets/yard\"\nclient_id = \"x\""),
        mqtt("topic_prefix = \"home/lookout\"\ndiscovery = false"),
        mqtt(
            "[[sinks]]\nname = \"t\"\ntype = \"mqtt\"\nurl = \"mqtt://h\"\nclient_id = \"other\"\ntopic_prefix = \"x\"",
        ),
        command("arguments = [\"-x\", \"\"]\ntimeout = \"10m\""),
        file("max_bytes = \"64KiB\"\nkeep = 0"),
        headers("\"X-Key\" = \"a b\", Authorization = \"Bearer x\""),
        template(
            "body = \"{{ headline }}\"\naccepted_if = \"answer.ok\"\ncontent_type = \"text/plain; charset=utf-8\"",
        ),
        template("body_file = \"body.json\""),
        sink("cameras = [\"door\"]\nlabels = [\"person\"]\ntypes = [\"lookout.digest\"]"),
        sink("cameras = []\nwhen = []"),
        // They may come over HTTP.
        sink("cameras = [\"yard\"]\nzones = [\"gate\"]"),
        sink("when = [\"Mon-Fri 18:00-07:00\", \"Sat,Sun\"]\ntime_zone = \"Europe/Berlin\""),
        sink("budget = { per_camera = 0, total = 1000000 }"),
    ]);
}

#[test]
fn what_is_wrong_with_any_sink_is_named() {
    let two_sinks = sink("[[sinks]]\nname = \"s\"\ntype = \"webhook\"\nurl = \"http://h/\"");
    let with_sink = |text| with("", "", "", "", "", text);
    each_is_named([
        (with_sink("type = \"webhook\"\nurl = \"http://h/\""), "sinks[0].name: ", "missing"),
        (with_sink("name = \"s\"\nurl = \"http://h/\""), "sinks[0].type: ", "known: \"webhook\""),
        (with_sink("name = \"s\"\ntype = \"mail\"\nurl = \"http://h/\""), "sinks[0].type: ", "known: \"webhook\""),
        (with_sink("name = \"s\"\ntype = \"webhook\""), "sinks[0].url: ", "missing"),
        (with_sink("name = \"s\"\ntype = \"webhook\"\nurl = \"ftp://h/\""), "sinks[0].url: ", "http and https"),
        (with_sink("name = \"s\"\ntype = \"webhook\"\nurl = \"h\""), "sinks[0].url: ", "no URL"),
        (two_sinks, "sinks[1].name: ", "is also sinks[0].name"),
        (sink("secret = \"whsec_short\""), "sinks[0].secret: ", "24 to 64"),
        (sink("secret_file = \"secrets/short\""), "sinks[0].secret: ", "24 to 64"),
        (sink("secret = \"a\"\nsecret_file = \"b\""), "sinks[0].secret_file: ", "one of the two"),
        (sink("timeout = \"6m\""), "sinks[0].timeout: ", "1s to 5m"),
        (sink("ca_file = \"no.pem\""), "sinks[0].ca_file: ", "FOLDER/no.pem"),
    ]);
}

#[test]
fn what_is_wrong_with_a_type_is_named() {
    let two = |text: &str, more: &str| format!("{text}\n[[sinks]]\nname = \"t\"\n{more}");
    let many = |key: &str| (0..101).map(|n| format!("\"{key}{n}\" = \"x\"")).collect::<Vec<_>>().join(", ");
    each_is_named([
        (bare("type = \"mqt\""), "sinks[0].type: ", "did you mean \"mqtt\"?"),
        (bare("type = \"mail\""), "sinks[0].type: ", "known: \"webhook\", \"mqtt\", \"command\", \"file\""),
        (sink("topic_prefix = \"x\""), "sinks[0].topic_prefix: ", "is for type = \"mqtt\": remove it here"),
        (sink("arguments = []"), "sinks[0].arguments: ", "is for type = \"command\""),
        (sink("keep = 3"), "sinks[0].keep: ", "is for type = \"file\""),
        (mqtt("secret = \"x\""), "sinks[0].secret: ", "is for type = \"webhook\""),
        (mqtt("headers = { a = \"b\" }"), "sinks[0].headers: ", "is for type = \"webhook\""),
        (command("url = \"http://h/\""), "sinks[0].url: ", "is for type = \"webhook\" or type = \"mqtt\""),
        (file("timeout = \"1s\""), "sinks[0].timeout: ", "type = \"webhook\" or type = \"mqtt\" or type = \"command\""),
        (file("template = { body = \"x\" }"), "sinks[0].template: ", "is for type = \"webhook\""),
        (mqtt("topik_prefix = \"x\""), "sinks[0].topik_prefix: ", "did you mean \"topic_prefix\"?"),
        (headers("\"\" = \"b\""), "sinks[0].headers.\"\": ", "no name of a header"),
        (headers("\"X Key\" = \"b\""), "sinks[0].headers.\"X Key\": ", "no name of a header"),
        (headers("\"Content-Type\" = \"b\""), "sinks[0].headers.Content-Type: ", "[sinks.template]"),
        (headers("\"Webhook-Id\" = \"b\""), "sinks[0].headers.Webhook-Id: ", "set by Lookout"),
        (headers("host = \"b\""), "sinks[0].headers.host: ", "set by Lookout"),
        (headers("\"X-Key\" = \"a\", \"x-key\" = \"b\""), "sinks[0].headers.x-key: ", "comes twice"),
        (headers("key = \"ä\""), "sinks[0].headers.key: ", "visible ASCII"),
        (headers("key = \"\""), "sinks[0].headers.key: ", "visible ASCII"),
        (headers("key = 3"), "sinks[0].headers.key: ", "a text in quotes"),
        (headers(&many("x")), "sinks[0].headers: ", "at most 32"),
        (sink("headers = 3"), "sinks[0].headers: ", "expected a table"),
        (template(""), "sinks[0].template.body: ", "missing"),
        (template("body = \"x\"\nbody_file = \"body.json\""), "sinks[0].template.body_file: ", "one of the two"),
        (template("body_file = \"no.json\""), "sinks[0].template.body_file: ", "FOLDER/no.json"),
        (template("body = \"a\\n{{ headline\""), "sinks[0].template.body: ", "in line 2"),
        (template("body = \"{% if x %}\""), "sinks[0].template.body: ", "in line 1: unexpected end of input"),
        (template("body = \"{% hunter2 %}\""), "sinks[0].template.body: ", "unknown statement"),
        (template("body = \"x\"\naccepted_if = \"answer.ok ==\""), "sinks[0].template.accepted_if: ", "end of input"),
        (template("body = \"x\"\naccepted_if = \"\""), "sinks[0].template.accepted_if: ", "answer.errcode == 0"),
        (template("body = \"x\"\ncontent_type = \"json\""), "sinks[0].template.content_type: ", "application/json"),
        (template("body = \"x\"\nbodi = \"x\""), "sinks[0].template.bodi: ", "did you mean \"body\"?"),
        (bare("type = \"mqtt\""), "sinks[0].url: ", "missing: write mqtt://HOST"),
        (mqtt_url("http://h/", ""), "sinks[0].url: ", "only mqtt and mqtts"),
        (mqtt_url("mqtt://a:b@h", "username = \"c\""), "sinks[0].username: ", "the URL says another"),
        (mqtt("password = \"b\""), "sinks[0].username: ", "missing"),
        (
            mqtt("username = \"a\"\npassword = \"b\"\npassword_file = \"c\""),
            "sinks[0].password_file: ",
            "one of the two",
        ),
        (mqtt("client_id = \"\""), "sinks[0].client_id: ", "1 to 128"),
        (mqtt("topic_prefix = \"a/+\""), "sinks[0].topic_prefix: ", "wildcards"),
        (mqtt("topic_prefix = \"\""), "sinks[0].topic_prefix: ", "1 to 200"),
        (mqtt("topic_prefix = \"/a\""), "sinks[0].topic_prefix: ", "start"),
        (mqtt("topic_prefix = \"$SYS\""), "sinks[0].topic_prefix: ", "belong to the broker"),
        (mqtt("discovery_prefix = \"a b\""), "sinks[0].discovery_prefix: ", "spaces"),
        (mqtt("discovery = \"yes\""), "sinks[0].discovery: ", "true or false"),
        (mqtt("timeout = \"6m\""), "sinks[0].timeout: ", "1s to 5m"),
        (mqtt("ca_file = \"ca.pem\""), "sinks[0].ca_file: ", "mqtts://"),
        (mqtt_url("mqtts://h", "ca_file = \"no.pem\""), "sinks[0].ca_file: ", "FOLDER/no.pem"),
        (
            two(
                &mqtt("client_id = \"x\""),
                "type = \"mqtt\"\nurl = \"mqtt://h:1883\"\nclient_id = \"x\"\ntopic_prefix = \"other\"",
            ),
            "sinks[1].client_id: ",
            "is also sinks[0].client_id",
        ),
        (
            two(&mqtt("client_id = \"x\""), "type = \"mqtt\"\nurl = \"mqtt://h:1883\"\nclient_id = \"y\""),
            "sinks[1].topic_prefix: ",
            "is also sinks[0].topic_prefix",
        ),
        (bare("type = \"command\""), "sinks[0].program: ", "missing"),
        (bare("type = \"command\"\nprogram = \"notify\""), "sinks[0].program: ", "PATH is not searched"),
        (bare("type = \"command\"\nprogram = \"./no\""), "sinks[0].program: ", "FOLDER/./no"),
        (bare("type = \"command\"\nprogram = \"./ca.pem\""), "sinks[0].program: ", "chmod +x"),
        (command("arguments = \"x\""), "sinks[0].arguments: ", "expected a list"),
        (command("arguments = [\"a\", \"\\u0000\"]"), "sinks[0].arguments[1]: ", "zero byte"),
        (command("timeout = \"11m\""), "sinks[0].timeout: ", "1s to 10m"),
        (bare("type = \"file\""), "sinks[0].path: ", "missing"),
        (bare("type = \"file\"\npath = \"secrets\""), "sinks[0].path: ", "is a folder"),
        (file("max_bytes = \"1KiB\""), "sinks[0].max_bytes: ", "64KiB to 1TiB"),
        (file("keep = 1001"), "sinks[0].keep: ", "0 to 1000"),
        (two(&file(""), "type = \"file\"\npath = \"events.jsonl\""), "sinks[1].path: ", "is also sinks[0].path"),
    ]);
}

#[test]
fn what_is_wrong_with_a_filter_or_a_budget_is_named() {
    let spans = (0..101).map(|_| "\"Mon\"").collect::<Vec<_>>().join(", ");
    each_is_named([
        (sink("cameras = [\"the door\"]"), "sinks[0].cameras[0]: ", "\"the door\" is no camera id"),
        (sink("cameras = [\"door\", \"door\"]"), "sinks[0].cameras[1]: ", "sinks[0].cameras[0]"),
        (sink("cameras = \"door\""), "sinks[0].cameras: ", "expected a list"),
        (sink("zones = [\"\"]"), "sinks[0].zones[0]: ", "empty"),
        (sink("types = [\"visit.started\"]"), "sinks[0].types[0]: ", "did you mean \"lookout.visit.started\"?"),
        (sink("types = [\"lookout.visit.startet\"]"), "sinks[0].types[0]: ", "did you mean \"lookout.visit.started\"?"),
        (sink("types = [\"alarm\"]"), "sinks[0].types[0]: ", "known: lookout.visit.started, lookout.visit.ended"),
        (sink("labels = [\"dog\"]"), "sinks[0].labels[0]: ", "detector.labels: \"person\""),
        (sink("labels = [\"persons\"]"), "sinks[0].labels[0]: ", "did you mean \"person\"?"),
        (sink("when = [\"Mon-Fri\"]"), "sinks[0].time_zone: ", "\"Europe/Berlin\""),
        (sink("when = [\"Mo-Fr\"]\ntime_zone = \"UTC\""), "sinks[0].when[0]: ", "Mon-Fri 18:00-07:00"),
        (
            sink("when = [\"Mon\"]\ntime_zone = \"Europe/Berlyn\""),
            "sinks[0].time_zone: ",
            "did you mean \"Europe/Berlin\"?",
        ),
        (sink("when = [\"Mon\"]\ntime_zone = \"\""), "sinks[0].time_zone: ", "IANA"),
        (sink(&format!("when = [{spans}]\ntime_zone = \"UTC\"")), "sinks[0].when: ", "at most 100"),
        (sink("budget = { per_camera = -1 }"), "sinks[0].budget.per_camera: ", "a whole number from 0 on"),
        (sink("budget = { total = 1000001 }"), "sinks[0].budget.total: ", "0 to 1000000"),
        (sink("budget = { totel = 1 }"), "sinks[0].budget.totel: ", "did you mean \"total\"?"),
        (sink("budget = \"none\""), "sinks[0].budget: ", "expected a table"),
    ]);
}

#[test]
fn a_filter_says_what_passes() {
    let zone = "[[cameras.zones]]\nname = \"gate\"\npolygon = [[0,0],[1,0],[1,1]]";
    let text = format!(
        "{}\n{zone}\n[[sinks]]\nname = \"s\"\ntype = \"webhook\"\nurl = \"https://h/x\"\ncameras = [\"door\"]\n\
         zones = [\"gate\"]\ntypes = [\"lookout.visit.started\", \"lookout.camera.down\"]\nlabels = [\"person\"]\n\
         when = [\"Fri-Sun 22:00-06:00\"]\ntime_zone = \"asia/tokyo\"\n",
        "detector.model = \"m.onnx\"\n[[cameras]]\nid = \"door\"\nurl = \"rtsp://h/\""
    );
    let Filter { cameras, zones, types, labels, when } = only_sink(&text).filter;
    assert_eq!(cameras, ["door".parse().expect("an id")]);
    assert_eq!((zones, labels), (vec!["gate".into()], vec!["person".into()]));
    assert_eq!(types, [EventKind::VisitStarted, EventKind::CameraDown]);
    let when = when.expect("there are times");
    assert_eq!(when.zone.iana_name(), Some("Asia/Tokyo"));
    let days = [false, false, false, false, true, true, true];
    assert_eq!(when.spans, [WeeklySpan { days, from: 1320, to: 360 }]);
    assert_eq!(only_sink(&sink("")).filter, Filter::default());
}

#[test]
fn budgets_depend_on_the_type() {
    let budget = |text: &str| only_sink(text).budget;
    let of = |per_camera, total| Some(Budget { per_camera, total });
    assert_eq!(budget(&sink("")), of(30, 300));
    assert_eq!(budget(&command("")), of(30, 300));
    assert_eq!(budget(&mqtt("")), None);
    assert_eq!(budget(&file("")), None);
    assert_eq!(budget(&sink("budget = { per_camera = 5 }")), of(5, 300));
    assert_eq!(budget(&sink("budget = { per_camera = 0 }")), of(u32::MAX, 300));
    assert_eq!(budget(&sink("budget = { per_camera = 0, total = 0 }")), None);
    assert_eq!(budget(&file("budget = { total = 7 }")), of(u32::MAX, 7));
}

#[test]
fn the_defaults_of_each_type() {
    let seconds = Duration::from_secs;
    let Way::Mqtt(mqtt) = only_sink(&mqtt("")).way else { panic!("a broker") };
    let Mqtt { host, port, tls, credentials, client_id, topic_prefix, discovery, timeout, ca_file } = mqtt;
    assert_eq!((&*host, port, tls, credentials), ("h", 1883, false, None));
    assert!(client_id.starts_with("lookout"));
    assert_eq!((&*topic_prefix, discovery.as_deref()), ("lookout", Some("homeassistant")));
    assert_eq!((timeout, ca_file), (seconds(10), None));
    let Way::Command(command) = only_sink(&command("")).way else { panic!("a command") };
    assert!(command.program.ends_with("notify") && command.program.is_absolute());
    assert_eq!((command.arguments.len(), command.timeout), (0, seconds(30)));
    let Way::File(file) = only_sink(&file("")).way else { panic!("a file") };
    assert_eq!((file.max_bytes, file.keep), (64 << 20, 5));
    let Way::Webhook(webhook) = only_sink(&template("body_file = \"body.json\"")).way else { panic!("a webhook") };
    let template = webhook.template.expect("there is one");
    assert_eq!((&*template.content_type, template.accepted_if), ("application/json", None));
    assert_eq!(&*template.body, "{ \"text\": \"{{ headline }}\" }");
}

#[test]
fn secrets_of_sinks_come_by_value_by_variable_or_from_a_file() {
    let folder = folder();
    let text = headers("\"X-Key\" = \"${KEY}\"");
    let settings = load_with(&text, &[("KEY", "hunter2")], folder.path()).expect("fine");
    let Way::Webhook(webhook) = &settings.sinks[0].way else { panic!("a webhook") };
    assert_eq!(webhook.headers, [("X-Key".into(), Secret::new("hunter2"))]);
    for text in [
        mqtt_url("mqtt://u:hunter2@h", ""),
        mqtt("username = \"u\"\npassword = \"hunter2\""),
        mqtt("username = \"u\"\npassword_file = \"secrets/yard\""),
    ] {
        let Way::Mqtt(mqtt) = only_sink(&text).way else { panic!("a broker") };
        let credentials = mqtt.credentials.expect("there are some");
        assert_eq!((credentials.username.as_str(), credentials.password.expose()), ("u", "hunter2"));
    }
}

#[test]
fn invariant_13_no_secret_of_a_sink_in_any_output() {
    let text = "[detector]\nmodel = \"m.onnx\"\n\
        [[sinks]]\nname = \"a\"\ntype = \"webhook\"\nurl = \"https://h/\"\nheaders = { \"X-Key\" = \"hunter2\" }\n\
        template = { body = \"{ \\\"token\\\": \\\"hunter2\\\" }\" }\n\
        [[sinks]]\nname = \"b\"\ntype = \"mqtt\"\nurl = \"mqtt://u:hunter2@h\"\n\
        [[sinks]]\nname = \"c\"\ntype = \"mqtt\"\nurl = \"mqtt://h\"\nusername = \"u\"\npassword = \"hunter2\"\nclient_id = \"c\"\n\
        topic_prefix = \"c\"\n\
        [[sinks]]\nname = \"d\"\ntype = \"command\"\nprogram = \"./notify\"\narguments = [\"--token\", \"hunter2\"]\n";
    let settings = load(text).expect("fine");
    assert_eq!(settings.sinks.len(), 4);
    let faulty = text
        .replace("\"hunter2\" }\n", "\"hunter2\\n\" }\n")
        .replace("\\\"hunter2\\\" }", "{{ hunter2")
        .replace("mqtt://u", "http://u")
        .replace("mqtt://h\"\nusername", "mqtt://u:hunter2@h\"\nusername")
        .replace("username = \"u\"", "username = \"v\"")
        .replace("\"hunter2\"]", "\"hunter2\\u0000\"]");
    let failure = load_from(&faulty, [], folder().path()).expect_err("faults");
    assert_eq!(failure.to_string().lines().count(), 6, "{failure}");
    let shown = show(&settings);
    assert!(shown.contains("X-Key = \"***\"") && shown.contains("body = \"***\""), "{shown}");
    for output in [format!("{settings:?} {settings:#?}"), shown, format!("{failure} {failure:?} {failure:#?}")] {
        assert!(!output.contains("hunter2"), "{output}");
    }
}

#[test]
fn what_is_shown_of_sinks_loads_again() {
    let text = format!(
        "{}{}{}{}",
        mqtt_url(
            "mqtts://[fe80::1]:1",
            "ca_file = \"ca.pem\"\ndiscovery_prefix = \"ha\"\ntimeout = \"2s\"\nlabels = [\"person\"]\n\
             when = [\"Mon-Fri 18:00-07:00\", \"Sat,Mon\"]\ntime_zone = \"America/New_York\"\n"
        ),
        "[[sinks]]\nname = \"t\"\ntype = \"mqtt\"\nurl = \"mqtt://h\"\ndiscovery = false\nbudget = { total = 3 }\n",
        "[[sinks]]\nname = \"c\"\ntype = \"command\"\nprogram = \"./notify\"\ntypes = [\"lookout.digest\"]\n",
        "[[sinks]]\nname = \"f\"\ntype = \"file\"\npath = \"e\"\nkeep = 1\nmax_bytes = \"1MiB\"\ncameras = [\"door\"]\n"
    );
    let folder = folder();
    let settings = load_with(&text, &[], folder.path()).expect("fine");
    let shown = show(&settings);
    assert_eq!(load_with(&shown, &[], folder.path()), Ok(settings), "{shown}");
}
