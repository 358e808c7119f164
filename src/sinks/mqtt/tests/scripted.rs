//! Against brokers that do what a test says, byte by byte.

use rumqttc::{ConnAck, ConnectReturnCode, Packet, Publish};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use super::{
    peer::{Broker, PATIENCE},
    *,
};
use crate::{
    events::{Flush, sample},
    left_out::left_out,
    sinks::{
        Drain,
        tests::{House, until},
    },
};

#[actix::test]
async fn the_greeting_carries_the_will_and_the_credentials() {
    let (broker, port) = Broker::bind().await;
    let credentials = settings::Credentials { username: "lookout".into(), password: settings::Secret::new(PASSWORD) };
    let settings = settings::Mqtt { credentials: Some(credentials), ..settings(port) };
    let (_sink, _) = begun(settings, &surroundings());
    let greeting = broker.accept().await.greeting().await;
    let will = greeting.last_will.expect("a will");
    assert_eq!((will.topic.as_str(), &will.message[..]), ("lookout/available", &b"offline"[..]));
    assert!(will.retain && will.qos == rumqttc::QoS::AtLeastOnce);
    let login = greeting.login.expect("credentials");
    assert_eq!((login.username.as_str(), login.password.as_str()), ("lookout", PASSWORD));
    assert!(greeting.clean_session && greeting.keep_alive > 0);
}

#[actix::test]
async fn what_a_broker_kept_of_cameras_that_are_no_more_is_forgotten_once_all_are_known() {
    let (broker, port) = Broker::bind().await;
    let surroundings = surroundings();
    hang_up(&surroundings.board, "door");
    let discovery = Some("homeassistant".into());
    let (_sink, _) = begun(settings::Mqtt { discovery, ..settings(port) }, &surroundings);
    let mut peer = broker.welcome().await;
    loop {
        if let Packet::Subscribe(subscribe) = peer.packet().await.expect("still connected") {
            assert!(subscribe.filters.iter().any(|filter| filter.path == "lookout/+/state"), "{subscribe:?}");
            peer.confirm(&subscribe).await;
            break;
        }
    }
    for (topic, text) in [
        ("lookout/alien/state", "21.5 C"),
        ("lookout/door/state", "streaming"),
        ("lookout/late/state", "streaming"),
        ("lookout/yard/state", "waiting"),
    ] {
        let kept = Publish { retain: true, ..Publish::new(topic, rumqttc::QoS::AtMostOnce, text) };
        peer.send(Packet::Publish(kept)).await;
    }
    // What comes after it was heard is heard after it.
    peer.send(Packet::Publish(Publish::new("homeassistant/status", rumqttc::QoS::AtMostOnce, "online"))).await;
    let mut told = 0;
    while told < 2 {
        let publish = peer.retained().await;
        assert!(!publish.payload.is_empty(), "nobody knows yet whose {} is", publish.topic);
        told += usize::from(publish.topic == "lookout/door/count");
    }
    hang_up(&surroundings.board, "late");
    surroundings.board.set_ready(true);
    let mut cleared = Vec::new();
    while cleared.len() < 9 {
        let publish = peer.retained().await;
        if publish.payload.is_empty() {
            cleared.push(publish.topic);
        }
    }
    assert!(cleared.iter().all(|topic| topic.contains("/yard/") || topic.contains("-yard-")), "{cleared:?}");
    for topic in ["lookout/yard/state", "lookout/yard/person", "lookout/yard/snapshot"] {
        assert!(cleared.iter().any(|cleared| cleared == topic), "{topic}: {cleared:?}");
    }
}

#[actix::test]
async fn invariant_10_accepted_is_only_what_the_broker_acknowledged() {
    let (broker, port) = Broker::bind().await;
    let (sink, _) = begun(settings(port), &surroundings());
    let mut peer = broker.welcome().await;
    let events = [sample::started("a"), sample::started("b")];
    let [first, second] = [0, 1].map(|i| delivery(&sink, &events[i]));
    let published = [peer.event().await, peer.event().await];
    for (publish, event) in published.iter().zip(&events) {
        assert_eq!(publish.topic, "lookout/events");
        assert_eq!(publish.payload, payload::cloud_event(event, "/lookout/test"));
    }
    // In the wrong order.
    peer.acknowledge(&published[1]).await;
    assert_eq!(outcome(second).await, Outcome::Accepted);
    assert!(!first.is_finished(), "the other one's acknowledgement is none of this one");
    peer.acknowledge(&published[0]).await;
    assert_eq!(outcome(first).await, Outcome::Accepted);
}

