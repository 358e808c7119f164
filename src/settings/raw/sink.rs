use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DurationText, SizeText};

/// `[[sinks]]`: the keys of every type. Which of them belong to a type is checked later.
#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::settings) struct Sink {
    /// Its name. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) name: Option<String>,
    /// `"webhook"`, `"mqtt"`, `"command"` or `"file"`. No default.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) kind: Option<String>,
    /// Events of these cameras alone. Default: of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) cameras: Option<Vec<String>>,
    /// Events of these zones alone. Default: of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) zones: Option<Vec<String>>,
    /// Events of these types alone. Default: of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) types: Option<Vec<String>>,
    /// Events with these labels alone. Default: with all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) labels: Option<Vec<String>>,
    /// Events at these times of the week alone. Default: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) when: Option<Vec<String>>,
    /// Whose clocks `when` means: a name such as `Europe/Berlin`. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) time_zone: Option<String>,
    /// Where to POST, or the broker. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) url: Option<String>,
    /// The signing key. Default: none, unsigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) secret: Option<String>,
    /// A file with the signing key, instead of `secret`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) secret_file: Option<String>,
    /// The user name at the broker, unless the URL carries it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) username: Option<String>,
    /// The password at the broker, unless the URL carries it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) password: Option<String>,
    /// A file with the password, instead of `password`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) password_file: Option<String>,
    /// The client id at the broker. Default: `lookout-` and the name of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) client_id: Option<String>,
    /// First part of every topic. Default: `lookout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) topic_prefix: Option<String>,
    /// Whether Home Assistant is told of the cameras. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) discovery: Option<bool>,
    /// First part of the discovery topics. Default: `homeassistant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) discovery_prefix: Option<String>,
    /// What is run. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) program: Option<String>,
    /// Its arguments. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) arguments: Option<Vec<String>>,
    /// For one delivery. Default: by type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) timeout: Option<DurationText>,
    /// Certificate authorities (PEM) to trust besides the built-in ones. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) ca_file: Option<String>,
    /// The file that events are appended to. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) path: Option<String>,
    /// Beyond this size it is renamed. Default: `64MiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) max_bytes: Option<SizeText>,
    /// So many renamed ones are kept. Default: 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) keep: Option<u64>,
    /// Headers to send besides our own. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) headers: Option<BTreeMap<String, String>>,
    /// Events a minute. Default: by type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) budget: Option<Budget>,
    /// A body of the receiver's own format. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) template: Option<Template>,
}

/// `[sinks.budget]`
#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::settings) struct Budget {
    /// Of each camera; 0 = no bound. Default: by type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) per_camera: Option<u64>,
    /// Of all together; 0 = no bound. Default: by type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) total: Option<u64>,
}

/// `[sinks.template]`
#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::settings) struct Template {
    /// The body. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) body: Option<String>,
    /// A file with the body, instead of `body`. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) body_file: Option<String>,
    /// Its content type. Default: `application/json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) content_type: Option<String>,
    /// What must be true of an answer. Default: status 2xx is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) accepted_if: Option<String>,
}
