use std::io::ErrorKind;

use super::*;

async fn status_of(fault: Fault) -> Option<u16> {
    let stage = Stage::with(fault).await;
    stage.view("faulty").await.err().and_then(|error| error.status_code())
}

/// Waits, by a camera without fault, until so many more units would have come.
async fn let_pass(stage: &Stage, units: u64) {
    let mut sane = stage.view("sane").await.expect("it streams");
    let watching = async { while frame(&mut sane).await.is_some() {} };
    let begin = stage.control.counts("sane").units_sent;
    tokio::select! {
        () = watching => panic!("the camera without fault ended"),
        passed = within(stage.control.wait_until("sane", |counts| counts.units_sent >= begin + units)) => passed.map(drop).expect("it is mounted"),
    }
}

/// Pictures until the stream ends, and how it does.
async fn until_the_end(session: &mut Demuxed) -> (usize, Option<retina::Error>) {
    let mut count = 0;
    loop {
        match frame(session).await {
            Some(Ok(_)) => count += 1,
            Some(Err(error)) => return (count, Some(error)),
            None => return (count, None),
        }
    }
}

#[tokio::test]
async fn refusals_have_their_status() {
    for (fault, status) in [
        (Fault::Unauthorized, 401),
        (Fault::NotFound, 404),
        (Fault::SessionNotFound, 454),
        (Fault::NotEnoughBandwidth, 453),
        (Fault::TooManySessions, 503),
    ] {
        assert_eq!(status_of(fault).await, Some(status), "{fault}");
    }
}

#[tokio::test]
async fn silence_plays_answers_and_sends_nothing() {
    let stage = Stage::with(Fault::Silence).await;
    let url = stage.url("faulty").to_string();
    let mut raw = Raw::connect(&stage).await;
    raw.play(&url).await;
    let_pass(&stage, 20).await;
    assert_eq!(stage.control.counts("faulty").units_sent, 0);
    let answer = raw.ask("GET_PARAMETER", &url, "").await;
    assert!(answer.starts_with("RTSP/1.0 200"), "{answer}");
    assert_eq!(stage.control.counts("faulty").kept_alive, 1);
}

#[tokio::test]
async fn silence_after_sends_so_many_units() {
    let stage = Stage::with(Fault::SilenceAfter(7)).await;
    let mut session = stage.view("faulty").await.expect("it streams");
    frames(&mut session, 7).await;
    let_pass(&stage, 20).await;
    assert_eq!(stage.control.counts("faulty").units_sent, 7);
    stage.control.set_fault("faulty", None).expect("it is mounted");
    let next = frames(&mut session, 1).await.remove(0);
    assert!(next.loss() > 0, "the fault is over, and what was not sent is missing");
}

#[tokio::test]
async fn a_pause_holds_the_media_and_not_the_protocol() {
    let stage = Stage::new(vec![Mount::new("cam", SMALL.clone()), Mount::new("sane", SMALL.clone())]).await;
    let mut session = stage.view("cam").await.expect("it streams");
    frames(&mut session, 2).await;
    stage.control.pause("cam").expect("it is mounted");
    let_pass(&stage, 5).await; // What was due when the pause began may still come.
    let sent = stage.control.counts("cam").units_sent;
    let_pass(&stage, 20).await;
    assert_eq!(stage.control.counts("cam").units_sent, sent);
    stage.control.resume("cam").expect("it is mounted");
    assert!(frames(&mut session, 30).await.iter().all(|frame| frame.loss() == 0));
}

#[tokio::test]
async fn other_codecs_are_described_as_such() {
    for (fault, media, encoding) in [(Fault::AudioOnly, "audio", "pcmu"), (Fault::H265, "video", "h265")] {
        let stage = Stage::with(fault).await;
        let session = within(Session::describe(stage.url("faulty"), SessionOptions::default()))
            .await
            .expect("it describes itself");
        let streams: Vec<_> = session.streams().iter().map(|stream| (stream.media(), stream.encoding_name())).collect();
        assert_eq!(streams, [(media, encoding)]);
    }
}

