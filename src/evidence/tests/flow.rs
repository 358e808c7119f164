use super::{server::Put, *};
use crate::settings::{Credentials, Secret};

/// The shade of each picture that the URLs lead to, in their order.
fn shades(server: &Server, snapshot: &Snapshot) -> Vec<u8> {
    let objects = server.objects();
    let path = |url: &str| url::Url::parse(url).expect("a URL").path().to_owned();
    snapshot.frames.iter().map(|frame| objects[&path(&frame.url)].body[0]).collect()
}

#[actix::test]
async fn fifty_pictures_go_side_by_side_and_come_back_in_order() {
    let server = Server::slow(Duration::from_secs(1), 50);
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::open(&http(&server), folder.path());
    let event = house.secure(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 40);
    for shade in 10..50 {
        house.burst(event, shade);
    }
    let attached = house.attached(1).await;
    assert_eq!(server.most(), 50, "all in flight at once");
    assert_eq!(server.puts(), 50);
    let (id, snapshot) = &attached[0];
    assert_eq!((*id, snapshot.frames.len()), (event, 50));
    assert_eq!(shades(&server, snapshot), (0..50).collect::<Vec<u8>>());
    assert_eq!(snapshot.url, snapshot.frames[0].url);
    assert!(snapshot.frames.is_sorted_by_key(|frame| frame.captured_at));
    house.settled().await;
    assert_eq!(house.board.evidence.stored_bytes.get(), 50_000);
}

#[actix::test]
async fn frames_from_before_are_listed_before_and_the_one_that_decided_is_shown() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::open(&http(&server), folder.path());
    let [before, decided] = [frame(1), frame(2)];
    assert!(before.origin.captured.wall <= decided.origin.captured.wall);
    let event = house.secure_frames([decided, before, frame(3)], 0);
    let (_, snapshot) = house.attached(1).await.remove(0);
    assert_eq!(shades(&server, &snapshot), [1, 2, 3]);
    assert!(snapshot.url.ends_with(&format!("/{event}/0.jpg")), "{}", snapshot.url);
    assert_eq!(snapshot.url, snapshot.frames[1].url);
}

#[actix::test]
async fn as_many_are_in_flight_as_are_allowed_and_no_more() {
    // Nobody is answered before four were in flight.
    let server = Server::slow(Duration::from_millis(5), 4);
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::open(&Snapshots { concurrency: 4, ..http(&server) }, folder.path());
    for _ in 0..5 {
        house.secure(&[1, 2, 3, 4], 0);
    }
    assert_eq!(house.attached(5).await.len(), 5);
    assert_eq!(server.most(), 4, "all that may be, and no more");
}

#[actix::test]
async fn a_store_that_fails_every_second_put_loses_none() {
    let server = Server::start();
    server.rule(|n| if n % 2 == 0 { Put::Answer(500) } else { Put::Store });
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::open(&http(&server), folder.path());
    for _ in 0..10 {
        house.secure(&[1, 2, 3, 4, 5], 0);
    }
    for (_, snapshot) in house.attached(10).await {
        assert_eq!(shades(&server, &snapshot), [1, 2, 3, 4, 5]);
    }
    let cell = &house.board.evidence;
    assert_eq!((cell.stored.get(), cell.given_up.get(), cell.dropped.get()), (50, 0, 0));
    assert!(cell.failures.get() >= 50, "{} failures", cell.failures.get());
    house.settled().await;
    assert_eq!(cell.fault.lock().clone(), None);
}

