use std::sync::Arc;

use bytes::Bytes;

use crate::words::Moment;

/// A frame of coded sound as it came from the camera: one raw AAC access unit (ISO/IEC 14496-3).
#[derive(Debug, Clone)]
pub struct Sound {
    /// The frame, without ADTS header.
    pub data: Bytes,
    /// When it is heard, in ticks of 1/90000 s on the clock of the pictures.
    pub timestamp: i64,
    /// When it was taken from the connection.
    pub received: Moment,
    /// How to decode it.
    pub format: Arc<SoundFormat>,
}

/// What a stream of AAC is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundFormat {
    /// The AudioSpecificConfig (ISO/IEC 14496-3, section 1.6.2.1).
    pub config: Bytes,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u16,
}
