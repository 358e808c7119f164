//! What is typed, and what comes back.

use std::{fs, os::unix::net::UnixDatagram, time::Duration};

use lookout::simulate::{Fault, Mount};

use crate::{
    support::{
        Cameras, Config, Lookout,
        cameras::dark,
        program::{lookout, text},
    },
    testing::brightness_model,
};

#[test]
fn probe_tells_what_a_camera_sends_or_what_is_wrong() {
    let cameras = Cameras::start(vec![
        Mount::new("good", dark()),
        Mount { fault: Some(Fault::H265), ..Mount::new("h265", dark()) },
        Mount { fault: Some(Fault::NoKeyFrame), ..Mount::new("no-key", dark()) },
    ]);
    let folder = tempfile::tempdir().expect("a folder");
    let snapshot = folder.path().join("it.jpg");
    let good =
        lookout(["probe", &cameras.url("good"), "--seconds", "3", "--snapshot", &snapshot.display().to_string()]);
    let said = text(&good.stdout);
    assert!(good.status.success(), "{said} {}", text(&good.stderr));
    for fact in ["64x48", "avc1.", "key frame every   1.0 s", "B-frames          no"] {
        assert!(said.contains(fact), "{fact} is missing in\n{said}");
    }
    assert_eq!(fs::read(snapshot).expect("it was written")[..2], [0xff, 0xd8]);
    for (mount, reason) in [("h265", "unsupported_codec"), ("no-key", "no_key_frame"), ("nothing", "not_found")] {
        let bad = lookout(["probe", &cameras.url(mount), "--seconds", "1"]);
        assert_eq!(bad.status.code(), Some(1), "{mount}");
        assert!(text(&bad.stderr).contains(reason), "{mount}: {}", text(&bad.stderr));
    }
    let nonsense = lookout(["probe", "http://camera/"]);
    assert_eq!(nonsense.status.code(), Some(2));
    assert!(text(&nonsense.stderr).contains("rtsp"), "{}", text(&nonsense.stderr));
}

#[test]
fn check_and_run_report_every_problem_at_once() {
    let config =
        Config::new().camera("door", "http://camera/").camera_with("door", "rtsp://camera/", "evry = \"1s\"\n");
    let prepared = Lookout::prepare(config.text());
    for command in ["check", "run"] {
        let said = lookout([command, "--config", &prepared.config().display().to_string()]);
        assert_eq!(said.status.code(), Some(2), "{command}");
        let problems = text(&said.stderr);
        for problem in ["cameras[0].url", "cameras[1].evry", "every", "cameras[1].id"] {
            assert!(problems.contains(problem), "{command}: {problem} is missing in\n{problems}");
        }
    }
}

#[test]
fn what_keeps_it_from_starting_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let prepared = Lookout::prepare(Config::new().replace("127.0.0.1:0", &address).text());
    let said = lookout(["run", "--config", &prepared.config().display().to_string()]);
    assert_eq!(said.status.code(), Some(1));
    assert!(text(&said.stderr).contains("server.bind"), "{}", text(&said.stderr));

    let prepared = Lookout::prepare(Config::new().text());
    let model = prepared.folder().join("broken.onnx");
    fs::write(&model, b"this is no model").expect("the folder is writable");
    let usual = brightness_model().display().to_string();
    prepared.write_config(Config::new().replace(&usual, &model.display().to_string()).text());
    let said = lookout(["run", "--config", &prepared.config().display().to_string()]);
    assert_eq!(said.status.code(), Some(1));
    assert!(text(&said.stderr).contains("broken.onnx"), "{}", text(&said.stderr));
}

#[test]
fn pauses_are_logged_in_milliseconds_and_no_finer() {
    let lookout = Lookout::start(Config::new().camera("door", "rtsp://127.0.0.1:1/x").text());
    let pauses = |it: &Lookout| -> Vec<String> {
        let lines = it.log();
        let lines = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines.filter_map(|line| line.get("retry_in_s").map(ToString::to_string)).collect()
    };
    lookout.wait("some attempts", |it| pauses(it).len() > 1);
    for pause in pauses(&lookout) {
        let decimals = pause.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        assert!(decimals <= 3 && pause.parse::<f64>().is_ok(), "{pause}");
    }
}

#[test]
fn help_and_completions_teach_every_command() {
    let help = text(&lookout(["--help"]).stdout);
    for command in
        ["run", "check", "probe", "demo", "simulate", "detect", "evaluate", "replay", "password", "completions"]
    {
        assert!(help.contains(command), "{command}");
        assert!(lookout([command, "--help"]).status.success());
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&lookout(["completions", shell]).stdout).contains("simulate"), "{shell}");
    }
}

#[test]
fn the_service_manager_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    let hear = |wanted: &str| {
        let mut buffer = [0; 256];
        for _ in 0..100 {
            let n = socket.recv(&mut buffer).unwrap_or_else(|e| panic!("{wanted} is not said: {e}"));
            if text(&buffer[..n]).lines().any(|line| line == wanted) {
                return;
            }
        }
        panic!("{wanted} is not said");
    };
    let mut lookout = Lookout::prepare(Config::new().text())
        .with_environment("NOTIFY_SOCKET", &path.display().to_string())
        .with_environment("WATCHDOG_USEC", "400000");
    lookout.spawn();
    hear("READY=1");
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");
    assert_eq!(lookout.terminate(), Some(0));
    hear("STOPPING=1");
}
