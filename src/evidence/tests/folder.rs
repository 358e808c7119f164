use std::{
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc::sync_channel,
    },
    time::{Duration, SystemTime},
};

use jiff::Timestamp;

use super::*;
use crate::{
    testing::{soon, until},
    words::EventId,
};

fn template() -> Template {
    Template::parse("{camera}/{date}/{event}/{n}.jpg").expect("a template")
}

fn folder(path: &Path, limit: u64) -> Folder {
    Folder::new(path, limit, template())
}

fn key(n: u32) -> String {
    format!("door/2026-11-{:02}/{}/{n}.jpg", n + 1, EventId::fresh())
}

fn label() -> Label {
    Label { camera: "door".parse().expect("an id"), event: EventId::fresh(), captured_at: Timestamp::UNIX_EPOCH }
}

/// Stores a picture, and waits for nothing else.
async fn put_alone(folder: &Folder, key: &str, bytes: usize) {
    soon("it is put", folder.put(key, vec![1; bytes].into(), &label())).await.expect("stored");
}

/// Stores a picture, and waits until nothing is counted and removed any more.
async fn put(folder: &Folder, key: &str, bytes: usize) {
    put_alone(folder, key, bytes).await;
    tidied(folder).await;
}

async fn tidied(folder: &Folder) {
    until("it is tidied", || !folder.shelves.stock.lock().is_being_counted()).await;
}

/// Pictures of a thousand bytes that somebody has stored long ago, one a second.
fn stored_before(path: &Path, keys: &[String]) {
    for (age, key) in keys.iter().enumerate() {
        let file = path.join(key);
        fs::create_dir_all(file.parent().expect("it has one")).expect("made");
        fs::write(&file, vec![1; 1000]).expect("written");
        let file = fs::File::options().write(true).open(file).expect("it is there");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + age as u64))
            .expect("its time is set");
    }
}

/// Bytes below a folder, as they are.
fn bytes_in(path: &Path) -> u64 {
    let entries = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { bytes_in(&path) } else { path.metadata().expect("a file").len() }).sum()
}

#[actix::test]
async fn the_oldest_pictures_go_first_and_their_folders_with_them() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("pictures");
    let keys: Vec<String> = (0..12).map(key).collect();
    // Another process has stored some; what is no picture of ours is among them.
    stored_before(&path, &keys[..6]);
    fs::write(path.join("door/holiday.jpg"), vec![1; 5000]).expect("a file");
    let store = folder(&path, 10_000);
    for key in &keys[6..10] {
        put(&store, key, 1000).await;
    }
    let is_there = |key: &&String| path.join(key).exists();
    assert_eq!(keys.iter().filter(is_there).count(), 10, "it is full now");
    put(&store, &keys[9], 1000).await;
    assert_eq!(keys.iter().filter(is_there).count(), 10, "the same again takes no room");
    put(&store, &keys[10], 1000).await;
    assert_eq!(keys.iter().filter(is_there).collect::<Vec<_>>(), keys[2..11].iter().collect::<Vec<_>>());
    assert!(!path.join("door/2026-11-01").exists(), "nothing is left of the day");
    assert!(path.join("door/holiday.jpg").exists());
    let picture = store.get(&keys[10]).await.expect("it is there");
    assert_eq!(picture.len(), 1000);
    assert_eq!(store.get(&keys[0]).await, Err(StoreError::Missing));
}

#[actix::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("pictures");
    fs::write(&file, "a file").expect("a file");
    let store = folder(&file, 10_000);
    let error = store.put(&key(0), vec![1].into(), &label()).await.expect_err("it is a file");
    assert!(matches!(error, StoreError::Forbidden(_) | StoreError::Away(_)), "{error:?}");
}

/// Nobody can remove what was stored on the first two days.
fn remove_or_not(path: &Path) -> io::Result<()> {
    let is_of = |day: &str| path.components().any(|part| part.as_os_str() == day);
    let is_stuck = is_of("2026-11-01") || is_of("2026-11-02");
    if is_stuck { Err(io::ErrorKind::PermissionDenied.into()) } else { fs::remove_file(path) }
}

