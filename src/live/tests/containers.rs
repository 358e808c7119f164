//! What stands in the containers, read back box by box and tag by tag.

use std::io::Cursor;

use mp4_atom::{Any, Codec, ReadFrom};

use super::*;

/// A tag of FLV: kind, time in ms, body.
type Tag = (u8, u32, Vec<u8>);

fn tags(flv: &[u8]) -> Vec<Tag> {
    assert_eq!(&flv[..4], b"FLV\x01");
    assert_eq!(flv[5..13], [0, 0, 0, 9, 0, 0, 0, 0]);
    let (mut rest, mut tags) = (&flv[13..], Vec::new());
    while !rest.is_empty() {
        let size = u32::from_be_bytes([0, rest[1], rest[2], rest[3]]) as usize;
        let time = u32::from_be_bytes([rest[7], rest[4], rest[5], rest[6]]);
        let behind = u32::from_be_bytes(rest[11 + size..15 + size].try_into().expect("four bytes"));
        assert_eq!(behind as usize, size + 11, "the size behind a tag");
        tags.push((rest[0], time, rest[11..11 + size].to_vec()));
        rest = &rest[15 + size..];
    }
    tags
}

/// All that is written of a camera whose pictures are reordered and which has sound.
async fn written(kind: ContainerKind) -> (String, Vec<u8>) {
    let sound = stereo();
    let mut camera = Camera::new(Some(Arc::clone(&sound)));
    camera.feed.begin(Some(1), Some(Arc::clone(&sound)));
    // Decoding order I P B P B; the camera's clock is anywhere.
    for (n, shown) in [1000, 1002, 1001, 1004, 1003].into_iter().enumerate() {
        camera.push_shown(shown);
        camera.push_sound((1000 + n as i64) * STEP, &sound);
    }
    let (audience, cell) = audience(1);
    let mut viewer = watch(&camera, kind, audience.enter(None).expect("a seat")).await;
    let bytes = viewer.next().await.expect("all that is there").to_vec();
    assert_eq!(cell.sent.get(), bytes.len() as u64);
    (viewer.content_type(), bytes)
}

#[tokio::test]
async fn flv_has_both_headers_and_then_everything_at_its_time() {
    let (kind, flv) = written(ContainerKind::Flv).await;
    assert_eq!((kind.as_str(), flv[4]), ("video/x-flv", 5), "pictures and sound");
    let tags = tags(&flv);
    let kinds: Vec<(u8, u32)> = tags.iter().map(|(kind, at, _)| (*kind, *at)).collect();
    // The first picture is decoded one picture's length before it is shown, and the sound begins with what is shown.
    let expected =
        [(18, 0), (9, 0), (8, 0), (9, 0), (8, 40), (9, 40), (8, 80), (9, 80), (8, 120), (9, 120), (8, 160), (9, 160)];
    assert_eq!(kinds[..expected.len()], expected, "{kinds:?}");
    assert!(tags[0].2.windows(10).any(|w| w == b"onMetaData"));
    assert_eq!(tags[1].2[..5], [0x17, 0, 0, 0, 0]);
    assert_eq!(tags[1].2[5..9], [1, 0x64, 0x00, 0x0a], "version, profile, compatibility, level");
    assert!(tags[1].2.windows(SPS.len()).any(|w| w == SPS) && tags[1].2.windows(PPS.len()).any(|w| w == PPS));
    assert_eq!(tags[2].2, [0xaf, 0, 0x11, 0x90]);
    assert_eq!(
        tags[3].2,
        [0x17, 1, 0, 0, 40, 0, 0, 0, 3, 0x65, 7, 7],
        "a key frame, shown 40 ms later, with its length"
    );
    assert_eq!(tags[4].2, [0xaf, 1, 9, 9, 9]);
    let offsets: Vec<u8> = tags.iter().filter(|t| t.0 == 9 && t.2[1] == 1).map(|t| t.2[4]).collect();
    assert_eq!(offsets, [40, 80, 0, 80, 0]);
}

