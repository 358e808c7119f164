//! From the file as written to settings that can be trusted. Looks at everything, then answers.

mod address;
mod cameras;
mod credentials;
mod server;
mod sinks;
mod snapshots;
mod stores;
#[cfg(test)]
mod tests;
mod values;

use std::{num::NonZero, path::Path, sync::Arc, thread, time::Duration};

use cameras::MOST_CAMERAS;
use ipnet::IpNet;
use values::{Owners, both, not_a_file};

use super::{
    Camera, CameraDefaults, Control, Detector, Live, ModelSource, Secret, Settings, Storage, Transport, VisitRules,
    problems::Problems, quantity::quoted, raw,
};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

const MOST_LABELS: usize = 1000;
const MOST_WORKERS: u64 = 256;
const MOST_RELAYS: u64 = 1000;
const MOST_VIEWERS: u64 = 10_000;
const MOST_NETWORKS: usize = 100;

/// Checks all of it; relative paths start at `folder`, the settings file's. Programs of the user's do not inherit the
/// variables in `withheld`. What it returns counts only where `problems` stayed empty.
pub(super) fn check(file: raw::File, folder: &Path, withheld: Arc<[String]>, problems: &mut Problems) -> Settings {
    let mut check = Check { folder, withheld, problems };
    let server = check.server(file.server);
    let storage = check.storage(&file.storage);
    let detector = check.detector(file.detector);
    let rules = check.visits("visits", &file.visits);
    let evidence = check.evidence(&file.snapshots);
    let defaults = CameraDefaults { visits: file.visits, rules, evidence };
    let cameras = check.cameras(file.cameras, &defaults);
    let sinks = check.sinks(file.sinks, &detector.labels);
    let snapshots = check.snapshots(file.snapshots, &storage.path);
    let live = check.live(&file.live);
    let control = check.control(&file.control);
    Settings { server, storage, detector, cameras, sinks, snapshots, live, control, defaults }
}

/// The cameras of a file, checked by themselves.
pub(super) fn cameras_of(
    file: raw::File,
    defaults: &CameraDefaults,
    folder: &Path,
    problems: &mut Problems,
) -> Vec<Camera> {
    Check { folder, withheld: Arc::default(), problems }.cameras(file.cameras, defaults)
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
    let mut check = Check { folder: Path::new("."), withheld: Arc::default(), problems: &mut problems };
    let visits = raw::Visits::default();
    let rules = check.visits("visits", &visits);
    let evidence = check.evidence(&raw::Snapshots::default());
    let camera = check.cameras(vec![raw], &CameraDefaults { visits, rules, evidence }).pop();
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
    withheld: Arc<[String]>,
    problems: &'a mut Problems,
}

impl Check<'_> {
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

    fn control(&mut self, raw: &raw::Control) -> Control {
        if !(1..=MOST_CAMERAS as u64).contains(&raw.max_cameras) {
            self.problem("control.max_cameras", format!("must be 1 to {MOST_CAMERAS}"));
        }
        if raw.networks.len() > MOST_NETWORKS {
            self.problem("control.networks", format!("at most {MOST_NETWORKS}"));
        }
        let network = |(n, text): (usize, &String)| match text.parse::<IpNet>() {
            Ok(network) => Some(network),
            Err(_) => {
                let example = "write address and length, such as \"192.168.1.0/24\" or \"fd00::/8\"";
                self.problem(&format!("control.networks[{n}]"), format!("{} is no network: {example}", quoted(text)));
                None
            }
        };
        let networks = raw.networks.iter().enumerate().filter_map(network).collect();
        Control { max_cameras: usize::try_from(raw.max_cameras).unwrap_or(MOST_CAMERAS), networks }
    }

    fn live(&mut self, raw: &raw::Live) -> Live {
        if raw.max_viewers > MOST_VIEWERS {
            self.problem("live.max_viewers", format!("at most {MOST_VIEWERS}; 0 means that nobody may watch"));
        }
        if !(1..=MOST_RELAYS).contains(&raw.max_relays) {
            self.problem("live.max_relays", format!("must be 1 to {MOST_RELAYS}"));
        }
        let number = |n: u64| usize::try_from(n).unwrap_or(0);
        Live { max_viewers: number(raw.max_viewers), max_relays: number(raw.max_relays) }
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
