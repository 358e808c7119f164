//! Invariant 14: dependencies of the rooms point down, and one file knows each big library.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What each room may use. Everything not listed is an upward (or sideways) arrow.
const MAY_USE: &[(&str, &[&str])] = &[
    ("words", &[]),
    ("tls", &[]),
    ("disk", &[]),
    ("media", &["words"]),
    ("settings", &["words", "disk"]),
    ("access", &["words", "settings", "status"]),
    ("status", &["words", "media"]),
    ("camera", &["words", "media", "status", "settings"]),
    ("detect", &["words", "media", "status", "settings"]),
    ("events", &["words", "media", "status", "settings"]),
    ("scene", &["words", "media", "status", "settings", "events"]),
    ("sinks", &["words", "tls", "media", "status", "settings", "events"]),
    ("evidence", &["words", "disk", "tls", "media", "status", "settings", "events"]),
    ("evaluate", &["words"]),
    ("simulate", &["words", "disk", "media", "settings"]),
    ("footage", &["words", "disk", "media", "camera", "simulate"]),
    ("supervisor", &["words", "media", "status", "settings", "events", "scene", "camera"]),
    ("live", &["words", "media", "status", "settings"]),
    ("roster", &["words", "disk", "settings"]),
    ("http", &["words", "media", "status", "settings", "access", "events", "sinks", "live", "roster"]),
    ("app", &["*"]),
    ("demo", &["words", "settings", "status", "events", "simulate", "app"]),
    ("commands", &["*"]),
];

/// Which file (or folder) of which room alone may name a library.
const KNOWN_TO: &[(&str, &[&str])] = &[
    ("retina::", &["camera/rtsp"]),
    ("openh264::", &["camera/decoder.rs", "simulate/synthetic.rs"]), // one decodes, the other encodes
    ("tract_onnx::", &["detect/model"]),
    ("zune_jpeg::", &["footage/still.rs"]),
    ("png::", &["footage/still.rs"]),
    ("rusqlite::", &["events/store"]),
    ("rustix::", &["sinks/command/group.rs", "commands/password/terminal.rs"]), // one kills, the other types unseen
    ("argon2::", &["access/passwords.rs", "settings/check/server.rs"]), // one hashes, the other looks for faults
    ("rumqttc::", &["sinks/mqtt"]),
    ("mp4_atom::", &["live/fmp4.rs", "live/configuration.rs"]),
    ("ring::{", &["roster/seal.rs"]),
    ("rml_rtmp::", &["live/relay/hearing.rs", "live/relay/publication.rs"]), // one hears, the other speaks
    ("reqwest::", &["sinks/webhook.rs", "sinks/webhook", "evidence/store"]),
    ("object_store::", &["evidence/store"]),
    ("config::{", &["settings/layers.rs"]),
    ("minijinja::", &["sinks/template.rs", "settings/check/sinks/template.rs"]), // one renders, the other looks for faults
];

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut files) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src is there") {
            let path = entry.expect("src is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                files.push((path.strip_prefix(&root).expect("it is below").to_owned(), text));
            }
        }
    }
    files
}

/// Source without comments and without test modules, which may reach anywhere.
fn code(path: &Path, text: &str) -> String {
    let is_test_file = path.components().any(|c| c.as_os_str() == "tests" || c.as_os_str() == "tests.rs");
    if is_test_file {
        return String::new();
    }
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The rooms that `crate::a::…`, `crate::{a, b::…}` name.
fn rooms_used(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            rooms.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            continue;
        };
        let (mut depth, mut word, mut fresh) = (0, String::new(), true);
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if depth == 0 && fresh && (c.is_alphanumeric() || c == '_') => word.push(c),
                ':' if depth == 0 => fresh = false,
                _ => {}
            }
            if (c == ',' || c == ':') && depth == 0 && !word.is_empty() {
                rooms.insert(std::mem::take(&mut word));
            }
        }
        if !word.is_empty() {
            rooms.insert(word);
        }
    }
    rooms.remove("self");
    rooms
}

#[test]
fn invariant_14_dependencies_point_down() {
    let may_use: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = path.iter().next().and_then(|c| c.to_str()).unwrap_or_default().trim_end_matches(".rs").to_owned();
        if ["main", "lib"].contains(&room.as_str()) {
            continue;
        }
        let Some(allowed) = may_use.get(room.as_str()) else {
            wrong.push(format!("{}: the room \"{room}\" is not in MAY_USE", path.display()));
            continue;
        };
        for used in rooms_used(&code(&path, &text)) {
            if used != room && !allowed.contains(&"*") && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: {room} may not use {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn invariant_14_one_file_knows_each_big_library() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let code = code(&path, &text);
        for (library, homes) in KNOWN_TO {
            let named = code
                .match_indices(library)
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
            if named && !homes.iter().any(|home| path.starts_with(home)) {
                wrong.push(format!("{} names {library}, which only {homes:?} may", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_arrows_sees_them() {
    let code = "use crate::{\n    a::{x, y},\n    b,\n    c::z,\n};\nfn f() { crate::d::g(); }";
    assert_eq!(rooms_used(code), ["a", "b", "c", "d"].map(String::from).into());
}

#[test]
fn invariant_15_unwinding_stays_on() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("the manifest");
    let aborts = manifest.lines().any(|l| l.trim_start().starts_with("panic") && l.contains("abort"));
    assert!(!aborts, "panic = \"abort\" would let one camera's fault end the process");
}
