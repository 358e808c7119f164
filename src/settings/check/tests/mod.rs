//! Each rule red and green, through the front door.

mod sinks;
mod snapshots;

use std::{ffi::OsString, fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::*;

const KEY: &str = "whsec_QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD";

/// A folder with a model and some secrets.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    fs::create_dir(at.join("secrets")).expect("a folder");
    for (name, text) in [
        ("m.onnx", ""),
        ("yolox_nano_416.onnx", ""),
        ("ca.pem", ""),
        ("secrets/yard", "hunter2\n"),
        ("secrets/tokens", "0123456789abcdef\n\nfedcba9876543210\n"),
        ("secrets/automation", KEY),
        ("secrets/short", "hunter2"),
        ("secrets/empty", "\n"),
        ("secrets/google.json", "{ \"private_key\": \"hunter2\" }"),
        ("secrets/azure", "aHVudGVyMg=="),
        ("body.json", "{ \"text\": \"{{ headline }}\" }"),
        ("notify", "#!/bin/sh\n"),
    ] {
        fs::write(at.join(name), text).expect("written");
    }
    fs::set_permissions(at.join("notify"), fs::Permissions::from_mode(0o755)).expect("changed");
    folder
}

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn load_with(text: &str, variables: &[(&str, &str)], folder: &Path) -> Result<Settings, String> {
    load_from(text, environment(variables), folder).map_err(|error| error.to_string())
}

fn load(text: &str) -> Result<Settings, String> {
    let folder = folder();
    load_with(text, &[], folder.path()).map_err(|error| {
        let folder = folder.path().display().to_string();
        error.replace(&folder, "FOLDER")
    })
}

/// Text for a file that is fine but for what the test adds.
fn with(server: &str, storage: &str, detector: &str, visits: &str, camera: &str, sink: &str) -> String {
    let or = |text: &str, default: &str| {
        if text.is_empty() { default.to_owned() } else { text.to_owned() }
    };
    let detector =
        if detector.contains("model") { detector.to_owned() } else { format!("model = \"m.onnx\"\n{detector}") };
    let camera = or(camera, "id = \"door\"\nurl = \"rtsp://10.0.0.7/x\"");
    let sink = or(sink, "name = \"s\"\ntype = \"webhook\"\nurl = \"https://h/x\"");
    format!(
        "[server]\n{server}\n[storage]\n{storage}\n[detector]\n{detector}\n[visits]\n{visits}\n[[cameras]]\n{camera}\n[[sinks]]\n{sink}\n"
    )
}

fn server(text: &str) -> String {
    with(text, "", "", "", "", "")
}

fn storage(text: &str) -> String {
    with("", text, "", "", "", "")
}

fn detector(text: &str) -> String {
    with("", "", text, "", "", "")
}

fn visits(text: &str) -> String {
    with("", "", "", text, "", "")
}

/// A camera's further lines.
fn camera(text: &str) -> String {
    with("", "", "", "", &format!("id = \"door\"\nurl = \"rtsp://10.0.0.7/x\"\n{text}"), "")
}

fn camera_url(url: &str, text: &str) -> String {
    with("", "", "", "", &format!("id = \"door\"\nurl = \"{url}\"\n{text}"), "")
}

fn sink(text: &str) -> String {
    let lines = format!("name = \"s\"\ntype = \"webhook\"\nurl = \"https://h/x\"\n{text}");
    with("", "", "", "", "", &lines)
}

fn zone(polygon: &str) -> String {
    camera(&format!("[[cameras.zones]]\nname = \"z\"\npolygon = {polygon}"))
}