#[actix::test]
async fn a_store_that_is_down_for_a_while_loses_none_though_few_retries_are_allowed() {
    for down in [Put::Close, Put::Answer(503), Put::Answer(500)] {
        let server = Server::start();
        server.rule(move |_| down);
        let folder = tempfile::tempdir().expect("a folder");
        let house = House::open(&Snapshots { max_retries: 2, ..http(&server) }, folder.path());
        for _ in 0..4 {
            house.secure(&[1, 2, 3, 4, 5], 0);
        }
        let cell = &house.board.evidence;
        until("many attempts failed", || cell.failures.get() >= 60).await;
        let fault = cell.fault.lock().clone().expect("the fault is shown");
        assert!(fault.contains("127.0.0.1"), "{fault}");
        assert_eq!(house.outbox.attached.lock().len(), 0);
        server.rule(|_| Put::Store);
        for (_, snapshot) in house.attached(4).await {
            assert_eq!(shades(&server, &snapshot), [1, 2, 3, 4, 5]);
        }
        assert_eq!((cell.stored.get(), cell.given_up.get()), (20, 0));
    }
}

#[actix::test]
async fn a_picture_that_is_refused_too_often_is_given_up_and_the_group_goes_on() {
    let server = Server::start();
    // The first picture is refused three times: nothing else is stored before that.
    server.rule(|n| if n < 3 { Put::Answer(413) } else { Put::Store });
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::open(&Snapshots { max_retries: 3, concurrency: 1, ..http(&server) }, folder.path());
    let hopeless = house.secure(&[1], 0);
    until("it is released", || house.outbox.released.lock().contains(&hopeless)).await;
    assert_eq!(house.board.evidence.given_up.get(), 1);
    house.secure(&[2, 3], 0);
    let (_, snapshot) = house.attached(1).await.remove(0);
    assert_eq!(shades(&server, &snapshot), [2, 3]);
    house.settled().await;
}

#[actix::test]
async fn a_picture_that_never_gets_through_keeps_the_others_of_its_event_from_nobody() {
    let server = Server::start();
    server.hang_on("/1.jpg");
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Snapshots { max_retries: 2, timeout: Duration::from_millis(100), ..http(&server) };
    let house = House::open(&settings, folder.path());
    let event = house.secure(&[1, 2, 3], 0);
    let cell = &house.board.evidence;
    // As long as cameras see somebody, the store shows that it takes the others.
    while cell.given_up.get() == 0 {
        let stored = cell.stored.get();
        house.secure(&[4], 0);
        until("it is stored", || cell.stored.get() > stored).await;
    }
    until("the event has its pictures", || house.outbox.attached.lock().iter().any(|(id, _)| *id == event)).await;
    let attached = house.outbox.attached.lock().clone();
    let (_, snapshot) = attached.iter().find(|(id, _)| *id == event).expect("it has its pictures");
    assert_eq!(shades(&server, snapshot), [1, 3]);
}

#[actix::test]
async fn a_picture_that_never_gets_through_is_given_up_though_nobody_else_is_seen() {
    let server = Server::start();
    server.hang_on("/1.jpg");
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Snapshots { max_retries: 4, timeout: Duration::from_millis(200), ..http(&server) };
    let house = House::open(&settings, folder.path());
    house.secure(&[1, 2, 3], 0);
    let (_, snapshot) = house.attached(1).await.remove(0);
    assert_eq!(shades(&server, &snapshot), [1, 3]);
    house.settled().await;
    let cell = &house.board.evidence;
    assert_eq!((cell.stored.get(), cell.stored_bytes.get(), cell.given_up.get()), (2, 2000, 1), "none counts twice");
}

#[actix::test]
async fn frames_that_do_not_come_are_not_waited_for_for_ever() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::open(&http(&server), folder.path());
    let event = EventId::fresh();
    house.evidence.do_send(Secure {
        event,
        camera: "door".parse().expect("an id"),
        time: Timestamp::now(),
        shots: vec![Shot { frame: frame(7), detections: Arc::new([]) }],
        awaited: 3,
        patience: Duration::from_millis(20),
    });
    let (_, snapshot) = house.attached(1).await.remove(0);
    assert_eq!(shades(&server, &snapshot), [7]);
    house.burst(event, 8);
    until("the latecomer is counted", || house.board.evidence.dropped.get() == 1).await;
}

