use bytes::Bytes;

use crate::words::Moment;

/// One coded picture as it came from the camera (H.264, section 7.4.1.2.3: access unit).
#[derive(Debug, Clone)]
pub struct AccessUnit {
    /// The NAL units with Annex B start codes; a key frame carries its parameter sets.
    pub data: Bytes,
    /// Presentation time in the stream's own clock, in ticks of 1/90000 s. With B-frames it is not in order.
    pub timestamp: i64,
    /// When it was taken from the connection: its arrival, unless the processor was too busy to look.
    pub received: Moment,
    /// An IDR picture: decoding can start here.
    pub key: bool,
    /// No other picture refers to it (`nal_ref_idc` 0): it may be left out.
    pub disposable: bool,
    /// Packets known to be lost since the unit before.
    pub lost_packets: u16,
}
