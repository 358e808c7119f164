use actix_web::http::header;
use jiff::Timestamp;
use serde_json::json;

use super::{
    listener::{Listener, Said},
    *,
};
use crate::events::{Claim, Reader, Settle, Settlement, Snapshot, StoredFrame};

/// Gives up everything that waits for `SINK`.
async fn bury(house: &House) {
    loop {
        let claim = Claim { sink: SINK.into(), busy: vec![], limit: 100, untried_only: false };
        let claimed = house.outbox.send(claim).await.expect("it lives").expect("readable");
        if claimed.deliveries.is_empty() {
            return;
        }
        for delivery in claimed.deliveries {
            let settlement = Settlement::Buried { error: "answered 500".into() };
            let settle = Settle { sink: SINK.into(), seq: delivery.seq, settlement };
            house.outbox.send(settle).await.expect("it lives").expect("written");
        }
    }
}

#[actix::test]
async fn dead_letters_are_retried_one_by_one_or_all() {
    let house = House::open();
    let events = house.record(&["door", "yard", "gate"]).await;
    let retry = |id| format!("/api/v1/deliveries/{id}/retry");
    let none =
        format!("event {0} has no dead letter; GET /api/v1/deliveries?event={0} says how it was delivered", events[0]);
    assert_eq!(house.post(&retry(events[0])).await.problem(404), none);
    assert_eq!(house.post("/api/v1/deliveries/retry").await.json(), json!({ "retried": 0 }));

    bury(&house).await;
    for path in [retry(events[0]), "/api/v1/deliveries/retry".into()] {
        let other = house.post(&format!("{path}?sink=offic")).await.problem(404);
        assert_eq!(other, "\"offic\" is no sink; did you mean \"office\"? (known: office)", "{path}");
    }
    assert_eq!(house.post(&format!("{}?sink={SINK}", retry(events[0]))).await.json(), json!({ "retried": 1 }));
    assert_eq!(house.post(&retry(events[0])).await.problem(404), none, "it is no dead letter any more");
    let other = format!("{}?sink={SINK}", retry(events[0]));
    assert!(house.post(&other).await.problem(404).contains("has no dead letter of sink \"office\""));
    assert_eq!(house.post("/api/v1/deliveries/retry?sink=another").await.status, 404);
    assert_eq!(house.post("/api/v1/deliveries/retry").await.json(), json!({ "retried": 2 }));
    assert_eq!(
        house.post("/api/v1/deliveries/retry?sink=").await.problem(400),
        "query parameter \"sink\" says nothing; leave it out where it does not matter",
        "an empty variable in a script retries nothing"
    );
}

#[actix::test]
async fn deliveries_say_how_far_they_got() {
    let house = House::open();
    let dead = house.record(&["door", "yard"]).await;
    bury(&house).await;
    let waiting = house.record(&["door"]).await;
    let listed = house.get("/api/v1/deliveries").await.json();
    let events: Vec<&serde_json::Value> = listed.as_array().expect("a list").iter().map(|d| &d["event"]).collect();
    assert_eq!(json!(events), json!([waiting[0], dead[1], dead[0]]), "the newest first");
    assert_eq!(listed[2]["seq"], 1, "{listed}");
    for (key, expected) in [
        ("sink", json!(SINK)),
        ("type", json!("lookout.visit.started")),
        ("camera", json!("door")),
        ("state", json!("dead")),
        ("last_error", json!("answered 500")),
        ("next_attempt_at", json!(null)),
    ] {
        assert_eq!(listed[2][key], expected, "{key}");
    }
    for (query, expected) in [
        ("state=dead", json!([dead[1], dead[0]])),
        ("state=pending", json!([waiting[0]])),
        ("camera=door&state=dead", json!([dead[0]])),
        ("sink=office&camera=nobody", json!([])),
        ("limit=1", json!([waiting[0]])),
        ("before=3&limit=1", json!([dead[1]])),
        (&*format!("event={}&sink={SINK}", dead[1]), json!([dead[1]])),
    ] {
        let listed = house.get(&format!("/api/v1/deliveries?{query}")).await.json();
        let events: Vec<&serde_json::Value> = listed.as_array().expect("a list").iter().map(|d| &d["event"]).collect();
        assert_eq!(json!(events), expected, "{query}");
    }
}

