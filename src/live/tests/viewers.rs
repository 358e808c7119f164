//! Who watches, how fast, and until when.

use super::*;

/// The times of the pictures in some FLV behind its headers, in ms.
fn times(tags: &[u8]) -> Vec<u32> {
    let mut times = Vec::new();
    let mut rest = if tags.starts_with(b"FLV") { &tags[13..] } else { tags };
    while !rest.is_empty() {
        let size = u32::from_be_bytes([0, rest[1], rest[2], rest[3]]) as usize;
        if rest[0] == 9 && rest[12] == 1 {
            times.push(u32::from_be_bytes([rest[7], rest[4], rest[5], rest[6]]));
        }
        rest = &rest[15 + size..];
    }
    times
}

#[tokio::test]
async fn one_who_comes_sees_the_newest_group_of_pictures_at_once_and_then_each_as_it_comes() {
    let mut camera = Camera::new(None);
    camera.push(25);
    let (audience, _) = audience(1);
    let mut viewer = watch(&camera, ContainerKind::Flv, audience.enter(None).expect("a seat")).await;
    let at_once = viewer.next().await.expect("five pictures");
    assert_eq!(times(&at_once), [0, 40, 80, 120, 160]);
    camera.push(1);
    assert_eq!(times(&viewer.next().await.expect("one more")), [200]);
}

#[tokio::test]
async fn one_who_is_slow_goes_on_at_a_key_frame_and_time_has_no_hole() {
    let mut camera = Camera::new(None);
    camera.push(5);
    let (audience, cell) = audience(1);
    let mut viewer = watch(&camera, ContainerKind::Flv, audience.enter(None).expect("a seat")).await;
    assert_eq!(times(&viewer.next().await.expect("the first")), [0, 40, 80, 120, 160]);
    camera.push(200); // eight seconds later
    let later = times(&viewer.next().await.expect("what is newest"));
    assert_eq!(later, [200, 240, 280, 320, 360], "from the newest key frame on: {later:?}");
    assert_eq!(cell.dropped.get(), 0);
}

#[tokio::test]
async fn one_who_never_keeps_up_is_sent_away() {
    let mut camera = Camera::new(None);
    camera.push(1);
    let (audience, cell) = audience(1);
    let mut viewer = watch(&camera, ContainerKind::Flv, audience.enter(None).expect("a seat")).await;
    let mut chunks = 0;
    while viewer.next().await.is_some() {
        chunks += 1;
        assert!(chunks < 20, "never sent away");
        camera.push(200);
    }
    assert_eq!((chunks, cell.dropped.get()), (Viewer::MOST_SKIPS, 1));
}

#[tokio::test(start_paused = true)]
async fn now_and_then_everybody_may_be_slow() {
    let mut camera = Camera::new(None);
    camera.push(1);
    let (audience, cell) = audience(1);
    let mut viewer = watch(&camera, ContainerKind::Flv, audience.enter(None).expect("a seat")).await;
    for _ in 0..3 * Viewer::MOST_SKIPS {
        viewer.next().await.expect("it goes on");
        tokio::time::advance(Viewer::SKIPS_WITHIN / 4).await;
        camera.push(200);
    }
    assert_eq!(cell.dropped.get(), 0);
}

#[tokio::test]
async fn a_camera_that_connects_anew_goes_on_without_a_hole() {
    let mut camera = Camera::new(None);
    camera.push(3);
    let (audience, _) = audience(1);
    let mut viewer = watch(&camera, ContainerKind::Flv, audience.enter(None).expect("a seat")).await;
    assert_eq!(times(&viewer.next().await.expect("the first")), [0, 40, 80]);
    camera.feed.interrupt();
    camera.feed.begin(Some(0), None);
    camera.pushed = 0;
    camera.push(2);
    assert_eq!(times(&viewer.next().await.expect("the second connection")), [120, 160]);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_comes_nobody_waits_for_ever() {
    let camera = Camera::new(None);
    let (audience, cell) = audience(1);
    let patience = Duration::from_secs(10);
    let seat = audience.enter(None).expect("a seat");
    let closed = Viewer::open(&camera.feed, ContainerKind::Mp4, seat, patience).await.err();
    assert_eq!(closed, Some(Closed::Nothing(patience)));
    assert_eq!(cell.present.get(), 0, "the seat is free");

    let mut camera = Camera::new(None);
    camera.push(1);
    let mut viewer = watch(&camera, ContainerKind::Mp4, audience.enter(None).expect("a seat")).await;
    assert!(viewer.next().await.is_some());
    assert!(viewer.next().await.is_none(), "the camera shows nothing any more");
    drop(viewer);
    let mut slides = Slides::new(&camera.feed, audience.enter(None).expect("a seat"));
    assert!(slides.next(patience).await.is_ok());
    assert_eq!(slides.next(patience).await.err(), Some(Closed::Nothing(patience)));
}

#[tokio::test]
async fn at_the_end_everybody_goes_home() {
    let mut camera = Camera::new(None);
    camera.push(1);
    let (audience, cell) = audience(2);
    let mut viewer = watch(&camera, ContainerKind::Flv, audience.enter(None).expect("a seat")).await;
    assert!(viewer.next().await.is_some());
    audience.end();
    assert!(viewer.next().await.is_none());
    drop(viewer);
    assert_eq!((cell.present.get(), camera.feed.followers()), (0, 0));
}

#[tokio::test]
async fn slides_are_the_key_frames_and_each_is_made_once() {
    let mut camera = Camera::new(None);
    camera.push(25);
    let (audience, _) = audience(2);
    let mut one = Slides::new(&camera.feed, audience.enter(None).expect("a seat"));
    let mut other = Slides::new(&camera.feed, audience.enter(None).expect("a seat"));
    let patience = Duration::from_secs(10);
    let (mine, theirs) = (one.next(patience).await.expect("a slide"), other.next(patience).await.expect("a slide"));
    assert!(Arc::ptr_eq(&mine, &theirs));
    let mut made = 0;
    for piece in [&mine, &theirs] {
        let still = piece.picture().expect("a picture").still(|| {
            made += 1;
            async { Ok::<_, ()>(Bytes::from_static(b"jpeg")) }
        });
        assert_eq!(still.await.expect("made"), "jpeg");
    }
    assert_eq!(made, 1);
    camera.push(10);
    let next = one.next(patience).await.expect("the next");
    assert_eq!(next.picture().map(|p| p.unit.timestamp), Some(30 * STEP));
    assert!(one.part(b"abc").ends_with(b"Content-Length: 3\r\n\r\nabc\r\n"));
}
