//! Invariant 13: a secret reaches no log, status, metric, event or error text, and nothing that is stored.

use std::{fs, path::Path, process::Command};

use lookout::simulate::{Credentials, Mount, Scheme};

use crate::support::{
    Cameras, Config, Lookout, Receiver,
    cameras::blinking,
    program::{program, text},
    receiver::SECRET,
};

const PASSWORD: &str = "pa55-w0rd-of-the-door";
const QUERY_TOKEN: &str = "query-t0ken-of-the-hook";
const API_TOKEN: &str = "api-t0ken-of-the-server";
/// Its password is nobody's.
const PASSWORD_HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$pn5M9XmnYGw6oK6mbnRA2gT7DuZeLBbCB5BBsLmuykE";
const HEADER: &str = "header-t0ken-of-the-hook";
const BROKER_PASSWORD: &str = "pa55-w0rd-of-the-broker";
const STORE_KEY: &str = "s3cret-key-of-the-store";

/// Somebody who may log in.
fn user() -> String {
    format!("users = [{{ name = \"ann\", role = \"viewer\", password_hash = \"{PASSWORD_HASH}\" }}]")
}

/// Ways out that carry secrets; nobody is there to take them.
fn ways_out() -> String {
    format!(
        "headers = {{ \"x-key\" = \"{HEADER}\" }}\n\
         [[sinks]]\nname = \"broker\"\ntype = \"mqtt\"\nurl = \"mqtt://lookout:{BROKER_PASSWORD}@127.0.0.1:1\"\n\
         [snapshots]\nstore = \"s3://evidence\"\nendpoint = \"http://127.0.0.1:1\"\nallow_http = true\n\
         access_key_id = \"lookout\"\nsecret_access_key = \"{STORE_KEY}\"\ndeadline = \"1s\"\n"
    )
}

#[test]
fn invariant_13_no_secret_is_printed_served_or_stored() {
    let who =
        Credentials { user: "admin".into(), password: lookout::settings::Secret::new(PASSWORD), scheme: Scheme::Basic };
    let clip = blinking(&[(1, true), (2, false)], 10);
    let cameras = Cameras::start(vec![Mount { credentials: Some(who), ..Mount::new("door", clip) }]);
    let receiver = Receiver::verifying(SECRET);
    let mut failing = Receiver::start();
    failing.go_down();
    let (url, wrong) = (cameras.url("door"), cameras.url("door"));
    let config = Config::new()
        .camera("door", &url.replace("rtsp://", &format!("rtsp://admin:{PASSWORD}@")))
        .camera_with("wrong", &wrong, &format!("username = \"admin\"\npassword = \"{PASSWORD}-wrong\"\n"))
        .camera("unreachable", &format!("rtsp://admin:{PASSWORD}@127.0.0.1:1/x?password={PASSWORD}"))
        .sink("hook", &receiver)
        .sink("failing", &failing)
        .replace("/hook", &format!("/hook?token={QUERY_TOKEN}"))
        .replace("[server]\n", &format!("[server]\ntokens = [\"{API_TOKEN}\"]\n{}\n", user()));
    // Everything is said that can be said.
    let text = config.text().to_owned() + &ways_out();
    let mut lookout = Lookout::prepare(&text).with_environment("LOOKOUT_LOG", "trace");
    lookout.spawn();
    let ready = |it: &Lookout| it.try_get("/readyz").is_some_and(|a| a.status == 200);
    lookout.wait("readiness", ready);
    let is_visit = |event: serde_json::Value| event["type"] == "lookout.visit.started";
    lookout.wait("a visit", |_| receiver.received().iter().any(|r| is_visit(r.json())));

    let authorization = format!("Bearer {API_TOKEN}");
    let ask = |method: &str, path: &str, headers: &[(&str, &str)]| {
        let answer = crate::support::http::request(lookout.address(), method, path, headers).expect("it answers");
        (answer.status, format!("{}\n{}", answer.headers, answer.text()))
    };
    let mut seen = String::new();
    for path in
        ["/", "/metrics", "/api/v1/status", "/api/v1/cameras", "/api/v1/cameras/wrong", "/api/v1/events", "/nothing"]
    {
        let (status, text) = ask("GET", path, &[("authorization", &authorization)]);
        assert!(status == 200 || path == "/nothing", "{path}: {status} {text}");
        seen += &text;
        assert_eq!(ask("GET", path, &[]).0, 401, "{path} without a token");
        assert_eq!(
            ask("GET", path, &[("authorization", "Bearer another-token-0000")]).0,
            401,
            "{path} with a wrong one"
        );
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(ask("GET", path, &[]).0, 200, "{path} is for machines without a token");
    }
    assert_eq!(ask("POST", "/api/v1/reload", &[]).0, 401);
    lookout.write_config(&text.replace("[visits]", "[visitors]\n"));
    seen += &ask("POST", "/api/v1/reload", &[("authorization", &authorization)]).1;
    for received in receiver.received() {
        seen += &String::from_utf8_lossy(&received.body);
    }
    seen += &run(program(), &["check", "--config"], &lookout.config());
    lookout.write_config(&text);
    seen += &run(program(), &["check", "--config"], &lookout.config());
    let mut probe = program();
    probe.env("LOOKOUT_PASSWORD", format!("{PASSWORD}-wrong")).env("LOOKOUT_LOG", "trace");
    seen += &run(probe, &["probe", "--username", "admin"], Path::new(&wrong));
    assert!(seen.contains("unauthorized") && seen.contains("***"), "what is searched is really there");
    lookout.terminate();
    seen += &lookout.log();
    assert!(seen.contains("retry_in_s"), "the log is there");
    seen += &stored(&lookout.folder().join("data"));
    assert!(seen.contains("visit.started"), "the database is there");

    let whole_key = SECRET.trim_start_matches("whsec_");
    // "admin:password" as basic authentication sends it.
    let basic = "YWRtaW46cGE1NS13MHJkLW9mLXRoZS1kb29y";
    let hash = PASSWORD_HASH.rsplit('$').next().expect("its last part");
    for secret in [PASSWORD, QUERY_TOKEN, API_TOKEN, hash, HEADER, BROKER_PASSWORD, STORE_KEY, whole_key, basic] {
        let at = seen.find(secret);
        let context = at.map(|at| seen[at.saturating_sub(200)..].chars().take(300).collect::<String>());
        assert!(at.is_none(), "{secret} leaks: {context:?}");
    }
}

fn run(mut command: Command, args: &[&str], last: &Path) -> String {
    let output = command.args(args).arg(last).output().expect("it runs");
    [text(&output.stdout), text(&output.stderr)].join("\n")
}

/// Every file below the folder.
fn stored(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let content = |path: std::path::PathBuf| match path.is_dir() {
        true => stored(&path),
        false => String::from_utf8_lossy(&fs::read(path).expect("it can be read")).into_owned(),
    };
    entries.map(content).collect()
}
