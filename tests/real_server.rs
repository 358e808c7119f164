//! Against a camera server that is not ours (GStreamer's), with real footage and a real model.

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    support::{
        Lookout, Receiver,
        program::Other,
        receiver::{Received, SECRET},
    },
    testing::{asset, left_out, peer},
};

struct Server {
    _program: Other,
}

impl Server {
    /// `None`, said aloud, where GStreamer's RTSP server is not installed.
    fn start(script: &Path, port: u16, mounts: &[(&str, &Path)]) -> Option<Self> {
        let check = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer";
        let python = "/usr/bin/python3";
        let installed =
            Command::new(python).args(["-c", check]).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
        if !installed || Command::new("ffprobe").arg("-version").stdout(Stdio::null()).status().is_err() {
            left_out("GStreamer's RTSP server or ffprobe is not installed");
            return None;
        }
        let mounts = mounts.iter().map(|(name, clip)| format!("{name}={}", clip.display()));
        let mut command = Command::new(python);
        command
            .arg(script)
            .arg("--port")
            .arg(port.to_string())
            .args(mounts)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Some(Self { _program: Other(command.spawn().expect("python starts")) })
    }
}

/// A port that was free a moment ago: the server takes no listener of ours.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

fn visits(events: &[Received]) -> Vec<(String, Timestamp, Option<Timestamp>)> {
    let time = |value: &Value| value.as_str().and_then(|t| t.parse::<Timestamp>().ok());
    let visit = |event: Value| {
        let visit = &event["data"]["visit"];
        let started = time(&visit["started_at"])?;
        Some((event["type"].as_str()?.to_owned(), started, time(&visit["ended_at"])))
    };
    events.iter().map(Received::json).filter(|e| e["subject"] == "door").filter_map(visit).collect()
}

#[test]
fn visits_follow_the_footage_and_the_server_may_come_and_go() {
    let (Some(script), Some(full), Some(cars), Some(h265), Some(model)) = (
        peer("rtsp_server.py"),
        asset("clips/onebyone_full_768x432.mp4"),
        asset("clips/cars_720p15_main_nob_g30.mp4"),
        asset("clips/onebyone_720p15_h265_nob_g30.mp4"),
        asset("models/yolox_nano_416.onnx"),
    ) else {
        return;
    };
    let (port, mounts) = (free_port(), [("door", &*full), ("cars", &*cars), ("h265", &*h265)]);
    let Some(server) = Server::start(&script, port, &mounts) else { return };
    let receiver = Receiver::verifying(SECRET);
    let camera = |id: &str, every: &str| {
        format!("[[cameras]]\nid = \"{id}\"\nurl = \"rtsp://127.0.0.1:{port}/{id}\"\nevery = \"{every}\"\n")
    };
    let config = format!(
        "[server]\nbind = \"127.0.0.1:0\"\n[detector]\nmodel = \"{}\"\n[visits]\nquiet = \"3s\"\ndown_after = \"2s\"\n\
         {}{}{}[[sinks]]\nname = \"hook\"\ntype = \"webhook\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\n",
        model.display(),
        camera("door", "500ms"),
        camera("cars", "2s"),
        camera("h265", "1s"),
        receiver.url(),
    );
    let lookout = Lookout::start(&config);
    lookout.wait_for_state("door", "streaming");
    lookout.wait_for_reason("h265", "unsupported_codec");

    // 6.5 to 19.0, 23.0 to 44.0 and from 51.0 s on, by another detector at two samples a second.
    lookout.wait("the first visit", |_| visits(&receiver.received()).len() >= 2);
    lookout.wait("the second visit", |_| visits(&receiver.received()).len() >= 4);
    lookout.wait("the third visit", |_| visits(&receiver.received()).len() >= 5);
    let told = visits(&receiver.received());
    let kinds: Vec<&str> = told.iter().map(|(kind, ..)| kind.trim_start_matches("lookout.visit.")).collect();
    assert_eq!(kinds, ["started", "ended", "started", "ended", "started"]);
    let seconds = |a: Timestamp, b: Timestamp| b.duration_since(a).as_secs_f64();
    let (first, second, third) = (&told[1], &told[3], &told[4]);
    let near =
        |measured: f64, expected: f64, what: &str| assert!((measured - expected).abs() <= 1.5, "{what}: {measured} s");
    near(seconds(first.1, first.2.expect("it ended")), 12.5, "the first lasts");
    near(seconds(first.1, second.1), 16.5, "from the first to the second");
    near(seconds(second.1, second.2.expect("it ended")), 21.0, "the second lasts");
    near(seconds(first.1, third.1), 44.5, "from the first to the third");

    // The server goes while somebody is there, and comes back.
    drop(server);
    lookout.wait_for_reason("door", "refused");
    assert_eq!(lookout.camera("door")["state"], "waiting");
    let _server = Server::start(&script, port, &mounts).expect("it was there before");
    lookout.wait_for_state("door", "streaming");
    let samples = |it: &Lookout| it.camera("door")["frames"]["detected"].as_u64();
    let before = samples(&lookout);
    lookout.wait("samples", |it| samples(it) > before.map(|n| n + 4));
    let started = visits(&receiver.received()).iter().filter(|(kind, ..)| kind.ends_with("started")).count();
    assert_eq!(started, 3, "no second alert for the same visit");
    let cars = receiver
        .received()
        .iter()
        .map(Received::json)
        .filter(|e| e["subject"] == "cars" && !e["data"]["visit"].is_null())
        .count();
    assert_eq!(cars, 0, "nobody walks among the cars");
}
