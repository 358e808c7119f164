//! What the user asked for, typed and trusted: [`Settings`].
//!
//! On the way there: file and environment are laid over one another (`layers`, which knows the `config` crate) into one
//! tree of values, read into the structs of the file (`shape`, `raw`) and checked as a whole (`check`). Each step notes
//! its problems and goes on, so that all of them are reported at once.

mod ca_file;
mod camera;
mod camera_defaults;
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
mod relay_target;
mod secrets;
mod server;
mod shape;
mod show;
mod sink;
mod snapshots;
mod strangers;
mod syntax;
mod tree;
mod variables;
mod weekly;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use ipnet::IpNet;

pub use ca_file::CaFile;
pub use camera::{Camera, Evidence, Transport, VisitRules, Zone};
pub use camera_defaults::{CameraDefaults, camera_as_written, refuse_masked};
pub use check::camera_at;
pub use diff::{Changes, changes, needs_new_life};
pub use error::SettingsError;
pub use load::{load, load_from};
pub use problems::{Problem, Problems};
pub use quantity::parse_duration;
pub use relay_target::{InvalidTarget, RelayTarget};
pub use secrets::{Credentials, Secret, masked_camera_url, masked_webhook_url};
pub use server::{Auth, Server, Token, User};
pub use show::show;
pub use sink::{Budget, Command, File, Filter, Mqtt, Sink, Template, Way, Webhook};
pub use snapshots::{ObjectStore, Snapshots};
pub use strangers::strangers;
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
    /// Live view.
    pub live: Live,
    /// What may be changed while it runs.
    pub control: Control,
    /// What holds for cameras that come while it runs.
    pub defaults: CameraDefaults,
}

/// `[control]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// How many cameras there may be, those of the file included, before no more can be added.
    pub max_cameras: usize,
    /// Cameras that are added must be in one of these; empty: they may be anywhere.
    pub networks: Vec<IpNet>,
}

/// `[live]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// How many may watch at once, over all cameras.
    pub max_viewers: usize,
    /// How many cameras are passed on at once; the others wait their turn.
    pub max_relays: usize,
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
    /// Of boxes of one label that overlap more than this (IoU), one is left.
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
