//! What many keys have in common: ranges, names, secrets, files.

use std::{collections::HashMap, fs, ops::RangeInclusive, path::Path, time::Duration};

use serde::Serialize;

use super::{
    super::{
        ca_file::CaFile,
        files::read_secret,
        quantity::{parse_duration, parse_size, quoted, show_duration, show_size},
        raw,
    },
    Check,
};

/// Keys and the kinds of table that they belong to. A key that is not listed belongs to all.
pub(super) type Owners = [(&'static str, &'static [&'static str])];

impl Check<'_> {
    pub(super) fn problem(&mut self, path: &str, text: impl Into<String>) {
        self.problems.add(path, text);
    }

    pub(super) fn duration(
        &mut self,
        path: &str,
        raw: &raw::DurationText,
        within: RangeInclusive<Duration>,
    ) -> Duration {
        match parse_duration(&raw.0) {
            Ok(duration) if within.contains(&duration) => return duration,
            Ok(_) => self.problem(
                path,
                format!(
                    "{} is out of range: {} to {}",
                    quoted(&raw.0),
                    show_duration(*within.start()),
                    show_duration(*within.end())
                ),
            ),
            Err(problem) => self.problem(path, problem),
        }
        *within.start()
    }

    pub(super) fn size(&mut self, path: &str, text: &str, within: RangeInclusive<u64>) -> u64 {
        match parse_size(text) {
            Ok(size) if within.contains(&size) => return size,
            Ok(_) => self.problem(
                path,
                format!(
                    "{} is out of range: {} to {}",
                    quoted(text),
                    show_size(*within.start()),
                    show_size(*within.end())
                ),
            ),
            Err(problem) => self.problem(path, problem),
        }
        *within.start()
    }

    pub(super) fn part(&mut self, path: &str, value: f64) -> f32 {
        if !(0.0..=1.0).contains(&value) {
            self.problem(path, "must be 0 to 1");
        }
        value as f32
    }

    /// A name for people, metrics and events: 1 to 100 characters, no line breaks.
    pub(super) fn name(&mut self, path: &str, name: &str) {
        if name.trim().is_empty() {
            self.problem(path, "empty");
        } else if name.chars().count() > 100 || name.chars().any(char::is_control) {
            self.problem(path, "must be at most 100 characters on one line");
        }
    }

    /// No text may come twice; the second is the problem and says where the first is.
    pub(super) fn unique<'t>(&mut self, list: &str, key: &str, texts: impl Iterator<Item = &'t str>) {
        let mut seen = HashMap::new();
        for (n, text) in texts.enumerate().filter(|(_, text)| !text.is_empty()) {
            if let Some(first) = seen.get(text) {
                let problem = format!("{} is also {list}[{first}]{key}: it must be unique", quoted(text));
                self.problem(&format!("{list}[{n}]{key}"), problem);
            } else {
                seen.insert(text, n);
            }
        }
    }

    /// A secret that is written or lies in a file; `key` without `_file`.
    pub(super) fn secret(
        &mut self,
        table: &str,
        key: &str,
        written: Option<String>,
        file: Option<String>,
    ) -> Option<String> {
        let at = format!("{table}.{key}_file");
        match (written, file) {
            (Some(_), Some(_)) => {
                self.problem(&at, both(key));
                None
            }
            (written, None) => written,
            (None, Some(file)) => self.secret_file(&at, &file),
        }
    }

    pub(super) fn secret_file(&mut self, path: &str, file: &str) -> Option<String> {
        read_secret(&self.folder.join(file)).map_err(|problem| self.problem(path, problem)).ok()
    }

    /// `ca_file` of a table: certificate authorities (PEM).
    pub(super) fn ca_file(&mut self, table: &str, file: Option<String>) -> Option<CaFile> {
        let file = self.folder.join(file?);
        if let Some(problem) = not_a_file(&file) {
            self.problem(&format!("{table}.ca_file"), problem);
        }
        Some(CaFile::at(file))
    }

    /// Keys that stand in a table although they belong to another kind of it: they would be passed over in silence.
    pub(super) fn foreign(
        &mut self,
        table: &str,
        given: &impl Serialize,
        owners: &Owners,
        kind: &str,
        say: fn(&[&str]) -> String,
    ) {
        // serde knows which keys are there; of the values nothing is looked at.
        let Ok(serde_json::Value::Object(given)) = serde_json::to_value(given) else { return };
        for key in given.keys() {
            if let Some((_, of)) = owners.iter().find(|(owned, of)| owned == key && !of.contains(&kind)) {
                self.problem(&format!("{table}.{key}"), say(of));
            }
        }
    }

    /// A whole number of a range.
    pub(super) fn number(&mut self, path: &str, number: u64, within: RangeInclusive<u32>) -> u32 {
        match u32::try_from(number) {
            Ok(number) if within.contains(&number) => number,
            _ => {
                self.problem(path, format!("must be {} to {}", within.start(), within.end()));
                *within.start()
            }
        }
    }
}

pub(super) fn both(key: &str) -> String {
    format!("{key} is given as well: remove one of the two")
}

pub(super) fn not_a_file(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => None,
        Ok(_) => Some(format!("{} is no file", path.display())),
        Err(error) => Some(format!(
            "cannot read {}: {error}; relative paths start at the folder of the settings file",
            path.display()
        )),
    }
}
