use super::*;

#[test]
fn invariant_11_the_outbox_is_bounded_by_age_and_counts_what_was_not_told() {
    let folder = temporary();
    let mut store = open(folder.path());
    let now = Timestamp::now();
    let old = ["a", "b", "c"].map(|camera| sample::at(camera, now - 31.hours() * 24));
    record(&mut store, &old);
    let fresh = sample::at("d", now);
    record(&mut store, std::slice::from_ref(&fresh));
    let told = due(&mut store).remove(0);
    acknowledge(&mut store, told.seq);
    // A sink that the user removed has no say in what counts as dropped.
    let retained = store.retain(&storage(folder.path()), &names(&[SINK, "x"]), now);
    assert_eq!(retained.expect("written"), Retained { removed: 3, dropped: 2, more: false });
    assert_eq!(due_ids(&mut store), [fresh.id]);
    assert_eq!(tally(&store), (1, 0), "the count follows");
}

#[test]
fn invariant_11_the_outbox_is_bounded_by_bytes_and_the_oldest_go_first() {
    let folder = temporary();
    let mut store = open(folder.path());
    let begin = Timestamp::now() - 1.hour();
    let events: Vec<Event> = (0..4000).map(|i| sample::at("a", begin + i.milliseconds())).collect();
    record(&mut store, &events);
    let bound = Storage { max_bytes: 2 << 20, ..storage(folder.path()) };
    assert!(store.used_bytes().expect("readable") > bound.max_bytes);
    let (mut dropped, mut steps) = (0, 0);
    loop {
        let step = store.retain(&bound, &names(&[SINK]), Timestamp::now()).expect("written");
        (dropped, steps) = (dropped + step.dropped, steps + 1);
        assert!(step.removed <= 1000 && steps < 100, "steps are small and end");
        if !step.more {
            break;
        }
    }
    let left = tally(&store).0;
    assert_eq!(left + dropped, 4000, "what is dropped is counted");
    assert!((100..4000).contains(&left), "{left} are left");
    assert!(store.used_bytes().expect("readable") <= bound.max_bytes);
    assert_eq!(due_ids(&mut store), [events[dropped as usize].id], "the oldest went");
    drop(store);
    let file = fs::metadata(folder.path().join(Store::FILE)).expect("a file");
    assert!(file.len() <= bound.max_bytes, "the file shrank");
}
