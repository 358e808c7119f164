use bytes::Bytes;

use super::*;
use crate::{
    settings::Secret,
    simulate::{Counts, Credentials, Scheme, Unit},
    words::Moment,
};

fn udp() -> Transport {
    "udp".parse().expect("a transport")
}

/// The clip at many times its pace, so that the tests take no time.
fn hurried(mut clip: Clip, times: i64) -> Arc<Clip> {
    for unit in &mut clip.units {
        unit.decode_time /= times;
        unit.presentation_offset /= times;
    }
    clip.duration /= times;
    Arc::new(clip)
}

/// Finds the first picture in the clip and demands that all others follow it, byte for byte and tick for tick.
fn assert_continues(clip: &Clip, frames: &[VideoFrame]) {
    let units: Vec<_> = clip.access_units(Moment::now()).collect();
    let first = units.iter().position(|unit| unit.data == frames[0].data()).expect("the first picture is of the clip");
    let time = |i: usize| units[i % units.len()].timestamp + (i / units.len()) as i64 * clip.duration;
    for (i, frame) in frames.iter().enumerate() {
        let unit = &units[(first + i) % units.len()];
        assert!(frame.data() == unit.data, "picture {i} after {first} differs");
        assert_eq!(frame.loss(), 0, "picture {i}");
        assert_eq!(frame.is_random_access_point(), unit.key);
        assert_eq!(frame.is_disposable(), unit.disposable);
        let elapsed = frame.timestamp().elapsed() - frames[0].timestamp().elapsed();
        assert_eq!(elapsed, time(first + i) - time(first), "picture {i}");
    }
}

#[tokio::test]
async fn tcp_and_udp_deliver_every_access_unit_byte_for_byte_across_laps() {
    let stage = Stage::new(vec![Mount::new("cam", SMALL.clone())]).await;
    for transport in [Transport::default(), udp()] {
        let mut session = view(stage.url("cam"), transport, None).await.expect("it streams");
        assert_continues(&SMALL, &frames(&mut session, 250).await);
    }
}

#[tokio::test]
async fn footage_arrives_byte_for_byte_also_with_b_frames() {
    for name in ["onebyone_720p15_main_nob_g15.mp4", "street_720p25_high_b3_g50.mp4"] {
        let Some(path) = footage(name) else { return };
        let clip = hurried(Clip::read(&path).expect("a clip"), 5);
        let stage = Stage::new(vec![Mount::new("cam", clip.clone())]).await;
        for transport in [Transport::default(), udp()] {
            let mut session = view(stage.url("cam"), transport, None).await.expect("it streams");
            assert_continues(&clip, &frames(&mut session, 120).await);
        }
    }
}

#[tokio::test]
async fn clients_of_a_camera_see_the_same_stream_and_cameras_differ() {
    let elsewhere = Mount { start_at: Duration::from_secs(1), ..Mount::new("b", SMALL.clone()) };
    let stage = Stage::new(vec![Mount::new("a", SMALL.clone()), elsewhere]).await;
    let mut first = stage.view("a").await.expect("it streams");
    let mut second = view(stage.url("a"), udp(), None).await.expect("it streams");
    let mut other = stage.view("b").await.expect("it streams");
    let both = stage.control.wait_until("a", |counts| counts.playing == 2);
    within(both).await.expect("both are there");
    let (first, second) = (frames(&mut first, 60).await, frames(&mut second, 30).await);
    let stamps: Vec<_> = first.iter().map(|frame| frame.timestamp().timestamp() as u32).collect();
    assert!(second[..1].iter().all(|frame| stamps.contains(&(frame.timestamp().timestamp() as u32))));
    assert_continues(&SMALL, &frames(&mut other, 5).await);
}

