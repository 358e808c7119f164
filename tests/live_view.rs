//! Live view as players see it: ffprobe and ffmpeg read what the real program serves.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use lookout::simulate::{Clip, Mount};
use serde_json::json;

use crate::{
    support::{Cameras, Config, Lookout, ffprobe::ffprobe, program::Other},
    testing::{asset, left_out},
};

/// A packet of a stream: shown at, decoded at (s), and whether it is a key frame.
type Packet = (f64, f64, bool);

fn has_ffmpeg() -> bool {
    let installed = Command::new("ffprobe").arg("-version").stdout(Stdio::null()).status().is_ok();
    if !installed {
        left_out("ffprobe is not installed");
    }
    installed
}

/// Runs a program that reads a stream; no longer than a minute, as streams do not end by themselves.
fn read(program: &str, arguments: &[&str]) -> (String, String) {
    let output = Command::new("timeout").args(["60", program]).args(arguments).stdin(Stdio::null()).output();
    let output = output.expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// Three seconds of the pictures at an address.
fn packets(url: &str) -> Vec<Packet> {
    let entries = "packet=pts_time,dts_time,flags";
    let table = ffprobe(url, 3, entries, &["-select_streams", "v", "-of", "csv=p=0"]);
    let packet = |line: &str| {
        let mut cells = line.split(',');
        let mut time = || cells.next().and_then(|cell| cell.parse::<f64>().ok()).expect("a time");
        let (shown, decoded) = (time(), time());
        (shown, decoded, cells.next().is_some_and(|flags| flags.starts_with('K')))
    };
    table.lines().map(packet).collect()
}

/// A camera with sound, by GStreamer.
struct SoundCamera {
    _program: Other,
    url: String,
}

impl SoundCamera {
    /// `None`, said aloud, where GStreamer's RTSP server is not installed.
    fn start(clip: &Path) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/rtsp_with_sound.py");
        let mut command = Command::new("/usr/bin/python3");
        command.arg(script).arg(clip).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let mut url = String::new();
        let _ = BufReader::new(child.stdout.take()?).read_line(&mut url);
        let it = Self { _program: Other(child), url: url.trim().to_owned() };
        if it.url.is_empty() {
            left_out("GStreamer's RTSP server is not installed");
            return None;
        }
        Some(it)
    }
}

#[test]
fn sound_comes_along_and_fits_the_pictures() {
    let Some(clip) = asset("clips/onebyone_720p15_main_audio_aac.mp4") else { return };
    if !has_ffmpeg() {
        return;
    }
    let Some(camera) = SoundCamera::start(&clip) else { return };
    let lookout = Lookout::start(Config::new().camera_with("door", &camera.url, "every = \"4s\"").text());
    for ending in ["flv", "mp4"] {
        lookout.wait_for_state("door", "streaming");
        let told = &lookout.camera("door")["stream"]["sound"];
        assert_eq!(*told, json!({ "codec": "AAC", "sample_rate": 8000, "left_out": null }));
        let url = format!("http://{}/live/door.{ending}", lookout.address());
        let entries = "stream=codec_name,sample_rate:packet=codec_type,pts_time";
        let seen = ffprobe(&url, 3, entries, &["-of", "json"]);
        let seen: serde_json::Value = serde_json::from_str(&seen).expect("JSON");
        let streams: Vec<&str> =
            seen["streams"].as_array().expect("streams").iter().filter_map(|s| s["codec_name"].as_str()).collect();
        assert_eq!(streams, ["h264", "aac"], "{url}");
        assert_eq!(seen["streams"][1]["sample_rate"], "8000", "{url}");
        let times = |kind: &str| -> Vec<f64> {
            let packets = seen["packets"].as_array().expect("packets").iter();
            packets.filter(|p| p["codec_type"] == kind).filter_map(|p| p["pts_time"].as_str()?.parse().ok()).collect()
        };
        let (pictures, sound) = (times("video"), times("audio"));
        assert!(sound.len() >= 15, "{url}: {sound:?}");
        // A frame of AAC is 1024 samples long: 128 ms.
        let odd: Vec<f64> = sound.windows(2).map(|p| p[1] - p[0]).filter(|s| (s - 0.128).abs() > 0.0021).collect();
        assert!(odd.is_empty(), "{url}: {odd:?} in {sound:?}");
        let apart = (sound[0] - pictures[0]).abs().max((sound[sound.len() - 1] - pictures[pictures.len() - 1]).abs());
        assert!(apart < 0.5, "{url}: {apart} s between {sound:?} and {pictures:?}");
    }
}

