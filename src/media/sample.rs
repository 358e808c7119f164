//! What tests of several rooms push into feeds.

use bytes::Bytes;

use super::AccessUnit;
use crate::words::Moment;

/// The sequence parameter set of a picture of 128x96 pixels, High profile.
pub(crate) const SPS: [u8; 24] = [
    0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x42, 0x0d, 0xb0, 0x11, 0, 0, 3, 0, 1, 0, 0, 3, 0, 0x14, 0x0f, 0x12, 0x25, 0x96,
];
/// Its picture parameter set.
pub(crate) const PPS: [u8; 6] = [0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

/// A picture; a key frame carries the parameter sets. Its slice is no real one.
pub(crate) fn unit(key: bool, timestamp: i64, received: Moment) -> AccessUnit {
    let parameter_sets = [&[0, 0, 0, 1][..], &SPS, &[0, 0, 0, 1], &PPS, &[0, 0, 0, 1, 0x65, 7, 7]].concat();
    let data = if key { Bytes::from(parameter_sets) } else { Bytes::from_static(&[0, 0, 0, 1, 0x41, 8]) };
    AccessUnit { data, timestamp, received, key, disposable: false, lost_packets: 0 }
}
