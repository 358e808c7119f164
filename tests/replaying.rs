//! `lookout replay`, as a user runs it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

use crate::{
    support::program::{program, text},
    testing::asset,
};

fn replay<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    program().arg("replay").args(args).output().expect("it runs")
}

fn events(said: &Output) -> Vec<Value> {
    assert!(said.status.success(), "{}", text(&said.stderr));
    text(&said.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// What happened in which zone, by the end of the type, and when, in seconds from the begin.
fn told(events: &[Value], start: &str) -> Vec<(String, f64)> {
    let start: jiff::Timestamp = start.parse().expect("a time");
    let line = |event: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let kind = text(&event["type"]).replace("lookout.visit.", "");
        let time: jiff::Timestamp = text(&event["time"]).parse().expect("a time");
        (format!("{kind} {}", text(&event["data"]["zone"])), time.duration_since(start).as_secs_f64())
    };
    events.iter().map(line).collect()
}

fn demo_clip() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/simulate/demo.mp4")
}

/// Settings of two cameras; the yard's left half is a zone, and it is looked at twice a second.
const TWO_CAMERAS: &str = r#"
[server]
auth = "none"
[visits]
quiet = "3s"
[[cameras]]
id = "door"
url = "rtsp://camera.invalid/1"
[[cameras]]
id = "yard"
name = "The yard"
url = "rtsp://camera.invalid/2"
every = "500ms"
[[cameras.zones]]
name = "left"
polygon = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]
"#;

#[test]
fn the_walker_of_the_demo_is_one_visit_and_twice_the_same() {
    // Two laps of 22 s as one recording: the walker comes into the picture 5 to 6 s after the begin of each.
    let clip = demo_clip();
    let run = || replay([clip.as_os_str(), clip.as_os_str()]);
    let first = run();
    let events = events(&first);
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().expect("a type")).collect();
    let [started, ended] = ["lookout.visit.started", "lookout.visit.ended"];
    assert_eq!(kinds, [started, ended, started, ended]);
    let told = told(&events, "1970-01-01T00:00:00Z");
    assert!((5.0..8.0).contains(&told[0].1) && (27.0..30.0).contains(&told[2].1), "{told:?}");
    assert_eq!(events[0]["source"], "/lookout/replay");
    assert_eq!(events[0]["subject"], "camera");
    assert_eq!(events[0]["data"]["visit"]["id"], events[1]["data"]["visit"]["id"]);
    assert_eq!(events[0]["data"]["snapshot"], Value::Null);
    assert!(text(&first.stderr).contains("2 visits in "), "{}", text(&first.stderr));
    assert!(text(&first.stderr).contains(" of 44.0 s"), "{}", text(&first.stderr));

    assert_eq!(text(&run().stdout), text(&first.stdout), "always the same");
    let later = replay([clip.as_os_str(), "--start".as_ref(), "2026-03-02T08:00:00+01:00".as_ref()]);
    let later = self::events(&later);
    assert_eq!(self::told(&later, "2026-03-02T07:00:00Z")[0], told[0], "the same, at another time");
    assert_ne!(later[0]["id"], events[0]["id"]);
}

#[test]
fn the_settings_of_the_camera_count_and_an_unknown_one_is_answered_with_those_that_there_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("lookout.toml");
    fs::write(&config, TWO_CAMERAS).expect("written");
    let with = |camera: &[&str]| {
        let config = config.display().to_string();
        let clip = demo_clip().display().to_string();
        replay([&["--config", &config][..], camera, &[&clip]].concat())
    };
    let yard = events(&with(&["--camera", "yard"]));
    let told = told(&yard, "1970-01-01T00:00:00Z");
    assert_eq!(told.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(), ["started left", "ended left"]);
    assert_eq!(yard[0]["data"]["camera"]["name"], "The yard");

    for camera in [&["--camera", "roof"][..], &[]] {
        let said = with(camera);
        assert_eq!((said.status.code(), said.stdout.len()), (Some(2), 0));
        assert!(text(&said.stderr).contains("there are: door, yard"), "{}", text(&said.stderr));
    }
}

#[test]
fn what_is_no_clip_is_said_by_name() {
    let missing = replay(["/nowhere/clip.mp4"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("/nowhere/clip.mp4"), "{}", text(&missing.stderr));
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    assert_eq!(replay([photo.as_os_str()]).status.code(), Some(1), "a folder");
}

#[test]
fn each_visit_of_real_footage_is_one_start_and_one_end() {
    let Some(clip) = asset("clips/onebyone_full_768x432.mp4") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("lookout.toml");
    let whole = TWO_CAMERAS.split("[[cameras.zones]]").next().expect("the part before the zone");
    fs::write(&config, whole).expect("written");
    let said =
        replay(["--camera".as_ref(), "yard".as_ref(), "--config".as_ref(), config.as_os_str(), clip.as_os_str()]);
    let told = told(&events(&said), "1970-01-01T00:00:00Z");
    // From the footage's own notes: when each person comes into the picture, and leaves it.
    let known = [(6.5, 19.0), (23.0, 44.0), (51.0, 69.0), (74.5, 86.5), (92.5, 119.0), (124.0, 135.5)];
    assert_eq!(told.len(), 2 * known.len(), "{told:?}");
    for (pair, known) in told.chunks(2).zip(known) {
        assert!((pair[0].1 - known.0).abs() <= 1.5 && (pair[1].1 - known.1).abs() <= 1.5, "{pair:?} not {known:?}");
    }
}
