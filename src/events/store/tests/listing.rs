use super::*;

#[test]
fn listing_filters_and_gives_the_newest_first() {
    let folder = temporary();
    let mut store = open(folder.path());
    let begin: Timestamp = "2026-05-01T10:00:00Z".parse().expect("a time");
    let mut events: Vec<Event> = (0..6).map(|i| sample::at(["a", "b"][i % 2], begin + (i as i64).minutes())).collect();
    events.push(sample::ended(&events[5]));
    record(&mut store, &events);
    let reader = Reader::open(store.file()).expect("readable");
    let list = |filter: EventFilter| -> Vec<usize> {
        let found = reader.list(&filter).expect("readable");
        found.iter().map(|e| events.iter().position(|o| o == e).expect("one of ours")).collect()
    };
    let all = EventFilter::default();
    assert_eq!(list(all.clone()), [6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(list(EventFilter { camera: Some("a".parse().expect("an id")), limit: 2, ..all.clone() }), [4, 2]);
    assert_eq!(list(EventFilter { kind: Some(EventKind::VisitEnded), ..all.clone() }), [6]);
    assert_eq!(list(EventFilter { since: Some(begin + 1.minute()), before: Some(begin + 3.minutes()), ..all }), [2, 1]);
}

#[test]
fn no_listing_walks_through_all_events() {
    let folder = temporary();
    let mut store = open(folder.path());
    record(&mut store, &[sample::started("a"), sample::up("b")]);
    let (camera, kind) = (Some("a".parse().expect("an id")), Some(EventKind::CameraUp));
    let (since, before) = (Some(Timestamp::UNIX_EPOCH), Some(Timestamp::now()));
    let all = EventFilter::default();
    let of_camera = EventFilter { camera: camera.clone(), ..all.clone() };
    let of_kind = EventFilter { kind, ..all.clone() };
    let of_both = EventFilter { camera, kind, ..all.clone() };
    for (filter, expected) in [
        (all, ["events_by_time", "events_by_time (time>? AND time<?)"]),
        (of_camera, ["events_by_camera (camera=?)", "events_by_camera (camera=? AND time>? AND time<?)"]),
        (of_kind, ["events_by_kind (kind=?)", "events_by_kind (kind=? AND time>? AND time<?)"]),
        (
            of_both,
            [
                "events_by_camera_and_kind (camera=? AND kind=?)",
                "events_by_camera_and_kind (camera=? AND kind=? AND time>? AND time<?)",
            ],
        ),
    ] {
        let within = EventFilter { since, before, ..filter.clone() };
        for (filter, index) in [(&filter, expected[0]), (&within, expected[1])] {
            let plan = super::super::history::plan(&store.conn, filter).expect("a plan");
            assert!(plan.contains(&format!("USING INDEX {index}\n")), "{filter:?}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{filter:?}\n{plan}");
        }
    }
}

#[test]
fn a_reader_sees_what_is_committed_while_the_writer_works() {
    let folder = temporary();
    let mut store = open(folder.path());
    let reader = Reader::open(store.file()).expect("readable");
    let event = sample::started("door");
    store
        .write(Durability::Synced, |_| {
            // In the middle of a write the reader neither waits nor sees.
            assert_eq!(reader.get(event.id).expect("readable"), None);
            Ok(())
        })
        .expect("written");
    record(&mut store, std::slice::from_ref(&event));
    assert_eq!(reader.get(event.id).expect("readable"), Some(event));
}

#[test]
fn following_gives_what_was_recorded_after_a_place_in_order() {
    let folder = temporary();
    let mut store = open(folder.path());
    let look = reader(&store);
    assert_eq!((look.newest_seq().expect("readable"), look.after(0, 10).expect("readable")), (0, vec![]));
    let now = Timestamp::now();
    // By time the other way round.
    let events: Vec<Event> = (0..5).map(|i| sample::at("a", now - i.minutes())).collect();
    record(&mut store, &events);
    let after = |seq, limit| -> Vec<(i64, EventId)> {
        let found = look.after(seq, limit).expect("readable");
        found.iter().map(|(seq, event)| (*seq, event.id)).collect()
    };
    assert_eq!(after(0, 2), [(1, events[0].id), (2, events[1].id)]);
    assert_eq!(after(3, 9), [(4, events[3].id), (5, events[4].id)]);
    assert!(after(5, 9).is_empty());
    assert_eq!(look.newest_seq().expect("readable"), 5);
    assert_eq!(look.seq_of(events[3].id).expect("readable"), Some(4));
    assert_eq!(look.seq_of(EventId::fresh()).expect("readable"), None);
    // An event that cannot be read does not stop whoever follows, and a removed one is not given out again.
    store.conn.execute("UPDATE events SET body = '{' WHERE seq = 2", []).expect("written");
    assert_eq!(after(1, 1), [(3, events[2].id)]);
    store.conn.execute("DELETE FROM events WHERE seq > 3", []).expect("written");
    assert_eq!(look.newest_seq().expect("readable"), 5);
    record(&mut store, &[sample::started("a")]);
    assert_eq!(after(3, 9)[0].0, 6);
}

/// One delivery of each state for each of two sinks, and a few more.
fn deliveries_of_all_kinds() -> (tempfile::TempDir, Store, Vec<Event>) {
    let folder = temporary();
    let mut store = open(folder.path());
    let budget = Some(Budget { per_camera: 9, total: 4 });
    let mut sinks = to(vec![Addressee { budget, ..Addressee::of_everything("phone") }, Addressee::of_everything(SINK)]);
    let events: Vec<Event> = ["a", "b", "c", "d", "a", "b"].map(sample::started).into();
    let held = Some(Timestamp::now() + 1.hour());
    let batch: Vec<Unwritten> = events
        .iter()
        .zip(0..)
        .map(|(event, i)| Unwritten { event: event.clone(), held_until: held.filter(|_| i == 3) })
        .collect();
    store.record(&batch[..5], &mut sinks, Moment::now()).expect("recorded");
    store.digest("phone", Timestamp::now()).expect("written");
    store.record(&batch[5..], &mut sinks, Moment::now()).expect("recorded");
    for sink in ["phone", SINK] {
        let now = Timestamp::now();
        store.acknowledge(sink, 1, now, false).expect("written");
        store.bury(sink, 2, "answered 404").expect("written");
        store.postpone(sink, 3, now + 1.hour(), "no answer").expect("written");
    }
    (folder, store, events)
}

#[test]
fn deliveries_are_listed_by_sink_state_camera_and_event_newest_first() {
    let (_folder, store, events) = deliveries_of_all_kinds();
    let look = reader(&store);
    let list = |filter: &DeliveryFilter| -> Vec<(i64, String)> {
        let found = look.deliveries(filter).expect("readable");
        found.into_iter().map(|delivery| (delivery.seq, delivery.sink)).collect()
    };
    let seqs = |filter: &DeliveryFilter| -> Vec<i64> { list(filter).into_iter().map(|(seq, _)| seq).collect() };
    let all = DeliveryFilter::default();
    let (phone, office) = (|seq| (seq, "phone".to_owned()), |seq| (seq, SINK.to_owned()));
    assert_eq!(list(&all)[..4], [phone(7), office(7), phone(6), phone(5)], "place 6 is the digest");
    assert_eq!(seqs(&all).len(), 13);
    let to_phone = DeliveryFilter { sink: Some("phone".into()), ..all.clone() };
    assert_eq!(seqs(&to_phone), [7, 6, 5, 4, 3, 2, 1]);
    let states = [
        (DeliveryState::Pending, vec![6, 3], vec![7, 6, 5, 3, 3]),
        (DeliveryState::Held, vec![4], vec![4, 4]),
        (DeliveryState::Delivered, vec![1], vec![1, 1]),
        (DeliveryState::Dead, vec![2], vec![2, 2]),
        (DeliveryState::Gathered, vec![7], vec![7]),
        (DeliveryState::Digested, vec![5], vec![5]),
    ];
    for (state, of_phone, of_all) in states {
        assert_eq!(seqs(&DeliveryFilter { state: Some(state), ..to_phone.clone() }), of_phone, "{state:?}");
        assert_eq!(seqs(&DeliveryFilter { state: Some(state), ..all.clone() }), of_all, "{state:?}");
    }
    let camera = Some("b".parse().expect("an id"));
    assert_eq!(seqs(&DeliveryFilter { camera, ..all.clone() }), [7, 7, 2, 2]);
    assert_eq!(seqs(&DeliveryFilter { event: Some(events[2].id), ..all.clone() }), [3, 3]);
    assert_eq!(list(&DeliveryFilter { limit: 1, ..all.clone() }), [phone(7), office(7)], "a page ends with an event");
    assert_eq!(list(&DeliveryFilter { limit: 2, before: Some(7), ..all.clone() }), [phone(6), phone(5), office(5)]);
    assert!(seqs(&DeliveryFilter { before: Some(1), ..all }).is_empty());
}

#[test]
fn a_delivery_says_how_far_it_got() {
    let (_folder, store, events) = deliveries_of_all_kinds();
    let look = reader(&store);
    let filter = DeliveryFilter { sink: Some(SINK.into()), ..DeliveryFilter::default() };
    let mut found = look.deliveries(&filter).expect("readable");
    found.reverse();
    let [delivered, dead, postponed, held] = &found[..4] else { panic!("{found:?}") };
    assert!(delivered.delivered_at.is_some_and(|at| at >= delivered.recorded_at));
    assert_eq!((dead.attempts, dead.last_error.as_deref(), dead.next_attempt_at), (1, Some("answered 404"), None));
    for waiting in [postponed, held] {
        assert!(waiting.next_attempt_at.is_some_and(|at| at > Timestamp::now() + 50.minutes()), "{waiting:?}");
    }
    assert_eq!((postponed.attempts, postponed.last_error.as_deref()), (1, Some("no answer")));
    assert_eq!(found[4].next_attempt_at, None, "as soon as possible");
    let json = serde_json::to_value(held).expect("JSON");
    assert_eq!(json["state"], "held");
    assert_eq!((&json["type"], &json["camera"]), (&"lookout.visit.started".into(), &"d".into()));
    assert_eq!(json["event"], events[3].id.to_string());
    let digest = look.deliveries(&DeliveryFilter { event: None, before: Some(7), limit: 1, ..Default::default() });
    let digest = digest.expect("readable").remove(0);
    assert_eq!((digest.kind, digest.camera), (EventKind::Digest, None));
}

#[test]
fn no_listing_walks_through_all_deliveries() {
    let (_folder, store, _) = deliveries_of_all_kinds();
    let states = [DeliveryState::Pending, DeliveryState::Held, DeliveryState::Dead, DeliveryState::Gathered];
    let all = DeliveryFilter::default();
    let filters = [
        all.clone(),
        DeliveryFilter { sink: Some(SINK.into()), ..all.clone() },
        DeliveryFilter { camera: Some("a".parse().expect("an id")), ..all.clone() },
        DeliveryFilter { event: Some(EventId::fresh()), ..all.clone() },
    ];
    let of_states = states.map(|state| DeliveryFilter { state: Some(state), ..all.clone() });
    for filter in filters.iter().chain(&of_states) {
        let plan = super::super::listing::plan(&store.conn, filter).expect("a plan");
        assert!(plan.contains("SEARCH e USING INTEGER PRIMARY KEY"), "{filter:?}\n{plan}");
        assert!(!plan.contains("SCAN d\n"), "{filter:?}\n{plan}");
        // The few that are held may be sorted.
        let sorts = plan.contains("TEMP B-TREE FOR ORDER BY");
        assert!(!sorts || filter.state == Some(DeliveryState::Held), "{filter:?}\n{plan}");
    }
}