#[actix::test]
async fn deliveries_of_a_mistyped_sink_are_no_empty_list() {
    let house = House::open();
    house.record(&["door"]).await;
    let told = house.get("/api/v1/deliveries?sink=ofice").await.problem(404);
    assert_eq!(told, "\"ofice\" is no sink; did you mean \"office\"? (known: office)");
    house.board.remove_sink(SINK);
    let told = house.get("/api/v1/deliveries?sink=ofice").await.problem(404);
    assert_eq!(told, "\"ofice\" is no sink; the settings have none");
    let listed = house.get(&format!("/api/v1/deliveries?sink={SINK}")).await.json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "what a former sink was told is still there: {listed}");
}

#[actix::test]
async fn a_listing_that_takes_too_long_is_given_up_and_streams_go_on() {
    let house = House::answering_within(Duration::from_millis(300), StreamTerms::default(), Auth::Open);
    let mut let_go = Vec::new();
    for _ in 0..2 {
        let (go, waits) = std::sync::mpsc::sync_channel::<()>(1);
        let (begun, begins) = tokio::sync::oneshot::channel();
        let events = Arc::clone(&house.events);
        let hold = move |_: &Reader| {
            begun.send(()).expect("the test waits for it");
            let _ = waits.recv(); // also if the test has failed
            Ok(())
        };
        actix_rt::spawn(async move { events.ask(hold).await });
        begins.await.expect("it begins");
        let_go.push(go);
    }
    for path in ["/api/v1/events", "/api/v1/deliveries"] {
        let told = house.get(path).await.problem(503);
        assert!(told.contains("took too long"), "{told}");
    }
    let mut listener = Listener::connect(house.address, "/api/v1/events/stream", "").await;
    assert!(matches!(listener.next().await, Said::Place(_)));
    let recorded = house.record(&["door"]).await;
    assert_eq!(listener.event().await.id(), recorded[0].to_string());
    drop(let_go);
}

#[actix::test]
async fn mistakes_are_told_in_plain_words() {
    let house = House::open();
    house.watch("door");
    for (path, status, expected) in [
        (
            "events?camra=door",
            400,
            "there is no query parameter \"camra\"; did you mean \"camera\"? (known here: camera, type, since, before, limit)",
        ),
        ("events?limit=many", 400, "query parameter \"limit\": \"many\" is no whole number, 0 or more"),
        ("events/17", 400, "in the path: \"17\" is no event id: it is a UUID, as in the \"id\" of GET /api/v1/events"),
        (
            "events/17/snapshot.jpg",
            400,
            "in the path: \"17\" is no event id: it is a UUID, as in the \"id\" of GET /api/v1/events",
        ),
        ("cameras/dor", 404, "no camera is called \"dor\"; did you mean \"door\"? GET /api/v1/cameras lists them"),
        ("cameras/door/frame.jpg?annotate=yes", 400, "query parameter \"annotate\": \"yes\" is neither true nor false"),
        (
            "events/stream?camera=dor",
            404,
            "no camera is called \"dor\"; did you mean \"door\"? GET /api/v1/cameras lists them",
        ),
        (
            "events/stream?last_event_id=17",
            400,
            "query parameter \"last_event_id\": \"17\" is no event id: it is a UUID, as in the \"id\" of GET /api/v1/events",
        ),
        (
            "deliveries?state=died",
            400,
            "query parameter \"state\": \"died\" is no state of a delivery; did you mean \"dead\"? (known: pending, held, delivered, dead, gathered, digested)",
        ),
        (
            "events/stream?since=now",
            400,
            "there is no query parameter \"since\" (known here: camera, type, last_event_id)",
        ),
    ] {
        assert_eq!(house.get(&format!("/api/v1/{path}")).await.problem(status), expected, "{path}");
    }
}

#[actix::test]
async fn every_address_of_the_interface_knows_its_parameters() {
    let house = House::open();
    house.watch("door");
    let id = EventId::fresh();
    let retry = [format!("deliveries/{id}/retry"), "deliveries/retry".into(), "reload".into()];
    let look = [
        "session",
        "status",
        "cameras",
        "cameras/door",
        "cameras/door/frame.jpg",
        "events",
        "events/stream",
        "deliveries",
    ];
    let look = look.map(String::from).into_iter().chain([format!("events/{id}"), format!("events/{id}/snapshot.jpg")]);
    for (method, path) in look.map(|path| ("GET", path)).chain(retry.map(|path| ("POST", path))) {
        for query in ["smk=office", "%ff=1", "=", "sink"] {
            let asked = format!("/api/v1/{path}?{query}");
            let problem = request(house.address, method, &asked, &[]).await.problem(400);
            let plain = problem.contains("query parameter") && problem.contains("known here");
            assert!(plain || (query == "sink" && problem.contains("says nothing")), "{asked}: {problem}");
        }
    }
}

