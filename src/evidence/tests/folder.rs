use std::sync::mpsc::sync_channel;

use jiff::Timestamp;

use super::*;
use crate::words::EventId;

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

async fn put(folder: &Folder, key: &str, bytes: usize) {
    folder.put(key, vec![1; bytes].into(), &label()).await.expect("stored");
}

#[actix::test]
async fn the_oldest_pictures_go_first_and_their_folders_with_them() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("pictures");
    let keys: Vec<String> = (0..12).map(key).collect();
    // Another process has stored some; what is no picture of ours is among them.
    let earlier = folder(&path, 1 << 30);
    for (age, key) in keys[..6].iter().enumerate() {
        put(&earlier, key, 1000).await;
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 + age as u64);
        let file = fs::File::options().write(true).open(path.join(key)).expect("it is there");
        file.set_modified(time).expect("its time is set");
    }
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
    let store = Folder::with(home.path(), 10_000, template(), remove_or_not);
    let keys: Vec<String> = (0..30).map(key).collect();
    for key in &keys {
        put(&store, key, 1000).await;
    }
    let there: Vec<&String> = keys.iter().filter(|key| home.path().join(key).exists()).collect();
    assert!(there.len() <= 10, "{} KB in 10", there.len());
    assert_eq!((there[0], there[1], there.last()), (&keys[0], &keys[1], keys.last().as_ref()));
    let known = store.shelves.stock.lock().bytes;
    assert_eq!(known, Some(1000 * there.len() as u64), "it knows how much there is");
    assert!(store.shelves.stock.lock().has_warned);
}

#[actix::test]
async fn a_folder_that_hangs_keeps_one_thread_however_many_pictures_come() {
    let home = tempfile::tempdir().expect("a folder");
    let store = folder(home.path(), 10_000);
    // As if an earlier picture were under way: nothing can be written.
    let (shelves, (begun, begins), (gate, opened)) =
        (Arc::clone(&store.shelves), sync_channel(0), sync_channel::<()>(0));
    let hang = std::thread::spawn(move || {
        let _stock = shelves.stock.lock();
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