#[tokio::test]
async fn mp4_has_its_tracks_and_then_fragments_that_hold_what_they_say() {
    let (kind, mp4) = written(ContainerKind::Mp4).await;
    assert_eq!(kind, "video/mp4; codecs=\"avc1.64000A,mp4a.40.2\"");
    let mut rest = Cursor::new(&mp4);
    let mut boxes = Vec::new();
    while let Ok(next) = Any::read_from(&mut rest) {
        boxes.push((next, rest.position() as usize));
    }
    assert_eq!(rest.position() as usize, mp4.len(), "nothing is left that cannot be read");
    let (Any::Ftyp(_), Any::Moov(moov)) = (&boxes[0].0, &boxes[1].0) else { panic!("{boxes:?}") };
    assert_eq!((moov.trak.len(), moov.mvex.as_ref().map(|m| m.trex.len())), (2, Some(2)));
    let video = &moov.trak[0].mdia.minf.stbl.stsd.codecs[0];
    let Codec::Avc1(avc1) = video else { panic!("{video:?}") };
    assert_eq!((avc1.visual.width, avc1.visual.height), (128, 96));
    assert_eq!(avc1.avcc.sequence_parameter_sets, [SPS.to_vec()]);

    let (mut begins, mut offsets, mut sound) = (Vec::new(), Vec::new(), Vec::new());
    for pair in boxes[2..].chunks(2) {
        let [(Any::Moof(moof), _), (Any::Mdat(mdat), end)] = pair else { panic!("{pair:?}") };
        let start =
            boxes[..].iter().map(|b| b.1).filter(|at| at + 8 + mdat.data.len() < *end).max().expect("one before");
        for run in &moof.traf {
            let begin = run.tfdt.as_ref().expect("a time").base_media_decode_time;
            let entries: Vec<_> = run.trun[0].samples.iter().collect();
            let at = start + run.trun[0].data_offset.expect("an offset") as usize;
            let first = &mp4[at..at + entries[0].size.expect("a size") as usize];
            if run.tfhd.track_id == 1 {
                assert_eq!(first[..4], (first.len() as u32 - 4).to_be_bytes(), "a NAL unit with its length");
                begins.push(begin);
                offsets.push(entries[0].cts.expect("an offset"));
            } else {
                assert_eq!(first, [9, 9, 9]);
                sound.push((begin, entries.len()));
            }
        }
    }
    assert_eq!(begins, [0, 3600, 7200, 10_800, 14_400]);
    assert_eq!(offsets, [3600, 7200, 0, 7200, 0]);
    assert_eq!(sound.iter().map(|(_, n)| n).sum::<usize>(), 4, "the last waits for the next picture");
    assert!(sound.windows(2).all(|pair| pair[1].0 >= pair[0].0 + 1024), "sound does not overlap: {sound:?}");
}

#[tokio::test]
async fn a_camera_with_a_stray_byte_behind_its_parameters_has_a_layout() {
    let camera = Camera::new(None);
    let unit = sample::unit(true, 0, camera.began);
    let stray = [&SPS[..], &[0x80]].concat();
    let data = [&[0, 0, 0, 1][..], &stray, &unit.data[4 + SPS.len()..]].concat().into();
    camera.feed.push(&AccessUnit { data, ..unit });
    let (audience, _) = audience(1);
    let mut viewer = watch(&camera, ContainerKind::Mp4, audience.enter(None).expect("a seat")).await;
    assert_eq!(viewer.content_type(), "video/mp4; codecs=\"avc1.64000A\"");
    let mp4 = viewer.next().await.expect("the first picture");
    assert!(mp4.windows(stray.len()).any(|bytes| bytes == stray), "as the camera says it");
}

#[tokio::test]
async fn what_the_stream_is_is_said_anew_when_it_changes() {
    let mut camera = Camera::new(None);
    camera.push(1);
    let (audience, _) = audience(1);
    let mut viewer = watch(&camera, ContainerKind::Flv, audience.enter(None).expect("a seat")).await;
    let mut flv = viewer.next().await.expect("the first picture").to_vec();
    camera.feed.begin(Some(0), Some(stereo()));
    camera.pushed = 0;
    camera.push(1);
    flv.extend(viewer.next().await.expect("the next"));
    let headers: Vec<(u8, u8)> =
        tags(&flv).iter().filter(|t| t.0 != 18 && t.2[1] == 0).map(|t| (t.0, t.2[0])).collect();
    assert_eq!(headers, [(9, 0x17), (9, 0x17), (8, 0xaf)]);
}
