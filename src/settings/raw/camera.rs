use serde::{Deserialize, Serialize};

use super::DurationText;

/// `[visits]`
#[derive(Debug, Deserialize, Serialize, Clone, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(in crate::settings) struct Visits {
    /// So many samples with a person ...
    pub(in crate::settings) hits: u64,
    /// ... of the last so many start a visit.
    pub(in crate::settings) window: u64,
    /// So long without a person ends it.
    pub(in crate::settings) quiet: DurationText,
    /// So long is it kept open while the camera is gone.
    pub(in crate::settings) blind: DurationText,
    /// A camera gone for longer is reported.
    pub(in crate::settings) down_after: DurationText,
    /// So long after a visit none is started in its zone.
    pub(in crate::settings) cooldown: DurationText,
    /// So long is somebody who stayed in one place not taken for somebody new; 0s = off.
    pub(in crate::settings) stationary: DurationText,
}

impl Default for Visits {
    fn default() -> Self {
        Self {
            hits: 2,
            window: 3,
            quiet: "10s".into(),
            blind: "60s".into(),
            down_after: "30s".into(),
            cooldown: "0s".into(),
            stationary: "2m".into(),
        }
    }
}

/// `[cameras.visits]`: what is not said here is taken from `[visits]`.
#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::settings) struct CameraVisits {
    /// Instead of `visits.hits`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) hits: Option<u64>,
    /// Instead of `visits.window`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) window: Option<u64>,
    /// Instead of `visits.quiet`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) quiet: Option<DurationText>,
    /// Instead of `visits.blind`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) blind: Option<DurationText>,
    /// Instead of `visits.down_after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) down_after: Option<DurationText>,
    /// Instead of `visits.cooldown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) cooldown: Option<DurationText>,
    /// Instead of `visits.stationary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) stationary: Option<DurationText>,
}

/// `[cameras.evidence]`: what is not said here is taken from `[snapshots]`.
#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::settings) struct Evidence {
    /// Instead of `snapshots.frames`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) frames: Option<u64>,
    /// Instead of `snapshots.every`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) every: Option<DurationText>,
}

/// `[[cameras]]`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::settings) struct Camera {
    /// Its id. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) id: Option<String>,
    /// Its name for people. Default: the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) name: Option<String>,
    /// Its address. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) url: Option<String>,
    /// The user name, unless the URL carries it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) username: Option<String>,
    /// The password, unless the URL carries it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) password: Option<String>,
    /// A file with the password, instead of `password`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) password_file: Option<String>,
    /// `"tcp"` or `"udp"`.
    pub(in crate::settings) transport: String,
    /// Time between samples.
    pub(in crate::settings) every: DurationText,
    /// For each step of connecting.
    pub(in crate::settings) connect_timeout: DurationText,
    /// The longest silence.
    pub(in crate::settings) stall_timeout: DurationText,
    /// The longest wait for a key frame.
    pub(in crate::settings) key_frame_timeout: DurationText,
    /// Failed lives in a row before it is given up; 0 = never.
    pub(in crate::settings) max_retries: u64,
    /// Whether its sound is taken along for the live view, where it is AAC.
    pub(in crate::settings) sound: bool,
    /// Where it is passed on to. Default: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) relay: Option<String>,
    /// Whether it is started.
    pub(in crate::settings) enabled: bool,
    /// Visit rules of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) visits: Option<CameraVisits>,
    /// Pictures of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) evidence: Option<Evidence>,
    /// Zones. Default: none, the whole picture counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::settings) zones: Vec<Zone>,
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
            sound: true,
            relay: None,
            enabled: true,
            visits: None,
            evidence: None,
            zones: Vec::new(),
        }
    }
}

/// `[[cameras.zones]]`
#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::settings) struct Zone {
    /// Its name. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) name: Option<String>,
    /// Its corners `[x, y]`, 0 to 1. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) polygon: Option<Vec<[f64; 2]>>,
}
