//! What is said of files that are wrong as a whole, or in very many places.

use super::*;

#[test]
fn what_cannot_be_meant_is_named() {
    each_is_named([
        (detector("[camera]\nid = \"a\""), "camera: ", "did you mean \"cameras\"?"),
        (detector("[zzz]"), "zzz: ", "known here: server, storage"),
        (detector("[\"cameras[99999999]\"]"), "\"cameras[99999999]\": ", "unknown key"),
        ("detector.model = \"m.onnx\"\n[cameras]\nid = \"a\"".to_owned(), "cameras: ", "[[...]]"),
        ("detector.model = \"m.onnx\"\nserver = 3".to_owned(), "server: ", "expected a table"),
        ("detector.model = \"m.onnx\"\ncameras = [\"rtsp://h/\"]".to_owned(), "cameras[0]: ", "expected a table"),
        (camera("name = \"${NONE}\""), "cameras[0].name: ", "NONE is not set"),
        (camera("name = \"${NONE\""), "cameras[0].name: ", "$${"),
    ]);
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
