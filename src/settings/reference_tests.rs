//! The files in `config/` are what users start from: each one loads, and the reference says the truth.

use std::{ffi::OsString, fs, path::Path, thread, time::Duration};

use super::{problems::Problems, tree::Value, *};

const KEY: &str = "whsec_QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD";

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
    fs::read_to_string(&path).expect("the file is part of the project")
}

fn load_text(text: &str) -> Settings {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("secrets")).expect("a folder");
    for (name, content) in [
        ("secrets/tokens", "0123456789abcdef"),
        ("secrets/yard", "p"),
        ("secrets/automation", KEY),
        ("secrets/minio", "m"),
    ] {
        fs::write(folder.path().join(name), content).expect("written");
    }
    let environment = [
        ("DOOR_PASSWORD", "a"),
        ("GARDEN_PASSWORD", "b"),
        ("CAMERA_PASSWORD", "c"),
        ("PHONE_HOOK", "d"),
        ("PHONE_SECRET", KEY),
        ("CONTROL_SECRET", KEY),
        ("SLACK_HOOK", "e"),
        ("TELEGRAM_TOKEN", "f"),
        ("TELEGRAM_CHAT", "-1001"),
        ("DINGTALK_TOKEN", "g"),
        ("WECOM_KEY", "h"),
        ("BROKER_PASSWORD", "i"),
        ("MINIO_KEY_ID", "j"),
    ]
    .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let mut settings =
        load_from(text, environment, folder.path()).map_err(|error| panic!("{error}")).expect("it loads");
    // Each test has a folder of its own.
    let within = |path: &Path| path.strip_prefix(folder.path()).unwrap_or(path).to_owned();
    settings.storage.path = within(&settings.storage.path);
    if let Some(Snapshots { store: ObjectStore::Folder { path, .. }, .. }) = &mut settings.snapshots {
        *path = within(path);
    }
    settings
}

/// Its `# key = value` lines, in force.
fn uncommented(reference: &str) -> (String, usize) {
    let is_key = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let mut count = 0;
    let mut line = |line: &str| {
        let default = line.strip_prefix("# ").filter(|rest| rest.split_once(" = ").is_some_and(|(key, _)| is_key(key)));
        count += usize::from(default.is_some());
        format!("{}\n", default.unwrap_or(line))
    };
    let text = reference.lines().map(&mut line).collect();
    (text, count)
}

#[test]
fn the_reference_shows_the_defaults() {
    let reference = file("lookout.toml");
    let defaults = load_text(
        "cameras = [{ id = \"door\", url = \"rtsp://192.0.2.10/stream1\" }]\n\
         sinks = [{ name = \"alarm\", type = \"webhook\", url = \"https://alarm.example/lookout\" }]\n",
    );
    let (in_force, count) = uncommented(&reference);
    assert_eq!(count, 55, "each default is a line of its own");
    assert_eq!(load_text(&reference), defaults);
    assert_eq!(load_text(&in_force), defaults);
}

#[test]
fn the_defaults_are_the_promised_ones() {
    let settings = load_text(&file("lookout.toml"));
    let seconds = Duration::from_secs;
    assert_eq!(settings.server.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.server.auth, Auth::Open);
    assert!(settings.server.hosts.is_empty() && settings.server.proxies.is_empty());
    assert!(settings.server.cors.is_empty());
    assert_eq!(settings.storage.path, Path::new("data"));
    assert_eq!(settings.storage.keep, seconds(30 * 86_400));
    assert_eq!(settings.storage.max_bytes, 512 << 20);
    let detector = &settings.detector;
    assert_eq!(detector.labels, ["person".into()]);
    assert_eq!(detector.model, ModelSource::Embedded);
    assert_eq!((detector.min_score, detector.max_overlap), (None, 0.5));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    assert_eq!(detector.workers, cores);
    let camera = &settings.cameras[0];
    assert_eq!((&*camera.name, camera.transport), ("door", Transport::Tcp));
    assert_eq!(camera.every, seconds(1));
    assert_eq!((camera.connect_timeout, camera.stall_timeout), (seconds(10), seconds(10)));
    assert_eq!(camera.key_frame_timeout, seconds(30));
    assert_eq!((camera.max_retries, camera.enabled), (0, true));
    assert_eq!((camera.sound, &camera.relay), (true, &None));
    let visits = &camera.visits;
    assert_eq!((visits.hits, visits.window), (2, 3));
    assert_eq!((visits.quiet, visits.blind, visits.down_after), (seconds(10), seconds(60), seconds(30)));
    assert_eq!((visits.cooldown, visits.stationary), (Duration::ZERO, seconds(120)));
    assert_eq!(camera.evidence, Evidence { frames: 1, every: Duration::from_millis(200) });
    let sink = &settings.sinks[0];
    let Way::Webhook(webhook) = &sink.way else {
        panic!("the reference shows a webhook");
    };
    assert_eq!((webhook.timeout, &webhook.secret), (seconds(10), &None));
    assert_eq!((&webhook.headers, &webhook.template), (&Vec::new(), &None));
    assert_eq!((&sink.filter, sink.budget), (&Filter::default(), Some(Budget { per_camera: 30, total: 300 })));
    let expected = Snapshots {
        store: ObjectStore::Folder { path: "data/snapshots".into(), max_bytes: 1 << 30 },
        key: "{camera}/{date}/{event}/{n}.jpg".into(),
        public_url: None,
        quality: 85,
        annotate: false,
        concurrency: 64,
        deadline: seconds(10),
        timeout: seconds(30),
        max_retries: 30,
        spool_bytes: 256 << 20,
    };
    assert_eq!(settings.snapshots, Some(expected));
    assert_eq!(settings.live, Live { max_viewers: 256, max_relays: 5 });
    assert_eq!(settings.control, Control { max_cameras: 1000, networks: Vec::new() });
}

