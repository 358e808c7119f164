use futures::StreamExt;
use uuid::Uuid;

use super::{
    super::stream::{Filter, Tail},
    listener::{Listener, Said},
    *,
};
use crate::testing::until;

const STREAM: &str = "/api/v1/events/stream";
const QUICK: Duration = Duration::from_millis(50);

/// The ids of the next `n` events.
async fn ids(listener: &mut Listener, n: usize) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < n {
        ids.push(listener.event().await.id().to_owned());
    }
    ids
}

fn texts(ids: &[EventId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[actix::test]
async fn an_event_is_told_as_the_report_that_sinks_get() {
    let house = House::open();
    house.record(&["door"]).await;
    let mut listener = Listener::connect(house.address, STREAM, "").await;
    assert_eq!(listener.status(), 200);
    for header in ["content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"] {
        assert!(listener.head.contains(header), "{header}: {}", listener.head);
    }
    assert!(matches!(listener.next().await, Said::Place(_)), "what was before is not told");
    let event = sample::started("yard");
    house.write_down(std::slice::from_ref(&event)).await;
    let report = crate::sinks::cloud_event(&event, "/lookout/test");
    let data = serde_json::from_slice(&report).expect("JSON");
    let told = Said::Event { name: "lookout.visit.started".into(), id: event.id.to_string(), data };
    assert_eq!(listener.next().await, told);
}

#[actix::test]
async fn a_listener_that_comes_back_misses_nothing_and_hears_nothing_twice() {
    let house = House::open();
    let events: Vec<Event> = (0..700).map(|n| sample::started(["door", "yard"][n % 2])).collect();
    let expected: Vec<String> = events.iter().map(|event| event.id.to_string()).collect();

    let mut listener = Listener::connect(house.address, STREAM, "").await;
    assert_eq!(listener.next().await, Said::Place(Uuid::nil().to_string()), "a place before the first event");
    let outbox = house.outbox.clone();
    let recording = actix_rt::spawn(async move {
        for (n, event) in events.into_iter().enumerate() {
            outbox.do_send(Record::now(event));
            if n % 7 == 0 {
                outbox.send(Flush).await.expect("it lives");
            }
        }
        outbox.send(Flush).await.expect("it lives");
    });
    // The first connection breaks before its first event, later ones after some.
    let (mut told, mut last_id) = (Vec::new(), listener.last_id.clone());
    for n in (1..).map(|n| n * 13 % 90) {
        if told.len() == expected.len() {
            break;
        }
        listener = Listener::connect(house.address, STREAM, &last_id).await;
        told.extend(ids(&mut listener, n.min(expected.len() - told.len())).await);
        last_id.clone_from(&listener.last_id);
    }
    assert_eq!(told, expected);
    recording.await.expect("it records");

    // The header is newer than what the address says: a browser keeps the address it began with.
    let address = format!("{STREAM}?last_event_id={}", expected[3]);
    let mut listener = Listener::connect(house.address, &address, &expected[697]).await;
    assert_eq!(ids(&mut listener, 2).await, expected[698..]);
    let mut listener = Listener::connect(house.address, &address, "").await;
    assert_eq!(ids(&mut listener, 2).await, expected[4..6]);
}

#[actix::test]
async fn a_listener_of_an_unknown_place_is_told_of_the_gap_and_goes_on_with_the_newest() {
    let house = House::open();
    let mut newest = *house.record(&["door", "yard"]).await.last().expect("two");
    for unknown in [&*EventId::fresh().to_string(), "17"] {
        let mut listener = Listener::connect(house.address, STREAM, unknown).await;
        let Said::Event { name, id, data } = listener.next().await else { panic!("no word of the gap") };
        assert_eq!((&*name, id, &data["last_event_id"]), ("lookout.gap", newest.to_string(), &unknown.into()));
        assert!(data["message"].as_str().is_some_and(|m| m.contains("not known here")), "{data}");
        let next = house.record(&["door"]).await;
        assert_eq!(ids(&mut listener, 1).await, texts(&next));
        // Who comes back with the place of the gap was told of it.
        let mut again = Listener::connect(house.address, STREAM, &newest.to_string()).await;
        assert_eq!(again.next().await.id(), next[0].to_string());
        newest = next[0];
    }
}

#[actix::test]
async fn a_slow_listener_costs_no_memory_and_nobody_time() {
    let house = House::open();
    let mut slow = Listener::connect_with_window(house.address, STREAM, "", Some(4096)).await;
    let mut quick = Listener::connect(house.address, STREAM, "").await;
    assert!(matches!(quick.next().await, Said::Place(_)));
    assert!(matches!(slow.next().await, Said::Place(_)));
    let mut expected = Vec::new();
    for _ in 0..16 {
        expected.extend(texts(&house.record(&["door"; 1000]).await));
    }
    assert_eq!(ids(&mut quick, expected.len()).await, expected);
    // The slow one was given what the sockets hold; the rest is still in the database alone.
    let for_slow = house.streams.told() - quick.read;
    assert!(for_slow < quick.read / 2, "{for_slow} of {} bytes are on their way", quick.read);
    assert_eq!(ids(&mut slow, expected.len()).await, expected, "it gets everything, at its own pace");
}

#[actix::test]
async fn as_many_streams_as_may_be_are_told_what_each_asks_for() {
    let house = House::with(StreamTerms { heartbeat: QUICK, ..StreamTerms::default() }, Auth::Open);
    house.watch("door");
    house.watch("yard");
    let filters = ["", "?camera=door", "?camera=yard&type=lookout.visit.ended", "?type=lookout.camera.down"];
    let mut listeners = Vec::new();
    for n in 0..64 {
        listeners.push(Listener::connect(house.address, &format!("{STREAM}{}", filters[n % 4]), "").await);
    }
    let refused = house.get(STREAM).await;
    assert_eq!(refused.problem(503), "64 streams of events are open; more are not held at once");

    let (door, yard) = (sample::started("door"), sample::started("yard"));
    let (left, down) = (sample::ended(&yard), sample::down("door", jiff::Timestamp::now()));
    let all = [&door, &yard, &left, &down];
    house.write_down(&all.map(Clone::clone)).await;
    let wanted = [&all[..], &[&door, &down], &[&left], &[&down]];
    for (n, listener) in listeners.iter_mut().enumerate() {
        let expected: Vec<String> = wanted[n % 4].iter().map(|event| event.id.to_string()).collect();
        assert_eq!(ids(listener, expected.len()).await, expected, "{}", filters[n % 4]);
    }
    // Also of what a listener did not want, it learns that it need not come back for it.
    while listeners[2].last_id != down.id.to_string() {
        let said = listeners[2].next().await;
        assert!(matches!(said, Said::Place(_) | Said::Comment), "{said:?}");
    }

    listeners.pop();
    until("a place is free", || house.streams.open() == 63).await;
    assert_eq!(Listener::connect(house.address, STREAM, "").await.status(), 200);
}

#[actix::test]
async fn a_stream_says_now_and_then_that_it_lives() {
    let house = House::with(StreamTerms { heartbeat: QUICK, ..StreamTerms::default() }, Auth::Open);
    let mut listener = Listener::connect(house.address, STREAM, "").await;
    assert!(matches!(listener.next().await, Said::Place(_)));
    for _ in 0..3 {
        assert_eq!(listener.next().await, Said::Comment);
    }
}

#[actix::test]
async fn invariant_9_a_connection_that_takes_nothing_is_cut() {
    let house = House::with(StreamTerms { patience: Duration::from_millis(500), ..StreamTerms::default() }, Auth::Open);
    let mut stuck = Listener::connect_with_window(house.address, STREAM, "", Some(4096)).await;
    assert!(matches!(stuck.next().await, Said::Place(_)));
    assert_eq!(house.streams.open(), 1);
    for _ in 0..8 {
        house.record(&["door"; 1000]).await;
    }
    until("its place is free", || house.streams.open() == 0).await;
    let mut said = stuck.event().await;
    while matches!(said, Said::Event { .. }) {
        said = stuck.event().await;
    }
    assert_eq!(said, Said::Cut);
}

#[actix::test]
async fn what_is_recorded_as_the_end_comes_is_told() {
    let house = House::open();
    let entered: Vec<_> =
        (0..20).map(|_| (house.streams.enter(None).expect("a place"), house.board.outbox.newest.subscribe())).collect();
    let source: Arc<str> = "/lookout/test".into();
    let mut streams = Vec::new();
    for (place, newest) in entered {
        let source = Arc::clone(&source);
        let opened = house.events.ask(move |events| Tail::open(events, None, Filter::default(), source)).await;
        let stream = stream::follow(place, Arc::clone(&house.events), newest, opened.expect("readable"));
        streams.push(Box::pin(stream));
    }
    let first = house.record(&["door"]).await[0].to_string();
    for stream in &mut streams {
        let (opening, told) = (stream.next().await, stream.next().await);
        let told = told.and_then(Result::ok).expect("an event");
        assert!(opening.is_some() && String::from_utf8_lossy(&told).contains(&first));
    }
    // Each finds both at once: something is recorded, and it is to end.
    let last = house.record(&["door"]).await[0].to_string();
    house.streams.end();
    for stream in &mut streams {
        let told = stream.next().await.and_then(Result::ok).expect("the last event");
        assert!(String::from_utf8_lossy(&told).contains(&last));
        assert!(stream.next().await.is_none());
    }
}

#[actix::test]
async fn the_end_comes_with_streams_open_and_the_last_event_is_told() {
    let house = House::open();
    let mut stuck = Listener::connect_with_window(house.address, STREAM, "", Some(4096)).await;
    assert!(matches!(stuck.next().await, Said::Place(_)));
    for _ in 0..8 {
        house.record(&["door"; 1000]).await;
    }
    let mut listener = Listener::connect(house.address, STREAM, "").await;
    assert!(matches!(listener.next().await, Said::Place(_)));
    let last = house.record(&["door"]).await;
    house.streams.end();
    assert_eq!(house.get(STREAM).await.problem(503), "ending");
    assert_eq!(ids(&mut listener, 1).await, texts(&last));
    assert_eq!(listener.next().await, Said::End);
    let stopped = tokio::time::timeout(PATIENCE, house.server.stop(true)).await;
    stopped.expect("it ends although one of them takes nothing");
}