#[test]
fn what_is_right_passes() {
    for text in [
        String::new(),
        "[detector]\nmodel = \"m.onnx\"".to_owned(),
        server("bind = \"[::1]:0\""),
        server("bind = \"0.0.0.0:80\"\ntokens = [\"0123456789abcdef\"]"),
        server("bind = \"0.0.0.0:80\"\ntokens_file = \"secrets/tokens\""),
        server("bind = \"0.0.0.0:80\"\nauth = \"none\""),
        server("auth = \"none\"\ntokens = []"),
        storage("path = \"/x\"\nkeep = \"1h\"\nmax_bytes = \"1MiB\""),
        storage("keep = \"3650d\"\nmax_bytes = \"16TiB\""),
        detector("min_score = 0\nmax_overlap = 1\nworkers = 256\nlabels = [\"person\", \"dog\"]"),
        visits("hits = 100\nwindow = 100\nquiet = \"1s\"\nblind = \"0s\"\ndown_after = \"1d\""),
        camera("every = \"50ms\"\nconnect_timeout = \"1s\"\nstall_timeout = \"5m\"\nkey_frame_timeout = \"5m\""),
        camera("every = \"1h\"\ntransport = \"udp\"\nmax_retries = 4294967295\nenabled = false\nname = \"Tür\""),
        camera("username = \"a\""),
        camera("username = \"a\"\npassword = \"\""),
        camera("username = \"a\"\npassword_file = \"secrets/yard\""),
        camera_url("rtsp://a:b@10.0.0.7/x", "username = \"a\"\npassword = \"b\""),
        camera_url("rtsp://a@10.0.0.7/x", "password = \"b\""),
        camera("visits = { hits = 1 }"),
        zone("[[0, 0], [1, 0], [1.0, 1.0]]"),
        sink("timeout = \"5m\"\nca_file = \"ca.pem\""),
        sink(&format!("secret = \"{KEY}\"")),
        sink("secret_file = \"secrets/automation\""),
    ] {
        if let Err(error) = load(&text) {
            panic!("{error}\nin\n{text}");
        }
    }
}