#[actix::test]
async fn where_nothing_can_be_kept_the_event_is_released() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    // Notes and one picture fit.
    let house = House::open(&Snapshots { spool_bytes: 8192, ..http(&server) }, folder.path());
    server.rule(|_| Put::Hang);
    let first = house.secure(&[1], 0);
    until("it is in flight", || server.puts() == 1).await;
    let second = house.secure(&[2], 0);
    until("the second is released", || *house.outbox.released.lock() == [second]).await;
    let cell = &house.board.evidence;
    assert_eq!((cell.dropped.get(), cell.spool_bytes.get(), cell.in_flight.get()), (1, 8192, 1), "the first stays");
    assert!(cell.spool_fault.lock().as_ref().is_some_and(|fault| fault.contains("full")));
    assert!(folder.path().join(first.to_string()).exists() && !folder.path().join(second.to_string()).exists());
}

#[actix::test]
async fn a_picture_that_cannot_be_encoded_costs_itself_alone() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let encode: Arc<Encode> = Arc::new(|picture, _, _, _| match picture.planes().0[0] {
        1 => Err("too wide".into()),
        2 => panic!("a fault"),
        shade => Ok(vec![shade]),
    });
    let house = House::with_encode(&http(&server), folder.path(), encode);
    house.secure(&[1, 2, 3], 0);
    let (_, snapshot) = house.attached(1).await.remove(0);
    assert_eq!(shades(&server, &snapshot), [3]);
    assert_eq!(house.board.evidence.dropped.get(), 2);
}

#[actix::test]
async fn more_frames_than_may_wait_are_dropped_and_counted() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let (gate, opened) = std::sync::mpsc::sync_channel::<()>(0);
    let opened = Mutex::new(opened);
    let encode: Arc<Encode> = Arc::new(move |_, _, _, _| {
        // Ends when the gate is dropped.
        let _ = opened.lock().recv();
        Ok(vec![1])
    });
    let house = House::with_encode(&http(&server), folder.path(), encode);
    house.secure(&[1; 100], 0);
    let cell = &house.board.evidence;
    until("some are dropped", || cell.dropped.get() > 0).await;
    until("all are accounted for", || cell.dropped.get() as i64 + cell.encoding.get() == 100).await;
    assert!((64..=68).contains(&cell.encoding.get()), "{}", cell.encoding.get());
    drop(gate);
    let (_, snapshot) = house.attached(1).await.remove(0);
    assert_eq!(snapshot.frames.len() as u64, 100 - cell.dropped.get());
}

#[actix::test]
async fn an_outbox_that_refuses_is_told_again() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::open(&http(&server), folder.path());
    *house.outbox.refusals.lock() = 3;
    let event = house.secure(&[1], 0);
    assert_eq!(house.attached(1).await[0].0, event);
    assert_eq!(*house.outbox.refusals.lock(), 0);
    house.settled().await;
    assert_eq!(server.puts(), 1, "the picture is not stored again");
}

#[actix::test]
async fn a_spool_that_hangs_keeps_one_thread_for_what_is_removed() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let encode: Arc<Encode> = Arc::new(|picture, _, _, _| match picture.planes().0[0] {
        0 => Err("too dark".into()),
        shade => Ok(vec![shade]),
    });
    let house = House::with_encode(&http(&server), folder.path(), encode);
    let (gate, opened) = std::sync::mpsc::sync_channel::<()>(0);
    let opened = Mutex::new(opened);
    // How many there are, how many there were at most, and how many in all.
    let removals = Arc::new(Mutex::new((0, 0, 0)));
    let hang = {
        let removals = Arc::clone(&removals);
        move || {
            {
                let (now, most, all) = &mut *removals.lock();
                (*now, *all) = (*now + 1, *all + 1);
                *most = (*most).max(*now);
            }
            // Ends when the gate is dropped.
            let _ = opened.lock().recv();
            removals.lock().0 -= 1;
        }
    };
    house.evidence.send(HoldRemovals(Arc::new(hang))).await.expect("it answers");
    for _ in 0..20 {
        house.secure(&[1], 0);
        house.secure(&[0], 0);
    }
    until("nothing is left to be done", || {
        house.outbox.attached.lock().len() == 20
            && house.outbox.released.lock().len() == 20
            && house.board.evidence.events.get() == 0
    })
    .await;
    drop(gate);
    house.settled().await;
    until("all are removed", || removals.lock().2 == 20).await;
    assert_eq!(removals.lock().1, 1, "at once");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[actix::test]
