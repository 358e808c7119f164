//! Where events are told, and which.

use std::{path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use super::{CaFile, Credentials, Secret};
use crate::words::{CameraId, EventKind, Weekly};

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
    /// Of each camera; `u32::MAX`: no bound.
    pub per_camera: u32,
    /// Of all together; `u32::MAX`: no bound.
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
    pub ca_file: Option<CaFile>,
    /// Headers to send besides our own: name and value.
    pub headers: Vec<(Arc<str>, Secret)>,
    /// A body of the receiver's own format, instead of a signed CloudEvent.
    pub template: Option<Template>,
}

/// A body in a receiver's own format. Its `Debug` does not show the body, where some receivers want their token.
#[derive(Clone, PartialEq, Eq)]
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
    pub ca_file: Option<CaFile>,
}

/// A program that is run for each event, with the event on its standard input. Its `Debug` does not show the arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The longest that it may run.
    pub timeout: Duration,
    /// Environment variables that it does not inherit: the settings took secrets from them.
    pub withheld: Arc<[String]>,
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