/// (file, the one line of the report starts so, and holds)
#[test]
fn what_is_wrong_is_named() {
    let two_zones = "[[cameras.zones]]\nname = \"z\"\npolygon = [[0,0],[1,0],[1,1]]\n".repeat(2);
    let two_sinks = sink("[[sinks]]\nname = \"s\"\ntype = \"webhook\"\nurl = \"http://h/\"");
    let two_cameras = camera("[[cameras]]\nid = \"door\"\nurl = \"rtsp://h/\"\nenabled = false");
    let with_sink = |text| with("", "", "", "", "", text);
    let with_camera = |text| with("", "", "", "", text, "");
    for (text, start, holds) in [
        (server("bind = \"localhost:80\""), "server.bind: ", "127.0.0.1:8080"),
        (server("bind = \":80\""), "server.bind: ", "0.0.0.0:8080"),
        (server("bind = 80"), "server.bind: ", "found a whole number"),
        (server("bind = \"0.0.0.0:80\""), "server.bind: ", "auth = \"none\""),
        (server("bind = \"0.0.0.0:80\""), "server.bind: ", "server.tokens"),
        (server("bind = \"[::]:80\"\ntokens = []"), "server.bind: ", "server.tokens"),
        (server("auth = \"basic\""), "server.auth: ", "\"none\""),
        (server("auth = \"none\"\ntokens = [\"0123456789abcdef\"]"), "server.auth: ", "contradicts"),
        (server("tokens = [\"0123456789abcde\"]"), "server.tokens[0]: ", "16 characters"),
        (server("tokens = [\"0123456789 abcdef\"]"), "server.tokens[0]: ", "header"),
        (server("bind = \"0.0.0.0:80\"\ntokens = [3]"), "server.tokens[0]: ", "a text in quotes"),
        (server("bind = \"0.0.0.0:80\"\ntokens_file = \"no\""), "server.tokens_file: ", "FOLDER/no"),
        (server("tokens_file = \"secrets/short\""), "server.tokens_file[0]: ", "16 characters"),
        (server("tokens_file = \"secrets/empty\""), "server.tokens_file: ", "is empty"),
        (server("tokens_file = \"secrets/tokens\"\ntokens = []"), "server.tokens_file: ", "one of the two"),
        (server("bindd = \"x\""), "server.bindd: ", "did you mean \"bind\"?"),
        (storage("path = \"\""), "storage.path: ", "folder"),
        (storage("keep = 30"), "storage.keep: ", "with its unit"),
        (storage("keep = \"30\""), "storage.keep: ", "\"30s\""),
        (storage("keep = \"59m\""), "storage.keep: ", "1h to 3650d"),
        (storage("max_bytes = 512"), "storage.max_bytes: ", "512MiB"),
        (storage("max_bytes = \"512\""), "storage.max_bytes: ", "512MiB"),
        (storage("max_bytes = \"1KiB\""), "storage.max_bytes: ", "1MiB to 16TiB"),
        (detector("model = \"\""), "detector.model: ", "ONNX"),
        (detector("model = \"no.onnx\""), "detector.model: ", "FOLDER/no.onnx"),
        (detector("model = \"embeded\""), "detector.model: ", "is called \"embedded\""),
        (detector("model = \"secrets\""), "detector.model: ", "is no file"),
        (detector("labels = []"), "detector.labels: ", "empty"),
        (detector("labels = [\"a\", \"\"]"), "detector.labels[1]: ", "empty"),
        (detector("labels = [\"a\", \"a\"]"), "detector.labels[1]: ", "detector.labels[0]"),
        (detector("labels = \"person\""), "detector.labels: ", "expected a list"),
        (detector("min_score = 1.01"), "detector.min_score: ", "0 to 1"),
        (detector("min_score = nan"), "detector.min_score: ", "0 to 1"),
        (detector("min_score = \"0.5\""), "detector.min_score: ", "expected a number, found a text"),
        (detector("max_overlap = -0.1"), "detector.max_overlap: ", "0 to 1"),
        (detector("workers = 257"), "detector.workers: ", "256"),
        (detector("workers = -1"), "detector.workers: ", "a whole number from 0 on"),
        (visits("hits = 4"), "visits.hits: ", "4 of the last 3"),
        (visits("hits = 0"), "visits.hits: ", "at least 1"),
        (visits("window = 101"), "visits.window: ", "1 to 100"),
        (visits("window = \"x\""), "visits.window: ", "whole number"),
        (visits("quiet = \"0s\""), "visits.quiet: ", "1s to 1d"),
        (visits("blind = \"2d\""), "visits.blind: ", "0s to 1d"),
        (visits("down_after = \"soon\""), "visits.down_after: ", "no duration"),
        (visits("cooldown = \"2d\""), "visits.cooldown: ", "0s to 1d"),
        (visits("stationary = 10"), "visits.stationary: ", "with its unit"),
        (camera("visits = { cooldown = \"25h\" }"), "cameras[0].visits.cooldown: ", "0s to 1d"),
        (camera("visits = { stationery = \"1m\" }"), "cameras[0].visits.stationery: ", "did you mean \"stationary\"?"),
        (with_camera("url = \"rtsp://h/\""), "cameras[0].id: ", "missing"),
        (with_camera("id = \"a b\"\nurl = \"rtsp://h/\""), "cameras[0].id: ", "letters, digits"),
        (with_camera("id = \"a\""), "cameras[0].url: ", "missing"),
        (two_cameras, "cameras[1].id: ", "is also cameras[0].id"),
        (camera("name = \"\""), "cameras[0].name: ", "empty"),
        (camera_url("rtsps://h/", ""), "cameras[0].url: ", "rtsps (RTSP over TLS) is not supported"),
        (camera_url("http://h/", ""), "cameras[0].url: ", "only rtsp"),
        (camera_url("rtsp:///x", ""), "cameras[0].url: ", "no host"),
        (camera_url("rtsp://a:b@h/", "username = \"c\""), "cameras[0].username: ", "the URL says another"),
        (camera_url("rtsp://a:b@h/", "password = \"c\""), "cameras[0].password: ", "the URL says another"),
        (camera("password = \"c\""), "cameras[0].username: ", "missing"),
        (camera("password = 123456"), "cameras[0].password: ", "in quotes"),
        (camera("username = \"a\"\npassword_file = \"no\""), "cameras[0].password_file: ", "FOLDER/no"),
        (
            camera("username = \"a\"\npassword = \"b\"\npassword_file = \"secrets/yard\""),
            "cameras[0].password_file: ",
            "one of the two",
        ),
        (camera("transport = \"sctp\""), "cameras[0].transport: ", "\"tcp\" or \"udp\""),
        (camera("every = 4"), "cameras[0].every: ", "\"4s\""),
        (camera("every = \"49ms\""), "cameras[0].every: ", "50ms to 1h"),
        (camera("connect_timeout = \"6m\""), "cameras[0].connect_timeout: ", "1s to 5m"),
        (camera("stall_timeout = \"0s\""), "cameras[0].stall_timeout: ", "1s to 5m"),
        (camera("key_frame_timeout = \"6m\""), "cameras[0].key_frame_timeout: ", "1s to 5m"),
        (camera("max_retries = 4294967296"), "cameras[0].max_retries: ", "0 means for ever"),
        (camera("enabled = \"yes\""), "cameras[0].enabled: ", "true or false"),
        (camera("visits = { hits = 4 }"), "cameras[0].visits.hits: ", "4 of the last 3"),
        (camera("visits = { hit = 4 }"), "cameras[0].visits.hit: ", "did you mean \"hits\"?"),
        (camera(&two_zones), "cameras[0].zones[1].name: ", "unique"),
        (camera("[[cameras.zones]]\npolygon = [[0,0],[1,0],[1,1]]"), "cameras[0].zones[0].name: ", "missing"),
        (camera("[[cameras.zones]]\nname = \"z\""), "cameras[0].zones[0].polygon: ", "missing"),
        (zone("[[0, 0], [1, 0]]"), "cameras[0].zones[0].polygon: ", "2 corners"),
        (zone("[[0, 0], [1, 0], [640, 480]]"), "cameras[0].zones[0].polygon[2]: ", "not pixels"),
        (zone("[[0, 0], [1, 0], [1, nan]]"), "cameras[0].zones[0].polygon[2]: ", "0 to 1"),
        (zone("[[0, 0], [0.5, 0.5], [1, 1]]"), "cameras[0].zones[0].polygon: ", "one line"),
        (zone("[[0, 0], [1, 0], [1, 1, 1]]"), "cameras[0].zones[0].polygon[2]: ", "a point [x, y]"),
        (zone("[[0, 0], [1, 0], [1]]"), "cameras[0].zones[0].polygon[2]: ", "a point [x, y]"),
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
        (detector("[camera]\nid = \"a\""), "camera: ", "did you mean \"cameras\"?"),
        (detector("[zzz]"), "zzz: ", "known here: server, storage"),
        (detector("[\"cameras[99999999]\"]"), "\"cameras[99999999]\": ", "unknown key"),
        ("detector.model = \"m.onnx\"\n[cameras]\nid = \"a\"".to_owned(), "cameras: ", "[[...]]"),
        ("detector.model = \"m.onnx\"\nserver = 3".to_owned(), "server: ", "expected a table"),
        ("detector.model = \"m.onnx\"\ncameras = [\"rtsp://h/\"]".to_owned(), "cameras[0]: ", "expected a table"),
        (camera("name = \"${NONE}\""), "cameras[0].name: ", "NONE is not set"),
        (camera("name = \"${NONE\""), "cameras[0].name: ", "$${"),
    ] {
        one_problem(&text, start, holds);
    }
}