#[actix::test]
async fn invariant_9_without_an_acknowledgement_it_is_refused_and_the_connection_made_anew() {
    let (broker, port) = Broker::bind().await;
    let (sink, _) = begun(hasty(port), &surroundings());
    let mut peer = broker.welcome().await;
    let event = sample::started("a");
    let unheard = delivery(&sink, &event);
    peer.event().await;
    let outcome_of_it = outcome(unheard).await;
    assert!(matches!(outcome_of_it, Outcome::Refused { blames_event: false, .. }), "{outcome_of_it:?}");
    assert!(error(outcome_of_it).contains("did not acknowledge"));
    peer.until_closed().await;

    let mut peer = broker.welcome().await;
    let again = delivery(&sink, &event);
    let publish = peer.event().await;
    peer.acknowledge(&publish).await;
    assert_eq!(outcome(again).await, Outcome::Accepted);
}

#[actix::test]
async fn an_acknowledgement_that_comes_together_with_the_end_counts() {
    let (broker, port) = Broker::bind().await;
    let (sink, _) = begun(settings(port), &surroundings());
    let mut peer = broker.welcome().await;
    let delivery = delivery(&sink, &sample::started("a"));
    let publish = peer.event().await;
    let [high, low] = publish.pkid.to_be_bytes();
    // And then a packet that there is none of; nobody welcomes the next connection.
    peer.raw(&[0x40, 2, high, low, 0xff, 0]).await;
    assert_eq!(outcome(delivery).await, Outcome::Accepted);
}

#[actix::test]
async fn what_a_lost_connection_did_not_acknowledge_is_told_on_the_next_one_in_order() {
    let (broker, port) = Broker::bind().await;
    let (sink, _) = begun(settings(port), &surroundings());
    let mut peer = broker.welcome().await;
    let deliveries = ["a", "b", "c"].map(|camera| delivery(&sink, &sample::started(camera)));
    let first = [peer.event().await, peer.event().await, peer.event().await];
    drop(peer);

    let mut peer = broker.welcome().await;
    for before in &first {
        let publish = peer.event().await;
        assert_eq!(publish.payload, before.payload, "the same, in the same order");
        peer.acknowledge(&publish).await;
    }
    for delivery in deliveries {
        assert_eq!(outcome(delivery).await, Outcome::Accepted);
    }
}

#[actix::test]
async fn a_last_will_that_comes_late_is_revoked_and_so_it_is_at_a_birth() {
    let (broker, port) = Broker::bind().await;
    let (_sink, _) = begun(at_home(port), &surroundings());
    let mut peer = broker.welcome().await;
    let greeting = peer.retained().await;
    assert_eq!((greeting.topic.as_str(), &greeting.payload[..]), ("lookout/available", &b"online"[..]));
    let subscribe = peer.subscription().await;
    assert!(subscribe.filters.iter().any(|filter| filter.path == "lookout/available"), "{subscribe:?}");
    for (topic, text) in [("lookout/available", "offline"), ("homeassistant/status", "online")] {
        peer.send(Packet::Publish(Publish::new(topic, rumqttc::QoS::AtMostOnce, text))).await;
        let revoked = peer.retained().await;
        assert_eq!((revoked.topic.as_str(), &revoked.payload[..]), ("lookout/available", &b"online"[..]), "{topic}");
    }
}

#[actix::test]
async fn who_says_that_lookout_is_gone_again_and_again_is_not_answered_each_time() {
    let (broker, port) = Broker::bind().await;
    let (sink, _) = prepared(settings(port), &surroundings());
    if let Work::Prepared(lives) = &mut *sink.work.lock() {
        lives.plan.pace.renewals = Duration::from_secs(3600);
    }
    sink.begin();
    let mut peer = broker.welcome().await;
    assert_eq!(peer.retained().await.topic, "lookout/available");
    for camera in ["a", "b"] {
        peer.send(Packet::Publish(Publish::new("lookout/available", rumqttc::QoS::AtMostOnce, "offline"))).await;
        let delivery = delivery(&sink, &sample::started(camera));
        let publish = peer.publish_on("").await;
        assert_eq!(publish.topic, "lookout/events", "no answer");
        // That it is heard says that what was sent before was heard, too.
        peer.acknowledge(&publish).await;
        assert_eq!(outcome(delivery).await, Outcome::Accepted);
    }
}

