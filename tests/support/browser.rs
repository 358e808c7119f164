use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::send;
use crate::testing::left_out;

/// A real browser without a window, driven over WebDriver (W3C). It ends when this is dropped.
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    _profile: TempDir,
}

/// WebDriver's name of an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Far beyond what anything takes, so that only a fault reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

impl Browser {
    /// `None`, said aloud, where Chromium and its driver are not installed.
    pub fn start() -> Option<Self> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut driver) = command.spawn() else {
            left_out("chromium and chromium-driver are not installed");
            return None;
        };
        let mut lines = BufReader::new(driver.stdout.take().expect("it is piped")).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, behind) = line.split_once("successfully on port ")?;
            behind.trim_end_matches('.').parse::<u16>().ok()
        });
        let address = SocketAddr::from(([127, 0, 0, 1], port.expect("chromedriver says its port")));
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop)); // or it would wait for who reads
        let profile = tempfile::tempdir().expect("a folder");
        let folder = format!("--user-data-dir={}", profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--autoplay-policy=no-user-gesture-required",
            &folder,
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let mut it = Self { driver, address, session: String::new(), _profile: profile };
        let opened = it.ask("POST", "/session", &wanted);
        it.session = opened["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {opened}")).to_owned();
        Some(it)
    }

    pub fn open(&self, url: &str) {
        self.tell("url", &json!({ "url": url }));
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.tell("window/rect", &json!({ "width": width, "height": height }));
    }

    /// Runs a script in the page; what it returns.
    pub fn run(&self, script: &str) -> Value {
        self.tell("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs a script in each page before the page's own.
    pub fn prepare(&self, script: &str) {
        let params = json!({ "source": script });
        self.tell("goog/cdp/execute", &json!({ "cmd": "Page.addScriptToEvaluateOnNewDocument", "params": params }));
    }

    /// Waits until a script returns something that is true; what that is.
    pub fn wait(&self, what: &str, script: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.run(&format!("return ({script});"));
            if value.as_bool() != Some(false) && !value.is_null() && value != "" && value != 0 {
                return value;
            }
            if Instant::now() > deadline {
                let text = self.run("return document.body.innerText");
                panic!("never: {what}; the page says:\n{}\n{:?}", text.as_str().unwrap_or_default(), self.complaints());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for an element and clicks it.
    pub fn click(&self, selector: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let element = self.find(selector);
            let answer = self.try_tell(&format!("element/{element}/click"), &json!({}));
            if answer.get("error").is_none() {
                return;
            }
            // Not there yet, or just replaced.
            assert!(Instant::now() < deadline, "{selector} cannot be clicked: {answer}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits for an element and types into it.
    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.tell(&format!("element/{element}/clear"), &json!({}));
        self.tell(&format!("element/{element}/value"), &json!({ "text": text }));
    }

    /// Keys to an element, without clearing it first.
    pub fn press(&self, selector: &str, keys: &str) {
        let element = self.find(selector);
        self.tell(&format!("element/{element}/value"), &json!({ "text": keys }));
    }

    /// What it looks like now, kept as a file for people.
    pub fn screenshot(&self, folder: &Path, name: &str) -> PathBuf {
        let png = self.ask("GET", &format!("/session/{}/screenshot", self.session), &Value::Null);
        let png = STANDARD.decode(png.as_str().expect("base64")).expect("base64");
        fs::create_dir_all(folder).expect("a folder");
        let path = folder.join(name);
        fs::write(&path, png).expect("written");
        path
    }

    /// What the browser complained of since the last time: scripts that failed, things that were refused.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.ask("POST", &format!("/session/{}/se/log", self.session), &json!({ "type": "browser" }));
        let entries = log.as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .filter(|e| e["level"] == "SEVERE")
            .filter_map(|e| e["message"].as_str().map(Into::into))
            .collect()
    }

    fn find(&self, selector: &str) -> String {
        self.wait(selector, &format!("!!document.querySelector({})", json!(selector)));
        let found = self.tell("element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("{selector}: {found}")).to_owned()
    }

    fn tell(&self, path: &str, body: &Value) -> Value {
        let answer = self.try_tell(path, body);
        assert!(answer.get("error").is_none(), "{path} {body}: {answer}");
        answer
    }

    fn try_tell(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("/session/{}/{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let kind = [("content-type", "application/json")];
        let answer = send(self.address, method, path, &kind, text.as_bytes());
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}")).json()["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = send(self.address, "DELETE", &format!("/session/{}", self.session), &[], b"");
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
