//! What the user asked for, typed and trusted: [`Settings`].
//!
//! On the way there: file and environment are laid over one another (`layers`, which knows the `config` crate) into one
//! tree of values, read into the structs of the file (`shape`, `raw`) and checked as a whole (`check`). Each step notes
//! its problems and goes on, so that all of them are reported at once.

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
mod syntax;
mod tree;
mod variables;

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

pub use check::camera_at;
pub use diff::{Changes, changes, needs_new_life};
pub use error::SettingsError;
pub use load::{load, load_from};
pub use problems::{Problem, Problems};
pub use quantity::parse_duration;
pub use secrets::{Secret, masked_camera_url, masked_webhook_url};
pub use show::show;
pub use syntax::SyntaxError;
use url::Url;

use crate::words::{CameraId, Polygon};

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

/// `[[cameras]]`. Its `Debug` shows no credentials.
#[derive(Clone, PartialEq)]
pub struct Camera {
    /// Its id in addresses, metrics and events.
    pub id: CameraId,
    /// Its name for people.
    pub name: Arc<str>,
    /// `rtsp://host[:port]/path`, never with credentials.
    pub url: Url,
    /// User name and password.
    pub credentials: Option<Credentials>,
    /// How media travels.
    pub transport: Transport,
    /// Time between samples.
    pub every: Duration,
    /// For each of: connecting and DESCRIBE, each SETUP, PLAY.
    pub connect_timeout: Duration,
    /// The longest silence of a running stream.
    pub stall_timeout: Duration,
    /// The longest wait for a key frame that decodes.
    pub key_frame_timeout: Duration,
    /// Failed lives in a row before it stays `failed`; 0 = for ever.
    pub max_retries: u32,
    /// Whether it is started.
    pub enabled: bool,
    /// Parts of the picture with visits of their own; where there is one, only they count.
    pub zones: Vec<Zone>,
    /// When a visit starts and ends.
    pub visits: VisitRules,
}

/// User name and password of a camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// How media travels from the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Interleaved with RTSP on one connection: nothing is lost.
    Tcp,
    /// Datagrams.
    Udp,
}

/// `[[cameras.zones]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// Its name in events.
    pub name: Arc<str>,
    /// A person counts whose foot point lies inside.
    pub polygon: Polygon,
}

/// `[visits]`, or `cameras[].visits`
#[derive(Debug, Clone, PartialEq)]
pub struct VisitRules {
    /// A visit starts when this many ...
    pub hits: u32,
    /// ... of the last so many samples see a person.
    pub window: u32,
    /// It ends after this long without one.
    pub quiet: Duration,
    /// While the camera is gone a visit is kept open for this long.
    pub blind: Duration,
    /// A camera that is gone for longer than this is reported down.
    pub down_after: Duration,
}

/// `[[sinks]]`
#[derive(Debug, Clone, PartialEq)]
pub enum Sink {
    /// `type = "webhook"`
    Webhook(Webhook),
}

impl Sink {
    /// Its name in status and metrics.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Webhook(webhook) => &webhook.name,
        }
    }
}

/// A receiver of signed HTTP requests. Its `Debug` shows of the URL only scheme, host and port.
#[derive(Clone, PartialEq)]
pub struct Webhook {
    /// Its name in status and metrics.
    pub name: Arc<str>,
    /// Where to POST. It may contain a token, so it is never shown whole.
    pub url: Url,
    /// The signing key: `whsec_` and base64.
    pub secret: Option<Secret>,
    /// For one delivery, connection to answer.
    pub timeout: Duration,
    /// Certificate authorities (PEM) to trust besides the built-in ones.
    pub ca_file: Option<PathBuf>,
}
