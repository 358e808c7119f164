use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc::sync_channel,
};

use super::{super::spool::Spool, server::Put, *};

#[actix::test]
async fn invariant_10_a_group_that_was_half_stored_becomes_whole_after_a_restart() {
    let server = Server::start();
    server.rule(|n| if n < 5 { Put::Store } else { Put::Hang });
    let folder = tempfile::tempdir().expect("a folder");
    let killed = House::open(&http(&server), folder.path());
    let event = killed.secure(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 2);
    until("it is half stored", || killed.board.evidence.stored.get() == 5 && server.puts() == 10).await;
    killed.evidence.send(Crash).await.expect("it is gone");
    assert_eq!(killed.outbox.attached.lock().len(), 0);

    assert_eq!(left_in(folder.path()), [event], "so that the outbox holds it anew");
    server.rule(|_| Put::Store);
    let house = House::open(&http(&server), folder.path());
    let attached = house.attached(1).await;
    house.settled().await;
    assert_eq!(house.outbox.attached.lock().len(), 1, "once");
    assert_eq!(attached[0].0, event);
    let objects = server.objects();
    assert_eq!(objects.len(), 10);
    for (n, frame) in attached[0].1.frames.iter().enumerate() {
        assert!(frame.url.ends_with(&format!("/{event}/{n}.jpg")), "{}", frame.url);
        let path = url::Url::parse(&frame.url).expect("a URL").path().to_owned();
        assert_eq!(usize::from(objects[&path].body[0]), n);
    }
    assert!(attached[0].1.frames.is_sorted_by_key(|frame| frame.captured_at));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left");
}

#[actix::test]
async fn pictures_of_events_that_are_held_go_first_and_those_of_others_after_fresh_ones() {
    let server = Server::start();
    server.rule(|_| Put::Hang);
    let folder = tempfile::tempdir().expect("a folder");
    let killed = House::open(&http(&server), folder.path());
    let [told, held] = [1, 2].map(|shade| killed.secure(&[shade], 0));
    until("both are in the spool", || server.puts() == 2).await;
    killed.evidence.send(Crash).await.expect("it is gone");

    // No answer before a fresh one waits, too.
    let (gate, opened) = sync_channel::<()>(0);
    let opened = Mutex::new(opened);
    server.rule(move |_| {
        let _ = opened.lock().recv();
        Put::Store
    });
    let hour = Duration::from_secs(3600);
    let settings = Snapshots { concurrency: 1, deadline: hour, ..http(&server) };
    let house = House::holding(&BTreeMap::from([(held, Timestamp::now() + hour)]), &settings, folder.path());
    until("one is asked", || server.puts() == 3).await;
    let fresh = house.secure(&[3], 0);
    until("two wait", || house.board.evidence.waiting.get() == 2).await;
    drop(gate);
    let order: Vec<EventId> = house.attached(3).await.iter().map(|(event, _)| *event).collect();
    assert_eq!(order, [held, fresh, told]);
}

/// A killed house has left a picture in the spool: its event, the event's folder, and the picture's file.
async fn left_in_spool(server: &Server, folder: &Path) -> (EventId, PathBuf, PathBuf) {
    server.rule(|_| Put::Hang);
    let killed = House::open(&http(server), folder);
    let event = killed.secure(&[7], 0);
    until("it is in the spool", || server.puts() == 1).await;
    killed.evidence.send(Crash).await.expect("it is gone");
    let group = folder.join(event.to_string());
    let mut files = fs::read_dir(&group).expect("its group");
    let is_picture = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "jpg");
    let picture = files.find_map(|file| Some(file.ok()?.path()).filter(is_picture)).expect("its picture");
    (event, group, picture)
}

#[actix::test]
async fn a_spool_that_hangs_for_a_while_costs_no_picture() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let (event, group, picture) = left_in_spool(&server, folder.path()).await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let aside = elsewhere.path().join("picture");
    fs::rename(&picture, &aside).expect("renamed");
    let notes = Spool::NOTES;
    fs::copy(group.join(notes), elsewhere.path().join(notes)).expect("copied");
    let _hanging = Hanging::at(&picture);
    server.rule(|_| Put::Store);
    let settings = Snapshots { timeout: Duration::from_millis(200), ..http(&server) };
    let house = House::open(&settings, folder.path());
    let cell = &house.board.evidence;
    until("attempts fail", || cell.failures.get() >= 6).await;
    assert_eq!((cell.given_up.get(), cell.stored.get()), (0, 0));
    let fault = cell.fault.lock().clone().expect("the fault is shown");
    assert!(fault.contains("spool"), "{fault}");
    let pictures = Pictures::open(&settings, folder.path().to_owned()).expect("sound settings");
    assert!(matches!(pictures.get(event, None, 0).await, Err(PictureError::TooSlow(_))));

    // Lets go all that hang, once those after them find the picture.
    let pipe = fs::File::options().write(true).open(&picture).expect("somebody reads");
    fs::rename(&aside, &picture).expect("renamed");
    drop(pipe);
    let (_, snapshot) = house.attached(1).await.remove(0);
    assert!(snapshot.url.ends_with(&format!("/{event}/0.jpg")), "{}", snapshot.url);
    house.settled().await;

    // A spool that hangs hides nothing that the store has.
    fs::create_dir(&group).expect("made");
    fs::copy(elsewhere.path().join(notes), group.join(notes)).expect("copied");
    let _hanging = Hanging::at(&picture);
    assert_eq!(pictures.get(event, Some(&snapshot), 0).await.expect("the store has it"), vec![7; 1000]);
}