#[actix::test]
async fn whoever_may_not_ask_learns_nothing_else() {
    let house = House::with(StreamTerms::default(), tokens());
    let id = EventId::fresh();
    let id = format!("/api/v1/events/{id}/snapshot.jpg");
    for path in ["/api/v1/events?nothing=1", "/api/v1/events/17", "/api/v1/events/stream", "/api/v1/deliveries", &id] {
        assert_eq!(house.get(path).await.status, 401, "{path}");
    }
    for path in ["/api/v1/deliveries/17/retry", "/api/v1/deliveries/retry"] {
        assert_eq!(house.post(path).await.status, 401, "{path}");
    }
    let shown = [("authorization", &*format!("Bearer {TOKEN}"))];
    assert_eq!(request(house.address, "GET", "/api/v1/events", &shown).await.status, 200);
}

#[actix::test]
async fn pictures_of_events_are_served_and_may_be_kept_by_who_asked() {
    let house = House::open();
    let mut event = sample::started("door");
    let frame = |n| StoredFrame { url: format!("file:///{n}.jpg"), captured_at: Timestamp::UNIX_EPOCH };
    event.data.snapshot = Some(Snapshot { url: frame(1).url, frames: (0..3).map(frame).collect() });
    let (bare, down) = (sample::started("door"), sample::down("door", Timestamp::now()));
    house.write_down(&[event.clone(), bare.clone(), down.clone()]).await;
    let path = |event: &Event| format!("/api/v1/events/{}/snapshot.jpg", event.id);

    let shown = house.get(&path(&event)).await;
    assert_eq!((shown.status, shown.body), (200, format!("picture 1 of {}", event.id).into_bytes()));
    let tag = format!("\"{}.1\"", event.id);
    for header in
        ["content-type: image/jpeg", "cache-control: private, max-age=86400, immutable", &format!("etag: {tag}")]
    {
        assert!(shown.head.contains(header), "{header}: {}", shown.head);
    }
    let known = [(header::IF_NONE_MATCH.as_str(), tag.as_str())];
    let again = request(house.address, "GET", &path(&event), &known).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = request(house.address, "GET", &format!("{}?n=0", path(&event)), &known).await;
    assert_eq!((other.status, other.body), (200, format!("picture 0 of {}", event.id).into_bytes()));

    // The best frame of this visit is the one that opened it.
    let end = sample::ended(&event);
    house.write_down(&[sample::started("door"), end.clone(), sample::ended(&bare)]).await;
    let best = house.get(&path(&end)).await;
    assert_eq!((best.status, best.body), (200, format!("picture 1 of {}", event.id).into_bytes()));
    assert!(best.head.contains(&tag), "{}", best.head);
    assert_eq!(house.get(&format!("{}?n=1", path(&end))).await.status, 404, "it has no second one");

    let id = event.id;
    for (path, expected) in [
        (
            format!("{}?n=2", path(&event)),
            format!(
                "picture 2 of event {id} is not here any more; \"snapshot\" in GET /api/v1/events/{id} says where it was stored"
            ),
        ),
        (format!("{}?n=3", path(&event)), format!("event {id} has 3 pictures, and n counts from 0: there is no 3")),
        (
            path(&bare),
            format!(
                "no picture 0 of event {} is here: pictures are kept if the settings have [snapshots], and it may take a moment until they are",
                bare.id
            ),
        ),
        (path(&down), "events of type lookout.camera.down have no pictures".into()),
    ] {
        assert_eq!(house.get(&path).await.problem(404), expected, "{path}");
    }
}

#[actix::test]
async fn the_index_lists_addresses_that_answer() {
    let house = House::open();
    let index = house.get("/").await.json();
    let addresses = index["addresses"].as_array().expect("a list");
    assert!(addresses.len() > 12, "{index}");
    for address in addresses {
        let (method, path) = address.as_str().and_then(|a| a.split_once(' ')).expect("a method and a path");
        let path = path.split('?').next().unwrap_or_default();
        let path = path.replace("{id}", "an-id").replace("{event id}", "an-id");
        if path.ends_with("/stream") {
            continue; // it would not end
        }
        let answer = request(house.address, method, &path, &[]).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains("nothing answers to"), "{method} {path}: {text}");
    }
}