#[actix::test]
async fn what_cannot_be_removed_fails_no_put_and_the_others_go_for_it() {
    let home = tempfile::tempdir().expect("a folder");
    let disk = Disk { remove: Box::new(remove_or_not), ..Disk::default() };
    let store = Folder::with(home.path(), 10_000, template(), disk, 100);
    let keys: Vec<String> = (0..30).map(key).collect();
    for key in &keys {
        put(&store, key, 1000).await;
    }
    let there: Vec<&String> = keys.iter().filter(|key| home.path().join(key).exists()).collect();
    assert!(there.len() <= 10, "{} KB in 10", there.len());
    assert_eq!((there[0], there[1], there.last()), (&keys[0], &keys[1], keys.last().as_ref()));
    let known = store.shelves.stock.lock().bytes();
    assert_eq!(known, 1000 * there.len() as u64, "it knows how much there is");
    assert!(store.shelves.has_warned.load(SeqCst));
}

#[actix::test]
async fn a_picture_is_put_while_a_count_hangs_and_none_is_lost_sight_of() {
    let home = tempfile::tempdir().expect("a folder");
    stored_before(home.path(), &[key(0)]);
    let (begun, begins) = sync_channel(9);
    let (gate, opened) = sync_channel::<()>(0);
    let opened = Mutex::new(opened);
    let list = move |path: &Path| {
        let _ = begun.send(());
        // Ends when the gate is dropped.
        let _ = opened.lock().recv();
        fs::read_dir(path)
    };
    let store = Folder::with(home.path(), 10_000, template(), Disk { list: Box::new(list), ..Disk::default() }, 100);
    put_alone(&store, &key(1), 1000).await;
    begins.recv().expect("it is counted");
    for n in 2..5 {
        put_alone(&store, &key(n), 1000).await;
    }
    assert!(store.shelves.stock.lock().is_being_counted());
    assert_eq!(begins.try_iter().count(), 0, "one count at a time");
    drop((gate, begins));
    tidied(&store).await;
    let known = store.shelves.stock.lock().bytes();
    assert_eq!(
        known,
        5000 + 3000,
        "what came meanwhile, the count has come upon, too: rather too much than too little"
    );
    // With what was counted twice it seems to be full; another count says that it is not.
    for n in 5..8 {
        put(&store, &key(n), 1000).await;
    }
    assert_eq!((store.shelves.stock.lock().bytes(), bytes_in(home.path())), (8000, 8000));
}

#[actix::test]
async fn the_bound_holds_however_many_come_at_once_and_however_few_are_remembered() {
    let home = tempfile::tempdir().expect("a folder");
    let keys: Vec<String> = (0..40).map(|n| key(n % 28)).collect();
    stored_before(home.path(), &keys);
    let store = Folder::with(home.path(), 10_000, template(), Disk::default(), 4);
    put(&store, &key(0), 1000).await;
    let there: Vec<&String> = keys.iter().filter(|key| home.path().join(key).exists()).collect();
    assert_eq!(there, keys[32..].iter().collect::<Vec<_>>(), "one walk after another, and the oldest first");
    for n in 0..60 {
        put_alone(&store, &key(n % 28), 1000).await;
    }
    let last = key(9);
    put(&store, &last, 1000).await;
    assert!(bytes_in(home.path()) <= 10_000, "{} bytes", bytes_in(home.path()));
    assert!(store.shelves.stock.lock().bytes() >= bytes_in(home.path()));
    assert!(home.path().join(last).exists());
}