#[tokio::test]
async fn a_stream_begins_anywhere_or_with_a_key_frame() {
    let at_key = Mount { start_at_key_frame: true, ..Mount::new("key", SMALL.clone()) };
    let stage = Stage::new(vec![at_key, Mount::new("any", SMALL.clone())]).await;
    for _ in 0..3 {
        let mut session = stage.view("key").await.expect("it streams");
        assert!(frames(&mut session, 1).await[0].is_random_access_point());
    }
    // Joined while the stream is held right behind a key frame, a client has to wait for the next.
    stage.control.pause("any").expect("it is mounted");
    let mut watching = Raw::connect(&stage).await;
    watching.play(stage.url("any").as_str()).await;
    stage.control.resume("any").expect("it is mounted");
    let mut session = stage.view("any").await.expect("it streams");
    assert_continues(&SMALL, &frames(&mut session, 50).await);
}

#[tokio::test]
async fn digest_and_basic_admit_the_right_password_alone() {
    let mounts = [("basic", Scheme::Basic), ("digest", Scheme::Digest)].map(|(name, scheme)| Mount {
        credentials: Some(Credentials { user: "admin".to_owned(), password: Secret::new("s3cret"), scheme }),
        ..Mount::new(name, SMALL.clone())
    });
    let stage = Stage::new(mounts.to_vec()).await;
    let credentials = |password: &str| {
        Some(retina::client::Credentials { username: "admin".to_owned(), password: password.to_owned() })
    };
    for name in ["basic", "digest"] {
        let mut session = view(stage.url(name), Transport::default(), credentials("s3cret")).await.expect("it streams");
        frames(&mut session, 2).await;
        drop(session);
        within(stage.control.wait_until(name, |counts| counts.torn_down == 1)).await.expect("it is mounted");
        for wrong in [credentials("secret"), None] {
            let error = view(stage.url(name), Transport::default(), wrong).await.err().expect("refused");
            assert_eq!(error.status_code(), Some(401), "{name}: {error}");
        }
    }
}

#[tokio::test]
async fn counts_follow_a_session_from_its_begin_to_its_teardown() {
    let stage = Stage::new(vec![Mount::new("cam", SMALL.clone())]).await;
    let mut session = stage.view("cam").await.expect("it streams");
    frames(&mut session, 3).await;
    let counts = stage.control.counts("cam");
    assert_eq!((counts.connections, counts.sessions, counts.playing, counts.played), (1, 1, 1, 1));
    assert!(counts.units_sent >= 3);
    drop(session);
    let over = within(stage.control.wait_until("cam", |counts| counts.connections == 0)).await.expect("it is mounted");
    assert_eq!(
        Counts { units_sent: 0, kept_alive: 0, ..over },
        Counts { accepted: 1, played: 1, torn_down: 1, ..Counts::default() }
    );
    assert!(stage.control.set_fault("cma", None).is_err(), "a camera that is not there");
}

#[tokio::test]
async fn a_session_whose_client_falls_silent_times_out() {
    let mount = Mount { session_timeout: Duration::from_secs(1), ..Mount::new("cam", SMALL.clone()) };
    let stage = Stage::new(vec![mount]).await;
    let mut raw = Raw::connect(&stage).await;
    raw.play(stage.url("cam").as_str()).await;
    let counts = within(stage.control.wait_until("cam", |counts| counts.timed_out == 1)).await.expect("it is mounted");
    assert_eq!(counts.torn_down, 0);
    let mut rest = Vec::new();
    within(raw.0.read_to_end(&mut rest)).await.expect("it sends");
    assert_eq!(rest[..2], [b'$', 2], "media came on the channel that was asked for, then the end");
}

/// Units of 200 kB, so that the socket's buffers are full at once.
fn fat_clip() -> Arc<Clip> {
    let mut clip = Clip::clone(&SMALL);
    let slice = Bytes::from(vec![0x41; 200_000]);
    for unit in clip.units.iter_mut().filter(|unit| !unit.key) {
        *unit = Unit { nals: vec![slice.clone()], ..unit.clone() };
    }
    Arc::new(clip)
}

