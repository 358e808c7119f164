//! Cameras that come and go while the real program runs.

use lookout::simulate::{Fault, Mount};
use serde_json::{Value, json};

use crate::support::{
    Cameras, Config, Lookout,
    cameras::{blinking, dark},
    http::{Answer, send},
    program,
};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn ask(lookout: &Lookout, method: &str, path: &str, body: &Value) -> Answer {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    send(lookout.address(), method, path, &[("content-type", "application/json")], text.as_bytes()).expect("an answer")
}

fn order(lookout: &Lookout, path: &str) -> Answer {
    ask(lookout, "POST", path, &Value::Null)
}

fn form(lookout: &Lookout, path: &str, fields: &str) -> Answer {
    send(lookout.address(), "POST", path, &[FORM], fields.as_bytes()).expect("an answer")
}

fn ids(lookout: &Lookout) -> Vec<String> {
    let list = lookout.get("/api/v1/cameras").json();
    list.as_array().expect("a list").iter().map(|c| c["id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_camera_that_is_added_is_watched_changed_and_there_after_a_restart() {
    let cameras = Cameras::start(vec![Mount::new("door", dark()), Mount::new("yard", dark())]);
    let mut lookout = Lookout::start(Config::new().camera("door", &cameras.url("door")).text());
    let yard = json!({ "id": "yard", "url": cameras.url("yard"), "every": "200ms" });
    let added = ask(&lookout, "POST", "/api/v1/cameras", &yard);
    assert_eq!(added.status, 201, "{}", added.text());
    assert!(added.headers.contains("location: /api/v1/cameras/yard"), "{}", added.headers);
    lookout.wait_for_state("yard", "streaming");
    assert_eq!(ask(&lookout, "POST", "/api/v1/cameras", &yard).status, 200, "the same again");
    assert_eq!(
        (&lookout.camera("yard")["origin"], &lookout.camera("door")["origin"]),
        (&"added".into(), &"file".into())
    );
    let other = json!({ "id": "yard", "url": cameras.url("door") });
    assert_eq!(ask(&lookout, "POST", "/api/v1/cameras", &other).status, 409);

    let renamed = ask(&lookout, "PATCH", "/api/v1/cameras/yard", &json!({ "name": "The yard" }));
    assert_eq!((renamed.status, &renamed.json()["name"]), (200, &"The yard".into()));
    assert_eq!(lookout.camera("yard")["lives"], 1, "a name needs no new connection");
    assert_eq!(order(&lookout, "/api/v1/cameras/yard/stop").status, 200);
    lookout.wait_for_state("yard", "stopped");

    lookout.kill();
    lookout.run();
    assert_eq!(ids(&lookout), ["door", "yard"]);
    assert_eq!(
        (&lookout.camera("yard")["state"], &lookout.camera("yard")["name"]),
        (&"stopped".into(), &"The yard".into())
    );
    assert_eq!(order(&lookout, "/api/v1/cameras/yard/start").status, 200);
    lookout.wait_for_state("yard", "streaming");
    let lives = |it: &Lookout| it.camera("yard")["lives"].as_u64();
    let before = lives(&lookout);
    assert_eq!(order(&lookout, "/api/v1/cameras/yard/restart").status, 200);
    lookout.wait("another life", |it| lives(it) > before && it.camera("yard")["state"] == "streaming");

    // A reload of the file leaves alone what was added.
    assert_eq!(lookout.post("/api/v1/reload").status, 200);
    assert_eq!(ids(&lookout), ["door", "yard"]);
    assert_eq!(ask(&lookout, "DELETE", "/api/v1/cameras/yard", &Value::Null).status, 204);
    lookout.wait("its leave", |it| ids(it) == ["door"]);
    assert_eq!(ask(&lookout, "DELETE", "/api/v1/cameras/yard", &Value::Null).status, 404);
    assert_eq!(ask(&lookout, "DELETE", "/api/v1/cameras/door", &Value::Null).status, 409, "it stands in the file");
    assert_eq!(order(&lookout, "/api/v1/cameras/stop").status, 204);
    lookout.wait_for_state("door", "stopped");
}

#[test]
fn every_field_that_is_wrong_is_named() {
    let lookout = Lookout::start(&format!("{}[control]\nnetworks = [\"127.0.0.0/8\"]\n", Config::new().text()));
    let wrong = json!({ "id": "a b", "url": "rtsp://127.0.0.1/x", "every": "never", "zoness": [] });
    let answer = ask(&lookout, "POST", "/api/v1/cameras", &wrong);
    assert_eq!(answer.status, 422, "{}", answer.text());
    let errors = answer.json()["errors"].clone();
    let fields: Vec<&str> = errors.as_array().expect("a list").iter().filter_map(|e| e["field"].as_str()).collect();
    assert!(["id", "every", "zoness"].iter().all(|field| fields.contains(field)), "{fields:?}");
    let outside = ask(&lookout, "PUT", "/api/v1/cameras/x", &json!({ "url": "rtsp://10.0.0.1/x" }));
    assert_eq!((outside.status, &outside.json()["errors"][0]["field"]), (422, &"url".into()));
    assert_eq!(ask(&lookout, "PATCH", "/api/v1/cameras/x", &json!({})).status, 404);
    let none =
        send(lookout.address(), "POST", "/api/v1/cameras", &[], b"{ \"password\": \"s3cret\"").expect("an answer");
    assert!(none.status == 400 && !none.text().contains("s3cret"), "{}", none.text());
    assert_eq!(ids(&lookout), Vec::<String>::new());
}

#[test]
fn a_camera_can_be_looked_at_before_it_is_added() {
    let good = Mount::new("good", blinking(&[(2, true)], 10));
    let bad = Mount { fault: Some(Fault::NotFound), ..Mount::new("bad", dark()) };
    let cameras = Cameras::start(vec![good, bad]);
    let lookout = Lookout::start(Config::new().text());
    let seen = ask(&lookout, "POST", "/api/v1/probe", &json!({ "url": cameras.url("good") }));
    assert_eq!(seen.status, 200, "{}", seen.text());
    let seen = seen.json();
    assert_eq!((&seen["width"], &seen["height"], &seen["b_frames"]), (&64.into(), &48.into(), &false.into()));
    assert!(seen["jpeg"].as_str().is_some_and(|jpeg| jpeg.starts_with("/9j/")), "a JPEG in base64");
    let fault = ask(&lookout, "POST", "/api/v1/probe", &json!({ "url": cameras.url("bad") }));
    assert!(fault.status == 502 && fault.text().contains("not_found"), "{}", fault.text());
    let wrong = ask(&lookout, "POST", "/api/v1/probe", &json!({ "url": "http://camera/" }));
    assert_eq!((wrong.status, &wrong.json()["errors"][0]["field"]), (422, &"url".into()));
    assert_eq!(ids(&lookout), Vec::<String>::new(), "nothing was added");
}

#[test]
fn front_ends_of_home_made_stream_services_go_on_working() {
    let cameras = Cameras::start(vec![Mount::new("one", dark()), Mount::new("two", dark())]);
    let lookout = Lookout::start(Config::new().text());
    let fields = format!("id=7&ip={}", cameras.url("one").replace(':', "%3A").replace('/', "%2F"));
    let playing = form(&lookout, "/play_camera", &fields);
    assert_eq!(playing.status, 200, "{}", playing.text());
    let address = playing.json()["flv_data"].as_str().expect("an address").to_owned();
    assert_eq!(address, format!("http://{}/live/7.flv", lookout.address()));
    lookout.wait_for_state("7", "streaming");
    let again = form(&lookout, "/play_camera", &fields).json();
    assert_eq!((&again["flv_data"], &again["msg"]), (&address.into(), &"playing".into()), "the one that runs");
    assert_eq!(lookout.camera("7")["lives"], 1);
    // The same name at another address: it is watched there.
    let moved = fields.replace("one", "two");
    assert_eq!(form(&lookout, "/play_camera", &moved).status, 200);
    lookout.wait("its new address", |it| {
        let camera = it.camera("7");
        camera["url"].as_str().is_some_and(|url| url.ends_with("/two"))
            && camera["lives"] == 2
            && camera["state"] == "streaming"
    });
    assert_eq!(form(&lookout, "/stop_camera", "id=7").status, 200);
    lookout.wait_for_state("7", "stopped");
    assert_eq!(form(&lookout, "/play_camera", &fields).status, 200);
    lookout.wait_for_state("7", "streaming");
    assert_eq!(form(&lookout, "/stop_all_camera", "").status, 200);
    lookout.wait_for_state("7", "stopped");
    assert_eq!(form(&lookout, "/stop_camera", "id=8").status, 404);
    assert_eq!(form(&lookout, "/play_camera", "id=8").status, 400);
    let bare = form(&lookout, "/play_camera", "id=8&ip=127.0.0.1");
    let told = bare.json();
    assert_eq!((bare.status, &told["code"], &told["errors"][0]["field"]), (422, &422.into(), &"ip".into()));
    assert!(told["msg"].as_str().is_some_and(|msg| msg.starts_with("ip: ") && msg.contains("rtsp://HOST")), "{told}");
}

#[test]
fn what_was_added_and_cannot_be_read_any_more_is_found_before_the_start() {
    let cameras = Cameras::start(vec![Mount::new("yard", dark())]);
    let mut lookout = Lookout::start(Config::new().text());
    let yard = json!({ "id": "yard", "url": cameras.url("yard") });
    assert_eq!(ask(&lookout, "POST", "/api/v1/cameras", &yard).status, 201);
    lookout.kill();
    let config = lookout.config();
    let check = || program::lookout(["check".as_ref(), "--config".as_ref(), config.as_os_str()]);
    assert!(check().status.success(), "{}", program::text(&check().stderr));
    std::fs::remove_file(lookout.folder().join("data/cameras.key")).expect("it is there");
    let checked = check();
    let said = program::text(&checked.stderr);
    assert!(checked.status.code() == Some(2) && said.contains("camera \"yard\""), "{said}");
}