/// The report on `text` is one line, which starts so and holds this.
fn one_problem(text: &str, start: &str, holds: &str) {
    let error = load(text).expect_err(text);
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 2, "one problem, no echo: {error}\nin\n{text}");
    assert_eq!(lines[0], "settings: 1 problem");
    assert!(lines[1].starts_with(start), "{error}\nis not {start}");
    assert!(lines[1].contains(holds), "{error}\ndoes not hold {holds}");
}

#[test]
fn all_problems_at_once() {
    let error = load(
        r#"
        sever = 1
        [server]
        bind = "0.0.0.0:80"
        [storage]
        keep = 30
        [detector]
        model = "no.onnx"
        min_score = "high"
        [visits]
        hits = 5
        [[cameras]]
        id = "a"
        url = "rtsps://h/"
        evry = "4s"
        [[cameras]]
        id = "a"
        url = "rtsp://h/"
        password = "${NONE}"
        [[sinks]]
        name = "s"
        type = "mail"
        url = "https://h/"
        "#,
    )
    .expect_err("ten faults");
    let mut paths: Vec<&str> =
        error.lines().skip(1).filter_map(|line| line.split_once(": ")).map(|(path, _)| path).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "cameras[0].evry",
            "cameras[0].url",
            "cameras[1].id",
            "cameras[1].password",
            "detector.min_score",
            "detector.model",
            "server.bind",
            "sever",
            "sinks[0].type",
            "storage.keep",
            "visits.hits",
        ]
    );
    assert!(error.contains("supported: use the camera's rtsp address (camera \"a\")"), "{error}");
}

