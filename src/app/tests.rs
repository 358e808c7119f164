//! Starts, reloads and ends of a whole house without cameras.

use std::{fs, net::UdpSocket, os::fd::OwnedFd, path::Path, time::Duration};

use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;
use crate::{
    events::Store,
    http::{NotReloaded, Reload},
    settings::{self, ModelSource, Way, load},
    sinks::tests::until,
};

/// A settings file with sinks that write `NAME.jsonl`, and a storage folder beside it.
struct Site(TempDir);

impl Site {
    fn new(sinks: &[&str]) -> Self {
        let site = Self(tempfile::tempdir().expect("a folder"));
        site.write(sinks);
        site
    }

    fn write(&self, sinks: &[&str]) {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/brightness.onnx");
        let mut text = format!(
            "[server]\nbind = \"127.0.0.1:0\"\n[storage]\npath = \"storage\"\n\
             [detector]\nmodel = \"{}\"\nmin_score = 0.5\nworkers = 1\n",
            model.display()
        );
        for sink in sinks {
            text.push_str(&format!("[[sinks]]\nname = \"{sink}\"\ntype = \"file\"\npath = \"{sink}.jsonl\"\n"));
        }
        fs::write(self.file(), text).expect("written");
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("lookout.toml")
    }

    fn settings(&self) -> Settings {
        load(Some(&self.file())).expect("sound settings").0
    }

    async fn start(&self) -> Running {
        Running::start(self.settings(), Some(self.file())).await.expect("it starts")
    }
}

fn sinks(board: &Board) -> Vec<String> {
    board.sinks().iter().map(|cell| cell.name.to_string()).collect()
}

#[actix::test]
async fn what_cannot_start_tells_nothing_before_it_says_so() {
    let site = Site::new(&["log"]);
    let mut settings = site.settings();
    let no_model = site.0.path().join("model.onnx");
    fs::write(&no_model, "no model").expect("written");
    settings.detector.model = ModelSource::File(no_model);
    let failed = Running::start(settings.clone(), None).await.err().expect("it cannot start");
    assert!(matches!(failed, AppError::Model(_)), "{failed}");
    // A courier that was begun would hold the outbox, and the outbox its lock.
    Store::open(&settings.storage).expect("nobody has it");
}

#[actix::test]
async fn what_http_lacks_is_found_out_before_any_sink_begins() {
    let site = Site::new(&["log"]);
    let mut settings = site.settings();
    // Who comes first says what is wrong: this sink, if it is opened before.
    settings.sinks[0].way = Way::Mqtt(settings::Mqtt {
        host: "127.0.0.1".into(),
        port: 1883,
        tls: false,
        credentials: None,
        client_id: "lookout-test".into(),
        topic_prefix: "#".into(),
        discovery: None,
        timeout: Duration::from_secs(10),
        ca_file: None,
    });
    let nobody_listens_there = OwnedFd::from(UdpSocket::bind("127.0.0.1:0").expect("a port")).into();
    let failed = Running::start_on(nobody_listens_there, settings, None).await.err().expect("it cannot start");
    assert!(matches!(failed, AppError::System(_)), "{failed}");
}

#[actix::test]
async fn who_asks_for_a_reload_after_the_end_began_is_told_so_and_nothing_begins() {
    let site = Site::new(&["log"]);
    let running = site.start().await;
    let (reloader, board) = (Arc::clone(&running.house.reloader), Arc::clone(&running.house.board));
    running.end().await;
    site.write(&["log", "new"]);
    let said = reloader.reload().await.expect_err("too late");
    assert_eq!(said, NotReloaded::NotNow("Lookout is ending"));
    assert_eq!(sinks(&board), ["log"]);
}

#[actix::test]
async fn a_reload_is_finished_though_the_thread_that_asked_for_it_ends() {
    let site = Site::new(&["log"]);
    let running = site.start().await;
    let (reloader, board) = (Arc::clone(&running.house.reloader), Arc::clone(&running.house.board));
    site.write(&["new"]);
    let turn = reloader.turn.lock().await;
    let worker = actix_rt::Arbiter::new();
    let (asked, has_asked) = oneshot::channel();
    let asking = Arc::clone(&reloader);
    worker.spawn(async move {
        let answer = asking.reload();
        asked.send(()).expect("the test waits");
        let _ = answer.await;
    });
    has_asked.await.expect("it asked");
    worker.stop();
    tokio::task::spawn_blocking(move || worker.join()).await.expect("joined").expect("it ended");
    drop(turn);
    until("the new settings", || sinks(&board) == ["new"]).await;
    running.end().await;
}
