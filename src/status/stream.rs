use schemars::JsonSchema;
use serde::Serialize;

/// What the stream is.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StreamFacts {
    /// As in RFC 6381: `avc1.64001F`.
    pub codec: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames per second, measured.
    pub fps: Option<f32>,
    /// Bits per second, measured.
    pub bitrate: Option<u64>,
    /// Seconds between key frames, measured.
    pub key_frame_interval_s: Option<f32>,
    /// What is heard beside the pictures; `None` where the camera offers nothing.
    pub sound: Option<SoundFacts>,
}

/// The sound beside the pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SoundFacts {
    /// `AAC`; otherwise as the camera describes it: `PCMU`.
    pub codec: String,
    /// Samples a second.
    pub sample_rate: u32,
    /// Why live views and relays go without it.
    pub left_out: Option<LeftOut>,
}

/// Why sound is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// Only AAC can be passed on as it is.
    Codec,
    /// `sound = false`.
    Settings,
    /// The camera offers it, and refuses it or does not answer.
    Refused,
    /// The camera does not say how it is coded.
    Parameters,
    /// With it the stream could not be read.
    Damaged,
}

impl LeftOut {
    /// In a few words, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Codec => "only AAC can be passed on without recoding",
            Self::Settings => "sound = false",
            Self::Refused => "the camera does not give it",
            Self::Parameters => "the camera does not say how it is coded",
            Self::Damaged => "with it the stream could not be read",
        }
    }
}
