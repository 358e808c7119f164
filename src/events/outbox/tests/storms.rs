use std::collections::BTreeMap;

use super::*;
use crate::{
    events::{Delivery, DigestFacts, EventKind, outbox::upkeep::Digest},
    settings::Budget,
};

fn budgeted(name: &str, per_camera: u32, total: u32) -> Addressee {
    Addressee { budget: Some(Budget { per_camera, total }), ..Addressee::of_everything(name) }
}

async fn a_minute_passes(outbox: &Addr<Outbox>) {
    let now = Timestamp::now() + Duration::from_secs(61);
    outbox.send(Digest { now }).await.expect("the outbox lives");
}

/// Takes and acknowledges all that is due.
async fn take_all(outbox: &Addr<Outbox>, sink: &str) -> Vec<Delivery> {
    let mut all = Vec::new();
    loop {
        let claimed = claim(outbox, sink).await;
        if claimed.deliveries.is_empty() {
            return all;
        }
        for delivery in claimed.deliveries {
            settle_of(outbox, sink, delivery.seq, Settlement::Acknowledged { hasten: false }).await;
            all.push(delivery);
        }
    }
}

fn by_camera<'a>(events: impl Iterator<Item = &'a Event>) -> BTreeMap<&'a str, u64> {
    let mut counts = BTreeMap::new();
    for event in events {
        *counts.entry(event.lane()).or_default() += 1;
    }
    counts
}

#[actix::test]
async fn ten_thousand_events_keep_the_budget_lose_nothing_and_harm_no_other_sink() {
    let folder = tempfile::tempdir().expect("a folder");
    let sinks = vec![budgeted("phone", 5, 60), Addressee::of_everything(SINK)];
    let (outbox, board, reader) = start_with(folder.path(), sinks);
    let cell = Arc::new(SinkCell::new("phone".into(), "a test".into()));
    let (seen, _woken) = tokio::sync::mpsc::channel(1000);
    let looks = Reader::open(&folder.path().join(Store::FILE)).expect("readable");
    let onlooker = Onlooker { reader: looks, cell: Arc::clone(&cell), seen };
    outbox.do_send(Subscribe { cell: Arc::clone(&cell), wake: onlooker.start().recipient() });
    let mut random = fastrand::Rng::with_seed(9);
    let events: Vec<Event> =
        (0..10_000).map(|_| sample::started(&format!("camera-{}", random.u8(0..50).min(random.u8(0..50))))).collect();
    for event in &events {
        outbox.do_send(Record::now(event.clone()));
    }
    assert_eq!(outbox.send(Flush).await.expect("the outbox lives"), 0);
    assert_eq!((board.outbox.recorded.get(), board.outbox.dropped.get()), (10_000, 0));

    outbox.send(Digest { now: Timestamp::now() }).await.expect("the outbox lives");
    assert_eq!(*board.outbox.newest.borrow(), 10_000, "the minute is not over");
    a_minute_passes(&outbox).await;
    a_minute_passes(&outbox).await;
    assert_eq!(*board.outbox.newest.borrow(), 10_001, "one digest");

    let office = take_all(&outbox, SINK).await;
    let expected: BTreeMap<&str, Vec<EventId>> = events.iter().fold(BTreeMap::new(), |mut lanes, event| {
        lanes.entry(event.lane()).or_insert_with(Vec::new).push(event.id);
        lanes
    });
    for (lane, ids) in expected {
        let told: Vec<_> = office.iter().filter(|d| d.event.lane() == lane).map(|d| d.event.id).collect();
        assert_eq!(told, ids, "all, once, in order: {lane}");
    }

    let phone = take_all(&outbox, "phone").await;
    let (digests, told): (Vec<_>, Vec<_>) = phone.iter().partition(|d| d.event.kind == EventKind::Digest);
    assert_eq!((digests.len(), told.len(), cell.gathered.get()), (1, 60, 9_940));
    let told_by_camera = by_camera(told.iter().map(|d| &d.event));
    assert!(told_by_camera.values().all(|told| *told <= 5), "{told_by_camera:?}");
    let facts = digests[0].event.data.digest.as_ref().expect("facts");
    let mut left = by_camera(events.iter());
    for (camera, told) in told_by_camera {
        *left.get_mut(camera).expect("one of ours") -= told;
    }
    left.retain(|_, count| *count > 0);
    let counted = |facts: &DigestFacts| -> BTreeMap<String, u64> {
        facts.groups.iter().map(|g| (g.camera.as_ref().expect("a camera").to_string(), g.events)).collect()
    };
    assert_eq!((facts.events, facts.others), (9_940, 0));
    assert!(counted(facts).iter().map(|(camera, n)| (&**camera, n)).eq(left.iter().map(|(camera, n)| (*camera, n))));
    let listed = reader.list(&EventFilter { kind: Some(EventKind::Digest), ..EventFilter::default() });
    assert_eq!(listed.expect("readable").len(), 1);
}

