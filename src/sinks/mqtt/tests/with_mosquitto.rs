//! Against a real broker. Where it is missing these tests say so and show nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::Ipv6Addr,
    path::Path,
    process::Command,
};

use super::{
    mosquitto::{Broker, Gate, Observer},
    *,
};
use crate::{
    events::sample,
    left_out::left_out,
    sinks::tests::{House, until},
    status::CameraState,
    words::{EventId, Reason},
};

/// The ids that were heard, and the camera of each.
fn events(observer: &Observer) -> Vec<(String, EventId)> {
    let read = |message: rumqttc::Publish| {
        assert!(!message.retain, "an event is no state");
        let event: serde_json::Value = serde_json::from_slice(&message.payload).expect("JSON");
        let id = event["id"].as_str().expect("an id").parse().expect("an event id");
        (event["subject"].as_str().expect("a camera").to_owned(), id)
    };
    observer.on("lookout/events").into_iter().map(read).collect()
}

#[actix::test]
async fn invariant_10_broker_gone_and_back_no_event_is_lost_and_a_cameras_order_is_kept() {
    let Some(mut broker) = Broker::start() else { return };
    let gate = Gate::before(broker.port).await;
    let house = House::with(&["mqtt"]);
    let (sink, cell) = prepared(settings(gate.port), &surroundings());
    let (_courier, account) = house.courier("mqtt", sink, &[0, 5]);
    let before = Observer::listen(broker.port, "lookout/events").await;
    let first = house.record(&["a", "b", "c"]);
    until("the first", || account.delivered.get() == 3 && events(&before).len() == 3).await;
    assert_eq!(events(&before).into_iter().map(|(_, id)| id).collect::<BTreeSet<_>>(), first.into_iter().collect());

    broker.stop();
    let cameras = ["a", "b", "c"].repeat(20);
    let told = house.record(&cameras[..30]);
    until("the outage", || cell.state().last_error.is_some()).await;
    gate.cut();
    broker.start_again();
    let after = Observer::listen(broker.port, "lookout/events").await;
    gate.open();
    let told: Vec<_> = told.into_iter().chain(house.record(&cameras[30..])).collect();
    until("all of it", || account.delivered.get() == 63 && account.pending.get() == 0).await;

    let all: BTreeSet<EventId> = told.iter().copied().collect();
    until("heard", || events(&after).iter().map(|(_, id)| *id).collect::<BTreeSet<_>>() == all).await;
    let mut heard: HashMap<String, Vec<EventId>> = HashMap::new();
    for (camera, id) in events(&after) {
        let of_camera = heard.entry(camera).or_default();
        if !of_camera.contains(&id) {
            of_camera.push(id);
        }
    }
    for camera in ["a", "b", "c"] {
        let recorded: Vec<_> = told.iter().zip(&cameras).filter(|(_, c)| **c == camera).map(|(id, _)| *id).collect();
        assert_eq!(heard[camera], recorded, "{camera}");
    }
    assert_eq!(cell.state().last_error, None, "what was wrong is over");
}

#[actix::test]
async fn an_outage_beyond_all_patience_loses_nothing_either() {
    let Some(mut broker) = Broker::start() else { return };
    let gate = Gate::before(broker.port).await;
    let house = House::with(&["mqtt"]);
    let (sink, _) =
        prepared(settings::Mqtt { timeout: Duration::from_secs(1), ..settings(gate.port) }, &surroundings());
    broker.stop();
    let (_courier, account) = house.courier("mqtt", sink, &[0, 50]);
    let told = house.record(&["a", "b", "c", "d", "e", "f"]);
    until("it was tried in vain", || account.failures.get() >= 2).await;
    gate.cut();
    broker.start_again();
    let observer = Observer::listen(broker.port, "lookout/events").await;
    gate.open();
    until("all of it", || account.delivered.get() == 6 && account.pending.get() == 0).await;
    let all: BTreeSet<EventId> = told.into_iter().collect();
    until("heard", || events(&observer).iter().map(|(_, id)| *id).collect::<BTreeSet<_>>() == all).await;
}

