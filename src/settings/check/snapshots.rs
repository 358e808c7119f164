//! `[snapshots]`: what holds for every store.

use std::{path::Path, sync::Arc, time::Duration};

use super::{
    super::{Evidence, ObjectStore, Snapshots, raw},
    Check, MILLISECOND, MINUTE, SECOND, address,
};

const MOST_FRAMES: u32 = 100;
const PLACEHOLDERS: [&str; 4] = ["camera", "date", "event", "n"];

impl Check<'_> {
    /// `frames` and `every`, which hold for each camera that says nothing else.
    pub(super) fn evidence(&mut self, raw: &raw::Snapshots) -> Evidence {
        Evidence {
            frames: self.frames("snapshots.frames", raw.frames),
            every: self.between("snapshots.every", &raw.every),
        }
    }

    pub(super) fn frames(&mut self, path: &str, frames: u64) -> u32 {
        self.number(path, frames, 1..=MOST_FRAMES)
    }

    pub(super) fn between(&mut self, path: &str, every: &raw::DurationText) -> Duration {
        self.duration(path, every, 40 * MILLISECOND..=10 * SECOND)
    }

    /// `None`: no pictures are kept.
    pub(super) fn snapshots(&mut self, raw: raw::Snapshots, storage: &Path) -> Option<Snapshots> {
        if let Some(problem) = unfit_key(&raw.key) {
            self.problem("snapshots.key", problem);
        }
        let public_url = raw.public_url.as_deref().and_then(|text| match address::http(text) {
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                self.problem("snapshots.public_url", "carries credentials: everybody who is told would read them");
                None
            }
            Ok(url) => Some(url),
            Err(problem) => {
                self.problem("snapshots.public_url", problem);
                None
            }
        });
        let quality = self.number("snapshots.quality", raw.quality, 1..=100);
        let concurrency = self.number("snapshots.concurrency", raw.concurrency, 1..=1024);
        let deadline = self.duration("snapshots.deadline", &raw.deadline, Duration::ZERO..=5 * MINUTE);
        let timeout = self.duration("snapshots.timeout", &raw.timeout, SECOND..=5 * MINUTE);
        let max_retries = self.number("snapshots.max_retries", raw.max_retries, 1..=1_000_000);
        let spool_bytes = self.size("snapshots.spool_bytes", &raw.spool_bytes.0, 1 << 20..=1 << 44);
        let (key, annotate) = (Arc::<str>::from(raw.key.as_str()), raw.annotate);
        let store = self.store(raw, storage)?;
        if matches!(store, ObjectStore::Folder { .. })
            && let Some(problem) = unfit_file_names(&key)
        {
            self.problem("snapshots.key", problem);
        }
        Some(Snapshots {
            store,
            key,
            public_url,
            quality: u8::try_from(quality).unwrap_or(u8::MAX),
            annotate,
            concurrency: concurrency as usize,
            deadline,
            timeout,
            max_retries,
            spool_bytes,
        })
    }
}

/// Why pictures cannot be named like this.
fn unfit_key(key: &str) -> Option<String> {
    const KNOWN: &str = "known are {camera}, {date}, {event} and {n}";
    let mut rest = key;
    while let Some(at) = rest.find(['{', '}']) {
        let inner = rest[at..].strip_prefix('{').and_then(|behind| behind.split_once('}'));
        match inner {
            Some((name, behind)) if PLACEHOLDERS.contains(&name) => rest = behind,
            Some(_) => return Some(format!("holds an unknown placeholder; {KNOWN}")),
            None => return Some(format!("holds a brace without its other half; {KNOWN}")),
        }
    }
    for needed in ["{event}", "{n}"] {
        if !key.contains(needed) {
            return Some(format!("must hold {needed}, or pictures would overwrite one another"));
        }
    }
    if key.len() > 500 {
        return Some("must be at most 500 bytes".to_owned());
    }
    unfit_path(key)
}

/// Why a folder cannot hold pictures that are named like this: file systems take names of up to 255 bytes.
fn unfit_file_names(key: &str) -> Option<String> {
    const NAME_AT_MOST: usize = 255;
    // While a picture is being written its name is longer.
    let unfinished = format!("{key}.part");
    let longest = |part: &str| {
        let filled = [("{camera}", 64), ("{date}", 10), ("{event}", 36), ("{n}", 10)];
        let more: usize = filled.map(|(what, length)| part.matches(what).count() * (length - what.len())).iter().sum();
        part.len() + more
    };
    let longest = unfinished.split('/').map(longest).max().unwrap_or_default();
    (longest > NAME_AT_MOST).then(|| {
        format!("gives file names of up to {longest} bytes, and a folder takes {NAME_AT_MOST}: shorten what stands between the \"/\"")
    })
}

/// Why a text cannot be a part of the names in a store: every store and every URL must keep it as it is.
pub(super) fn unfit_path(path: &str) -> Option<String> {
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some("must neither start nor end with \"/\", and have no empty part, \".\" or \"..\"".to_owned());
    }
    let fits = |c: char| c.is_alphanumeric() || "/-_.,=+@!~()'{}".contains(c);
    (!path.chars().all(fits))
        .then(|| "may hold letters, digits and - _ . , = + @ ! ~ ( ) ' between the \"/\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_takes_names_of_255_bytes() {
        assert_eq!(unfit_file_names("{camera}/{date}/{event}/{n}.jpg"), None);
        let long = "x".repeat(200);
        assert_eq!(unfit_file_names(&format!("{long}/{{event}}-{{n}}")), None);
        // 36 for the event, 10 for the number, and ".part".
        assert_eq!(unfit_file_names(&format!("{long}{{event}}{{n}}{}", "x".repeat(4))), None);
        let problem = unfit_file_names(&format!("{long}{{event}}{{n}}{}", "x".repeat(5))).expect("too long");
        assert!(problem.contains("256 bytes"), "{problem}");
        assert!(unfit_file_names(&format!("{}/{{event}}/{{n}}", "é".repeat(128))).is_some());
    }

    #[test]
    fn what_pictures_may_be_called() {
        for good in ["{camera}/{date}/{event}/{n}.jpg", "{event}-{n}", "Hof/übersicht/{event}/{n}.jpeg"] {
            assert_eq!(unfit_key(good), None, "{good}");
        }
        for (bad, holds) in [
            ("", "{event}"),
            ("{camera}/{n}.jpg", "{event}"),
            ("{event}.jpg", "{n}"),
            ("{event}/{n}/{time}", "unknown placeholder"),
            ("{event}/{n}/{", "brace"),
            ("{event}/{n}}", "brace"),
            ("{event{n}}", "unknown placeholder"),
            ("/{event}/{n}", "start"),
            ("{event}/{n}/", "end"),
            ("{event}//{n}", "empty part"),
            ("../{event}/{n}", "\"..\""),
            ("{event}\\{n}", "letters"),
            ("{event}?{n}", "letters"),
            ("{event} {n}", "letters"),
        ] {
            let problem = unfit_key(bad).expect(bad);
            assert!(problem.contains(holds), "{bad}: {problem}");
        }
    }
}
