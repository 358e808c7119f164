use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a camera is not streaming: the code that status, metrics and events carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing answers at the address (no route, no such host, no reply to the connection).
    Unreachable,
    /// The address answers, but nothing listens on the port.
    Refused,
    /// Connected, but a step was not answered in time.
    Timeout,
    /// The user name or the password is wrong or missing.
    Unauthorized,
    /// The camera does not know the path.
    NotFound,
    /// The stream is no H.264 that can be decoded (H.265, interlaced, 4:2:2 ...).
    UnsupportedCodec,
    /// The camera offers no video stream.
    NoVideo,
    /// Frames came, then none for the stall time-out.
    Stalled,
    /// Frames come, but none that decoding could start from.
    NoKeyFrame,
    /// The camera ended the stream.
    StreamEnded,
    /// What the camera says is not the protocol.
    ProtocolError,
    /// Key frames come, but they cannot be decoded.
    DecodeError,
    /// A fault of ours: the camera's code panicked or its thread hung.
    Panicked,
    /// The camera has no session left to give.
    TooManySessions,
}

impl Reason {
    /// Every reason, for metrics and documentation.
    pub const ALL: [Self; 14] = [
        Self::Unreachable,
        Self::Refused,
        Self::Timeout,
        Self::Unauthorized,
        Self::NotFound,
        Self::UnsupportedCodec,
        Self::NoVideo,
        Self::Stalled,
        Self::NoKeyFrame,
        Self::StreamEnded,
        Self::ProtocolError,
        Self::DecodeError,
        Self::Panicked,
        Self::TooManySessions,
    ];

    /// The code, as in `reason.code`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not_found",
            Self::UnsupportedCodec => "unsupported_codec",
            Self::NoVideo => "no_video",
            Self::Stalled => "stalled",
            Self::NoKeyFrame => "no_key_frame",
            Self::StreamEnded => "stream_ended",
            Self::ProtocolError => "protocol_error",
            Self::DecodeError => "decode_error",
            Self::Panicked => "panicked",
            Self::TooManySessions => "too_many_sessions",
        }
    }

    /// What a person can do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Unreachable => "check the address, the cable and the camera's power",
            Self::Refused => "check the port; cameras serve RTSP on 554 unless told otherwise",
            Self::Timeout => "the camera is overloaded or the network loses packets; restarting the camera often helps",
            Self::Unauthorized => "check username and password",
            Self::NotFound => "check the path of the URL; the camera's manual or web page names it",
            Self::UnsupportedCodec => "set the camera (or its sub-stream) to H.264, progressive, 4:2:0",
            Self::NoVideo => "this URL carries no video; use the path of a video stream",
            Self::Stalled => "the camera stopped sending; check the network and the camera's load",
            Self::NoKeyFrame => {
                "set the camera's key frame (I-frame) interval to 1 to 4 seconds and turn intra-refresh off"
            }
            Self::StreamEnded => "it may have restarted; it is tried again by itself",
            Self::ProtocolError => "something other than a camera may be listening there",
            Self::DecodeError => "the stream is damaged; check the network, or use TCP instead of UDP",
            Self::Panicked => "this is a fault in Lookout: please report it with the log",
            Self::TooManySessions => "close other viewers of this camera or raise its session limit",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_what_is_serialized() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).expect("a unit variant"), reason.code());
        }
    }
}