async fn draining_waits_for_what_is_under_way_and_takes_no_more() {
    let server = Server::slow(Duration::from_millis(50), 3);
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::open(&http(&server), folder.path());
    house.secure(&[1, 2, 3], 5);
    let left = house.evidence.send(Drain { deadline: Duration::from_secs(30) }).await.expect("it answers");
    assert_eq!((left, house.outbox.attached.lock().len()), (0, 1), "it waits for no frames, but for the store");
    let late = house.secure(&[1], 0);
    until("it is released", || *house.outbox.released.lock() == [late]).await;
}

#[actix::test]
async fn draining_does_not_wait_for_a_store_that_is_away() {
    let server = Server::start();
    server.rule(|_| Put::Close);
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::open(&http(&server), folder.path());
    house.secure(&[1, 2, 3], 0);
    house.secure(&[1], 0);
    let left = house.evidence.send(Drain { deadline: Duration::from_secs(3600) }).await.expect("it answers");
    assert_eq!(left, 2);
}

#[actix::test]
async fn invariant_13_wrong_keys_are_named_in_plain_words_and_nothing_secret_is() {
    let server = Server::start();
    server.rule(|_| Put::Answer(403));
    let folder = tempfile::tempdir().expect("a folder");
    let credentials = Credentials { username: "camera-user".into(), password: Secret::new("hunter2") };
    let mut url = server.url("pictures");
    url.set_query(Some("token=hunter2"));
    let store = ObjectStore::Http { url, credentials: Some(credentials), ca_file: None };
    let house = House::open(&Snapshots { max_retries: 2, ..snapshots(store) }, folder.path());
    house.secure(&[1], 0);
    let cell = &house.board.evidence;
    until("more attempts than a picture has", || cell.failures.get() > 3).await;
    assert_eq!(cell.given_up.get(), 0, "the picture is not to blame");
    let fault = cell.fault.lock().clone().expect("a fault");
    assert!(fault.contains("403") && fault.contains("ItIsATest") && fault.contains("keys"), "{fault}");
    let target = cell.target.lock().clone();
    let shown = format!("{fault} {target:?} {}", crate::status::metrics_text(&house.board));
    assert!(!shown.contains("hunter2") && !shown.contains("camera-user"), "{shown}");
    server.rule(|_| Put::Store);
    house.attached(1).await;
    let sent = server.objects().pop_first().expect("one is stored").1;
    assert_eq!(sent.headers["authorization"], "Basic Y2FtZXJhLXVzZXI6aHVudGVyMg==");
    assert_eq!(sent.headers["content-type"], "image/jpeg");
}

#[actix::test]
async fn webdav_folders_are_made_where_they_are_missing() {
    // All are told at once that there is no folder for them.
    let server = Server::slow(Duration::ZERO, 5);
    server.rule(|_| Put::IntoFolder);
    let folder = tempfile::tempdir().expect("a folder");
    let house = House::open(&http(&server), folder.path());
    house.secure(&[1, 2, 3, 4, 5], 0);
    let (_, snapshot) = house.attached(1).await.remove(0);
    assert_eq!(shades(&server, &snapshot), [1, 2, 3, 4, 5]);
    assert_eq!(house.board.evidence.failures.get(), 0, "a folder that another picture made is as good");
}
