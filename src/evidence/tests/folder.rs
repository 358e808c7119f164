use jiff::Timestamp;

use super::*;
use crate::words::EventId;

fn folder(path: &Path, limit: u64) -> Folder {
    Folder::new(path, limit, Template::parse("{camera}/{date}/{event}/{n}.jpg").expect("a template"))
}

fn key(n: u32) -> String {
    format!("door/2026-11-{:02}/{}/{n}.jpg", n + 1, EventId::fresh())
}

async fn put(folder: &Folder, key: &str, bytes: usize) {
    let label =
        Label { camera: "door".parse().expect("an id"), event: EventId::fresh(), captured_at: Timestamp::UNIX_EPOCH };
    folder.put(key, vec![1; bytes].into(), &label).await.expect("stored");
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
    let label =
        Label { camera: "door".parse().expect("an id"), event: EventId::fresh(), captured_at: Timestamp::UNIX_EPOCH };
    let error = store.put(&key(0), vec![1].into(), &label).await.expect_err("it is a file");
    assert!(matches!(error, StoreError::Forbidden(_) | StoreError::Away(_)), "{error:?}");
}
