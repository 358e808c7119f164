//! The main job, from outside: the real program watches simulated cameras and tells a receiver.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use lookout::simulate::{Clip, Credentials, Fault, Mount, Scheme};
use serde_json::Value;

use crate::support::{
    Cameras, Config, Lookout, Receiver,
    cameras::{blinking, dark},
    receiver::{Received, SECRET},
};

fn wait_for_events(
    lookout: &Lookout,
    receiver: &Receiver,
    what: &str,
    enough: impl Fn(&[Received]) -> bool,
) -> Vec<Received> {
    lookout.wait(what, |_| enough(&receiver.received()));
    receiver.received()
}

fn kinds(events: &[Received], subject: &str) -> Vec<String> {
    let of_it = events.iter().map(Received::json).filter(|e| e["subject"] == subject);
    of_it.map(|e| e["type"].as_str().unwrap_or_default().trim_start_matches("lookout.").to_owned()).collect()
}

/// Frames that a camera lost to its neighbours: failed, skipped for want of a key frame, or because it fell behind. Skipped
/// by choice (`not_due`, `disposable`) is none of that.
fn harmed(camera: &Value) -> [u64; 3] {
    let (failed, skipped) = (&camera["frames"]["failed"], &camera["frames"]["skipped"]);
    [failed, &skipped["awaiting_key_frame"], &skipped["lagging"]].map(|n| n.as_u64().expect("a number"))
}

fn skipped(camera: &Value) -> u64 {
    camera["frames"]["skipped"].as_object().expect("an object").values().filter_map(Value::as_u64).sum()
}

