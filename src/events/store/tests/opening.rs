use super::*;

fn refused(folder: &Path) -> OutboxError {
    Store::open(&storage(folder)).expect_err("refused")
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
    assert!(
        matches!(error, OutboxError::Newer { found: 7, known, .. } if known == schema::STEPS.len() as i64),
        "{error:?}"
    );
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

#[test]
fn a_database_of_the_first_layout_goes_on_where_it_was() {
    let folder = temporary();
    let file = folder.path().join(Store::FILE);
    let old = Connection::open(&file).expect("a database");
    old.execute_batch(include_str!("../schema.sql")).expect("the first layout");
    let events = ["a", "b", "c", "d"].map(sample::started);
    for (event, seq) in events.iter().zip(1_i64..) {
        let body = serde_json::to_string(event).expect("JSON");
        let values = rusqlite::params![seq, event.id.to_string(), event.kind.as_str(), event.lane(), body];
        old.execute("INSERT INTO events VALUES (?1, ?2, ?3, ?4, NULL, NULL, 1, 1, ?5)", values).expect("written");
    }
    let until = Timestamp::now() + 1.hour();
    old.execute_batch(&format!(
        "INSERT INTO deliveries VALUES ('office', 1, 'a', 'delivered', 2, 0, NULL, 77);
         INSERT INTO deliveries VALUES ('office', 2, 'b', 'dead', 9, 0, 'answered 500', NULL);
         INSERT INTO deliveries VALUES ('office', 3, 'c', 'pending', 1, {}, 'no answer', NULL);
         INSERT INTO deliveries VALUES ('office', 4, 'd', 'pending', 0, 0, NULL, NULL);
         PRAGMA user_version = 1;",
        nanos(until)
    ))
    .expect("written");
    drop(old);

    let mut store = open(folder.path());
    assert_eq!(tally(&store), (2, 1));
    assert_eq!(due_ids(&mut store), [events[3].id]);
    assert_eq!(store.next_retry_at(SINK, Timestamp::now()).expect("readable"), Some(until));
    let listed = reader(&store).deliveries(&DeliveryFilter::default()).expect("readable");
    let listed: Vec<_> = listed.iter().map(|d| (d.seq, d.state, d.attempts, d.delivered_at)).collect();
    use DeliveryState::{Dead, Delivered, Pending};
    let first = Timestamp::from_nanosecond(77).expect("a time");
    assert_eq!(
        listed,
        [(4, Pending, 0, None), (3, Pending, 1, None), (2, Dead, 9, None), (1, Delivered, 2, Some(first))]
    );
    // What the triggers count goes on from there, and so do the places.
    acknowledge(&mut store, 4);
    assert_eq!(store.retry(None, None).expect("written"), 1);
    assert_eq!(tally(&store), (2, 0));
    record(&mut store, &[sample::started("e")]);
    assert_eq!(store.newest_seq().expect("readable"), 5);
    drop(store);
    assert_eq!(tally(&open(folder.path())), (3, 0), "it is opened as it is the second time");
}