#[test]
fn sound_that_cannot_be_passed_on_is_left_out_and_said() {
    let cases = [
        ("clips/onebyone_360p15_main_audio_pcmu.mkv", "", "PCMU", "codec"),
        ("clips/onebyone_720p15_main_audio_aac.mp4", "sound = false", "AAC", "settings"),
    ];
    for (clip, settings, codec, left_out) in cases {
        let Some(clip) = asset(clip) else { return };
        if !has_ffmpeg() {
            return;
        }
        let Some(camera) = SoundCamera::start(&clip) else { return };
        // Alone with it, as it plays its clip once from when the first client comes.
        let mut probe = Command::new(env!("CARGO_BIN_EXE_lookout"));
        let probed = probe.args(["probe", "--seconds", "1", &camera.url]).output().expect("it runs");
        let probed = String::from_utf8_lossy(&probed.stdout).into_owned();
        assert!(probed.contains(&format!("sound             {codec} at 8000 Hz")), "{probed}");
        let lookout = Lookout::start(Config::new().camera_with("door", &camera.url, settings).text());
        lookout.wait_for_state("door", "streaming");
        let told = &lookout.camera("door")["stream"]["sound"];
        assert_eq!(*told, json!({ "codec": codec, "sample_rate": 8000, "left_out": left_out }));
        let url = format!("http://{}/live/door.flv", lookout.address());
        let seen = ffprobe(&url, 2, "stream=codec_name", &["-of", "csv=p=0"]);
        assert_eq!(seen.trim(), "h264", "{codec}");
    }
}

#[test]
fn players_read_the_three_profiles_with_right_times() {
    let clips = [
        ("baseline", "clips/onebyone_720p15_baseline_g30.mp4", 15.0),
        ("high", "clips/onebyone_1080p25_high_nob_g50.mp4", 25.0),
        ("reordered", "clips/street_720p25_high_b3_g50.mp4", 25.0),
    ];
    let Some(files) = clips.iter().map(|(_, file, _)| asset(file)).collect::<Option<Vec<_>>>() else { return };
    if !has_ffmpeg() {
        return;
    }
    let mount = |(name, file): (&str, &std::path::PathBuf)| Mount::new(name, Clip::read(file).expect("a clip").into());
    let cameras = Cameras::start(clips.iter().map(|clip| clip.0).zip(&files).map(mount).collect());
    let camera =
        |config: Config, (name, ..): &(&str, &str, f64)| config.camera_with(name, &cameras.url(name), "every = \"4s\"");
    let lookout = Lookout::start(clips.iter().fold(Config::new(), camera).text());
    for (name, _, fps) in clips {
        lookout.wait_for_state(name, "streaming");
        for ending in ["flv", "mp4"] {
            let url = format!("http://{}/live/{name}.{ending}", lookout.address());
            let packets = packets(&url);
            let begun = packets[0].1;
            assert!(packets[0].2, "{url}: begins with a key frame");
            assert!(packets.windows(2).all(|pair| pair[0].1 < pair[1].1), "{url}: decoded in order: {packets:?}");
            assert!(packets.iter().all(|(shown, decoded, _)| shown >= decoded), "{url}: {packets:?}");
            // In presentation order each picture comes one picture's length after the one before: milliseconds are all
            // that FLV knows.
            let mut shown: Vec<f64> = packets.iter().map(|packet| packet.0).collect();
            shown.sort_by(f64::total_cmp);
            // The last few may follow pictures that were not read any more.
            let steps = shown.windows(2).take(shown.len() - 5).map(|pair| pair[1] - pair[0]);
            let odd: Vec<f64> = steps.filter(|step| (step - 1.0 / fps).abs() > 0.0021).collect();
            assert!(odd.is_empty(), "{url}: {odd:?} in {packets:?}");
            let lasted = packets.last().map_or(0.0, |last| last.1 - begun);
            assert!((2.5..4.0).contains(&lasted), "{url}: {lasted} s");
            let (_, complaints) = read("ffmpeg", &["-v", "error", "-t", "2", "-i", &url, "-f", "null", "-"]);
            assert_eq!(complaints, "", "{url}");
        }
        let slides = format!("http://{}/live/{name}.mjpeg", lookout.address());
        let (_, complaints) =
            read("ffmpeg", &["-v", "error", "-f", "mpjpeg", "-i", &slides, "-frames:v", "2", "-f", "null", "-"]);
        assert_eq!(complaints, "", "{slides}");
    }
    // As many viewers as there were, one connection to each camera.
    for (name, ..) in clips {
        assert_eq!(lookout.camera(name)["lives"], 1, "{name}");
    }
}