#[actix::test]
async fn what_a_dead_process_gathered_is_told_by_the_next_and_its_budget_is_spent() {
    let folder = tempfile::tempdir().expect("a folder");
    let sinks = vec![budgeted(SINK, 2, 2)];
    let (outbox, ..) = start_with(folder.path(), sinks.clone());
    record(&outbox, &["a", "b", "c"]);
    outbox.send(Flush).await.expect("the outbox lives");
    let next = tempfile::tempdir().expect("a folder");
    for file in ["lookout.db", "lookout.db-wal"] {
        std::fs::copy(folder.path().join(file), next.path().join(file)).expect("copied");
    }

    let (outbox, board, _) = start_with(next.path(), sinks);
    record(&outbox, &["d"]);
    outbox.send(Flush).await.expect("the outbox lives");
    a_minute_passes(&outbox).await;
    let told = take_all(&outbox, SINK).await;
    let digest = told.iter().find_map(|d| d.event.data.digest.clone()).expect("a digest");
    assert_eq!((told.len(), digest.events), (3, 2), "c of the dead process and d of this one");
    let cell = Arc::new(SinkCell::new(SINK.into(), "a test".into()));
    let (seen, _woken) = tokio::sync::mpsc::channel(1000);
    let looks = Reader::open(&next.path().join(Store::FILE)).expect("readable");
    let onlooker = Onlooker { reader: looks, cell: Arc::clone(&cell), seen };
    outbox.send(Subscribe { cell: Arc::clone(&cell), wake: onlooker.start().recipient() }).await.expect("it lives");
    assert_eq!(cell.gathered.get(), 1, "counted before its courier came");
    assert_eq!(board.outbox.dropped.get(), 0);
}

#[actix::test]
async fn a_new_budget_holds_at_once_and_an_old_one_is_not_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, ..) = start(folder.path());
    record(&outbox, &["a", "b"]);
    outbox.do_send(ApplySinks(vec![budgeted(SINK, 9, 3)]));
    record(&outbox, &["c", "d"]);
    outbox.do_send(ApplySinks(vec![budgeted(SINK, 9, 4)]));
    record(&outbox, &["e", "f"]);
    outbox.send(Flush).await.expect("the outbox lives");
    let told: Vec<String> = take_all(&outbox, SINK).await.iter().map(|d| d.event.lane().to_owned()).collect();
    assert_eq!(told, ["a", "b", "c", "e"]);
}

#[actix::test]
async fn a_digest_waits_for_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, board, _) = start_with(folder.path(), vec![budgeted(SINK, 0, 0)]);
    record(&outbox, &["a"]);
    outbox.send(Flush).await.expect("the outbox lives");
    outbox.do_send(Inject(Fault::ReadOnly));
    a_minute_passes(&outbox).await;
    assert!(board.outbox.fault.lock().is_some());
    outbox.do_send(Inject(Fault::None));
    a_minute_passes(&outbox).await;
    assert_eq!(take_all(&outbox, SINK).await.len(), 1);
    assert_eq!(*board.outbox.fault.lock(), None);
}
