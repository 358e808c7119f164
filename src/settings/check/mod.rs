//! From the file as written to settings that can be trusted. Looks at everything, then answers.

mod address;
mod cameras;
mod credentials;
mod sinks;
mod snapshots;
mod stores;
#[cfg(test)]
mod tests;
mod values;

use std::{net::SocketAddr, num::NonZero, path::Path, sync::Arc, thread, time::Duration};

use cameras::Common;
use sinks::Known;
use values::{Owners, both, not_a_file};

use super::{
    Auth, Camera, Detector, ModelSource, Secret, Server, Settings, Storage, Transport, VisitRules, problems::Problems,
    quantity::quoted, raw,
};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// A token that can be guessed is none.
const TOKEN_LENGTH: usize = 16;
const MOST_TOKENS: usize = 100;
const MOST_LABELS: usize = 1000;
const MOST_WORKERS: u64 = 256;

/// Checks all of it; relative paths start at `folder`, the settings file's. What it returns counts only where
/// `problems` stayed empty.
pub(super) fn check(file: raw::File, folder: &Path, problems: &mut Problems) -> Settings {
    let mut check = Check { folder, problems };
    let server = check.server(file.server);
    let storage = check.storage(&file.storage);
    let detector = check.detector(file.detector);
    let rules = check.visits("visits", &file.visits);
    let evidence = check.evidence(&file.snapshots);
    let known = Known::of(&file.cameras, &detector);
    let cameras = check.cameras(file.cameras, &Common { visits: &file.visits, rules, evidence });
    let sinks = check.sinks(file.sinks, &known);
    let snapshots = check.snapshots(file.snapshots, &storage.path);
    Settings { server, storage, detector, cameras, sinks, snapshots }
}

/// A camera given on the command line: the defaults, and what is known of it.
///
/// # Errors
/// What is wrong with the address or the credentials, one problem a line, without repeating any of them.
pub fn camera_at(
    url: &str,
    username: Option<&str>,
    password: Option<Secret>,
    transport: Transport,
) -> Result<Camera, String> {
    let raw = raw::Camera {
        id: Some("camera".into()),
        url: Some(url.into()),
        username: username.map(Into::into),
        password: password.map(|p| p.expose().into()),
        ..raw::Camera::default()
    };
    let mut problems = Problems::default();
    let mut check = Check { folder: Path::new("."), problems: &mut problems };
    let visits = raw::Visits::default();
    let rules = check.visits("visits", &visits);
    let evidence = check.evidence(&raw::Snapshots::default());
    let camera = check.cameras(vec![raw], &Common { visits: &visits, rules, evidence }).pop();
    match camera {
        Some(camera) if problems.is_empty() => Ok(Camera { transport, ..camera }),
        _ => Err(problems
            .iter()
            .map(|p| format!("{}: {}", p.path.trim_start_matches("cameras[0]."), p.text))
            .collect::<Vec<_>>()
            .join("\n")),
    }
}

struct Check<'a> {
    folder: &'a Path,
    problems: &'a mut Problems,
}

