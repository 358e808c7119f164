//! The file as it is written: serde only, nothing is checked here. The defaults are the lowest layer.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    ModelSource,
    quantity::{DURATION_FORM, SIZE_FORM},
};

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
    /// When a visit starts and ends, for all cameras. Not shown: each camera shows the rules that it has in the end.
    #[serde(skip_serializing)]
    pub(super) visits: Visits,
    /// The cameras; default: none.
    pub(super) cameras: Vec<Camera>,
    /// Who is told; default: nobody.
    pub(super) sinks: Vec<Sink>,
}

/// `[server]`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Server {
    /// IP address and port to listen on.
    pub(super) bind: String,
    /// `"none"`: anybody who reaches the address may ask. Default: not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auth: Option<String>,
    /// Who shows one of these may ask. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tokens: Option<Vec<String>>,
    /// A file with one token a line, instead of `tokens`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tokens_file: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self { bind: "127.0.0.1:8080".to_owned(), auth: None, tokens: None, tokens_file: None }
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

/// `[visits]`
#[derive(Deserialize, Serialize, Clone)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Visits {
    /// So many samples with a person ...
    pub(super) hits: u64,
    /// ... of the last so many start a visit.
    pub(super) window: u64,
    /// So long without a person ends it.
    pub(super) quiet: DurationText,
    /// So long is it kept open while the camera is gone.
    pub(super) blind: DurationText,
    /// A camera gone for longer is reported.
    pub(super) down_after: DurationText,
}

impl Default for Visits {
    fn default() -> Self {
        Self { hits: 2, window: 3, quiet: "10s".into(), blind: "60s".into(), down_after: "30s".into() }
    }
}

/// `[cameras.visits]`: what is not said here is taken from `[visits]`.
#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CameraVisits {
    /// Instead of `visits.hits`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hits: Option<u64>,
    /// Instead of `visits.window`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<u64>,
    /// Instead of `visits.quiet`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quiet: Option<DurationText>,
    /// Instead of `visits.blind`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) blind: Option<DurationText>,
    /// Instead of `visits.down_after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) down_after: Option<DurationText>,
}

/// `[[cameras]]`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Camera {
    /// Its id. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// Its name for people. Default: the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Its address. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    /// The user name, unless the URL carries it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<String>,
    /// The password, unless the URL carries it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<String>,
    /// A file with the password, instead of `password`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password_file: Option<String>,
    /// `"tcp"` or `"udp"`.
    pub(super) transport: String,
    /// Time between samples.
    pub(super) every: DurationText,
    /// For each step of connecting.
    pub(super) connect_timeout: DurationText,
    /// The longest silence.
    pub(super) stall_timeout: DurationText,
    /// The longest wait for a key frame.
    pub(super) key_frame_timeout: DurationText,
    /// Failed lives in a row before it is given up; 0 = never.
    pub(super) max_retries: u64,
    /// Whether it is started.
    pub(super) enabled: bool,
    /// Visit rules of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) visits: Option<CameraVisits>,
    /// Zones. Default: none, the whole picture counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) zones: Vec<Zone>,
}

impl Default for Camera {
    fn default() -> Self {
        Self {
            id: None,
            name: None,
            url: None,
            username: None,
            password: None,
            password_file: None,
            transport: "tcp".to_owned(),
            every: "1s".into(),
            connect_timeout: "10s".into(),
            stall_timeout: "10s".into(),
            key_frame_timeout: "30s".into(),
            max_retries: 0,
            enabled: true,
            visits: None,
            zones: Vec::new(),
        }
    }
}

/// `[[cameras.zones]]`
#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Zone {
    /// Its name. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Its corners `[x, y]`, 0 to 1. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) polygon: Option<Vec<[f64; 2]>>,
}

/// `[[sinks]]`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Sink {
    /// Its name. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// `"webhook"`. No default.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    /// Where to POST. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    /// The signing key. Default: none, unsigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<String>,
    /// A file with the signing key, instead of `secret`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret_file: Option<String>,
    /// For one delivery.
    pub(super) timeout: DurationText,
    /// Certificate authorities (PEM) to trust besides the built-in ones. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ca_file: Option<String>,
}

impl Default for Sink {
    fn default() -> Self {
        Self {
            name: None,
            kind: None,
            url: None,
            secret: None,
            secret_file: None,
            timeout: "10s".into(),
            ca_file: None,
        }
    }
}

macro_rules! quantity_text {
    ($(#[$doc:meta])* $name:ident, $form:expr) => {
        $(#[$doc])*
        #[derive(Serialize, Clone)]
        #[serde(transparent)]
        pub(super) struct $name(pub(super) String);

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Text;

                impl de::Visitor<'_> for Text {
                    type Value = String;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($form)
                    }

                    fn visit_str<E>(self, text: &str) -> Result<String, E> {
                        Ok(text.to_owned())
                    }
                }

                from.deserialize_str(Text).map(Self)
            }
        }
    };
}

quantity_text! {
    /// A duration as written. A number without quotes is told what a duration looks like.
    DurationText, DURATION_FORM
}
quantity_text! {
    /// A size as written.
    SizeText, SIZE_FORM
}
