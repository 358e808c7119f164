//! What a broker does not bear, of what is beside the events, costs no event.

use rumqttc::{Packet, Publish};

use super::{peer::Broker, *};
use crate::events::sample;

#[actix::test]
async fn an_event_that_ends_every_connection_is_refused_and_makes_place_for_others() {
    let (broker, port) = Broker::bind().await;
    let (sink, _) = begun(settings(port), &surroundings());
    let poison = delivery(&sink, &sample::started("a"));
    for _ in 0..3 {
        broker.welcome().await.event().await;
    }
    let refused = outcome(poison).await;
    assert!(matches!(refused, Outcome::Refused { .. }), "it counts as an attempt: {refused:?}");
    let other = delivery(&sink, &sample::started("b"));
    let mut peer = broker.welcome().await;
    let publish = peer.event().await;
    peer.acknowledge(&publish).await;
    assert_eq!(outcome(other).await, Outcome::Accepted);
}

#[actix::test]
async fn a_picture_that_ends_every_connection_is_given_up_and_smaller_ones_are_not() {
    let (broker, port) = Broker::bind().await;
    let pictures: crate::sinks::Pictures = Arc::new(|cell| match cell.id.as_str() {
        "d-small" => Some(vec![0; 10_000]),
        _ => Some(vec![0; 100_000]),
    });
    let surroundings = Surroundings { pictures: Some(pictures), ..surroundings() };
    for id in ["a", "b", "c", "d-small"] {
        hang_up(&surroundings.board, id).open_visits.set(1);
    }
    let (sink, cell) = begun(settings(port), &surroundings);
    let delivery = delivery(&sink, &sample::started("a"));
    for topic in ["lookout/a/snapshot", "lookout/b/snapshot"] {
        let mut peer = broker.welcome().await;
        assert_eq!(peer.publish_on("/snapshot").await.topic, topic);
        // Hangs up at it.
    }
    let mut peer = broker.welcome().await;
    let event = peer.publish_on("lookout/events").await;
    peer.acknowledge(&event).await;
    assert_eq!(outcome(delivery).await, Outcome::Accepted, "the event is not to blame");
    assert_eq!(peer.publish_on("/snapshot").await.topic, "lookout/d-small/snapshot");
    assert!(cell.pictures_given_up.get() > 0);
}

#[actix::test]
async fn descriptions_that_the_user_may_not_publish_cost_no_event() {
    let (broker, port) = Broker::bind().await;
    let surroundings = surroundings();
    hang_up(&surroundings.board, "door");
    let (sink, cell) = begun(at_home(port), &surroundings);
    let delivery = delivery(&sink, &sample::started("a"));
    for _ in 0..2 {
        // Hangs up at the first one.
        broker.welcome().await.publish_on("/config").await;
    }
    let mut peer = broker.welcome().await;
    let mut topics = Vec::new();
    while !["lookout/door/count", "lookout/events"].iter().all(|topic| topics.iter().any(|told| told == topic)) {
        let publish = peer.publish_on("").await;
        assert!(!publish.topic.ends_with("/config"), "it is left out");
        peer.acknowledge(&publish).await;
        topics.push(publish.topic);
    }
    assert_eq!(outcome(delivery).await, Outcome::Accepted);
    // By now the subscription is confirmed as well: nothing else keeps a description from being published before this one.
    let next = tokio::spawn(sink.deliver(&sample::started("b")));
    let publish = peer.publish_on("").await;
    assert_eq!(publish.topic, "lookout/events", "it is left out");
    peer.acknowledge(&publish).await;
    assert_eq!(outcome(next).await, Outcome::Accepted);
    let said = cell.state().last_error.unwrap_or_default();
    let expected = "closed the connection when homeassistant/binary_sensor/lookout-door-person/config was published";
    assert!(said.contains(expected) && said.contains("may this user publish there?"), "{said}");
}

#[actix::test]
async fn a_message_that_is_too_large_costs_the_subscriptions_and_no_event() {
    let (broker, port) = Broker::bind().await;
    let (sink, cell) = begun(at_home(port), &surroundings());
    let delivery = delivery(&sink, &sample::started("a"));
    let mut peer = broker.welcome().await;
    peer.subscription().await;
    let kept = Publish::new("lookout/x/state", rumqttc::QoS::AtMostOnce, vec![b'x'; 100 << 10]);
    peer.send(Packet::Publish(Publish { retain: true, ..kept })).await;
    peer.until_closed().await;

    let mut peer = broker.welcome().await;
    let event = loop {
        match peer.packet().await.expect("still connected") {
            Packet::Subscribe(subscribe) => panic!("it would end over it again: {subscribe:?}"),
            Packet::Publish(publish) if publish.topic == "lookout/events" => break publish,
            _ => {}
        }
    };
    peer.acknowledge(&event).await;
    assert_eq!(outcome(delivery).await, Outcome::Accepted);
    let said = cell.state().last_error.unwrap_or_default();
    for word in ["too large", "lookout/+/state", "homeassistant/status", "lookout/available"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[actix::test]
async fn subscriptions_that_the_user_may_not_have_cost_neither_events_nor_descriptions() {
    let (broker, port) = Broker::bind().await;
    let surroundings = surroundings();
    hang_up(&surroundings.board, "door");
    let (sink, cell) = begun(at_home(port), &surroundings);
    let delivery = delivery(&sink, &sample::started("a"));
    for _ in 0..2 {
        // Hangs up at it.
        broker.welcome().await.subscription().await;
    }
    let mut peer = broker.welcome().await;
    let mut descriptions = 0;
    let mut told = false;
    while !told || descriptions == 0 {
        match peer.packet().await.expect("still connected") {
            Packet::Subscribe(subscribe) => panic!("it would end over it again: {subscribe:?}"),
            Packet::Publish(publish) => {
                peer.acknowledge(&publish).await;
                told |= publish.topic == "lookout/events";
                descriptions += usize::from(publish.topic.ends_with("/config"));
            }
            _ => {}
        }
    }
    assert_eq!(outcome(delivery).await, Outcome::Accepted);
    let said = cell.state().last_error.unwrap_or_default();
    assert!(said.contains("lookout/+/state") && said.contains("subscribed to"), "{said}");
}