impl Check<'_> {
    fn server(&mut self, raw: raw::Server) -> Server {
        let bind = raw.bind.parse().unwrap_or_else(|_| {
            self.problem(
                "server.bind",
                format!(
                    "{} is no address: write IP address and port, such as \"127.0.0.1:8080\", \"0.0.0.0:8080\" or \"[::1]:8080\"",
                    quoted(&raw.bind)
                ),
            );
            SocketAddr::from(([127, 0, 0, 1], 0))
        });
        let open = raw.auth.as_deref() == Some("none");
        if let Some(auth) = raw.auth.filter(|_| !open) {
            self.problem(
                "server.auth",
                format!("{} is unknown: write \"none\", or leave it out and give server.tokens", quoted(&auth)),
            );
        }
        let given = raw.tokens.as_ref().is_some_and(|tokens| !tokens.is_empty());
        let tokens_fault_free = !self.problems.covers("server.tokens");
        let tokens = self.tokens(raw.tokens, raw.tokens_file);
        if open && !tokens.is_empty() {
            self.problem("server.auth", "\"none\" contradicts the tokens: remove one of the two");
        }
        let known =
            tokens_fault_free && !self.problems.covers("server.auth") && !self.problems.covers("server.tokens_file");
        if !bind.ip().is_loopback() && tokens.is_empty() && !given && !open && known {
            self.problem(
                "server.bind",
                "this address can be reached from other machines: give server.tokens (each at least 16 characters; \
                 clients send one as \"Authorization: Bearer ...\"), or say server.auth = \"none\" to let anybody in",
            );
        }
        let auth = if tokens.is_empty() { Auth::Open } else { Auth::Tokens(tokens) };
        Server { bind, auth }
    }

    fn tokens(&mut self, given: Option<Vec<String>>, file: Option<String>) -> Vec<Secret> {
        let (path, tokens) = match (given, file) {
            (Some(_), Some(_)) => {
                self.problem("server.tokens_file", both("tokens"));
                return Vec::new();
            }
            (Some(tokens), None) => ("server.tokens", tokens),
            (None, Some(file)) => {
                let text = self.secret_file("server.tokens_file", &file).unwrap_or_default();
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                ("server.tokens_file", lines.map(str::to_owned).collect())
            }
            (None, None) => return Vec::new(),
        };
        if tokens.len() > MOST_TOKENS {
            self.problem(path, format!("at most {MOST_TOKENS} tokens"));
        }
        for (n, token) in tokens.iter().enumerate() {
            let at = format!("{path}[{n}]");
            if token.chars().count() < TOKEN_LENGTH {
                self.problem(
                    &at,
                    format!("shorter than {TOKEN_LENGTH} characters: make one with \"openssl rand -hex 32\""),
                );
            } else if !token.bytes().all(|b| b.is_ascii_graphic()) {
                self.problem(&at, "only visible ASCII characters without spaces fit into a header");
            }
        }
        tokens.into_iter().map(Secret::new).collect()
    }

    fn storage(&mut self, raw: &raw::Storage) -> Storage {
        if raw.path.is_empty() {
            self.problem("storage.path", "empty: name the folder of the database");
        }
        let max_bytes = self.size("storage.max_bytes", &raw.max_bytes.0, 1 << 20..=1 << 44);
        Storage {
            path: self.folder.join(&raw.path),
            keep: self.duration("storage.keep", &raw.keep, HOUR..=3650 * DAY),
            max_bytes,
        }
    }

    fn detector(&mut self, raw: raw::Detector) -> Detector {
        let model = self.model(&raw.model);
        if raw.labels.is_empty() {
            self.problem("detector.labels", "empty: nothing would ever be reported");
        }
        if raw.labels.len() > MOST_LABELS {
            self.problem("detector.labels", format!("at most {MOST_LABELS} labels"));
        }
        for (n, label) in raw.labels.iter().enumerate() {
            self.name(&format!("detector.labels[{n}]"), label);
        }
        self.unique("detector.labels", "", raw.labels.iter().map(String::as_str));
        if raw.workers > MOST_WORKERS {
            self.problem("detector.workers", format!("at most {MOST_WORKERS}; 0 means one per core"));
        }
        let workers = match raw.workers {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            many => usize::try_from(many).unwrap_or(1),
        };
        Detector {
            model,
            labels: raw.labels.into_iter().map(Arc::from).collect(),
            min_score: raw.min_score.map(|score| self.part("detector.min_score", score)),
            max_overlap: self.part("detector.max_overlap", raw.max_overlap),
            workers,
        }
    }

    fn model(&mut self, model: &str) -> ModelSource {
        const KEY: &str = "detector.model";
        if model == ModelSource::EMBEDDED {
            return ModelSource::Embedded;
        }
        let path = self.folder.join(model);
        if model.is_empty() {
            self.problem(KEY, "empty: give the path of an ONNX file, or leave it out for the embedded model");
        } else if let Some(problem) = not_a_file(&path) {
            self.problem(KEY, format!("{problem}; the model in this program is called \"{}\"", ModelSource::EMBEDDED));
        }
        ModelSource::File(path)
    }

    fn visits(&mut self, path: &str, raw: &raw::Visits) -> VisitRules {
        let at = |key: &str| format!("{path}.{key}");
        if !(1..=100).contains(&raw.window) {
            self.problem(&at("window"), "must be 1 to 100 samples");
        }
        if raw.hits < 1 {
            self.problem(&at("hits"), "must be at least 1 sample");
        } else if raw.hits > raw.window && !self.problems.covers(&at("window")) {
            self.problem(
                &at("hits"),
                format!("{} of the last {} samples can never be: lower hits or raise window", raw.hits, raw.window),
            );
        }
        VisitRules {
            hits: u32::try_from(raw.hits).unwrap_or(1),
            window: u32::try_from(raw.window).unwrap_or(1),
            quiet: self.duration(&at("quiet"), &raw.quiet, SECOND..=DAY),
            blind: self.duration(&at("blind"), &raw.blind, Duration::ZERO..=DAY),
            down_after: self.duration(&at("down_after"), &raw.down_after, SECOND..=DAY),
            cooldown: self.duration(&at("cooldown"), &raw.cooldown, Duration::ZERO..=DAY),
            stationary: self.duration(&at("stationary"), &raw.stationary, Duration::ZERO..=DAY),
        }
    }
}