#[tokio::test]
async fn invariant_6_a_client_that_does_not_read_skips_and_costs_no_other_a_unit() {
    let stage = Stage::new(vec![Mount::new("fat", fat_clip()), Mount::new("sane", SMALL.clone())]).await;
    let mut slow = Raw::connect(&stage).await;
    slow.play(stage.url("fat").as_str()).await;
    let mut sane = stage.view("sane").await.expect("it streams");
    assert_continues(&SMALL, &frames(&mut sane, 200).await);
    let reading = tokio::spawn(async move { tokio::io::copy(&mut slow.0, &mut tokio::io::sink()).await });
    let counts =
        within(stage.control.wait_until("fat", |counts| counts.units_skipped > 0)).await.expect("it is mounted");
    assert_eq!(counts.clients_dropped, 0);
    reading.abort();
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped() {
    let stage = Stage::new(vec![Mount::new("fat", fat_clip())]).await;
    let mut slow = Raw::connect(&stage).await;
    slow.play(stage.url("fat").as_str()).await;
    let counts =
        within(stage.control.wait_until("fat", |counts| counts.connections == 0)).await.expect("it is mounted");
    assert_eq!((counts.clients_dropped, counts.sessions, counts.playing), (1, 0, 0));
}

#[tokio::test]
async fn a_replaced_clip_goes_on_in_the_same_stream() {
    let stage = Stage::new(vec![Mount::new("cam", SMALL.clone())]).await;
    let mut session = stage.view("cam").await.expect("it streams");
    frames(&mut session, 5).await;
    let larger = Arc::new(Clip::synthetic(320, 192, 100, 1, 10).expect("it can be encoded"));
    stage.control.replace_clip("cam", larger.clone()).expect("it is mounted");
    loop {
        let frame = frames(&mut session, 1).await.remove(0);
        assert_eq!(frame.loss(), 0);
        if frame.has_new_parameters() {
            assert!(frame.data() == larger.annex_b(&larger.units[0]));
            break;
        }
    }
}

#[tokio::test]
async fn a_request_without_end_and_nonsense_are_hung_up_on() {
    let stage = Stage::new(vec![Mount::new("cam", SMALL.clone())]).await;
    for nonsense in [vec![b'a'; 100_000], b"GET / HTTP/1.1\r\n\r\n".to_vec()] {
        let mut raw = Raw::connect(&stage).await;
        let _ = raw.0.write_all(&nonsense).await; // It may hang up while this is written.
        let mut rest = Vec::new();
        let _ = within(raw.0.read_to_end(&mut rest)).await;
        assert!(rest.is_empty());
    }
    let mut session = stage.view("cam").await.expect("it streams");
    frames(&mut session, 1).await;
}

#[tokio::test]
async fn paths_are_matched_whole() {
    let mounts = ["cam1", "Streaming/Channels/101"].map(|name| Mount::new(name, SMALL.clone()));
    let stage = Stage::new(mounts.to_vec()).await;
    for path in ["cam1", "cam1/", "cam1?profile=main", "Streaming/Channels/101"] {
        let mut session = stage.view(path).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        frames(&mut session, 1).await;
    }
    for path in ["cam", "cam11", "", "Streaming/Channels"] {
        let error = stage.view(path).await.err().expect("there is no such camera");
        assert_eq!(error.status_code(), Some(404), "{path}: {error}");
    }
    let mut raw = Raw::connect(&stage).await;
    let named = raw.ask("OPTIONS", stage.url("cam1").as_str(), "").await;
    assert!(named.contains("200"), "{named}");
    let other = raw.ask("DESCRIBE", stage.url("cam2").as_str(), "").await;
    assert!(other.contains("404"), "not the camera that was named before: {other}");
    let twice = ["cam", "cam"].map(|name| Mount::new(name, SMALL.clone()));
    let address = (Ipv4Addr::LOCALHOST, 0).into();
    assert!(Simulator::bind(address, twice.to_vec()).await.is_err());
}

#[tokio::test]
async fn a_shutdown_ends_every_stream() {
    let simulator = Simulator::bind((Ipv4Addr::LOCALHOST, 0).into(), vec![Mount::new("cam", SMALL.clone())]);
    let simulator = simulator.await.expect("a free port");
    let url = simulator.url("cam").parse().expect("a URL");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(simulator.run(async { drop(stopped.await) }));
    let mut session = view(url, Transport::default(), None).await.expect("it streams");
    frames(&mut session, 1).await;
    stop.send(()).expect("it runs");
    within(task).await.expect("no panic");
    while let Some(Ok(_)) = frame(&mut session).await {}
}