#[tokio::test]
async fn reset_is_a_reset() {
    let stage = Stage::with(Fault::Reset(5)).await;
    let mut raw = Raw::connect(&stage).await;
    raw.play(stage.url("faulty").as_str()).await;
    let mut media = Vec::new();
    let error = within(raw.0.read_to_end(&mut media)).await.expect_err("no orderly end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(stage.control.counts("faulty").units_sent, 5);
}

#[tokio::test]
async fn streams_end_in_order_or_in_the_middle_of_a_picture() {
    let stage = Stage::with(Fault::StreamEnd(5)).await;
    let (count, _) = until_the_end(&mut stage.view("faulty").await.expect("it streams")).await;
    assert_eq!(count, 5);
    stage.control.set_fault("faulty", Some(Fault::MidFrameCut(6))).expect("it is mounted");
    let (count, error) = until_the_end(&mut stage.view("faulty").await.expect("it streams")).await;
    assert_eq!(count, 6);
    assert!(error.is_some(), "a picture was cut");
    let counts =
        within(stage.control.wait_until("faulty", |counts| counts.connections == 0)).await.expect("it is mounted");
    assert_eq!(counts.torn_down, 0);
}

#[tokio::test]
async fn lost_packets_are_missed_over_tcp_and_udp() {
    let stage = Stage::with(Fault::PacketLoss(10)).await;
    for transport in ["tcp", "udp"] {
        let mut session =
            view(stage.url("faulty"), transport.parse().expect("a transport"), None).await.expect("it streams");
        let losses = frames(&mut session, 30).await.iter().filter(|frame| frame.loss() > 0).count();
        assert!((2..=6).contains(&losses), "{transport}: {losses} gaps in 30 pictures");
    }
}

/// Where in a row of pictures something happens: every tenth time and never in between.
fn assert_every_tenth(places: &[usize]) {
    assert!(places.len() >= 2, "{places:?}");
    assert!(places.windows(2).all(|pair| pair[1] - pair[0] == 10), "{places:?}");
}

#[tokio::test]
async fn the_sequence_leaps() {
    let stage = Stage::with(Fault::SequenceJump(10)).await;
    let mut session = stage.view("faulty").await.expect("it streams");
    let frames = frames(&mut session, 35).await;
    let leaps: Vec<usize> = (0..35).filter(|i| frames[*i].loss() == 1000).collect();
    assert_every_tenth(&leaps);
}

#[tokio::test]
async fn the_timestamp_leaps_an_hour() {
    let stage = Stage::with(Fault::TimestampJump(10)).await;
    let mut session = stage.view("faulty").await.expect("it streams");
    let frames = frames(&mut session, 35).await;
    let time = |i: usize| frames[i].timestamp().elapsed();
    let leaps: Vec<usize> = (1..35).filter(|i| time(*i) - time(i - 1) > 3_599 * 90_000).collect();
    assert_every_tenth(&leaps);
}

#[tokio::test]
async fn a_marked_delimiter_comes_before_each_picture() {
    let stage = Stage::with(Fault::MarkedDelimiters).await;
    let mut session = stage.view("faulty").await.expect("it streams");
    let frames = frames(&mut session, 40).await;
    let delimiters: Vec<usize> = (0..40).filter(|i| frames[*i].data().ends_with(&[0, 0, 0, 1, 9, 0xf0])).collect();
    assert_eq!(delimiters, (0..40).step_by(2).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_new_source_is_one() {
    let stage = Stage::with(Fault::NewSsrc(10)).await;
    let mut session = stage.view("faulty").await.expect("it streams");
    let (count, error) = until_the_end(&mut session).await;
    let error = error.expect("a client that knows its source refuses another").to_string();
    assert!(count <= 10 && error.to_lowercase().contains("ssrc"), "{error}");
}

#[tokio::test]
async fn garbage_has_the_clips_sizes_and_not_its_bytes() {
    let stage = Stage::with(Fault::GarbageNal(1)).await;
    let mut session = stage.view("faulty").await.expect("it streams");
    let units: Vec<_> = SMALL.units.iter().map(|unit| SMALL.annex_b(unit)).collect();
    for frame in frames(&mut session, 20).await {
        assert!(units.iter().all(|unit| unit != frame.data()));
        assert!(units.iter().any(|unit| unit.len() == frame.data().len()));
    }
}

#[tokio::test]
async fn no_key_frame_leaves_out_the_idr_pictures() {
    let stage = Stage::with(Fault::NoKeyFrame).await;
    let mut session = stage.view("faulty").await.expect("it streams");
    assert!(frames(&mut session, 60).await.iter().all(|frame| !frame.is_random_access_point()));
}

#[tokio::test]
async fn the_size_changes_with_new_parameter_sets_at_a_key_frame() {
    let stage = Stage::with(Fault::SizeChange(12)).await;
    let mut session = stage.view("faulty").await.expect("it streams");
    let mut sizes = Vec::new();
    while sizes.len() < 3 {
        let frame = frames(&mut session, 1).await.remove(0);
        if frame.has_new_parameters() {
            assert!(frame.is_random_access_point());
            let Some(retina::codec::ParametersRef::Video(parameters)) = session.streams()[0].parameters() else {
                panic!("a video stream has parameters");
            };
            sizes.push(parameters.pixel_dimensions());
        }
    }
    assert!(sizes.windows(2).all(|pair| pair[0] != pair[1]), "{sizes:?}");
    assert!(sizes.contains(&(320, 240)) && sizes.contains(&(160, 128)), "{sizes:?}");
}

#[tokio::test]
async fn never_answer_reads_and_keeps_still() {
    let stage = Stage::with(Fault::NeverAnswer).await;
    let mut raw = Raw::connect(&stage).await;
    raw.say("DESCRIBE", stage.url("faulty").as_str(), "").await;
    within(stage.control.wait_until("faulty", |counts| counts.connections == 1)).await.expect("it is mounted");
    let_pass(&stage, 10).await;
    let silent = raw.0.try_read(&mut [0; 1]).expect_err("not one byte");
    assert_eq!(silent.kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn slow_headers_come_byte_by_byte() {
    let stage = Stage::with(Fault::SlowHeaders).await;
    let mut raw = Raw::connect(&stage).await;
    raw.say("DESCRIBE", stage.url("faulty").as_str(), "").await;
    let mut buffer = [0; 64];
    for byte in b"RT" {
        assert_eq!(within(raw.0.read(&mut buffer)).await.expect("it sends"), 1);
        assert_eq!(buffer[0], *byte);
    }
}

#[tokio::test]
async fn a_header_without_end_does_not_end() {
    let stage = Stage::with(Fault::EndlessHeader).await;
    let mut raw = Raw::connect(&stage).await;
    raw.say("DESCRIBE", stage.url("faulty").as_str(), "").await;
    let mut header = vec![0; 300_000];
    within(raw.0.read_exact(&mut header)).await.expect("it sends");
    assert!(header.starts_with(b"RTSP/1.0 200 OK\r\nX-Padding: aaa") && header.ends_with(b"aaa"));
}

#[tokio::test]
async fn a_huge_body_is_announced_and_not_sent() {
    let stage = Stage::with(Fault::HugeContentLength).await;
    let mut raw = Raw::connect(&stage).await;
    let answer = raw.ask("DESCRIBE", stage.url("faulty").as_str(), "").await;
    assert!(answer.contains("Content-Length: 4294967295\r\n"), "{answer}");
}

#[tokio::test]
async fn not_rtsp_is_not_rtsp() {
    let stage = Stage::with(Fault::NotRtsp).await;
    let mut raw = Raw::connect(&stage).await;
    raw.say("DESCRIBE", stage.url("faulty").as_str(), "").await;
    let mut noise = [0; 512];
    within(raw.0.read_exact(&mut noise)).await.expect("it sends");
    assert_eq!(noise[0], 0xFF);
    let error = stage.view("faulty").await.err().expect("no client understands noise");
    assert_eq!(error.status_code(), None, "{error}");
}
