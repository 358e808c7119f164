//! Pictures of events on the real process: stored in a real S3 server, told with the event, never in its way, never lost.

use std::{collections::BTreeMap, time::Duration};

use lookout::simulate::Mount;
use serde_json::Value;

use crate::support::{
    Cameras, Config, Lookout, Receiver,
    cameras::blinking,
    object_store::{BUCKET, Mood, ObjectStore},
    receiver::{Received, SECRET},
};

/// Somebody comes once and stays: one visit.
fn somebody() -> Cameras {
    Cameras::start(vec![Mount::new("door", blinking(&[(2, false), (60, true)], 5))])
}

fn config(cameras: &Cameras, receiver: &Receiver, snapshots: &str, camera: &str) -> String {
    let config = Config::new().camera_with("door", &cameras.url("door"), camera).sink("hook", receiver);
    format!("{}\n{snapshots}", config.text())
}

fn of_kind(received: &[Received], kind: &str) -> Vec<Value> {
    received.iter().map(Received::json).filter(|body| body["type"] == kind).collect()
}

fn urls(event: &Value) -> Vec<String> {
    let frames = event["data"]["snapshot"]["frames"].as_array().cloned().unwrap_or_default();
    frames.iter().map(|frame| frame["url"].as_str().expect("a text").to_owned()).collect()
}

/// Waits until nothing is under way any more: no picture in the spool, then no event on its way to the receiver.
fn wait_for_rest(lookout: &Lookout) {
    let spool = lookout.folder().join("data/spool");
    let is_empty = || std::fs::read_dir(&spool).is_ok_and(|it| it.count() == 0);
    lookout.wait("rest", |it| is_empty() && it.get("/api/v1/status").json()["sinks"][0]["pending"] == 0);
}

/// The key of a picture, from the URL that an event carries.
fn key(url: &str) -> &str {
    url.strip_prefix(&format!("s3://{BUCKET}/")).unwrap_or_else(|| panic!("{url} is not in the bucket"))
}

fn assert_in_order(event: &Value) {
    let frames = event["data"]["snapshot"]["frames"].as_array().expect("frames");
    let times: Vec<&str> = frames.iter().map(|f| f["captured_at"].as_str().expect("a time")).collect();
    assert!(times.is_sorted(), "{times:?}");
    // They are numbered as they came: the one that decided first, which is the one to show; none is missing.
    let mut names: Vec<String> =
        urls(event).iter().map(|url| url.rsplit_once('/').expect("a folder").1.to_owned()).collect();
    names.sort_by_key(|name| name.trim_end_matches(".jpg").parse::<usize>().expect("a number"));
    assert_eq!(names, (0..times.len()).map(|n| format!("{n}.jpg")).collect::<Vec<_>>());
    assert!(event["data"]["snapshot"]["url"].as_str().is_some_and(|url| url.ends_with("/0.jpg")), "{event}");
}

#[test]
fn a_visit_is_told_with_its_picture_and_the_picture_is_there() {
    let Some(store) = ObjectStore::start() else { return };
    let (cameras, receiver) = (somebody(), Receiver::verifying(SECRET));
    let lookout = Lookout::start(&config(&cameras, &receiver, &store.settings(""), ""));
    lookout.wait("the report", |_| !of_kind(&receiver.received(), "lookout.visit.started").is_empty());
    let event = of_kind(&receiver.received(), "lookout.visit.started").remove(0);
    let urls = urls(&event);
    assert_eq!(urls.len(), 1, "{event}");
    assert_eq!(event["data"]["snapshot"]["url"], urls[0].as_str());
    let stored = store.stored();
    assert_eq!(stored.iter().map(|s| s.key.as_str()).collect::<Vec<_>>(), [key(&urls[0])]);
    assert_eq!(stored[0].content_type, "image/jpeg");
    let object = store.object(key(&urls[0]));
    assert_eq!((object.status, &object.body[..3]), (200, &[0xFF, 0xD8, 0xFF][..]), "a JPEG");
    let id = event["id"].as_str().expect("an id");
    let served = lookout.get(&format!("/api/v1/events/{id}/snapshot.jpg"));
    assert_eq!((served.status, served.body), (200, object.body), "served as it was stored");
    wait_for_rest(&lookout);
}

#[test]
fn without_any_setting_pictures_are_kept_in_a_folder() {
    let (cameras, receiver) = (somebody(), Receiver::verifying(SECRET));
    let lookout = Lookout::start(&config(&cameras, &receiver, "", ""));
    lookout.wait("the report", |_| !of_kind(&receiver.received(), "lookout.visit.started").is_empty());
    let event = of_kind(&receiver.received(), "lookout.visit.started").remove(0);
    let url = event["data"]["snapshot"]["url"].as_str().expect("a URL");
    let picture = std::fs::read(url.strip_prefix("file://").expect("a file")).expect("it is there");
    let id = event["id"].as_str().expect("an id");
    assert_eq!(lookout.get(&format!("/api/v1/events/{id}/snapshot.jpg")).body, picture);
}

