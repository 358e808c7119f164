use super::*;

#[test]
fn invariant_10_a_crash_at_any_point_loses_nothing() {
    let folder = temporary();
    let mut random = fastrand::Rng::with_seed(10);
    let mut store = open(&folder.path().join("live"));
    let mut recorded: Vec<EventId> = Vec::new();
    let mut told: BTreeSet<EventId> = BTreeSet::new();
    for life in 0..60 {
        for _ in 0..random.usize(1..12) {
            let batch: Vec<Event> = (0..random.usize(0..4))
                .map(|_| sample::started(random.choice(["a", "b", "c"]).expect("one")))
                .collect();
            record(&mut store, &batch);
            recorded.extend(batch.iter().map(|e| e.id));
            for delivery in due(&mut store) {
                match random.u8(0..3) {
                    0 => {
                        acknowledge(&mut store, delivery.seq);
                        told.insert(delivery.event.id);
                    }
                    1 => {
                        let until = Timestamp::now() - 1.second();
                        store.postpone(SINK, delivery.seq, until, "x").expect("written");
                    }
                    _ => {}
                }
            }
        }
        let grave = folder.path().join(life.to_string());
        crash(&store, &grave);
        store = open(&grave);
        let mut kept: Vec<EventId> = Vec::new();
        let mut rows = store.conn.prepare("SELECT id FROM events ORDER BY seq").expect("readable");
        for id in rows.query_map([], |row| row.get::<_, String>(0)).expect("readable") {
            kept.push(id.expect("readable").parse().expect("an id"));
        }
        drop(rows);
        assert_eq!(kept, recorded, "life {life}: every event, under its id");
        assert_eq!(tally(&store).0, (recorded.len() - told.len()) as u64);
        let still_due: BTreeSet<_> = due_ids(&mut store).into_iter().collect();
        assert!(still_due.is_disjoint(&told), "nothing goes back");
    }
    while let Some(delivery) = due(&mut store).first() {
        assert!(told.insert(delivery.event.id), "once acknowledged, not again");
        acknowledge(&mut store, delivery.seq);
    }
    assert_eq!(told, recorded.into_iter().collect());
}

#[test]
fn invariant_10_a_torn_end_of_the_log_costs_the_newest_only_and_never_order() {
    let folder = temporary();
    let mut store = open(&folder.path().join("live"));
    let events: Vec<Event> = (0..40).map(|_| sample::started("a")).collect();
    for event in &events {
        record(&mut store, std::slice::from_ref(event));
    }
    let mut random = fastrand::Rng::with_seed(10);
    let mut shortest = events.len();
    for cut in 0..30 {
        let torn = folder.path().join(cut.to_string());
        crash(&store, &torn);
        let log = torn.join("lookout.db-wal");
        let bytes = fs::read(&log).expect("a log");
        // The layout itself is at the log's begin, as nothing was checkpointed yet.
        let length = random.usize(bytes.len() / 2..bytes.len());
        fs::write(&log, &bytes[..length]).expect("written");
        let left = open(&torn).list(&EventFilter::default()).expect("readable");
        let left: Vec<EventId> = left.iter().rev().map(|e| e.id).collect();
        let expected: Vec<EventId> = events[..left.len()].iter().map(|e| e.id).collect();
        assert_eq!(left, expected, "a prefix of what was recorded");
        shortest = shortest.min(left.len());
    }
    assert!(shortest < events.len(), "the cuts did cut");
}