#[test]
fn somebody_comes_and_leaves_and_the_receiver_is_told_once_each() {
    let cameras =
        Cameras::start(vec![Mount::new("door", blinking(&[(3, true), (4, false)], 10)), Mount::new("yard", dark())]);
    let receiver = Receiver::verifying(SECRET);
    let config =
        Config::new().camera("door", &cameras.url("door")).camera("yard", &cameras.url("yard")).sink("hook", &receiver);
    let lookout = Lookout::start(config.text());
    let events = wait_for_events(&lookout, &receiver, "two visits", |events| kinds(events, "door").len() >= 4);

    let told = kinds(&events, "door");
    let expected = ["visit.started", "visit.ended"].into_iter().cycle();
    assert!(told.iter().zip(expected).all(|(kind, expected)| kind == expected), "{told:?}");
    assert_eq!(kinds(&events, "yard"), Vec::<String>::new(), "nobody was in the yard");
    assert!(events.iter().all(|e| e.authentic == Some(true)), "every signature is right");

    let started =
        events.iter().map(Received::json).find(|e| e["type"] == "lookout.visit.started").expect("one started");
    assert_eq!((&started["specversion"], &started["subject"]), (&"1.0".into(), &"door".into()));
    let data = &started["data"];
    assert_eq!((&data["label"], &data["count"], &data["camera"]["id"]), (&"person".into(), &1.into(), &"door".into()));
    assert_eq!(data["frame"]["width"], 64);
    let area: Vec<f64> =
        data["detections"][0]["box"].as_array().expect("a box").iter().filter_map(Value::as_f64).collect();
    assert!(area.len() == 4 && area.iter().all(|x| (0.0..=1.0).contains(x)), "{area:?}");

    let visits: BTreeMap<String, usize> =
        events.iter().map(Received::json).fold(BTreeMap::new(), |mut visits, event| {
            *visits.entry(event["data"]["visit"]["id"].to_string()).or_default() += 1;
            visits
        });
    assert!(visits.values().all(|n| *n <= 2), "a visit has one start and one end: {visits:?}");
    let listed = lookout.get("/api/v1/events?camera=door&type=lookout.visit.started&limit=1").json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    let id = listed[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(lookout.get(&format!("/api/v1/events/{id}")).json(), listed[0]);
    let picture = lookout.get("/api/v1/cameras/door/frame.jpg?annotate=true");
    assert_eq!((picture.status, &picture.body[..2]), (200, &[0xff, 0xd8][..]));
}

#[test]
fn invariant_6_every_fault_of_a_camera_has_its_name_and_costs_no_other_camera_a_frame() {
    let faults = [
        (Fault::Unauthorized, "unauthorized"),
        (Fault::NotFound, "not_found"),
        (Fault::NotEnoughBandwidth, "too_many_sessions"),
        (Fault::TooManySessions, "too_many_sessions"),
        (Fault::SessionNotFound, "protocol_error"),
        (Fault::AudioOnly, "no_video"),
        (Fault::H265, "unsupported_codec"),
        (Fault::Silence, "stalled"),
        (Fault::SilenceAfter(5), "stalled"),
        (Fault::Reset(5), "stream_ended"),
        (Fault::MidFrameCut(5), "stream_ended"),
        (Fault::StreamEnd(5), "stream_ended"),
        (Fault::NeverAnswer, "timeout"),
        (Fault::SlowHeaders, "timeout"),
        (Fault::EndlessHeader, "timeout"),
        (Fault::HugeContentLength, "timeout"),
        (Fault::NotRtsp, "protocol_error"),
        (Fault::NoKeyFrame, "no_key_frame"),
        (Fault::GarbageNal(1), "decode_error"),
    ];
    let clip = blinking(&[(4, false)], 5);
    let mount = |(i, (fault, _)): (usize, &(Fault, &str))| Mount {
        fault: Some(*fault),
        ..Mount::new(format!("cam{i}"), Arc::clone(&clip))
    };
    let good = Mount::new("good", blinking(&[(4, false)], 20));
    let cameras = Cameras::start(faults.iter().enumerate().map(mount).chain([good]).collect());
    // The good camera alone, until it is well under way: what it loses from then on it loses to the others.
    let alone = Config::new().camera("good", &cameras.url("good"));
    let lookout = Lookout::start(alone.text());
    lookout.wait("samples of the good camera", |it| it.camera("good")["frames"]["detected"].as_u64() > Some(0));
    let before = lookout.camera("good");

    let deadlines = "connect_timeout = \"2s\"\nstall_timeout = \"2s\"\nkey_frame_timeout = \"3s\"\n";
    let with =
        |config: Config, i: usize| config.camera_with(&format!("cam{i}"), &cameras.url(&format!("cam{i}")), deadlines);
    let config = (0..faults.len()).fold(alone, with).camera("gone", "rtsp://127.0.0.1:1/x");
    lookout.write_config(config.text());
    assert_eq!(lookout.post("/api/v1/reload").status, 200);

    for (i, (fault, reason)) in faults.iter().enumerate() {
        let camera = lookout.wait_for_reason(&format!("cam{i}"), reason);
        let message = camera["reason"]["message"].as_str().unwrap_or_default();
        assert!(message.len() > 20, "{fault:?}: {message}");
    }
    lookout.wait_for_reason("gone", "refused");

    // Invariant 6: none of that cost the good camera a frame.
    let detected = |camera: &Value| camera["frames"]["detected"].as_u64();
    lookout.wait("samples all the while", |it| detected(&it.camera("good")) > detected(&before).map(|n| n + 10));
    let good = lookout.camera("good");
    assert_eq!((&good["state"], &good["lives"]), (&"streaming".into(), &1.into()));
    assert_eq!(harmed(&good), harmed(&before), "failed, awaiting_key_frame, lagging: {good}");
}

#[test]
fn invariant_4_the_account_of_a_camera_balances() {
    let cameras = Cameras::start(vec![Mount {
        fault: Some(Fault::PacketLoss(17)),
        ..Mount::new("lossy", blinking(&[(4, true)], 10))
    }]);
    let lookout = Lookout::start(Config::new().camera("lossy", &cameras.url("lossy")).text());
    lookout.wait("losses", |it| it.camera("lossy")["frames"]["lost_packets"].as_u64() > Some(3));
    cameras.control.pause("lossy").expect("it is there");
    let balanced = |camera: &Value| {
        let frames = &camera["frames"];
        let n = |key: &str| frames[key].as_u64().expect("a number");
        n("received") == n("decoded") + n("failed") + n("waiting") + skipped(camera)
            && n("published") == n("detected") + n("superseded")
    };
    lookout.wait("a balanced account", |it| balanced(&it.camera("lossy")));
    assert!(lookout.camera("lossy")["frames"]["skipped"]["awaiting_key_frame"].as_u64() > Some(0));
}

#[test]
fn streams_with_jumps_and_changes_go_on() {
    let faults = [Fault::SequenceJump(15), Fault::TimestampJump(15), Fault::SizeChange(20), Fault::MarkedDelimiters];
    let clip = blinking(&[(4, false)], 5);
    let mounts = faults
        .iter()
        .enumerate()
        .map(|(i, f)| Mount { fault: Some(*f), ..Mount::new(format!("cam{i}"), clip.clone()) });
    let cameras = Cameras::start(mounts.collect());
    let config =
        (0..faults.len()).fold(Config::new(), |c, i| c.camera(&format!("cam{i}"), &cameras.url(&format!("cam{i}"))));
    let lookout = Lookout::start(config.text());
    for (i, fault) in faults.iter().enumerate() {
        let name = format!("cam{i}");
        lookout.wait(&format!("samples through {fault:?}"), |it| {
            it.camera(&name)["frames"]["detected"].as_u64() > Some(20)
        });
        assert_eq!(lookout.camera(&name)["lives"], 1, "{fault:?}");
    }
    lookout.wait("the other size", |it| it.camera("cam2")["stream"]["width"] == 320);
}

/// The sequence parameter set of a picture of 128x96 pixels with 4:2:2 colour.
const COLOUR_422: [u8; 24] = [
    0x67, 0x7a, 0x00, 0x0a, 0xbc, 0xd9, 0x42, 0x0d, 0xb0, 0x11, 0, 0, 3, 0, 1, 0, 0, 3, 0, 0x14, 0x0f, 0x12, 0x25, 0x96,
];

#[test]
fn a_camera_whose_pictures_cannot_be_decoded_says_so_and_not_that_the_network_is_bad() {
    let clip = Clip { sps: COLOUR_422.to_vec().into(), ..(*dark()).clone() };
    let cameras = Cameras::start(vec![Mount::new("colourful", clip.into())]);
    let lookout = Lookout::start(Config::new().camera("colourful", &cameras.url("colourful")).text());
    let camera = lookout.wait_for_reason("colourful", "unsupported_codec");
    let message = camera["reason"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("4:2:2"), "{message}");
}

#[test]
fn sound_that_is_damaged_costs_no_picture() {
    let clip = blinking(&[(4, false)], 10);
    let fault = Some(Fault::DamagedSound(10));
    let cameras = Cameras::start(vec![Mount { fault, start_at_key_frame: true, ..Mount::new("hoarse", clip) }]);
    let lookout = Lookout::start(Config::new().camera("hoarse", &cameras.url("hoarse")).text());
    // At ten a second, with eight packets of sound: of those some are damaged.
    lookout.wait("frames for a while", |it| it.camera("hoarse")["frames"]["received"].as_u64() > Some(60));
    let camera = lookout.camera("hoarse");
    assert_eq!((&camera["lives"], &camera["frames"]["lost_packets"]), (&1.into(), &0.into()), "{camera}");
    assert_eq!(camera["frames"]["skipped"]["awaiting_key_frame"], 0, "{camera}");
    assert_eq!(camera["stream"]["sound"]["left_out"], Value::Null, "{camera}");
}

#[test]
fn what_a_camera_leaves_out_beside_its_pictures_costs_no_picture() {
    let clip = blinking(&[(4, false)], 10);
    let mounts = [("deaf", Fault::NoKeepAlive), ("mute", Fault::MuteSound)].map(|(name, fault)| Mount {
        fault: Some(fault),
        // Asked for signs of life every second, and after another it is known that none came.
        session_timeout: Duration::from_secs(2),
        ..Mount::new(name, clip.clone())
    });
    let cameras = Cameras::start(mounts.into());
    let quick = "connect_timeout = \"3s\"\n";
    let config = Config::new().camera("deaf", &cameras.url("deaf")).camera_with("mute", &cameras.url("mute"), quick);
    let lookout = Lookout::start(config.text());
    for name in ["deaf", "mute"] {
        // At ten a second, far beyond what is waited for.
        lookout.wait("frames for a while", |it| it.camera(name)["frames"]["received"].as_u64() > Some(60));
        assert_eq!(lookout.camera(name)["lives"], 1, "{name}: {}", lookout.log());
    }
    let sound = &lookout.camera("mute")["stream"]["sound"];
    assert_eq!((&sound["codec"], &sound["left_out"]), (&"AAC".into(), &"refused".into()));
}

#[test]
fn invariant_8_a_flapping_camera_does_not_alert_twice() {
    let clip = blinking(&[(5, true)], 10);
    let cameras = Cameras::start(vec![Mount { fault: Some(Fault::Reset(15)), ..Mount::new("door", clip) }]);
    let receiver = Receiver::verifying(SECRET);
    let lookout = Lookout::start(Config::new().camera("door", &cameras.url("door")).sink("hook", &receiver).text());
    lookout.wait("five lives", |it| it.camera("door")["lives"].as_u64() >= Some(5));
    cameras.control.set_fault("door", None).expect("it is there");
    lookout.wait_for_state("door", "streaming");
    let detected = lookout.camera("door")["frames"]["detected"].as_u64();
    lookout.wait("more samples", |it| it.camera("door")["frames"]["detected"].as_u64() > detected.map(|n| n + 10));
    let visits: Vec<String> =
        kinds(&receiver.received(), "door").into_iter().filter(|k| k.starts_with("visit")).collect();
    assert_eq!(visits, ["visit.started"], "one visit, one alert, through five connections");
}

#[test]
fn a_camera_that_goes_and_comes_back_is_told_down_and_up() {
    let clip = blinking(&[(4, true)], 10);
    let mut cameras = Cameras::start(vec![Mount::new("door", Arc::clone(&clip))]);
    let address = cameras.address();
    let receiver = Receiver::verifying(SECRET);
    let lookout = Lookout::start(Config::new().camera("door", &cameras.url("door")).sink("hook", &receiver).text());
    wait_for_events(&lookout, &receiver, "a visit", |e| kinds(e, "door") == ["visit.started"]);
    cameras.stop();
    let camera = lookout.wait_for_reason("door", "refused");
    assert_eq!(camera["state"], "waiting");
    assert!(camera["next_attempt_at"].is_string());
    wait_for_events(&lookout, &receiver, "down", |e| kinds(e, "door") == ["visit.started", "camera.down"]);
    let _cameras = Cameras::start_on(address, vec![Mount::new("door", clip)]);
    let events = wait_for_events(&lookout, &receiver, "up", |e| kinds(e, "door").len() >= 3);
    assert_eq!(
        kinds(&events, "door"),
        ["visit.started", "camera.down", "camera.up"],
        "and the visit is still the same one"
    );
}

#[test]
fn udp_and_passwords_work() {
    let clip = dark();
    let who = |scheme| {
        Some(Credentials { user: "admin".into(), password: lookout::settings::Secret::new("se cret:/@"), scheme })
    };
    let cameras = Cameras::start(vec![
        Mount { credentials: who(Scheme::Digest), ..Mount::new("digest", Arc::clone(&clip)) },
        Mount { credentials: who(Scheme::Basic), ..Mount::new("basic", Arc::clone(&clip)) },
    ]);
    let login = "username = \"admin\"\npassword = \"se cret:/@\"\n";
    let in_url = cameras.url("basic").replace("rtsp://", "rtsp://admin:se%20cret%3A%2F%40@");
    let config = Config::new()
        .camera_with("digest-udp", &cameras.url("digest"), &format!("{login}transport = \"udp\"\n"))
        .camera_with("digest-tcp", &cameras.url("digest"), login)
        .camera("basic", &in_url)
        .camera_with("wrong", &cameras.url("digest"), "username = \"admin\"\npassword = \"another\"\n")
        .camera("none", &cameras.url("basic"));
    let lookout = Lookout::start(config.text());
    for id in ["digest-udp", "digest-tcp", "basic"] {
        lookout.wait(id, |it| it.camera(id)["frames"]["detected"].as_u64() > Some(3));
    }
    lookout.wait_for_reason("wrong", "unauthorized");
    lookout.wait_for_reason("none", "unauthorized");
}

#[test]
fn the_end_is_graceful() {
    let cameras = Cameras::start(vec![Mount::new("one", blinking(&[(9, true)], 10)), Mount::new("two", dark())]);
    let receiver = Receiver::verifying(SECRET);
    let config =
        Config::new().camera("one", &cameras.url("one")).camera("two", &cameras.url("two")).sink("hook", &receiver);
    let mut lookout = Lookout::start(config.text());
    for id in ["one", "two"] {
        lookout.wait_for_state(id, "streaming");
    }
    wait_for_events(&lookout, &receiver, "a visit", |e| !e.is_empty());
    assert_eq!(lookout.terminate(), Some(0));
    assert_eq!(
        (cameras.counts("one").torn_down, cameras.counts("two").torn_down),
        (1, 1),
        "each camera was told goodbye"
    );

    // The visit goes on where it was: no second alert after the restart.
    lookout.run();
    lookout.wait("samples", |it| it.camera("one")["frames"]["detected"].as_u64() > Some(10));
    assert_eq!(kinds(&receiver.received(), "one"), ["visit.started"]);
}

#[test]
fn a_reload_touches_only_what_changed() {
    let cameras = Cameras::start(["same", "changed", "removed", "added"].map(|n| Mount::new(n, dark())).into());
    let base = |c: Config| c.camera("same", &cameras.url("same"));
    let before =
        base(Config::new()).camera("changed", &cameras.url("changed")).camera("removed", &cameras.url("removed"));
    let lookout = Lookout::start(before.text());
    for id in ["same", "changed", "removed"] {
        lookout.wait_for_state(id, "streaming");
    }

    lookout.write_config(&before.text().replace("[visits]", "[visitors]"));
    let refused = lookout.post("/api/v1/reload");
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("visitors") && refused.text().contains("visits"), "{}", refused.text());
    assert_eq!(lookout.camera("same")["lives"], 1);

    let after = base(Config::new()).camera_with("changed", &cameras.url("changed"), "every = \"400ms\"\n");
    let after = after.camera("added", &cameras.url("added"));
    lookout.write_config(after.text());
    let report = lookout.post("/api/v1/reload").json();
    assert_eq!(
        (&report["added"], &report["removed"], &report["restarted"]),
        (&["added"].into(), &["removed"].into(), &["changed"].into())
    );
    lookout.wait_for_state("added", "streaming");
    lookout
        .wait("a second life", |it| it.camera("changed")["lives"] == 2 && it.camera("changed")["state"] == "streaming");
    lookout.wait("its removal", |it| it.get("/api/v1/cameras/removed").status == 404);
    assert_eq!(lookout.camera("same")["lives"], 1);
    assert_eq!(cameras.counts("removed").torn_down, 1);

    // The same by signal.
    lookout.write_config(before.text());
    lookout.signal("HUP");
    lookout.wait("its return", |it| it.try_get("/api/v1/cameras/removed").is_some_and(|a| a.status == 200));
    lookout.wait_for_state("removed", "streaming");
    assert_eq!(lookout.camera("same")["lives"], 1);
}

