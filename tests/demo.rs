//! `lookout demo`: what a newcomer types first.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Stdio},
    sync::{Arc, Mutex},
};

use tempfile::TempDir;

use crate::{
    support::{
        http::request,
        program::{lookout, program, signal, text, wait_for_end},
    },
    testing::{asset, wait_for},
};

/// A demo that runs, in an empty folder and without a terminal.
struct Demo {
    child: Child,
    folder: TempDir,
    said: Arc<Mutex<Vec<String>>>,
}

impl Demo {
    /// Starts it, and listens to what it says.
    fn start(args: &[&str]) -> Self {
        let mut it = Self::spawn(args);
        let lines = BufReader::new(it.child.stdout.take().expect("it is piped")).lines();
        let said = Arc::clone(&it.said);
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| said.lock().expect("nobody panics with it").push(line));
        });
        it
    }

    fn spawn(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let child = program()
            .arg("demo")
            .args(args)
            .current_dir(folder.path())
            .env_remove("LOOKOUT_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        Self { child, folder, said: Arc::default() }
    }

    fn said(&self) -> String {
        self.said.lock().expect("nobody panics with it").join("\n")
    }

    /// Waits for a line that `wanted` makes something of.
    #[track_caller]
    fn hear<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let heard = || self.said.lock().expect("nobody panics with it").iter().find_map(|line| wanted(line));
        wait_for(|| format!("{what} is said:\n{}", self.said()), heard)
    }

    fn address(&self) -> SocketAddr {
        let address = |line: &str| line.split_once("http://")?.1.strip_suffix("/api/v1/status")?.parse().ok();
        self.hear("the address", address)
    }

    /// Folders of this very process that it makes for itself.
    fn scratch(&self) -> Vec<PathBuf> {
        let mine = format!("lookout-demo-{}-", self.child.id());
        let places = [PathBuf::from("/dev/shm"), std::env::temp_dir()];
        let entries = places.iter().filter_map(|place| fs::read_dir(place).ok()).flatten().flatten();
        entries.filter(|e| e.file_name().to_string_lossy().starts_with(&mine)).map(|e| e.path()).collect()
    }

    fn end(&mut self) -> Option<i32> {
        let said = Arc::clone(&self.said);
        wait_for_end(&mut self.child, || said.lock().expect("nobody panics with it").join("\n")).code()
    }

    fn leaves_nothing(&self) {
        assert_eq!(self.scratch(), Vec::<PathBuf>::new());
        let left: Vec<_> = fs::read_dir(self.folder.path()).expect("it is there").flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_shows_itself_and_ends_when_its_time_is_up_and_leaves_nothing() {
    let mut demo = Demo::start(&["--cameras", "2", "--seconds", "8"]);
    let address = demo.address();
    let status = request(address, "GET", "/api/v1/status", &[]).expect("it answers").json();
    assert_eq!(status["cameras"]["total"], 2);
    assert_eq!(demo.scratch().len(), 1, "its events lie somewhere while it runs");
    for camera in ["front-door", "yard"] {
        demo.hear("that it streams", |line| line.contains(&format!("{camera}: streams")).then_some(()));
    }
    assert_eq!(demo.end(), Some(0), "{}", demo.said());
    demo.hear("what to do next", |line| line.contains("lookout run").then_some(()));
    demo.hear("live figures", |line| line.contains("2 of 2 cameras stream").then_some(()));
    assert!(!demo.said().contains('\x1b'), "no terminal, no control characters: {}", demo.said());
    demo.leaves_nothing();
}

#[test]
fn a_signal_ends_it_in_order() {
    for name in ["TERM", "INT", "HUP"] {
        let mut demo = Demo::start(&["--cameras", "1"]);
        demo.address();
        signal(&demo.child, name);
        assert_eq!(demo.end(), Some(0), "{name}: {}", demo.said());
        demo.hear("a farewell", |line| line.starts_with("The demo ran for").then_some(()));
        demo.leaves_nothing();
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it() {
    let mut demo = Demo::spawn(&["--cameras", "1"]);
    drop(demo.child.stdout.take());
    assert_eq!(demo.end(), Some(0));
}

#[test]
fn the_walker_in_the_yard_is_reported() {
    visit_is_reported(&["--cameras", "1"]);
}

#[test]
fn a_visit_is_reported_and_its_signature_verified() {
    let Some(clip) = asset("clips/onebyone_720p15_main_nob_g15.mp4") else {
        return;
    };
    visit_is_reported(&["--cameras", "1", "--clip", &clip.display().to_string()]);
}

fn visit_is_reported(args: &[&str]) {
    let mut demo = Demo::start(args);
    let address = demo.address();
    let reported = |line: &str| {
        let told =
            line.contains("front-door: ") && line.contains(" came (score") && line.ends_with("signature verified");
        told.then(|| line.to_owned())
    };
    demo.hear("a visit", reported);
    let events = request(address, "GET", "/api/v1/events?type=lookout.visit.started", &[]).expect("it answers");
    assert!(events.text().contains("front-door"), "{}", events.text());
    signal(&demo.child, "TERM");
    assert_eq!(demo.end(), Some(0), "{}", demo.said());
    demo.hear("the deliveries", |line| {
        let (many, rest) = line.split_once(" reports delivered")?;
        (many.parse::<u32>().ok()? > 0 && rest == ", each with the right signature.").then_some(())
    });
}

#[test]
fn a_mishap_is_named_and_made_good() {
    let mut demo = Demo::start(&["--cameras", "3"]);
    demo.hear("the mishap", |line| line.contains("driveway: the demo cuts its connection").then_some(()));
    demo.hear("its reason", |line| line.contains("driveway: lost (").then_some(()));
    demo.hear("the recovery", |line| line.contains("driveway: streams again").then_some(()));
    assert!(!demo.said().contains("yard: lost"), "only one is unlucky: {}", demo.said());
    demo.child.kill().expect("it can be killed");
    demo.child.wait().expect("it ends");
    // Killed outright it cannot tidy up; here that is done for it.
    for folder in demo.scratch() {
        fs::remove_dir_all(folder).expect("it can be removed");
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (args, word) in [
        (&["--http", "0.0.0.0:0"][..], "this machine alone"),
        (&["--cameras", "0"], "1..=64"),
        (&["--seconds", "0"], "seconds"),
    ] {
        let said = lookout([&["demo"], args].concat());
        assert_eq!(said.status.code(), Some(2), "{args:?}");
        assert!(text(&said.stderr).contains(word), "{}", text(&said.stderr));
    }
    let missing = lookout(["demo", "--clip", "/nowhere.mp4"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("/nowhere.mp4"));
}
