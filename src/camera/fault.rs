use std::time::Duration;

use super::DecodeError;
use crate::words::Reason;

/// What ended a camera's life. The text is for people; `reason` is for machines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A step was not answered in time.
    #[error("no answer to {step} within {} s", .within.as_secs_f32())]
    Timeout {
        /// Which step.
        step: &'static str,
        /// The deadline.
        within: Duration,
    },
    /// Nothing answers at the address.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// Nothing listens on the port.
    #[error("connection refused")]
    Refused,
    /// The camera answered with an error.
    #[error("the camera answered {status} to {step}: {text}")]
    Answered {
        /// The RTSP status (RFC 2326, section 7.1.1).
        status: u16,
        /// Which step.
        step: &'static str,
        /// The camera's words.
        text: String,
    },
    /// No video in the session description.
    #[error("the session description offers no video (it offers: {offered})")]
    NoVideo {
        /// What it offers.
        offered: String,
    },
    /// Video that cannot be decoded.
    #[error("the video is {0}")]
    Unsupported(String),
    /// Silence.
    #[error("no frame for {} s", .0.as_secs_f32())]
    Stalled(Duration),
    /// Frames, but no clean key frame.
    #[error("no clean key frame for {} s ({units} other frames came)", .waited.as_secs_f32())]
    NoKeyFrame {
        /// How long was waited.
        waited: Duration,
        /// How many other access units came meanwhile.
        units: u64,
    },
    /// The camera closed the stream.
    #[error("the camera closed the stream")]
    Ended,
    /// Not RTSP, or not RTP.
    #[error("protocol error: {0}")]
    Protocol(String),
    /// Key frames that do not decode.
    #[error("{times} key frames in a row did not decode: {last}")]
    Decode {
        /// How many.
        times: u32,
        /// The last error.
        last: DecodeError,
    },
    /// The decoder takes everything and shows nothing.
    #[error("no picture came out of what was decoded for {} s", .0.as_secs_f32())]
    NoPicture(Duration),
    /// A fault of ours.
    #[error("internal fault: {0}")]
    Panicked(String),
}

impl Fault {
    /// The code that status, metrics and events carry: the one place where faults become reasons.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Timeout { .. } => Reason::Timeout,
            Self::Unreachable(_) => Reason::Unreachable,
            Self::Refused => Reason::Refused,
            Self::Answered { status: 401 | 403 | 407, .. } => Reason::Unauthorized,
            Self::Answered { status: 404, .. } => Reason::NotFound,
            Self::Answered { status: 453 | 503, .. } => Reason::TooManySessions,
            Self::Answered { .. } | Self::Protocol(_) => Reason::ProtocolError,
            Self::NoVideo { .. } => Reason::NoVideo,
            Self::Unsupported(_) => Reason::UnsupportedCodec,
            Self::Stalled(_) => Reason::Stalled,
            Self::NoKeyFrame { .. } => Reason::NoKeyFrame,
            Self::Ended => Reason::StreamEnded,
            Self::Decode { .. } | Self::NoPicture(_) => Reason::DecodeError,
            Self::Panicked(_) => Reason::Panicked,
        }
    }

    /// What happened and what to do, in one sentence each.
    pub fn message(&self) -> String {
        format!("{self}; {}", self.reason().advice())
    }
}
