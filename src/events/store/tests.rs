use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use jiff::{Timestamp, ToSpan};

use super::{faults::Fault, *};
use crate::{
    events::{Event, EventKind, sample},
    words::EventId,
};

const SINK: &str = "office";

fn storage(folder: &Path) -> Storage {
    Storage { path: folder.to_owned(), keep: Duration::from_secs(30 * 24 * 3600), max_bytes: 1 << 30 }
}

fn open(folder: &Path) -> Store {
    Store::open(&storage(folder)).expect("a sound folder")
}

fn refused(folder: &Path) -> OutboxError {
    Store::open(&storage(folder)).expect_err("refused")
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn sinks(names: &[&str]) -> Vec<std::sync::Arc<str>> {
    names.iter().map(|&name| name.into()).collect()
}

fn record(store: &mut Store, events: &[Event]) -> usize {
    let now = Timestamp::now();
    store.record(events, &sinks(&[SINK]), now).expect("recorded")
}

fn due(store: &mut Store) -> Vec<Delivery> {
    let now = Timestamp::now();
    store.due(SINK, now, 1000, &[]).expect("readable")
}

fn due_ids(store: &mut Store) -> Vec<EventId> {
    due(store).iter().map(|d| d.event.id).collect()
}

fn tally(store: &Store) -> (u64, u64) {
    let tally = store.tally(SINK).expect("readable");
    (tally.pending, tally.dead)
}

fn acknowledge(store: &mut Store, seq: i64) {
    let now = Timestamp::now();
    store.acknowledge(SINK, seq, now, false).expect("written");
}

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
fn due_is_in_order_one_of_each_camera_and_none_of_the_busy() {
    let folder = temporary();
    let mut store = open(folder.path());
    let cameras = ["a", "b", "a", "c", "b", "d"];
    let events = cameras.map(sample::started);
    record(&mut store, &events);
    assert_eq!(due_ids(&mut store), [0, 1, 3, 5].map(|i: usize| events[i].id));
    let (a, b) = ("a".into(), "b".into());
    let now = Timestamp::now();
    let free = store.due(SINK, now, 1, &[a, b]).expect("readable");
    assert_eq!(free[0].event.id, events[3].id);
    assert_eq!(free.len(), 1, "the limit");
    for delivery in due(&mut store) {
        acknowledge(&mut store, delivery.seq);
    }
    assert_eq!(due_ids(&mut store), [events[2].id, events[4].id]);
}

#[test]
fn a_postponed_delivery_waits_and_is_hastened_when_the_receiver_is_back() {
    let folder = temporary();
    let mut store = open(folder.path());
    record(&mut store, &["a", "b"].map(sample::started));
    let now = Timestamp::now();
    let [first, second] = [0, 1].map(|i| due(&mut store)[i].clone());
    let until = now + 2.hours();
    store.postpone(SINK, first.seq, until, "no answer").expect("written");
    assert_eq!(due_ids(&mut store), [second.event.id]);
    assert_eq!(store.next_due_at(SINK, now).expect("readable"), Some(until));
    let later = store.due(SINK, until, 10, &[]).expect("readable");
    assert_eq!(later.len(), 2);
    assert_eq!(later[1].attempts, 1, "{later:?}");

    store.acknowledge(SINK, second.seq, now, true).expect("written");
    assert_eq!(due_ids(&mut store), [first.event.id]);
    assert_eq!(store.next_due_at(SINK, now).expect("readable"), None);
}

#[test]
fn what_was_postponed_beyond_any_pause_is_due_when_the_clock_went_back() {
    let folder = temporary();
    let mut store = open(folder.path());
    record(&mut store, &["a", "b"].map(sample::started));
    let now = Timestamp::now();
    let deliveries = due(&mut store);
    for (delivery, hours) in deliveries.iter().zip([20, 24 * 365]) {
        let until = now + hours.hours();
        store.postpone(SINK, delivery.seq, until, "x").expect("written");
    }
    let forgiven = store.forgive_clock(SINK, now + 27.hours());
    assert_eq!(forgiven.expect("written"), 1);
    assert_eq!(due_ids(&mut store), [deliveries[1].event.id]);
}

#[test]
fn dead_letters_are_kept_and_tried_anew_on_request() {
    let folder = temporary();
    let mut store = open(folder.path());
    let events = ["a", "b"].map(sample::started);
    record(&mut store, &events);
    for delivery in due(&mut store) {
        store.bury(SINK, delivery.seq, "answered 500").expect("written");
    }
    assert_eq!(due(&mut store), []);
    assert_eq!(tally(&store), (0, 2));
    let reader = Reader::open(store.file()).expect("readable");
    let dead = reader.dead_letters(10).expect("readable");
    assert_eq!(dead.len(), 2);
    assert_eq!(dead[0].last_error.as_deref(), Some("answered 500"));
    assert_eq!((&*dead[0].sink, dead[0].attempts), (SINK, 1));

    let one = store.retry(Some(SINK), Some(events[1].id));
    assert_eq!(one.expect("written"), 1);
    assert_eq!(due_ids(&mut store), [events[1].id]);
    assert_eq!(due(&mut store)[0].attempts, 0);
    let elsewhere = store.retry(Some("elsewhere"), None);
    assert_eq!(elsewhere.expect("written"), 0);
    assert_eq!(store.retry(None, None).expect("written"), 1);
    assert_eq!(tally(&store), (2, 0));
}

#[test]
fn a_new_sink_begins_with_what_comes_and_one_that_is_gone_keeps_its_own() {
    let folder = temporary();
    let mut store = open(folder.path());
    let now = Timestamp::now();
    let events = ["a", "b"].map(sample::started);
    let mut record = |event: &Event, to: &[&str]| {
        store.record(std::slice::from_ref(event), &sinks(to), now).expect("recorded");
    };
    record(&events[0], &["old"]);
    record(&events[1], &["new"]);
    let mut ids = |sink| -> Vec<_> {
        let due = store.due(sink, now, 10, &[]).expect("readable");
        due.iter().map(|d| d.event.id).collect()
    };
    assert_eq!(ids("new"), [events[1].id]);
    assert_eq!(ids("old"), [events[0].id]);
}

#[test]
fn an_event_that_cannot_be_read_back_holds_up_nothing() {
    let folder = temporary();
    let mut store = open(folder.path());
    let events = ["a", "b"].map(sample::started);
    record(&mut store, &events);
    store.conn.execute("UPDATE events SET body = '{' WHERE camera = 'a'", []).expect("written");
    assert_eq!(due_ids(&mut store), [events[1].id]);
    assert_eq!(tally(&store), (1, 1));
    let listed = store.list(&EventFilter::default()).expect("readable");
    assert_eq!(listed.len(), 1);
}

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
fn what_is_unfinished_is_known_after_a_restart() {
    let folder = temporary();
    let mut store = open(folder.path());
    let in_zone = |camera: &str, zone: &str| {
        let mut event = sample::started(camera);
        event.data.zone = Some(zone.into());
        event
    };
    let [hall, gate, step] = [sample::started("hall"), in_zone("yard", "gate"), in_zone("yard", "step")];
    let since: Timestamp = "2026-05-01T10:00:00Z".parse().expect("a time");
    record(
        &mut store,
        &[
            hall.clone(),
            gate.clone(),
            sample::ended(&hall),
            step.clone(),
            sample::down("hall", since),
            sample::down("yard", since),
            sample::up("yard"),
            // The end of an older visit does not end a newer one.
            sample::ended(&in_zone("yard", "step")),
        ],
    );
    drop(store);
    let unfinished = open(folder.path()).unfinished().expect("readable");
    let visits: Vec<_> = [&gate, &step].map(|e| (e.data.zone.clone(), e.data.visit.clone())).into();
    let found: Vec<_> = unfinished.visits.iter().map(|v| (v.zone.clone(), Some(v.visit.clone()))).collect();
    assert_eq!(found, visits);
    assert_eq!(unfinished.down, [("hall".parse().expect("an id"), since)]);
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
    let retained = store.retain(&storage(folder.path()), &sinks(&[SINK, "x"]), now);
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
        let step = store.retain(&bound, &sinks(&[SINK]), Timestamp::now()).expect("written");
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

#[test]
fn a_full_or_read_only_disk_is_named_and_what_was_written_stays() {
    let folder = temporary();
    let mut store = open(folder.path());
    let first = sample::started("door");
    record(&mut store, std::slice::from_ref(&first));
    let more: Vec<Event> = (0..100).map(|_| sample::started("door")).collect();
    for (fault, text) in [(Fault::Full, "is full"), (Fault::ReadOnly, "cannot be opened for writing")] {
        store.inject(fault);
        let error = store.record(&more, &sinks(&[SINK]), Timestamp::now()).expect_err("refused");
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.to_string().contains(Store::FILE), "{error}");
        assert_eq!(due_ids(&mut store), [first.id], "all or none");
    }
    store.inject(Fault::None);
    assert_eq!(record(&mut store, &more), 100);
}

#[test]
fn a_damaged_database_is_named_and_left_alone() {
    let folder = temporary();
    let mut store = open(folder.path());
    let events: Vec<Event> = (0..500).map(|_| sample::started("door")).collect();
    record(&mut store, &events);
    drop(store);
    let file = folder.path().join(Store::FILE);
    let sound = fs::read(&file).expect("a file");
    let mut scribbled = sound.clone();
    scribbled[40_000..60_000].fill(0xA5);
    let damages = [
        ("no database", b"these are not the bytes you look for, and there are many".repeat(100)),
        ("cut short", sound[..sound.len() / 2].to_vec()),
        ("scribbled over", scribbled),
    ];
    for (damage, bytes) in damages {
        fs::write(&file, &bytes).expect("a file");
        let error = refused(folder.path());
        assert!(matches!(error, OutboxError::Damaged { .. }), "{damage}: {error:?}");
        let text = error.to_string();
        assert!(text.contains("lookout.db is damaged"), "{damage}: {text}");
        let untouched = fs::read(&file).expect("a file") == bytes;
        assert!(untouched, "{damage}");
    }
    fs::write(&file, &sound).expect("a file");
    assert_eq!(tally(&open(folder.path())), (500, 0));
}

#[test]
fn a_newer_layout_is_refused() {
    let folder = temporary();
    let store = open(folder.path());
    store.conn.pragma_update(None, "user_version", 7).expect("a pragma");
    drop(store);
    let error = refused(folder.path());
    assert!(matches!(error, OutboxError::Newer { found: 7, known: 1, .. }), "{error:?}");
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let folder = temporary();
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    let error = refused(&file.join("below"));
    assert!(matches!(error, OutboxError::Folder { .. }), "{error:?}");
    assert!(error.to_string().contains("file/below"), "{error}");
}

#[test]
fn two_processes_cannot_share_a_folder() {
    let folder = temporary();
    let store = open(folder.path());
    let error = refused(folder.path());
    assert!(matches!(error, OutboxError::InUse { .. }), "{error:?}");
    drop(store);
    open(folder.path());
}

#[test]
fn folder_and_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = temporary();
    let path = folder.path().join("a/b");
    let mut store = open(&path);
    record(&mut store, &[sample::started("door")]);
    let mode = |p: &Path| fs::metadata(p).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for file in fs::read_dir(&path).expect("a folder") {
        let file = file.expect("an entry").path();
        assert_eq!(mode(&file), 0o600, "{file:?}");
    }
}

/// What a killed process leaves: the files as they are, in the middle of everything.
fn crash(store: &Store, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for suffix in ["", "-wal"] {
        let name = format!("{}{suffix}", Store::FILE);
        let from = store.file().with_file_name(&name);
        fs::copy(from, to.join(name)).expect("copied");
    }
}

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