#[actix::test]
async fn a_broker_may_be_named_by_its_ipv6_address() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else { return left_out("this machine has no [::1]") };
    let port = listener.local_addr().expect("bound").port();
    let settings = settings::Mqtt { host: "::1".into(), ..settings(port) };
    assert_eq!(Mqtt::target(&settings), format!("mqtt://[::1]:{port}"));
    let (_sink, _) = begun(settings, &surroundings());
    Broker(listener).welcome().await;
}

#[actix::test]
async fn invariant_7_garbage_costs_a_connection_and_nothing_else() {
    let (broker, port) = Broker::bind().await;
    let settings = settings::Mqtt { discovery: Some("homeassistant".into()), ..settings(port) };
    let (sink, cell) = begun(settings, &surroundings());
    let mut garbage: Vec<Vec<u8>> = vec![
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        vec![0xff; 300],
        vec![0x20, 2, 0, 77],               // a refusal for a reason that there is none
        vec![0x20, 1, 0],                   // a welcome cut short
        vec![0x30, 0xff, 0xff, 0xff, 0x7f], // a message of 256 MiB
        vec![0x36, 4, 0, 1, b'a', 0],       // quality of service 3
        vec![0x40, 2, 0xea, 0x60],          // acknowledges packet 60000
        vec![0x40, 2, 0, 0],
        vec![0x50, 2, 0, 9],
        vec![0x62, 2, 0, 9],
        vec![0x70, 2, 0, 9],
        vec![0x90, 3, 0, 1, 99],
        vec![0xd0, 0, 0xd0, 0, 0x30, 1, 0], // two pongs and half a message
        vec![0x10, 0],
        vec![0xe0, 0],
    ];
    let mut random = fastrand::Rng::with_seed(7);
    garbage.extend((0..50).map(|_| (0..random.usize(1..200)).map(|_| random.u8(..)).collect()));
    for (case, bytes) in garbage.iter().enumerate() {
        for welcomed in [false, true] {
            let mut peer = if welcomed { broker.welcome().await } else { broker.accept().await };
            peer.raw(bytes).await;
            // The end of the stream, for what looks like half a packet.
            peer.stream.shutdown().await.unwrap_or_else(|e| assert!(e.raw_os_error().is_some(), "{case}: {e}"));
            peer.until_closed().await;
        }
    }
    let last = cell.state().last_error;
    let delivery = delivery(&sink, &sample::started("a"));
    let mut peer = broker.welcome().await;
    let publish = peer.event().await;
    peer.acknowledge(&publish).await;
    assert_eq!(outcome(delivery).await, Outcome::Accepted);
    assert!(last.is_some_and(|error| error.contains("127.0.0.1")), "it was said what is wrong");
}

#[actix::test]
async fn invariant_13_a_wrong_password_is_named_but_not_told() {
    let (broker, port) = Broker::bind().await;
    let credentials = settings::Credentials { username: "lookout".into(), password: settings::Secret::new(PASSWORD) };
    let (sink, cell) = begun(settings::Mqtt { credentials: Some(credentials), ..hasty(port) }, &surroundings());
    let delivery = delivery(&sink, &sample::started("a"));
    let mut thrown_back = false;
    while !delivery.is_finished() {
        let mut peer = broker.accept().await;
        let greeting = peer.greeting().await;
        // Once it echoes what it is sent, password included.
        let echo = !std::mem::replace(&mut thrown_back, true);
        let refusal = Packet::ConnAck(ConnAck::new(ConnectReturnCode::BadUserNamePassword, false));
        peer.send(if echo { Packet::Connect(greeting) } else { refusal }).await;
        if echo {
            until("an error", || cell.state().last_error.is_some()).await;
            let said = cell.state().last_error.unwrap_or_default();
            assert!(said.contains("no MQTT") && !said.contains(PASSWORD), "{said}");
        }
    }
    let outcome = outcome(delivery).await;
    assert!(matches!(outcome, Outcome::Unreachable { .. }), "the event is not to blame: {outcome:?}");
    let said = error(outcome);
    assert!(said.contains("user name or the password"), "{said}");
    assert!(!said.contains(PASSWORD) && !format!("{cell:?}").contains(PASSWORD));
}

