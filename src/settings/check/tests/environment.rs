//! The environment over the file, and variables in it.

use super::*;
use crate::words::Role;

#[test]
fn the_environment_lies_over_the_file() {
    let folder = folder();
    let text = detector("labels = [\"cat\"]\nmin_score = 0.1");
    let settings = load_with(
        &text,
        &[
            ("LOOKOUT__SERVER__BIND", "0.0.0.0:81"),
            ("LOOKOUT__SERVER__TOKENS", "12345678901234567,abcdefghijklmnop"),
            ("LOOKOUT__SERVER__HOSTS", "A.lan, b.lan"),
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
    let token = |n: usize, token: &str| Token {
        name: format!("token {n}").into(),
        role: Role::Admin,
        token: Secret::new(token),
    };
    let tokens = vec![token(1, "12345678901234567"), token(2, "abcdefghijklmnop")];
    assert_eq!(settings.server.auth, Auth::Known { tokens, users: Vec::new() });
    assert_eq!(settings.server.hosts, ["a.lan".into(), "b.lan".into()]);
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
        ("LOOKOUT__SERVER__USERS", "hunter2", "environment.LOOKOUT__SERVER__USERS: lists of tables"),
        ("LOOKOUT__SERVER__TOKENS__0__ROLE", "x", "environment.LOOKOUT__SERVER__TOKENS__0__ROLE: lists of tables"),
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
fn programs_do_not_inherit_the_variables_that_the_file_names() {
    let text = with(
        "",
        "path = \"${HOME}/data\"",
        "",
        "",
        "id = \"door\"\nurl = \"rtsp://10.0.0.7/x\"\nusername = \"u\"\npassword = \"${DOOR}-${DOOR}\"\nname = \"$${NOBODY}\"",
        "name = \"s\"\ntype = \"command\"\nprogram = \"./notify\"\narguments = [\"${ALARM}\"]",
    );
    let variables = [("HOME", "/h"), ("DOOR", "hunter2"), ("ALARM", "x"), ("UNNAMED", "x")];
    let settings = load_with(&text, &variables, folder().path()).expect("fine");
    let Way::Command(command) = &settings.sinks[0].way else { panic!("a command") };
    assert_eq!(*command.withheld, ["ALARM", "DOOR"]);
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
