//! Answers that are no view of the board: each a type, so that the description of the interface is made of it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{status::SoundFacts, words::CameraId};

/// What answers where.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct Index {
    /// `lookout`.
    pub(in crate::http) name: &'static str,
    /// Its version.
    pub(in crate::http) version: &'static str,
    /// Method, path and what may be asked, one after the other.
    pub(in crate::http) addresses: Vec<String>,
}

/// How many dead letters are tried anew.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct Retried {
    /// So many.
    pub(in crate::http) retried: usize,
}

/// An answer in the words of home-made stream services.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct Classic {
    /// 200: it is done.
    pub(in crate::http) code: u16,
    /// In a word or two.
    pub(in crate::http) msg: &'static str,
    /// The camera, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) id: Option<String>,
    /// Where its FLV is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) flv_data: Option<String>,
}

/// What reading the settings anew changed. Cameras are named by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Reloaded {
    /// New cameras.
    pub added: Vec<CameraId>,
    /// Cameras that are no more.
    pub removed: Vec<CameraId>,
    /// Cameras that connect anew.
    pub restarted: Vec<CameraId>,
    /// Cameras that were stopped.
    pub stopped: Vec<CameraId>,
    /// Cameras that go on with other settings.
    pub reconfigured: Vec<CameraId>,
    /// The sinks are others.
    pub sinks_changed: bool,
    /// Settings that take effect at the next start.
    pub needs_restart: Vec<&'static str>,
}

/// What a camera sends that is not watched yet.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Look {
    /// As in RFC 6381: `avc1.64001F`.
    pub codec: Option<String>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Frames per second, measured.
    pub fps: Option<f32>,
    /// Bits per second, measured.
    pub bitrate: Option<u64>,
    /// Seconds between key frames, measured.
    pub key_frame_interval_s: Option<f32>,
    /// The sound beside the pictures.
    pub sound: Option<SoundFacts>,
    /// Pictures come in another order than that in which they are shown.
    pub b_frames: bool,
    /// Seconds until the first key frame came.
    pub first_key_frame_s: Option<f32>,
    /// A picture, as JPEG in base64.
    pub jpeg: String,
}