#[actix::test]
async fn a_spool_that_fails_for_a_while_costs_no_picture() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let (event, _, picture) = left_in_spool(&server, folder.path()).await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let aside = elsewhere.path().join("picture");
    fs::rename(&picture, &aside).expect("renamed");
    // A link to itself cannot be read, and is replaced in one step: at no time is there nothing.
    std::os::unix::fs::symlink(&picture, &picture).expect("made");
    server.rule(|_| Put::Store);
    let house = House::open(&Snapshots { max_retries: 1, ..http(&server) }, folder.path());
    let cell = &house.board.evidence;
    // One that is given up fails no more.
    until("attempts fail", || cell.failures.get() >= 6).await;
    assert_eq!(
        (cell.given_up.get(), cell.stored.get(), server.puts()),
        (0, 0, 1),
        "the store has seen it once, before"
    );
    let fault = cell.fault.lock().clone().expect("the fault is shown");
    assert!(fault.contains("spool"), "{fault}");

    fs::rename(&aside, &picture).expect("renamed");
    let (_, snapshot) = house.attached(1).await.remove(0);
    assert!(snapshot.url.ends_with(&format!("/{event}/0.jpg")), "{}", snapshot.url);
    house.settled().await;
}

#[actix::test]
async fn a_picture_that_is_gone_from_the_spool_is_given_up_and_the_event_waits_for_it_no_more() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let (event, _, picture) = left_in_spool(&server, folder.path()).await;
    fs::remove_file(&picture).expect("removed");
    std::os::unix::fs::symlink(&picture, &picture).expect("made");
    let house = House::open(&http(&server), folder.path());
    let cell = &house.board.evidence;
    until("it cannot be read", || cell.failures.get() > 0).await;
    fs::remove_file(&picture).expect("removed");
    until("it is released", || *house.outbox.released.lock() == [event]).await;
    assert_eq!((cell.given_up.get(), server.puts()), (1, 1));
}

/// A file that hangs whoever reads it: a pipe that nobody writes to. Its end lets them go, also where a test fails.
struct Hanging(PathBuf);

impl Hanging {
    fn at(path: &Path) -> Self {
        assert!(Command::new("mkfifo").arg(path).status().expect("coreutils have it").success());
        Self(path.to_owned())
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        // Opened both ways, a pipe waits for nobody (fifo(7)), and those who wait find its end.
        let _ = fs::File::options().read(true).write(true).open(&self.0);
    }
}

#[actix::test]
async fn another_template_does_not_rename_what_waits() {
    let server = Server::start();
    server.rule(|_| Put::Hang);
    let folder = tempfile::tempdir().expect("a folder");
    let killed = House::open(&http(&server), folder.path());
    let event = killed.secure(&[1], 0);
    until("it is in flight", || server.puts() == 1).await;
    killed.evidence.send(Crash).await.expect("it is gone");
    server.rule(|_| Put::Store);
    let house = House::open(&Snapshots { key: "{event}-{n}".into(), ..http(&server) }, folder.path());
    let (_, snapshot) = house.attached(1).await.remove(0);
    assert!(snapshot.url.ends_with(&format!("/{event}/0.jpg")), "{}", snapshot.url);
}

#[actix::test]
async fn pictures_are_shown_from_the_spool_and_later_from_the_store() {
    let server = Server::start();
    server.rule(|_| Put::Hang);
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Snapshots { public_url: Some("https://cdn.example/x".parse().expect("a URL")), ..http(&server) };
    let house = House::open(&settings, folder.path());
    let pictures = Pictures::open(&settings, folder.path().to_owned()).expect("sound settings");
    let event = house.secure(&[3, 4], 0);
    until("both are in the spool", || server.puts() == 2).await;
    assert_eq!(pictures.get(event, None, 1).await.expect("it is in the spool"), vec![4; 1000]);
    assert!(matches!(pictures.get(event, None, 2).await, Err(PictureError::Missing)));
    house.evidence.send(Crash).await.expect("it is gone");

    server.rule(|_| Put::Store);
    let house = House::open(&settings, folder.path());
    let (_, snapshot) = house.attached(1).await.remove(0);
    house.settled().await;
    assert!(snapshot.url.starts_with("https://cdn.example/x/door/"), "{}", snapshot.url);
    let get = |snapshot: Snapshot, n| {
        let pictures = pictures.clone();
        async move { pictures.get(event, Some(&snapshot), n).await }
    };
    assert_eq!(get(snapshot.clone(), 1).await.expect("it is in the store"), vec![4; 1000]);
    assert!(matches!(get(snapshot.clone(), 2).await, Err(PictureError::Missing)));
    let mut moved = snapshot;
    moved.frames[0].url = moved.frames[0].url.replace("cdn.example", "elsewhere.example");
    assert!(matches!(get(moved.clone(), 0).await, Err(PictureError::Elsewhere { .. })));
    moved.frames[0].url = "https://cdn.example/x/door/gone.jpg".into();
    assert!(matches!(get(moved, 0).await, Err(PictureError::Missing)));
}