#[test]
fn a_burst_is_stored_side_by_side_and_told_in_order() {
    let Some(store) = ObjectStore::start() else { return };
    let (cameras, receiver) = (somebody(), Receiver::verifying(SECRET));
    store.mood(Mood::Slow(Duration::from_secs(1)));
    let evidence = "[cameras.evidence]\nframes = 10\nevery = \"100ms\"";
    let lookout = Lookout::start(&config(&cameras, &receiver, &store.settings(""), evidence));
    lookout.wait("the report", |_| !of_kind(&receiver.received(), "lookout.visit.started").is_empty());
    let event = of_kind(&receiver.received(), "lookout.visit.started").remove(0);
    assert_eq!(urls(&event).len(), 10, "{event}");
    assert_in_order(&event);
    assert!(store.most_in_flight() >= 5, "side by side: at most {} at once", store.most_in_flight());
}

#[test]
fn a_store_that_fails_half_of_the_time_or_is_away_loses_none_and_holds_up_nobody() {
    let Some(mut store) = ObjectStore::start() else { return };
    let receiver = Receiver::verifying(SECRET);
    let cameras = Cameras::start(vec![Mount::new("door", blinking(&[(2, false), (2, true)], 5))]);
    store.mood(Mood::FailingHalf);
    let text = config(&cameras, &receiver, &store.settings("deadline = \"1s\""), "");
    let lookout = Lookout::start(&text);
    lookout.wait("two visits", |_| of_kind(&receiver.received(), "lookout.visit.started").len() >= 2);
    store.go_down();
    let told = of_kind(&receiver.received(), "lookout.visit.started").len();
    lookout.wait("visits told while the store is away", |_| {
        let starts = of_kind(&receiver.received(), "lookout.visit.started");
        starts[told..].iter().filter(|event| event["data"]["snapshot"].is_null()).count() >= 2
    });
    store.mood(Mood::Well);
    store.come_up();
    // Each visit told without a picture is followed by one that brings it.
    let without = |received: &[Received]| -> Vec<Value> {
        let starts = of_kind(received, "lookout.visit.started").into_iter();
        starts.filter(|event| event["data"]["snapshot"].is_null()).map(|event| event["id"].clone()).collect()
    };
    let first: Vec<Value> = without(&receiver.received());
    lookout.wait("the pictures of all of them", |_| {
        let stored = of_kind(&receiver.received(), "lookout.snapshot.stored");
        first.iter().all(|id| stored.iter().any(|event| event["data"]["event"] == *id))
    });
    for event in of_kind(&receiver.received(), "lookout.snapshot.stored") {
        for url in urls(&event) {
            assert_eq!(store.object(key(&url)).status, 200, "{url}");
        }
    }
}

#[test]
fn kill_9_while_a_group_is_half_uploaded_tells_it_once_and_whole() {
    let Some(store) = ObjectStore::start() else { return };
    let (cameras, receiver) = (somebody(), Receiver::verifying(SECRET));
    store.mood(Mood::HangingAfter(4));
    let evidence = "[cameras.evidence]\nframes = 10\nevery = \"100ms\"";
    let mut lookout = Lookout::prepare(&config(&cameras, &receiver, &store.settings("deadline = \"30s\""), evidence));
    lookout.run();
    let pictures = || {
        let groups = std::fs::read_dir(lookout.folder().join("data/spool")).into_iter().flatten().flatten();
        let in_group = |group: std::fs::DirEntry| std::fs::read_dir(group.path()).into_iter().flatten().flatten();
        groups.flat_map(in_group).filter(|f| f.path().extension().is_some_and(|e| e == "jpg")).count()
    };
    lookout.wait("a group in the spool of which four are stored", |_| pictures() == 10 && store.stored().len() == 4);
    lookout.kill();
    assert_eq!(of_kind(&receiver.received(), "lookout.visit.started").len(), 0, "held until the group is whole");

    store.mood(Mood::Well);
    lookout.run();
    lookout.wait("the report", |_| !of_kind(&receiver.received(), "lookout.visit.started").is_empty());
    // Whoever tells something twice does so before he rests.
    wait_for_rest(&lookout);
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    receiver.received().iter().for_each(|request| *times.entry(request.id().to_owned()).or_default() += 1);
    assert!(times.values().all(|n| *n == 1), "each event is told once: {times:?}");
    let started = of_kind(&receiver.received(), "lookout.visit.started");
    assert_eq!(started.len(), 1, "one visit");
    assert_eq!(urls(&started[0]).len(), 10, "{}", started[0]);
    assert_in_order(&started[0]);
    for url in urls(&started[0]) {
        assert_eq!(store.object(key(&url)).status, 200, "{url}");
    }
    let late = of_kind(&receiver.received(), "lookout.snapshot.stored");
    assert_eq!(late, Vec::<Value>::new(), "nothing was told without its pictures");
}