#[actix::test]
async fn what_cannot_be_removed_is_not_looked_through_at_every_put() {
    let home = tempfile::tempdir().expect("a folder");
    let keys: Vec<String> = (0..20).map(key).collect();
    stored_before(home.path(), &keys);
    let (walks, stuck) = (Arc::new(AtomicUsize::new(0)), home.path().join("door/2026-11-30"));
    let (walked, top) = (Arc::clone(&walks), home.path().to_owned());
    let disk = Disk {
        list: Box::new(move |path| {
            walked.fetch_add(usize::from(path == top), SeqCst);
            fs::read_dir(path)
        }),
        // All but those of one day.
        remove: Box::new(move |path| match path.starts_with(&stuck) {
            true => fs::remove_file(path),
            false => Err(io::ErrorKind::PermissionDenied.into()),
        }),
    };
    let store = Folder::with(home.path(), 10_000, template(), disk, 100);
    for _ in 0..11 {
        put(&store, &key(29), 100).await;
    }
    assert_eq!((walks.load(SeqCst), bytes_in(home.path())), (1, 21_100), "a tenth of the limit is not much");
    put(&store, &key(29), 100).await;
    assert_eq!((walks.load(SeqCst), bytes_in(home.path())), (2, 20_100), "all but the newest went for them");
}

#[actix::test]
async fn a_picture_that_is_put_again_while_room_is_made_is_not_old_any_more() {
    let home = tempfile::tempdir().expect("a folder");
    let keys: Vec<String> = (0..12).map(key).collect();
    stored_before(home.path(), &keys);
    let again = home.path().join(&keys[1]);
    let remove = move |path: &Path| {
        if path != again {
            fs::write(&again, vec![2; 1000])?;
        }
        fs::remove_file(path)
    };
    let disk = Disk { remove: Box::new(remove), ..Disk::default() };
    let store = Folder::with(home.path(), 10_000, template(), disk, 100);
    put(&store, &key(20), 1000).await;
    let gone = keys.iter().filter(|key| !home.path().join(key).exists());
    assert_eq!(gone.collect::<Vec<_>>(), [&keys[0], &keys[2], &keys[3], &keys[4]]);
}

#[actix::test]
async fn folders_that_lie_deeper_than_any_picture_are_not_looked_at() {
    let home = tempfile::tempdir().expect("a folder");
    let deep = home.path().join("door/2026-11-01/holiday/photos");
    fs::create_dir_all(&deep).expect("made");
    let looked = Arc::new(Mutex::new(Vec::new()));
    let list = {
        let looked = Arc::clone(&looked);
        move |path: &Path| {
            looked.lock().push(path.to_owned());
            fs::read_dir(path)
        }
    };
    let store = Folder::with(home.path(), 10_000, template(), Disk { list: Box::new(list), ..Disk::default() }, 100);
    put(&store, &key(0), 1000).await;
    let looked = looked.lock();
    assert!(looked.contains(&deep.parent().expect("it has one").to_owned()) && !looked.contains(&deep), "{looked:?}");
}

#[actix::test]
async fn a_folder_that_hangs_keeps_one_thread_however_many_pictures_come() {
    let home = tempfile::tempdir().expect("a folder");
    let store = folder(home.path(), 10_000);
    // As if an earlier picture were under way: nothing can be written.
    let (shelves, (begun, begins), (gate, opened)) =
        (Arc::clone(&store.shelves), sync_channel(0), sync_channel::<()>(0));
    let hang = std::thread::spawn(move || {
        let _newest = shelves.newest.lock();
        begun.send(()).expect("the test looks");
        let _ = opened.recv();
    });
    begins.recv().expect("it hangs");
    let keys: Vec<String> = (0..5).map(key).collect();
    for key in &keys {
        let put = store.put(key, vec![1].into(), &label());
        assert!(put.now_or_never().is_none(), "nobody waits for it any more");
    }
    let hands = Arc::strong_count(&store.shelves);
    assert_eq!(hands, 3, "the test's, the one that hangs, and one picture's");
    drop(gate);
    hang.join().expect("no panic");
    put(&store, &key(9), 1).await;
    let is_there = |key: &String| home.path().join(key).exists();
    assert_eq!(keys.iter().map(is_there).collect::<Vec<_>>(), [true, false, false, false, false]);
}
