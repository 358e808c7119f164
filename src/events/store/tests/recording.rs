use super::*;

#[test]
fn what_is_recorded_comes_back_as_it_was() {
    let folder = temporary();
    let mut store = open(folder.path());
    let start = sample::started("door");
    let events = [start.clone(), sample::ended(&start), sample::up("yard")];
    assert_eq!(record(&mut store, &events), 3);
    drop(store);
    let store = open(folder.path());
    for event in &events {
        let found = store.get(event.id).expect("readable");
        assert_eq!(found.as_ref(), Some(event));
    }
}

#[test]
fn invariant_10_recording_waits_for_the_disk_and_progress_does_not() {
    let folder = temporary();
    let mut store = open(folder.path());
    let pragma = |store: &Store, name| -> String {
        let value = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
        let value = store.conn.pragma_query_value(None, name, value);
        format!("{:?}", value.expect("a pragma"))
    };
    record(&mut store, &[sample::started("door")]);
    assert_eq!(pragma(&store, "synchronous"), "Integer(2)", "FULL");
    assert_eq!(pragma(&store, "journal_mode"), "Text(\"wal\")");
    let delivery = due(&mut store).remove(0);
    acknowledge(&mut store, delivery.seq);
    assert_eq!(pragma(&store, "synchronous"), "Integer(1)", "NORMAL");
    record(&mut store, &[sample::started("door")]);
    assert_eq!(pragma(&store, "synchronous"), "Integer(2)", "FULL again");
}

#[test]
fn recording_an_id_twice_changes_nothing() {
    let folder = temporary();
    let mut store = open(folder.path());
    let event = sample::started("door");
    assert_eq!(record(&mut store, std::slice::from_ref(&event)), 1);
    let delivery = due(&mut store).remove(0);
    acknowledge(&mut store, delivery.seq);
    assert_eq!(record(&mut store, &[event.clone(), event.clone()]), 0);
    assert_eq!(due(&mut store), []);
    let all = store.list(&EventFilter::default()).expect("readable");
    assert_eq!(all, [event]);
}

#[test]
fn a_full_or_read_only_disk_is_named_and_what_was_written_stays() {
    let folder = temporary();
    let mut store = open(folder.path());
    let first = sample::started("door");
    record(&mut store, std::slice::from_ref(&first));
    let more: Vec<Event> = (0..100).map(|_| sample::started("door")).collect();
    for (fault, text) in [(Fault::Full, "is full"), (Fault::ReadOnly, "cannot be opened for writing")] {
        store.inject(fault);
        let error = store.record(&at_once(&more), &mut to_all(&[SINK]), Moment::now()).expect_err("refused");
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.to_string().contains(Store::FILE), "{error}");
        assert_eq!(due_ids(&mut store), [first.id], "all or none");
    }
    store.inject(Fault::None);
    assert_eq!(record(&mut store, &more), 100);
}

#[test]
fn what_is_unfinished_is_known_after_a_restart() {
    let folder = temporary();
    let mut store = open(folder.path());
    let in_zone = |camera: &str, zone: &str| {
        let mut event = sample::started(camera);
        event.data.zone = Some(zone.into());
        event
    };
    let [hall, gate, step] = [sample::started("hall"), in_zone("yard", "gate"), in_zone("yard", "step")];
    // Another kind in the same place, and one that has gone again.
    let [mut dog, mut cat] = [in_zone("yard", "step"), in_zone("yard", "step")];
    (dog.data.label, cat.data.label) = (Some("dog".into()), Some("cat".into()));
    let since: Timestamp = "2026-05-01T10:00:00Z".parse().expect("a time");
    record(
        &mut store,
        &[
            hall.clone(),
            gate.clone(),
            sample::ended(&hall),
            step.clone(),
            dog.clone(),
            cat.clone(),
            sample::ended(&cat),
            sample::down("hall", since),
            sample::down("yard", since),
            sample::up("yard"),
            // The end of an older visit does not end a newer one.
            sample::ended(&in_zone("yard", "step")),
        ],
    );
    drop(store);
    let mut store = open(folder.path());
    let unfinished = store.unfinished().expect("readable");
    let visits: Vec<_> =
        [&gate, &step, &dog].map(|e| (e.data.zone.clone(), e.data.label.clone(), e.data.visit.clone())).into();
    let found: Vec<_> =
        unfinished.visits.iter().map(|v| (v.zone.clone(), v.label.clone(), Some(v.visit.clone()))).collect();
    assert_eq!(found, visits);
    let hall: crate::words::CameraId = "hall".parse().expect("an id");
    assert_eq!(unfinished.down, [(hall.clone(), since)]);
    store.forget_outage(&hall).expect("written");
    assert_eq!(store.unfinished().expect("readable").down, []);
}

#[test]
fn what_is_unfinished_outlives_the_events() {
    let folder = temporary();
    let mut store = open(folder.path());
    let now = Timestamp::now();
    let start = sample::at("hall", now - 48.hours());
    record(&mut store, std::slice::from_ref(&start));
    let short = Storage { keep: Duration::from_secs(3600), ..storage(folder.path()) };
    let retained = store.retain(&short, &[], now).expect("written");
    assert_eq!(retained.removed, 1);
    assert_eq!(store.unfinished().expect("readable").visits.len(), 1);
    record(&mut store, &[sample::ended(&start)]);
    assert_eq!(store.unfinished().expect("readable").visits.len(), 0);
}
