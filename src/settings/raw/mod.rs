//! The file as it is written: serde only, nothing is checked here. The defaults are the lowest layer.

mod camera;
mod quantity;
mod server;
mod sink;
mod snapshots;

use serde::{Deserialize, Serialize};

pub(super) use self::{
    camera::{Camera, CameraVisits, Evidence, Visits, Zone},
    quantity::{DurationText, SizeText},
    server::{NamedToken, Server, Token, User},
    sink::{Budget, Sink, Template},
    snapshots::Snapshots,
};
use super::ModelSource;

/// The whole file.
#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    /// The HTTP side.
    pub(super) server: Server,
    /// Where events are kept.
    pub(super) storage: Storage,
    /// What looks at the frames.
    pub(super) detector: Detector,
    /// When a visit starts and ends, for all cameras that say nothing else.
    pub(super) visits: Visits,
    /// The cameras; default: none.
    pub(super) cameras: Vec<Camera>,
    /// Who is told; default: nobody.
    pub(super) sinks: Vec<Sink>,
    /// Where the pictures of events go.
    pub(super) snapshots: Snapshots,
    /// Live view.
    pub(super) live: Live,
    /// What may be changed while it runs.
    pub(super) control: Control,
}

/// `[control]`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Control {
    /// How many cameras there may be before no more can be added.
    pub(super) max_cameras: u64,
    /// Where cameras that are added may be; default: anywhere.
    pub(super) networks: Vec<String>,
}

impl Default for Control {
    fn default() -> Self {
        Self { max_cameras: 1000, networks: Vec::new() }
    }
}

/// `[live]`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Live {
    /// How many may watch at once, over all cameras.
    pub(super) max_viewers: u64,
    /// How many cameras are passed on at once.
    pub(super) max_relays: u64,
}

impl Default for Live {
    fn default() -> Self {
        Self { max_viewers: 256, max_relays: 5 }
    }
}

/// `[storage]`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Storage {
    /// The folder of the database.
    pub(super) path: String,
    /// How long events are kept.
    pub(super) keep: DurationText,
    /// How large the database may grow.
    pub(super) max_bytes: SizeText,
}

impl Default for Storage {
    fn default() -> Self {
        Self { path: "data".to_owned(), keep: "30d".into(), max_bytes: "512MiB".into() }
    }
}

/// `[detector]`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Detector {
    /// `"embedded"`, or an ONNX file.
    pub(super) model: String,
    /// Which of the model's labels to report.
    pub(super) labels: Vec<String>,
    /// The least score that counts. Default: as the model's sidecar says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_score: Option<f64>,
    /// The most overlap (IoU) of two boxes of one label.
    pub(super) max_overlap: f64,
    /// Threads; 0 = one per core.
    pub(super) workers: u64,
}

impl Default for Detector {
    fn default() -> Self {
        Self {
            model: ModelSource::EMBEDDED.to_owned(),
            labels: vec!["person".to_owned()],
            min_score: None,
            max_overlap: 0.5,
            workers: 0,
        }
    }
}