#[actix::test]
async fn invariant_9_a_silent_broker_is_given_up() {
    let (broker, port) = Broker::bind().await;
    let (sink, _) = begun(hasty(port), &surroundings());
    let delivery = delivery(&sink, &sample::started("a"));
    let _silent = broker.accept().await;
    let said = error(outcome(delivery).await);
    assert!(said.contains("no connection to mqtt://127.0.0.1"), "{said}");
}

#[actix::test]
async fn nobody_there_is_unreachable_and_the_next_attempt_says_so_at_once() {
    let (broker, port) = Broker::bind().await;
    drop(broker);
    let (sink, cell) = begun(hasty(port), &surroundings());
    let first = outcome(delivery(&sink, &sample::started("a"))).await;
    let Outcome::Unreachable { error } = &first else { panic!("{first:?}") };
    assert!(error.contains("refuses connections"), "{error}");
    let mut next = sink.deliver(&sample::started("a"));
    assert_eq!((&mut next).now_or_never(), Some(first), "without waiting again");
    assert!(cell.state().last_error.is_some());
}

#[actix::test]
async fn an_event_that_is_too_large_is_to_blame_itself() {
    let (_broker, port) = Broker::bind().await;
    let (sink, _) = prepared(settings(port), &surroundings());
    let mut event = sample::started("a");
    event.data.zone = Some("x".repeat(Mqtt::LARGEST_EVENT).into());
    let outcome = outcome(delivery(&sink, &event)).await;
    assert!(matches!(outcome, Outcome::Refused { blames_event: true, .. }), "{outcome:?}");
}

#[actix::test]
async fn when_its_courier_has_drained_it_says_goodbye() {
    let (broker, port) = Broker::bind().await;
    let house = House::with(&["mqtt"]);
    let (sink, _) = prepared(settings(port), &surroundings());
    let (courier, cell) = house.courier("mqtt", sink, &[0]);
    let mut peer = broker.welcome().await;
    house.record(&["a"]);
    let publish = peer.event().await;
    let drained = courier.send(Drain { deadline: PATIENCE });
    peer.acknowledge(&publish).await;

    let mut last = Vec::new();
    while let Some(packet) = peer.packet().await {
        if let Packet::Publish(publish) = &packet {
            peer.acknowledge(publish).await;
        }
        last.push(packet);
    }
    let [.., Packet::Publish(goodbye), Packet::Disconnect] = &last[..] else { panic!("no goodbye: {last:?}") };
    assert_eq!((goodbye.topic.as_str(), &goodbye.payload[..]), ("lookout/available", &b"offline"[..]));
    assert!(goodbye.retain);
    assert_eq!(drained.await.expect("the courier lives"), 0);
    house.outbox.send(Flush).await.expect("the outbox lives");
    assert_eq!((cell.delivered.get(), cell.failures.get()), (1, 0));
}

#[actix::test]
async fn a_goodbye_that_the_broker_does_not_hear_ends_all_the_same() {
    let (broker, port) = Broker::bind().await;
    let (sink, _) = begun(settings(port), &surroundings());
    let mut peer = broker.welcome().await;
    let Some(Packet::Publish(online)) = peer.packet().await else { panic!("no greeting") };
    assert_eq!(online.payload, "online");
    timeout(PATIENCE, sink.close()).await.expect("it ends");
    let after = outcome(delivery(&sink, &sample::started("a"))).await;
    assert!(matches!(after, Outcome::Unreachable { .. }), "{after:?}");
    peer.until_closed().await;
}

#[actix::test]
async fn a_flood_of_changes_leaves_places_to_events() {
    let (broker, port) = Broker::bind().await;
    let surroundings = surroundings();
    for i in 0..100 {
        hang_up(&surroundings.board, &format!("c{i}"));
    }
    let (sink, _) = begun(settings(port), &surroundings);
    let mut peer = broker.welcome().await;
    let delivery = delivery(&sink, &sample::started("a"));
    // Nothing retained is acknowledged, so all places for it are taken, and still the event comes.
    let publish = loop {
        match peer.packet().await.expect("connected") {
            Packet::Publish(publish) if !publish.retain => break publish,
            _ => {}
        }
    };
    peer.acknowledge(&publish).await;
    assert_eq!(outcome(delivery).await, Outcome::Accepted);
}