#[actix::test]
async fn the_state_is_mirrored_and_comes_back_to_a_broker_that_forgot_it() {
    let Some(mut broker) = Broker::start() else { return };
    let gate = Gate::before(broker.port).await;
    let surroundings = surroundings();
    let door = hang_up(&surroundings.board, "door");
    let (_sink, _) = begun(settings(gate.port), &surroundings);
    let observer = Observer::listen(broker.port, "lookout/#").await;
    observer.hears("lookout/available", "online").await;
    observer.hears("lookout/door/state", "stopped").await;
    observer.hears("lookout/door/person", "OFF").await;

    door.enter(CameraState::Streaming, None, None);
    door.open_visits.set(1);
    door.people.set(3);
    observer.hears("lookout/door/state", "streaming").await;
    observer.hears("lookout/door/person", "ON").await;
    observer.hears("lookout/door/count", "3").await;
    door.enter(CameraState::Waiting, Some((Reason::Timeout, "no answer".into())), None);
    observer.hears("lookout/door/state", "waiting").await;
    until("why", || {
        let attributes = observer.newest("lookout/door/state/attributes").unwrap_or_default();
        attributes.contains(r#""reason":"timeout""#) && attributes.contains("no answer")
    })
    .await;
    let once: Vec<_> = observer.on("lookout/door/count").iter().map(|m| m.payload.clone()).collect();
    assert_eq!(once, ["0", "3"], "only what changed");

    broker.stop();
    broker.start_again();
    let expected = [("available", "online"), ("door/state", "waiting"), ("door/person", "ON"), ("door/count", "3")];
    let back = Observer::listen(broker.port, "lookout/#").await;
    for (topic, text) in expected {
        back.hears(&format!("lookout/{topic}"), text).await;
    }
    let late = Observer::listen(broker.port, "lookout/#").await;
    for (topic, text) in expected {
        late.hears(&format!("lookout/{topic}"), text).await;
        assert!(late.on(&format!("lookout/{topic}"))[0].retain, "{topic} is retained");
    }
}

#[actix::test]
async fn the_last_will_is_seen_when_the_connection_is_cut_and_revoked_when_it_is_back() {
    let Some(broker) = Broker::start() else { return };
    let gate = Gate::before(broker.port).await;
    let (_sink, _) = begun(settings(gate.port), &surroundings());
    let observer = Observer::listen(broker.port, "lookout/available").await;
    observer.hears("lookout/available", "online").await;
    gate.cut();
    observer.hears("lookout/available", "offline").await;
    let late = Observer::listen(broker.port, "lookout/available").await;
    late.hears("lookout/available", "offline").await;
    gate.open();
    observer.hears("lookout/available", "online").await;
}

#[actix::test]
async fn a_close_says_offline_once_without_the_will() {
    let Some(broker) = Broker::start() else { return };
    let observer = Observer::listen(broker.port, "lookout/available").await;
    let (sink, _) = begun(settings(broker.port), &surroundings());
    observer.hears("lookout/available", "online").await;
    sink.close().await;
    observer.hears("lookout/available", "offline").await;
    observer.say("lookout/available", "afterwards").await;
    observer.hears("lookout/available", "afterwards").await;
    let said: Vec<_> = observer.on("lookout/available").into_iter().map(|m| m.payload).collect();
    assert_eq!(said, ["online", "offline", "afterwards"]);
}

#[actix::test]
async fn cameras_are_discovered_renewed_at_a_birth_and_forgotten_when_removed() {
    let Some(broker) = Broker::start() else { return };
    let surroundings = Surroundings { pictures: Some(Arc::new(|_| None)), ..surroundings() };
    for id in ["front.door", "yard"] {
        hang_up(&surroundings.board, id);
    }
    let settings = settings::Mqtt { discovery: Some("homeassistant".into()), ..settings(broker.port) };
    let observer = Observer::listen(broker.port, "#").await;
    let (_sink, _) = begun(settings, &surroundings);
    let configs = |observer: &Observer| {
        let messages = observer.all().into_iter().filter(|m| m.topic.ends_with("/config"));
        messages.fold(BTreeMap::<String, Vec<bool>>::new(), |mut configs, message| {
            configs.entry(message.topic).or_default().push(!message.payload.is_empty());
            configs
        })
    };
    until("eight entities", || configs(&observer).len() == 8).await;
    assert!(configs(&observer).contains_key("homeassistant/image/lookout-front_2edoor-snapshot/config"));
    observer.hears("lookout/yard/count", "0").await;

    let states = observer.on("lookout/yard/state").len();
    observer.say("homeassistant/status", "online").await;
    until("all anew", || configs(&observer).values().all(|said| said.len() == 2)).await;
    until("the state anew", || observer.on("lookout/yard/state").len() == states + 1).await;

    surroundings.board.remove_camera(&camera("front.door"));
    let of_door = |topic: &str| topic.contains("front.door") || topic.contains("front_2edoor");
    until("forgotten", || configs(&observer).iter().all(|(topic, said)| said.ends_with(&[false]) == of_door(topic)))
        .await;
    observer.hears("lookout/front.door/count", "").await;
    observer.hears("lookout/front.door/snapshot", "").await;
    let late = Observer::listen(broker.port, "#").await;
    until("all that is left", || late.all().len() >= 9).await;
    assert!(!late.all().iter().any(|message| of_door(&message.topic)), "nothing of it is left");
}

#[actix::test]
async fn a_camera_that_was_removed_while_nobody_told_the_broker_is_forgotten_at_the_next_start() {
    let Some(broker) = Broker::start() else { return };
    let settings = settings::Mqtt { discovery: Some("homeassistant".into()), ..settings(broker.port) };
    let before = surroundings();
    for id in ["door", "front.yard"] {
        hang_up(&before.board, id);
    }
    let observer = Observer::listen(broker.port, "#").await;
    let (sink, _) = begun(settings.clone(), &before);
    observer.hears("lookout/front.yard/count", "0").await;
    sink.close().await;

    let after = surroundings();
    hang_up(&after.board, "door");
    after.board.set_ready(true);
    let (_sink, _) = begun(settings, &after);
    let of_yard = |topic: &str| topic.contains("front.yard") || topic.contains("front_2eyard");
    until("forgotten", || {
        let topics: BTreeSet<_> = observer.all().into_iter().map(|message| message.topic).collect();
        topics.iter().filter(|topic| of_yard(topic)).all(|topic| observer.newest(topic).as_deref() == Some(""))
    })
    .await;
    let late = Observer::listen(broker.port, "#").await;
    until("all that is left", || late.newest("lookout/door/count").is_some()).await;
    late.hears("lookout/available", "online").await;
    assert!(!late.all().iter().any(|message| of_yard(&message.topic)), "nothing of it is left");
}

#[actix::test]
async fn a_picture_is_published_when_a_visit_begins() {
    let Some(broker) = Broker::start() else { return };
    let pictures: crate::sinks::Pictures = Arc::new(|cell| match cell.id.as_str() {
        "a-huge" => Some(vec![0; 2 << 20]),
        "b-broken" => panic!("a decoder's fault"),
        "c-blind" => None,
        id => Some([b"\xff\xd8", id.as_bytes()].concat()),
    });
    let surroundings = Surroundings { pictures: Some(pictures), ..surroundings() };
    for id in ["a-huge", "b-broken", "c-blind", "door"] {
        hang_up(&surroundings.board, id).open_visits.set(1);
    }
    let quiet = hang_up(&surroundings.board, "quiet");
    let observer = Observer::listen(broker.port, "lookout/+/snapshot").await;
    let (_sink, _) = begun(settings(broker.port), &surroundings);
    until("the picture", || !observer.on("lookout/door/snapshot").is_empty()).await;
    assert_eq!(observer.on("lookout/door/snapshot")[0].payload, &b"\xff\xd8door"[..]);
    let late = Observer::listen(broker.port, "lookout/+/snapshot").await;
    until("retained", || late.on("lookout/door/snapshot").first().is_some_and(|m| m.retain)).await;
    quiet.open_visits.set(1);
    until("the next visit", || !observer.on("lookout/quiet/snapshot").is_empty()).await;
    let topics: BTreeSet<_> = observer.all().into_iter().map(|m| m.topic).collect();
    assert_eq!(topics, ["lookout/door/snapshot", "lookout/quiet/snapshot"].map(String::from).into());
}

#[actix::test]
async fn only_the_cameras_that_the_sink_is_told_of_are_mirrored() {
    let Some(broker) = Broker::start() else { return };
    let surroundings = surroundings();
    for id in ["door", "backyard"] {
        hang_up(&surroundings.board, id);
    }
    let observer = Observer::listen(broker.port, "lookout/#").await;
    let (sink, _) = prepared(settings(broker.port), &surroundings);
    if let Work::Prepared(lives) = &mut *sink.work.lock() {
        lives.cameras = vec![camera("door")];
    }
    sink.begin();
    observer.hears("lookout/door/count", "0").await;
    assert!(!observer.all().iter().any(|message| message.topic.contains("backyard")));
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> bool {
    let status = Command::new(program).args(arguments).current_dir(folder).output();
    status.is_ok_and(|output| output.status.success())
}

#[actix::test]
async fn invariant_13_a_real_broker_and_a_wrong_password() {
    let broker = Broker::with(|folder| {
        let made = run("mosquitto_passwd", &["-b", "-c", "passwords", "lookout", PASSWORD], folder);
        assert!(made, "mosquitto_passwd comes with mosquitto");
        format!("allow_anonymous false\npassword_file {}\n", folder.join("passwords").display())
    });
    let Some(broker) = broker else { return };
    let with = |password: &str| settings::Mqtt {
        credentials: Some(settings::Credentials {
            username: "lookout".into(),
            password: settings::Secret::new(password),
        }),
        timeout: Duration::from_secs(1),
        ..settings(broker.port)
    };
    let event = sample::started("a");
    let (sink, cell) = begun(with("wrong-and-secret"), &surroundings());
    let outcome = sink.deliver(&event).await;
    let Outcome::Unreachable { error } = &outcome else { panic!("{outcome:?}") };
    assert!(error.contains("password") && !error.contains("wrong-and-secret"), "{error}");
    assert!(!format!("{cell:?}").contains("wrong-and-secret"));
    let (sink, _) = begun(settings::Mqtt { timeout: Duration::from_secs(20), ..with(PASSWORD) }, &surroundings());
    assert_eq!(sink.deliver(&event).await, Outcome::Accepted);
}

#[actix::test]
async fn tls_is_spoken_with_whom_the_settings_trust_and_nobody_else() {
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let broker = Broker::with(|folder| {
        let authority = ["-x509", "-subj", "/CN=Test authority", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2"];
        let request = ["-subj", "/CN=localhost", "-keyout", "host.key", "-out", "host.csr"];
        let sign = "x509 -req -in host.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out host.pem -days 2 -extfile san";
        std::fs::write(folder.join("san"), "subjectAltName=DNS:localhost,IP:::1\n").expect("a file");
        let made = run("openssl", &[&["req"], &curve[..], &authority[..]].concat(), folder)
            && run("openssl", &[&["req"], &curve[..], &request[..]].concat(), folder)
            && run("openssl", &sign.split(' ').collect::<Vec<_>>(), folder);
        if !made {
            return "allow_anonymous true\n".into();
        }
        let file = |name: &str| folder.join(name).display().to_string();
        format!("allow_anonymous true\ncertfile {}\nkeyfile {}\n", file("host.pem"), file("host.key"))
    });
    let Some(broker) = broker else { return };
    let ca_file = settings::CaFile::at(broker.folder().join("ca.pem"));
    if !broker.folder().join("host.pem").exists() {
        return left_out("openssl is not installed");
    }
    let event = sample::started("a");
    let with = |host: &str, tls, ca_file| settings::Mqtt {
        host: host.into(),
        tls,
        ca_file,
        timeout: Duration::from_secs(2),
        ..settings(broker.port)
    };
    let fails = async |settings, word: &str| {
        let (sink, _) = begun(settings, &surroundings());
        let outcome = sink.deliver(&event).await;
        let Outcome::Unreachable { error } = &outcome else { panic!("{outcome:?}") };
        assert!(error.contains(word), "{error}");
    };
    fails(with("localhost", true, None), "ca_file").await;
    fails(with("127.0.0.1", true, Some(ca_file.clone())), "another host").await;
    fails(with("localhost", false, None), "closed the connection").await;
    let (sink, _) = begun(with("localhost", true, Some(ca_file.clone())), &surroundings());
    assert_eq!(sink.deliver(&event).await, Outcome::Accepted);
    drop(sink); // a broker lets one client of a name be connected
    let Some(gate) = Gate::at(Ipv6Addr::LOCALHOST.into(), broker.port).await else {
        return left_out("this machine has no [::1]");
    };
    let settings = settings::Mqtt { port: gate.port, ..with("::1", true, Some(ca_file)) };
    let (sink, _) = begun(settings, &surroundings());
    assert_eq!(sink.deliver(&event).await, Outcome::Accepted);
}

#[actix::test]
async fn a_picture_larger_than_the_broker_takes_costs_no_event() {
    let Some(broker) = Broker::with(|_| "allow_anonymous true\nmax_packet_size 20000\n".into()) else { return };
    let pictures: crate::sinks::Pictures = Arc::new(|_| Some(vec![0; 100_000]));
    let surroundings = Surroundings { pictures: Some(pictures), ..surroundings() };
    for id in ["a", "b", "c"] {
        hang_up(&surroundings.board, id).open_visits.set(1);
    }
    let (sink, cell) = begun(settings(broker.port), &surroundings);
    until("given up", || cell.pictures_given_up.get() > 0).await;
    assert_eq!(sink.deliver(&sample::started("a")).await, Outcome::Accepted);
}
