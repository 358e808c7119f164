//! What is shown: no secret, and nothing that would not load again.

use super::*;

#[test]
fn invariant_13_no_secret_in_any_output() {
    let secrets = ["hunter2", "sesame-open", "t0ken-of-the-hook", "QUJDQUJD", "0123456789abcdef", "pn5M9XmnYGw6"];
    let text = "[server]\ntokens = [\"0123456789abcdef\"]\n\
        users = [{ name = \"ann\", role = \"admin\", password_hash = \"$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$pn5M9XmnYGw6oK6mbnRA2gT7DuZeLBbCB5BBsLmuykE\" }]\n\
        [detector]\nmodel = \"m.onnx\"\n\
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
