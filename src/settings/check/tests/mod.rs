//! Each rule red and green, through the front door.

mod cameras;
mod environment;
mod properties;
mod report;
mod secrets;
mod server;
mod sinks;
mod snapshots;
mod tables;

use std::{ffi::OsString, fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use tempfile::TempDir;

use super::super::*;

const KEY: &str = "whsec_QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD";

/// A folder with a model and some secrets.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    fs::create_dir(at.join("secrets")).expect("a folder");
    for (name, text) in [
        ("m.onnx", ""),
        ("yolox_nano_416.onnx", ""),
        ("ca.pem", ""),
        ("secrets/yard", "hunter2\n"),
        ("secrets/tokens", "0123456789abcdef\n\nfedcba9876543210\n"),
        ("secrets/automation", KEY),
        ("secrets/short", "hunter2"),
        ("secrets/empty", "\n"),
        ("secrets/google.json", "{ \"private_key\": \"hunter2\" }"),
        ("secrets/azure", "aHVudGVyMg=="),
        ("body.json", "{ \"text\": \"{{ headline }}\" }"),
        ("notify", "#!/bin/sh\n"),
    ] {
        fs::write(at.join(name), text).expect("written");
    }
    fs::set_permissions(at.join("notify"), fs::Permissions::from_mode(0o755)).expect("changed");
    folder
}

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn load_with(text: &str, variables: &[(&str, &str)], folder: &Path) -> Result<Settings, String> {
    load_from(text, environment(variables), folder).map_err(|error| error.to_string())
}

fn load(text: &str) -> Result<Settings, String> {
    let folder = folder();
    load_with(text, &[], folder.path()).map_err(|error| {
        let folder = folder.path().display().to_string();
        error.replace(&folder, "FOLDER")
    })
}

/// Text for a file that is fine but for what the test adds.
fn with(server: &str, storage: &str, detector: &str, visits: &str, camera: &str, sink: &str) -> String {
    let or = |text: &str, default: &str| {
        if text.is_empty() { default.to_owned() } else { text.to_owned() }
    };
    let detector =
        if detector.contains("model") { detector.to_owned() } else { format!("model = \"m.onnx\"\n{detector}") };
    let camera = or(camera, "id = \"door\"\nurl = \"rtsp://10.0.0.7/x\"");
    let sink = or(sink, "name = \"s\"\ntype = \"webhook\"\nurl = \"https://h/x\"");
    format!(
        "[server]\n{server}\n[storage]\n{storage}\n[detector]\n{detector}\n[visits]\n{visits}\n[[cameras]]\n{camera}\n[[sinks]]\n{sink}\n"
    )
}

fn server(text: &str) -> String {
    with(text, "", "", "", "", "")
}

fn storage(text: &str) -> String {
    with("", text, "", "", "", "")
}

fn detector(text: &str) -> String {
    with("", "", text, "", "", "")
}

fn visits(text: &str) -> String {
    with("", "", "", text, "", "")
}

/// A camera's further lines.
fn camera(text: &str) -> String {
    with("", "", "", "", &format!("id = \"door\"\nurl = \"rtsp://10.0.0.7/x\"\n{text}"), "")
}

fn camera_url(url: &str, text: &str) -> String {
    with("", "", "", "", &format!("id = \"door\"\nurl = \"{url}\"\n{text}"), "")
}

fn sink(text: &str) -> String {
    let lines = format!("name = \"s\"\ntype = \"webhook\"\nurl = \"https://h/x\"\n{text}");
    with("", "", "", "", "", &lines)
}

fn zone(polygon: &str) -> String {
    camera(&format!("[[cameras.zones]]\nname = \"z\"\npolygon = {polygon}"))
}

/// Every one of these is in order.
fn all_pass(texts: impl IntoIterator<Item = String>) {
    for text in texts {
        if let Err(error) = load(&text) {
            panic!("{error}\nin\n{text}");
        }
    }
}

/// Of each text: the report on it is one line, which starts so and holds this.
fn each_is_named<'a>(table: impl IntoIterator<Item = (String, &'a str, &'a str)>) {
    for (text, start, holds) in table {
        one_problem(&text, start, holds);
    }
}

/// The report on `text` is one line, which starts so and holds this.
fn one_problem(text: &str, start: &str, holds: &str) {
    let error = load(text).expect_err(text);
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 2, "one problem, no echo: {error}\nin\n{text}");
    assert_eq!(lines[0], "settings: 1 problem");
    assert!(lines[1].starts_with(start), "{error}\nis not {start}");
    assert!(lines[1].contains(holds), "{error}\ndoes not hold {holds}");
}
