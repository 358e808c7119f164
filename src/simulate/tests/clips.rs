use std::{fs, process::Command};

use bytes::Bytes;

use super::*;
use crate::{simulate::SimulateError, testing::left_out, words::Moment};

#[test]
fn a_synthetic_clip_has_its_key_frames_where_it_was_told() {
    let clip = &*SMALL;
    assert_eq!((clip.width, clip.height, clip.units.len(), clip.duration), (160, 128, 200, 180_000));
    let keys: Vec<usize> = (0..200).filter(|i| clip.units[*i].key).collect();
    assert_eq!(keys, (0..200).step_by(20).collect::<Vec<_>>());
    assert!((clip.fps - 100.0).abs() < 1e-9);
}

#[test]
fn access_units_make_the_clip_that_they_came_from() {
    let start = Moment::now();
    let units: Vec<_> = SMALL.access_units(start).collect();
    assert!(units[0].data.starts_with(&[0, 0, 0, 1, 0x67]), "a key frame carries its parameter sets");
    assert_eq!(units[150].received.since(&start), Duration::from_millis(1500));
    let clip = Clip::from_access_units("again", 100.0, units.iter().map(|unit| unit.data.clone())).expect("a clip");
    assert_eq!(clip.units, SMALL.units);
    assert_eq!((&clip.sps, &clip.pps), (&SMALL.sps, &SMALL.pps));
}

#[test]
fn the_footage_is_read_with_its_size_pace_and_key_frames() {
    for (name, size, fps, gop, b_frames) in [
        ("onebyone_720p15_main_nob_g15.mp4", (1280, 720), 15.0, 15, false),
        ("onebyone_1080p25_high_nob_g50.mp4", (1920, 1080), 25.0, 50, false),
        ("onebyone_720p15_main_audio_aac.mp4", (1280, 720), 15.0, 30, false),
        ("street_720p25_high_b3_g50.mp4", (1280, 720), 25.0, 50, true),
    ] {
        let Some(path) = footage(name) else { return };
        let clip = Clip::read(&path).expect("a clip");
        assert_eq!((clip.width, clip.height), size, "{name}");
        assert!((clip.fps - fps).abs() < 0.01, "{name}: {} fps", clip.fps);
        assert!(clip.units[0].key && clip.units[gop].key && !clip.units[gop - 1].key, "{name}");
        assert_eq!(clip.units.iter().any(|unit| unit.presentation_offset > 0), b_frames, "{name}");
        assert_eq!(clip.units.iter().any(|unit| unit.disposable), b_frames, "{name}");
        let mut shown: Vec<i64> = clip.access_units(Moment::now()).map(|unit| unit.timestamp).collect();
        shown.sort_unstable();
        shown.dedup();
        assert_eq!(shown.len(), clip.units.len(), "{name}: no two pictures are shown at once");
    }
}

/// The byte stream says in its slices what the MP4 file says in its tables.
#[test]
fn a_byte_stream_with_b_frames_is_shown_in_the_order_of_the_mp4_it_was_cut_from() {
    let Some(path) = footage("street_720p25_high_b3_g50.mp4") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let stream = folder.path().join("street.h264");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(&path).args(["-c", "copy", "-an"]).arg(&stream);
    let Ok(status) = ffmpeg.status() else {
        return left_out("ffmpeg is not installed");
    };
    assert!(status.success());
    let (mp4, raw) = (Clip::read(&path).expect("a clip"), Clip::read(&stream).expect("a clip"));
    assert_eq!(raw.units.len(), mp4.units.len());
    assert!((raw.fps - mp4.fps).abs() < 0.01, "{}", raw.fps);
    for (i, (raw, mp4)) in raw.units.iter().zip(&mp4.units).enumerate() {
        assert_eq!(raw.nals.last(), mp4.nals.last(), "unit {i}");
        assert_eq!((raw.key, raw.disposable), (mp4.key, mp4.disposable), "unit {i}");
        assert_eq!(raw.presentation_offset, mp4.presentation_offset, "unit {i}");
    }
}

#[test]
fn what_is_no_clip_is_refused_with_its_name_and_a_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let refusal = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        let error = Clip::read(&path).expect_err(name);
        assert!(error.to_string().contains(name), "{error}");
        error
    };
    assert!(matches!(refusal("empty.mp4", b""), SimulateError::Empty { .. }));
    assert!(matches!(refusal("text.mp4", b"hello, world"), SimulateError::UnknownFormat { .. }));
    assert!(matches!(refusal("head.mp4", b"\0\0\0\x10ftypisom\0\0\0\0"), SimulateError::UnknownFormat { .. }));
    assert!(matches!(refusal("sei.h264", &[0, 0, 1, 6, 5]), SimulateError::Empty { .. }));
    let headless = refusal("slice.h264", &[0, 0, 1, 0x65, 0x88, 0x84]);
    assert!(headless.to_string().contains("ffmpeg -i"), "{headless}");
    let missing = Clip::read(&folder.path().join("gone.mp4")).expect_err("there is no such file");
    assert!(matches!(missing, SimulateError::Unreadable { .. }));
    if let Some(path) = footage("onebyone_720p15_h265_nob_g30.mp4") {
        let error = Clip::read(&path).expect_err("it is H.265");
        assert!(error.to_string().contains("only H.265") && error.to_string().contains("libx264"), "{error}");
    }
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_panic() {
    let Some(path) = footage("vtest_480x360p10_baseline_sub.mp4") else {
        return;
    };
    let whole = fs::read(path).expect("readable");
    let folder = tempfile::tempdir().expect("a folder");
    let damaged = folder.path().join("damaged.mp4");
    let tables = whole.windows(4).position(|name| name == b"moov").expect("tables");
    let mut random = fastrand::Rng::with_seed(1);
    let mut refused = 0;
    for _ in 0..60 {
        let mut bytes = Bytes::from(whole.clone()).to_vec();
        for _ in 0..20 {
            let at = random.usize(tables..bytes.len().min(tables + 6000));
            bytes[at] = random.u8(..);
        }
        fs::write(&damaged, bytes).expect("written");
        refused += usize::from(Clip::read(&damaged).is_err());
    }
    assert!(refused > 10, "only {refused} of 60 were noticed");
}
