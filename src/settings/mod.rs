//! What the user asked for, typed and trusted: [`Settings`].
//!
//! On the way there: file and environment are laid over one another (`layers`, which knows the `config` crate) into one
//! tree of values, read into the structs of the file (`shape`, `raw`) and checked as a whole (`check`). Each step notes
//! its problems and goes on, so that all of them are reported at once.

mod camera;
mod check;
mod diff;
mod error;
mod files;
mod layers;
mod load;
mod problems;
mod quantity;
mod raw;
#[cfg(test)]
mod reference_tests;
mod secrets;
mod shape;
mod show;
mod sink;
mod snapshots;
mod syntax;
mod tree;
mod variables;
mod weekly;

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

pub use camera::{Camera, Evidence, Transport, VisitRules, Zone};
pub use check::camera_at;
pub use diff::{Changes, changes, needs_new_life};
pub use error::SettingsError;
pub use load::{load, load_from};
pub use problems::{Problem, Problems};
pub use quantity::parse_duration;
pub use secrets::{Credentials, Secret, masked_camera_url, masked_webhook_url};
pub use show::show;
pub use sink::{Budget, Command, File, Filter, Mqtt, Sink, Template, Way, Webhook};
pub use snapshots::{ObjectStore, Snapshots};
pub use syntax::SyntaxError;

/// Everything the user decides, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The HTTP side.
    pub server: Server,
    /// Where events are kept and for how long.
    pub storage: Storage,
    /// What looks at the frames.
    pub detector: Detector,
    /// The cameras, ids unique.
    pub cameras: Vec<Camera>,
    /// Where events are told, names unique.
    pub sinks: Vec<Sink>,
    /// Where the pictures of events go; `None`: none are kept.
    pub snapshots: Option<Snapshots>,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// The address to listen on.
    pub bind: SocketAddr,
    /// Who may ask.
    pub auth: Auth,
}

/// Who may use the HTTP side.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth {
    /// Anybody who reaches the address (the default on loopback; said out loud beyond).
    Open,
    /// Who shows one of these as `Authorization: Bearer`.
    Tokens(Vec<Secret>),
}

/// `[storage]`
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// The folder of the database.
    pub path: PathBuf,
    /// Events older than this are removed.
    pub keep: Duration,
    /// The database may grow to this many bytes; then the oldest events go first.
    pub max_bytes: u64,
}

/// `[detector]`
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    /// Where the model comes from.
    pub model: ModelSource,
    /// What to report; the model's other labels are ignored.
    pub labels: Vec<Arc<str>>,
    /// Detections below are ignored; `None`: the model's own sidecar says it.
    pub min_score: Option<f32>,
    /// Of two boxes of one label that overlap more than this (IoU), the weaker is dropped.
    pub max_overlap: f32,
    /// Detector threads, at least one.
    pub workers: usize,
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// The one that this program carries.
    Embedded,
    /// An ONNX file, with its sidecar (`MODEL.toml`) beside it.
    File(PathBuf),
}

impl ModelSource {
    /// What stands in the settings for the model that the program carries; a file of this name is `./embedded`.
    pub const EMBEDDED: &str = "embedded";
}

impl fmt::Display for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str(Self::EMBEDDED),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