#[test]
fn the_reference_knows_every_key() {
    let reference = file("lookout.toml");
    for (section, table) in [
        ("[server]", vec!["server"]),
        ("[[server.tokens]]", vec!["server", "tokens", ""]),
        ("[[server.users]]", vec!["server", "users", ""]),
        ("[storage]", vec!["storage"]),
        ("[detector]", vec!["detector"]),
        ("[visits]", vec!["visits"]),
        ("[[cameras]]", vec!["cameras", ""]),
        ("[cameras.visits]", vec!["cameras", "", "visits"]),
        ("[cameras.evidence]", vec!["cameras", "", "evidence"]),
        ("[[cameras.zones]]", vec!["cameras", "", "zones", ""]),
        ("[[sinks]]", vec!["sinks", ""]),
        ("[sinks.template]", vec!["sinks", "", "template"]),
        ("[sinks.budget]", vec!["sinks", "", "budget"]),
        ("[snapshots]", vec!["snapshots"]),
        ("[live]", vec!["live"]),
        ("[control]", vec!["control"]),
    ] {
        let known = keys_of(&table);
        assert!(!known.is_empty());
        let header = format!("\n{section}\n");
        let examples = ["[[server.tokens]]", "[[server.users]]", "[[cameras.zones]]", "[sinks.template]"];
        let only_an_example = examples.contains(&section);
        let header = if only_an_example { format!("\n# e.g. {section}\n") } else { header };
        let start = reference.find(&header).expect("each section is there") + header.len() - 1;
        let part = &reference[start..];
        let part = &part[..part.find("\n[").unwrap_or(part.len())];
        // Tables of their own have sections of their own.
        let tables: &[&str] = match section {
            "[server]" => &["users"],
            "[[cameras]]" => &["zones", "visits", "evidence"],
            "[[sinks]]" => &["template", "budget"],
            _ => &[],
        };
        for key in known.iter().filter(|key| !tables.contains(&key.as_str())) {
            let lines = [format!("\n{key} = "), format!("\n# {key} = "), format!("\n# e.g. {key} = ")];
            assert!(lines.iter().any(|line| part.contains(line)), "{section} {key}");
        }
    }
}

/// What the table itself says it knows, asked with a key that it cannot know. An empty step is an element of a list.
fn keys_of(table: &[&str]) -> Vec<String> {
    let unknown = Value::Table([("#".to_owned(), Value::Blank)].into());
    let mut tree = table.iter().rev().fold(unknown, |inner, step| match *step {
        "" => Value::List(vec![inner]),
        key => Value::Table([(key.to_owned(), inner)].into()),
    });
    let mut problems = Problems::default();
    shape::read(&mut tree, &mut problems);
    let text = problems.to_string();
    let (_, known) = text.split_once("known here: ").expect("the key is unknown");
    known.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_example_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples");
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder is part of the project")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "dingtalk.toml",
            "home-assistant.toml",
            "home.toml",
            "lan.toml",
            "many-cameras.toml",
            "minio.toml",
            "night.toml",
            "slack.toml",
            "telegram.toml",
            "wecom.toml",
        ]
    );
    let load = |name: &str| load_text(&file(&format!("examples/{name}")));
    let home = load("home.toml");
    assert_eq!((home.cameras.len(), home.cameras[1].zones.len(), home.sinks.len()), (2, 1, 1));
    let many = load("many-cameras.toml");
    assert_eq!(many.cameras.iter().filter(|camera| camera.enabled).count(), 3);
    assert_eq!(many.cameras[2].visits.hits, 2);
    let lan = load("lan.toml");
    assert!(!lan.server.bind.ip().is_loopback());
    assert!(matches!(lan.server.auth, Auth::Known { .. }));
    for (name, condition) in [
        ("slack.toml", None),
        ("telegram.toml", Some("answer.ok")),
        ("dingtalk.toml", Some("answer.errcode == 0")),
        ("wecom.toml", Some("answer.errcode == 0")),
    ] {
        let settings = load(name);
        let Way::Webhook(webhook) = &settings.sinks[0].way else { panic!("{name}") };
        let template = webhook.template.as_ref().expect("a body of its own");
        assert_eq!(template.accepted_if.as_deref(), condition, "{name}");
        assert!(template.body.contains("{{ headline") && !template.body.contains("${"), "{name}");
    }
    let home_assistant = load("home-assistant.toml");
    let Way::Mqtt(mqtt) = &home_assistant.sinks[0].way else { panic!("a broker") };
    assert_eq!((&*mqtt.host, mqtt.discovery.as_deref()), ("homeassistant.local", Some("homeassistant")));
    let minio = load("minio.toml");
    let snapshots = minio.snapshots.expect("there are some");
    assert!(matches!(snapshots.store, ObjectStore::S3 { path_style: true, keys: Some(_), .. }));
    assert_eq!(minio.cameras.iter().map(|camera| camera.evidence.frames).collect::<Vec<_>>(), [10, 1]);
    let night = load("night.toml");
    let when = night.sinks[0].filter.when.as_ref().expect("only at night");
    let covers = |at: &str| when.covers(at.parse().expect("a time"));
    assert!(covers("2026-11-20T20:00:00Z") && !covers("2026-11-20T12:00:00Z"), "Friday evening, Friday noon");
    assert_eq!((night.sinks.len(), night.sinks[2].budget), (3, None));
}
