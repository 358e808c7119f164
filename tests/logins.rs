//! Who is logged in, while the real program comes and goes.

use std::fs;

use lookout::{access::hash_of, settings::Secret};
use serde_json::json;

use crate::support::{
    Config, Lookout,
    http::{Answer, send},
};

const PASSWORD: &str = "correct horse battery";

fn ask(lookout: &Lookout, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    send(lookout.address(), method, "/api/v1/session", headers, body.as_bytes()).expect("an answer")
}

fn site() -> Config {
    let hash = hash_of(&Secret::new(PASSWORD)).expect("a hash");
    let user = format!("[server]\nusers = [{{ name = \"ann\", role = \"viewer\", password_hash = \"{hash}\" }}]\n");
    Config::new().replace("[server]\n", &user)
}

#[test]
fn a_restart_logs_nobody_out_and_nobody_in() {
    let mut lookout = Lookout::start(site().text());
    let typed = json!({ "name": "ann", "password": PASSWORD }).to_string();
    let cookie = ask(&lookout, "POST", &[], &typed).cookie();
    let status = |it: &Lookout| ask(it, "GET", &[("cookie", &cookie)], "").status;
    assert_eq!(status(&lookout), 200);
    let written = |it: &Lookout| fs::read_to_string(it.folder().join("data/logins.json")).unwrap_or_default();
    lookout.wait("the login is written down", |it| written(it).contains("ann"));
    let id = cookie.split_once('=').expect("name and value").1;
    assert!(!written(&lookout).contains(id), "what lies on disk lets nobody in");

    lookout.kill();
    lookout.run();
    assert_eq!(status(&lookout), 200, "after a crash");
    assert_eq!(ask(&lookout, "DELETE", &[("cookie", &cookie), ("sec-fetch-site", "same-origin")], "").status, 204);
    lookout.terminate();
    lookout.run();
    assert_eq!(status(&lookout), 401, "who had logged out stays out");
}

#[test]
fn a_damaged_file_of_logins_costs_no_start() {
    let mut lookout = Lookout::prepare(site().text());
    fs::create_dir(lookout.folder().join("data")).expect("a folder");
    fs::write(lookout.folder().join("data/logins.json"), "{\"written\":").expect("written");
    lookout.run();
    assert!(lookout.log().contains("nobody stays logged in"), "{}", lookout.log());
    let typed = json!({ "name": "ann", "password": PASSWORD }).to_string();
    let cookie = ask(&lookout, "POST", &[], &typed).cookie();
    assert_eq!(ask(&lookout, "GET", &[("cookie", &cookie)], "").status, 200);
}
