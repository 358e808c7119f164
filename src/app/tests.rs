//! Starts, reloads and ends of a whole house without cameras.

use std::{fs, net::UdpSocket, os::fd::OwnedFd, path::Path, time::Duration};

use serde_json::json;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;
use crate::{
    events::Store,
    http::{Control, NotReloaded, Reload},
    roster::Order,
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
        fs::write(self.file(), Self::text(sinks)).expect("written");
    }

    fn text(sinks: &[&str]) -> String {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/brightness.onnx");
        let mut text = format!(
            "[server]\nbind = \"127.0.0.1:0\"\n[storage]\npath = \"storage\"\n\
             [detector]\nmodel = \"{}\"\nmin_score = 0.5\nworkers = 1\n",
            model.display()
        );
        for sink in sinks {
            text.push_str(&format!("[[sinks]]\nname = \"{sink}\"\ntype = \"file\"\npath = \"{sink}.jsonl\"\n"));
        }
        text
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("lookout.toml")
    }

    fn settings(&self) -> Settings {
        load(Some(&self.file())).expect("sound settings").0
    }

    /// What the next start makes of the settings and of the cameras that were added, in a folder of its own: the database of
    /// this one is in use.
    async fn next_start(&self) -> (Result<Running, AppError>, TempDir) {
        let mut settings = self.settings();
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["cameras.json", "cameras.key"] {
            fs::copy(settings.storage.path.join(name), folder.path().join(name)).expect("copied");
        }
        settings.storage.path = folder.path().to_owned();
        (Running::start(settings, None).await, folder)
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

#[actix::test]
async fn a_reload_refuses_what_the_next_start_would_and_changes_nothing() {
    let site = Site::new(&["log"]);
    let running = site.start().await;
    let (reloader, board) = (Arc::clone(&running.house.reloader), Arc::clone(&running.house.board));
    let yard = json!({ "id": "yard", "url": "rtsp://127.0.0.1:1/", "enabled": false, "visits": { "hits": 3 } });
    Arc::clone(&reloader).carry_out(Order::Add(yard)).await.expect("added");
    let damaged = site.0.path().join("damaged.onnx");
    fs::write(&damaged, "no model").expect("written");
    fs::write(site.0.path().join("no.pem"), "no certificate").expect("written");
    let before = (site.settings(), reloader.cameras.roster.lock().cameras());
    // Each of them would also bring another sink and another camera.
    let text =
        Site::text(&["log", "new"]) + "[[cameras]]\nid = \"door\"\nurl = \"rtsp://127.0.0.1:1/\"\nenabled = false\n";
    let model = text.lines().find(|line| line.starts_with("model = ")).expect("there is one");
    let wrong = [
        (text.replace("[detector]\n", "[detector]\nlabels = [\"persn\"]\n"), "detector.labels[0]: "),
        (text.replace(model, "model = \"damaged.onnx\""), "detector.model: "),
        (format!("{text}[visits]\nhits = 1\nwindow = 2\n"), "visits.hits of \"yard\", which was added: "),
        (format!("{text}[snapshots]\nstore = \"s3://bucket\"\nca_file = \"no.pem\"\n"), "snapshots.ca_file: "),
    ];
    for (wrong, key) in &wrong {
        fs::write(site.file(), wrong).expect("written");
        let said = Arc::clone(&reloader).reload().await;
        let Err(NotReloaded::Settings(why)) = said else { panic!("{key} is taken: {said:?}") };
        assert!(why.contains(&format!("\n{key}")), "{why}\ndoes not hold {key}");
        assert!(why.contains("1 problem\n"), "{why}");
        assert_eq!(sinks(&board), ["log"], "{key}");
        assert_eq!((reloader.settings.lock().clone(), reloader.cameras.roster.lock().cameras()), before, "{key}");
    }
    fs::write(site.file(), text).expect("written");
    let report = Arc::clone(&reloader).reload().await.expect("these are sound");
    assert_eq!((report.added.len(), sinks(&board)), (1, vec!["log".to_owned(), "new".to_owned()]));
    for (wrong, key) in &wrong {
        fs::write(site.file(), wrong).expect("written");
        let (started, _folder) = site.next_start().await;
        let failed = started.err().unwrap_or_else(|| panic!("{key} starts"));
        assert!(matches!(failed, AppError::Model(_) | AppError::Roster(_) | AppError::Evidence(_)), "{key} {failed}");
    }
    running.end().await;
}

#[actix::test]
async fn what_was_switched_by_hand_is_forgotten_with_the_camera() {
    let site = Site::new(&[]);
    let with_door = Site::text(&[]) + "[[cameras]]\nid = \"door\"\nurl = \"rtsp://127.0.0.1:1/\"\n";
    fs::write(site.file(), &with_door).expect("written");
    let door = || Order::Stop("door".parse().expect("an id"));
    let kept = |storage: &Path| fs::read_to_string(crate::roster::kept_in(storage)).expect("there is one");
    let storage = site.0.path().join("storage");
    let running = site.start().await;
    let reloader = Arc::clone(&running.house.reloader);
    Arc::clone(&reloader).carry_out(door()).await.expect("stopped");
    site.write(&[]);
    Arc::clone(&reloader).reload().await.expect("these are sound");
    until("it is forgotten on disk", || !kept(&storage).contains("door")).await;
    fs::write(site.file(), &with_door).expect("written");
    Arc::clone(&reloader).reload().await.expect("these are sound");
    assert!(reloader.cameras.roster.lock().cameras()[0].enabled, "it is another door");
    Arc::clone(&reloader).carry_out(door()).await.expect("stopped");
    // The same at a start.
    site.write(&[]);
    let (next, folder) = site.next_start().await;
    until("it is forgotten on disk", || !kept(folder.path()).contains("door")).await;
    next.expect("it starts").end().await;
    running.end().await;
}

#[actix::test]
async fn a_sink_that_names_no_camera_keeps_nothing_from_starting() {
    let site = Site::new(&[]);
    fs::write(site.file(), Site::text(&["log"]) + "cameras = [\"yard\"]\n").expect("written");
    let running = site.start().await;
    assert_eq!(sinks(&running.house.board), ["log"]);
    Arc::clone(&running.house.reloader).reload().await.expect("nothing is wrong");
    running.end().await;
}