#[test]
fn very_many_problems_are_bounded() {
    let lines = "[[cameras]]\nurll = 1\nid = 2\n".repeat(500);
    let error = load(&detector(&lines)).expect_err("a thousand faults");
    assert!(error.lines().count() < 60, "{error}");
    assert!(error.ends_with("and at least 150 more"), "{error}");
    let cameras = |count: usize| {
        let one = |n| format!("[[cameras]]\nid = \"c{n}\"\nurl = \"rtsp://h/{n}\"\n");
        format!("detector.model = \"m.onnx\"\n{}", (0..count).map(one).collect::<String>())
    };
    assert_eq!(load(&cameras(1000)).expect("just fits").cameras.len(), 1000);
    let error = load(&cameras(1001)).expect_err("too many");
    assert!(error.contains("\ncameras: 1001 cameras: at most 1000"), "{error}");
}

#[test]
fn a_fault_of_syntax_has_line_and_column() {
    let error = load("[server]\nbind = 127.0.0.1:80\n").expect_err("no quotes");
    assert!(error.starts_with("settings: line 2, column "), "{error}");
    assert!(error.ends_with("\n  2 | bind = 127.0.0.1:80"), "{error}");
    for text in [
        "password = hunter2",
        "password = \"hunter2",
        "x = [\n\"a\",\nhunter2]",
        "a = 1\na = \"hunter2\"",
        "url = 'rtsp://a:hunter2@h/\n",
        "a = 99999999999999999999 # hunter2",
        "\"hunter2\" = 1\n\"hunter2\" = 2",
    ] {
        let error = load(text).expect_err(text);
        assert!(error.contains("line "), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_environment_lies_over_the_file() {
    let folder = folder();
    let text = detector("labels = [\"cat\"]\nmin_score = 0.1");
    let settings = load_with(
        &text,
        &[
            ("LOOKOUT__SERVER__BIND", "0.0.0.0:81"),
            ("LOOKOUT__SERVER__TOKENS", "12345678901234567"),
            ("LOOKOUT__DETECTOR__LABELS", "person, dog"),
            ("LOOKOUT__DETECTOR__MIN_SCORE", "0.7"),
            ("LOOKOUT__DETECTOR__WORKERS", "3"),
            ("LOOKOUT__STORAGE__PATH", "elsewhere"),
            ("LOOKOUT_CONFIG", "not a key"),
        ],
        folder.path(),
    )
    .expect("fine");
    assert_eq!(settings.server.bind.to_string(), "0.0.0.0:81");
    assert_eq!(settings.server.auth, Auth::Tokens(vec![Secret::new("12345678901234567")]));
    assert_eq!(settings.detector.labels, ["person".into(), "dog".into()]);
    assert_eq!((settings.detector.min_score, settings.detector.workers), (Some(0.7), 3));
    assert_eq!(settings.storage.path, folder.path().join("elsewhere"));

    for (name, value, line) in [
        ("LOOKOUT__SERVER__BIN", "x", "server.bin (from LOOKOUT__SERVER__BIN): unknown key; did you mean \"bind\"?"),
        ("LOOKOUT__SERVR__BIND", "x", "servr (from LOOKOUT__SERVR__BIND): unknown key; did you mean \"server\"?"),
        ("LOOKOUT__VISITS__HITS", "hunter2", "visits.hits (from LOOKOUT__VISITS__HITS): expected a whole number"),
        ("LOOKOUT__SERVER__TOKENS", "hunter2", "server.tokens[0]: shorter"),
        ("LOOKOUT__SERVER", "hunter2", "server (from LOOKOUT__SERVER): expected a table"),
        ("LOOKOUT__CAMERAS__0__URL", "hunter2", "environment.LOOKOUT__CAMERAS__0__URL: lists of tables"),
        ("LOOKOUT__server__bind", "hunter2", "environment.LOOKOUT__server__bind: not the name"),
        ("LOOKOUT__SERVER__", "hunter2", "environment.LOOKOUT__SERVER__: not the name"),
        ("LOOKOUT__A[9999999999]", "hunter2", "environment.\"LOOKOUT__A[9999999999]\": not the name"),
    ] {
        let error = load_with(&text, &[(name, value)], folder.path()).expect_err(name);
        assert!(error.lines().any(|found| found.starts_with(line)), "{error}\nhas no\n{line}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_model_is_the_embedded_one_or_a_file() {
    let folder = folder();
    fs::write(folder.path().join("embedded"), "").expect("written");
    let model = |text: &str| load_with(text, &[], folder.path()).expect(text).detector.model;
    let file = |name: &str| ModelSource::File(folder.path().join(name));
    assert_eq!(model(""), ModelSource::Embedded);
    assert_eq!(model("detector.model = \"embedded\""), ModelSource::Embedded);
    assert_eq!(model("detector.model = \"./embedded\""), file("./embedded"));
    assert_eq!(model("detector.model = \"m.onnx\""), file("m.onnx"));
}

#[test]
fn variables_take_the_type_that_their_key_wants() {
    let folder = folder();
    let text = camera("enabled = \"${ON}\"\nmax_retries = \"${N}\"\nusername = \"u\"\npassword = \"${N}\"");
    let settings = load_with(&text, &[("ON", "false"), ("N", "7")], folder.path()).expect("fine");
    let camera = &settings.cameras[0];
    assert_eq!((camera.enabled, camera.max_retries), (false, 7));
    let password = camera.credentials.as_ref().map(|c| c.password.expose());
    assert_eq!(password, Some("7"));
}

#[test]
fn a_camera_has_the_common_visit_rules_but_for_its_own() {
    let text = format!(
        "{}\n[[cameras]]\nid = \"b\"\nurl = \"rtsp://h/\"\nvisits = {{ quiet = \"1m\", stationary = \"0s\" }}",
        visits("hits = 3\nwindow = 4\nquiet = \"20s\"\ncooldown = \"30s\"")
    );
    let settings = load(&text).expect("fine");
    let rules = |n: usize| {
        let rules = &settings.cameras[n].visits;
        (rules.hits, rules.quiet.as_secs(), rules.cooldown.as_secs(), rules.stationary.as_secs())
    };
    assert_eq!(rules(0), (3, 20, 30, 120));
    assert_eq!(rules(1), (3, 60, 30, 0));
}

#[test]
fn invariant_13_no_secret_in_any_output() {
    let secrets = ["hunter2", "sesame-open", "t0ken-of-the-hook", "QUJDQUJD", "0123456789abcdef"];
    let text = "[server]\ntokens = [\"0123456789abcdef\"]\n[detector]\nmodel = \"m.onnx\"\n\
        [[cameras]]\nid = \"a\"\nurl = \"rtsp://u:hunter2@h/\"\n\
        [[cameras]]\nid = \"b\"\nurl = \"rtsp://h/?password=sesame-open\"\nusername = \"u\"\npassword = \"hunter2\"\n\
        [[cameras]]\nid = \"c\"\nurl = \"rtsp://h/\"\nusername = \"u\"\npassword_file = \"secrets/yard\"\n\
        [[sinks]]\nname = \"s\"\ntype = \"webhook\"\nurl = \"https://u:hunter2@h/t0ken-of-the-hook\"\n";
    let text = format!("{text}secret = \"{KEY}\"\n");
    let settings = load(&text).expect("fine");
    let password = |n: usize| {
        let credentials = settings.cameras[n].credentials.as_ref();
        credentials.map(|known| known.password.expose())
    };
    assert_eq!([password(0), password(1), password(2)], [Some("hunter2"); 3]);
    // The same with a fault in each camera and sink, so that the report speaks of them.
    let faulty = text
        .replace("rtsp://", "rtsps://")
        .replace("https://", "ftp://")
        .replace("whsec_", "whsec-")
        .replace("username", "usrname");
    let failure = load_from(&faulty, [], folder().path()).expect_err("faults");
    assert!(failure.to_string().lines().count() > 6, "{failure}");
    for output in
        [format!("{settings:?} {settings:#?}"), show(&settings), format!("{failure} {failure:?} {failure:#?}")]
    {
        for secret in secrets {
            assert!(!output.contains(secret), "{secret} in {output}");
        }
    }
}

#[test]
fn what_is_shown_loads_again() {
    let text = format!(
        "{}\n[[cameras.zones]]\nname = \"z\"\npolygon = [[0.1, 0.2], [0.9, 0.3], [0.5, 1]]",
        with(
            "bind = \"0.0.0.0:1\"\nauth = \"none\"",
            "keep = \"90m\"",
            "min_score = 0.33\nworkers = 2",
            "hits = 1",
            "id = \"a\"\nurl = \"rtsp://h:8554/x?y=1\"\nevery = \"1500ms\"\nvisits = { blind = \"0s\" }",
            "",
        )
        .replace("[[sinks]]\nname = \"s\"\ntype = \"webhook\"\nurl = \"https://h/x\"\n", "")
    );
    let folder = folder();
    let settings = load_with(&text, &[], folder.path()).expect("fine");
    let again = load_with(&show(&settings), &[], folder.path());
    assert_eq!(again, Ok(settings));
}

proptest! {
    #[test]
    fn any_small_file_is_answered(
        lines in prop::collection::vec(
            prop_oneof![
                "\\[{1,2}(server|storage|detector|visits|cameras|cameras\\.zones|cameras\\.visits|cameras\\.evidence|sinks|sinks\\.template|sinks\\.budget|sinks\\.headers|snapshots|x)\\]{1,2}",
                "(bind|tokens|auth|keep|max_bytes|model|labels|min_score|workers|hits|window|quiet|id|name|url|username|password|every|polygon|type|secret|password_file|visits|zones|cameras|types|when|time_zone|program|path|body|accepted_if|topic_prefix|total|store|endpoint|key|frames|account|region|access_key) = (\"[^\"\\\\\n\r]{0,12}\"|\"(rtsp|mqtt|s3|gs|az|file|http|https)://[a-z:@/%0-9#?]{0,16}\"|\"(webhook|mqtt|command|file)\"|\"\\$\\{[A-Z]{0,3}\\}\"|-?[0-9]{1,20}|[0-9]\\.[0-9]e[0-9]{1,3}|true|\\[\\]|\\[1, \"x\", \\[2\\]\\]|\\{ hits = 1 \\}|1979-05-27|nan)",
                ".{0,20}",
            ],
            0..12,
        ),
        variable in "LOOKOUT__[A-Z_]{0,12}",
    ) {
        let folder = Path::new("/nowhere");
        let environment = environment(&[(variable.as_str(), "1,x"), ("A", "x")]);
        if let Err(error) = load_from(&lines.join("\n"), environment, folder) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
