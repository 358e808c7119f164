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

use crate::words::{CameraId, EventKind, Polygon, Weekly};

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
    /// Pictures around the start of a visit.
    pub evidence: Evidence,
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
    /// After a visit ended, none is started in its zone for so long.
    pub cooldown: Duration,
    /// Who stays in one place is not taken for somebody new for so long after being lost from sight; zero: off.
    pub stationary: Duration,
}

/// `[[sinks]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Sink {
    /// Its name in status and metrics.
    pub name: Arc<str>,
    /// Which events it is told.
    pub filter: Filter,
    /// How many a minute it is told one by one; `None`: all.
    pub budget: Option<Budget>,
    /// How it is told.
    pub way: Way,
}

/// How a sink is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// `type = "webhook"`
    Webhook(Webhook),
    /// `type = "mqtt"`
    Mqtt(Mqtt),
    /// `type = "command"`
    Command(Command),
    /// `type = "file"`
    File(File),
}

/// Which events a sink is told: those that pass every part. An empty list lets everything pass. What concerns no single
/// camera, zone or label passes the list of cameras, zones or labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Of these cameras.
    pub cameras: Vec<CameraId>,
    /// Of these zones.
    pub zones: Vec<Arc<str>>,
    /// Of these kinds.
    pub types: Vec<EventKind>,
    /// Of these labels.
    pub labels: Vec<Arc<str>>,
    /// At these times of the week; `None`: always.
    pub when: Option<Weekly>,
}

/// `[sinks.budget]`: events a minute; what is over it is gathered in a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Of each camera.
    pub per_camera: u32,
    /// Of all together.
    pub total: u32,
}

/// A receiver of signed HTTP requests. Its `Debug` shows of the URL only scheme, host and port.
#[derive(Clone, PartialEq)]
pub struct Webhook {
    /// Where to POST. It may contain a token, so it is never shown whole.
    pub url: Url,
    /// The signing key: `whsec_` and base64.
    pub secret: Option<Secret>,
    /// For one delivery, connection to answer.
    pub timeout: Duration,
    /// Certificate authorities (PEM) to trust besides the built-in ones.
    pub ca_file: Option<PathBuf>,
    /// Headers to send besides our own: name and value.
    pub headers: Vec<(Arc<str>, Secret)>,
    /// A body of the receiver's own format, instead of a signed CloudEvent.
    pub template: Option<Template>,
}

/// A body in a receiver's own format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The body (minijinja), compiled once when it was checked.
    pub body: Arc<str>,
    /// Its content type.
    pub content_type: Arc<str>,
    /// What must be true of an answer with status 2xx for the event to be accepted (a minijinja expression, with the
    /// answer's JSON as `answer`): some receivers answer 200 with an error inside.
    pub accepted_if: Option<Arc<str>>,
}

/// A message broker (MQTT 3.1.1). Its `Debug` shows no credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct Mqtt {
    /// Host name or address.
    pub host: Arc<str>,
    /// Port.
    pub port: u16,
    /// Whether TLS is spoken (`mqtts://`).
    pub tls: bool,
    /// User name and password.
    pub credentials: Option<Credentials>,
    /// The client id at the broker.
    pub client_id: Arc<str>,
    /// First part of every topic.
    pub topic_prefix: Arc<str>,
    /// First part of Home Assistant's discovery topics; `None`: no discovery.
    pub discovery: Option<Arc<str>>,
    /// For connecting, and for each acknowledgement.
    pub timeout: Duration,
    /// Certificate authorities (PEM) to trust besides the built-in ones.
    pub ca_file: Option<PathBuf>,
}

/// A program that is run for each event, with the event on its standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The longest that it may run.
    pub timeout: Duration,
}

/// A file to which each event is appended as a line of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The file.
    pub path: PathBuf,
    /// Beyond this size it is renamed to `PATH.1`, and so on.
    pub max_bytes: u64,
    /// So many renamed ones are kept.
    pub keep: u32,
}

/// `[snapshots]`. Its `Debug` shows no credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshots {
    /// Where pictures go in the end.
    pub store: ObjectStore,
    /// The name of each: `{camera}`, `{date}`, `{event}` and `{n}` are filled in.
    pub key: Arc<str>,
    /// What stands before the key in the URLs that events carry, where others reach the store by another address.
    pub public_url: Option<Url>,
    /// JPEG quality, 1 to 100.
    pub quality: u8,
    /// Whether boxes are drawn.
    pub annotate: bool,
    /// Pictures in flight at once, of all cameras.
    pub concurrency: usize,
    /// An event waits so long for its pictures, then it is told without.
    pub deadline: Duration,
    /// For one attempt to store one picture.
    pub timeout: Duration,
    /// After so many failed attempts a picture is given up.
    pub max_retries: u32,
    /// The folder where pictures wait for the store may grow to so many bytes; then new ones are dropped and counted.
    pub spool_bytes: u64,
}

/// Where pictures are stored.
#[derive(Debug, Clone, PartialEq)]
pub enum ObjectStore {
    /// `file:`: a folder of this machine, bounded: the oldest pictures go first.
    Folder {
        /// The folder.
        path: PathBuf,
        /// It may grow to so many bytes.
        max_bytes: u64,
    },
    /// `s3://BUCKET/PREFIX` and whatever speaks its protocol.
    S3 {
        /// The bucket.
        bucket: Arc<str>,
        /// Stands before every key; may be empty.
        prefix: Arc<str>,
        /// The region.
        region: Arc<str>,
        /// Access key id and secret access key; `None`: not signed.
        keys: Option<(Arc<str>, Secret)>,
        /// Where the service is, if not at Amazon's.
        endpoint: Option<Url>,
        /// Whether the bucket stands in the path (`true`) or in the host name.
        path_style: bool,
        /// Certificate authorities (PEM) to trust besides the built-in ones.
        ca_file: Option<PathBuf>,
    },
    /// `gs://BUCKET/PREFIX`
    Google {
        /// The bucket.
        bucket: Arc<str>,
        /// Stands before every key; may be empty.
        prefix: Arc<str>,
        /// The service account's key: JSON.
        service_account: Secret,
        /// Where the service is, if not at Google's.
        endpoint: Option<Url>,
        /// Certificate authorities (PEM) to trust besides the built-in ones.
        ca_file: Option<PathBuf>,
    },
    /// `az://CONTAINER/PREFIX`
    Azure {
        /// The storage account.
        account: Arc<str>,
        /// The container.
        container: Arc<str>,
        /// Stands before every key; may be empty.
        prefix: Arc<str>,
        /// The account's key, base64.
        access_key: Secret,
        /// Where the service is, if not at Microsoft's.
        endpoint: Option<Url>,
        /// Certificate authorities (PEM) to trust besides the built-in ones.
        ca_file: Option<PathBuf>,
    },
    /// `http://` or `https://`: WebDAV, or whatever takes PUT.
    Http {
        /// What stands before every key; never with credentials.
        url: Url,
        /// User name and password.
        credentials: Option<Credentials>,
        /// Certificate authorities (PEM) to trust besides the built-in ones.
        ca_file: Option<PathBuf>,
    },
}

/// `[cameras.evidence]`: pictures around the start of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// How many, with the one that decided; at least one.
    pub frames: u32,
    /// Time between them.
    pub every: Duration,
}