#[test]
fn invariant_11_a_dead_sink_delays_only_itself() {
    let cameras = Cameras::start(vec![Mount::new("door", blinking(&[(1, true), (2, false)], 10))]);
    let (good, mut dead) = (Receiver::verifying(SECRET), Receiver::verifying(SECRET));
    dead.go_down();
    let config = Config::new().camera("door", &cameras.url("door")).sink("good", &good).sink("dead", &dead);
    let lookout = Lookout::start(config.text());
    wait_for_events(&lookout, &good, "six events at the good one", |e| e.len() >= 6);
    let sinks = lookout.get("/api/v1/status").json()["sinks"].clone();
    let dead_sink = sinks.as_array().and_then(|s| s.iter().find(|s| s["name"] == "dead")).expect("it is shown").clone();
    assert!(dead_sink["pending"].as_u64() >= Some(6), "{dead_sink}");
    assert!(dead_sink["state"]["last_error"].is_string(), "{dead_sink}");
    dead.come_up();
    let ids: BTreeSet<String> = good.received().iter().map(|r| r.id().to_owned()).collect();
    lookout.wait("everything at the other", |_| {
        let told: BTreeSet<String> = dead.received().iter().map(|r| r.id().to_owned()).collect();
        told.is_superset(&ids)
    });
}

#[test]
fn invariant_12_status_answers_while_every_camera_hangs() {
    let mounts: Vec<Mount> =
        (0..20).map(|i| Mount { fault: Some(Fault::NeverAnswer), ..Mount::new(format!("cam{i}"), dark()) }).collect();
    let cameras = Cameras::start(mounts);
    let config = (0..20).fold(Config::new(), |c, i| c.camera(&format!("cam{i}"), &cameras.url(&format!("cam{i}"))));
    let lookout = Lookout::start(config.text());
    let began = Instant::now();
    for _ in 0..50 {
        assert_eq!(lookout.get("/api/v1/status").json()["cameras"]["total"], 20);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "they wait for something: {:?}", began.elapsed());
}
