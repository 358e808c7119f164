use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    http::{Answer, request},
    program::{program, signal, wait_for_end},
};
use crate::testing::wait_for;

/// The real program, run as a user runs it, in a folder of its own.
pub struct Lookout {
    folder: TempDir,
    child: Option<Child>,
    address: Option<SocketAddr>,
    log: Arc<Mutex<Vec<String>>>,
    environment: Vec<(String, String)>,
}

impl Lookout {
    /// A folder with `config` as its settings file; nothing runs yet.
    pub fn prepare(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let it = Self { folder, child: None, address: None, log: Arc::default(), environment: Vec::new() };
        it.write_config(config);
        it
    }

    /// Runs it and waits until it is ready.
    pub fn start(config: &str) -> Self {
        let mut it = Self::prepare(config);
        it.run();
        it
    }

    pub fn with_environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub fn write_config(&self, config: &str) {
        fs::write(self.config(), config).expect("the folder is writable");
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("lookout.toml")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the process; returns when it answers that it is ready.
    pub fn run(&mut self) {
        self.spawn();
        let ready = |it: &Self| it.try_get("/readyz").is_some_and(|a| a.status == 200);
        self.wait("readiness", ready);
    }

    /// Starts the process; returns when it listens.
    pub fn spawn(&mut self) {
        let mut child = program()
            .args(["run", "--config"])
            .arg(self.config())
            .env("LOOKOUT_LOG", "info,lookout=debug")
            .envs(self.environment.iter().map(|(n, v)| (n, v)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let (told, listens) = std::sync::mpsc::sync_channel(1);
        let log = Arc::clone(&self.log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(address) = listening(&line) {
                    let _ = told.try_send(address);
                }
                log.lock().expect("nobody panics with it").push(line);
            }
        });
        self.child = Some(child);
        match listens.recv_timeout(Duration::from_secs(30)) {
            Ok(address) => self.address = Some(address),
            Err(_) => panic!("it does not listen; it says:\n{}", self.log()),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address.expect("it runs")
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Everything it has logged so far, over all its runs.
    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panics with it").join("\n")
    }

    pub fn try_get(&self, path: &str) -> Option<Answer> {
        request(self.address(), "GET", path, &[]).ok()
    }

    pub fn get(&self, path: &str) -> Answer {
        request(self.address(), "GET", path, &[]).unwrap_or_else(|e| panic!("GET {path}: {e}\n{}", self.log()))
    }

    pub fn post(&self, path: &str) -> Answer {
        request(self.address(), "POST", path, &[]).unwrap_or_else(|e| panic!("POST {path}: {e}"))
    }

    pub fn camera(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/cameras/{id}")).json()
    }

    /// Waits until `done` holds; a deadline far beyond what it takes, so that only a fault reaches it.
    #[track_caller]
    pub fn wait(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let cameras = || self.try_get("/api/v1/cameras").map(|a| a.text()).unwrap_or_default();
        wait_for(|| format!("{what}:\n{}\n{}", cameras(), self.log()), || done(self).then_some(()));
    }

    pub fn wait_for_state(&self, camera: &str, state: &str) -> Value {
        self.wait(&format!("{camera} {state}"), |it| it.camera(camera)["state"] == state);
        self.camera(camera)
    }

    pub fn wait_for_reason(&self, camera: &str, reason: &str) -> Value {
        self.wait(&format!("{camera} {reason}"), |it| it.camera(camera)["reason"]["code"] == reason);
        self.camera(camera)
    }

    pub fn signal(&self, name: &str) {
        signal(self.child.as_ref().expect("it runs"), name);
    }

    /// `kill -9`, and waits for the end.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    /// Asks it to end; returns its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        let mut child = self.child.take().expect("it runs");
        wait_for_end(&mut child, || self.log()).code()
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        self.kill();
    }
}

fn listening(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["message"] == "listening").then(|| line["address"].as_str()?.parse().ok())?
}
