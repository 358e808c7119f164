//! Silence as AAC (RFC 3640, mode AAC-hbr), for cameras whose sound is at fault.

use bytes::Bytes;
use sdp_types::{Media, MediaType, TransportProto};

use super::{
    clip::CLOCK,
    packetize::{Packetizer, Packets},
};

const PAYLOAD_TYPE: u8 = 97;
/// Samples per second.
const RATE: i64 = 8000;
/// Samples in a frame (ISO/IEC 14496-3: 1024), in ticks of [`CLOCK`].
const FRAME: i64 = 1024 * CLOCK / RATE;
/// A frame of silence for one channel, behind the length of its header (16 bits) and its header: 6 bytes, the first frame.
const SILENCE: &[u8] = &[0, 16, 0, 6 << 3, 0x00, 0xc8, 0x00, 0x80, 0x23, 0x80];
/// Too short for the length of a header.
const DAMAGED: &[u8] = &[0];

/// What the session description says of it (RFC 3640, section 4.1).
pub(super) fn describe() -> Media {
    let mut media = Media::new(MediaType::Audio, 0, TransportProto::RtpAvp, PAYLOAD_TYPE);
    media.add_attribute_with_value("rtpmap", format!("{PAYLOAD_TYPE} mpeg4-generic/{RATE}/1"));
    let parameters =
        "streamtype=5;profile-level-id=15;mode=AAC-hbr;config=1588;sizelength=13;indexlength=3;indexdeltalength=3";
    media.add_attribute_with_value("fmtp", format!("{PAYLOAD_TYPE} {parameters}"));
    media
}

/// The sound of a stream.
pub(super) struct Sound {
    packetizer: Packetizer,
    frames: i64,
}

impl Sound {
    pub(super) fn new() -> Self {
        let packetizer = Packetizer::new(fastrand::u32(1..), fastrand::u16(..)).of_type(PAYLOAD_TYPE);
        Self { packetizer, frames: 0 }
    }

    /// The next frame, if it begins at `stream_time` or before. Every so many cannot be read.
    pub(super) fn next(&mut self, stream_time: i64, damaged: u64) -> Option<Packets> {
        // No more than a second is caught up on: nobody may have listened for long.
        self.frames = self.frames.max((stream_time - CLOCK) / FRAME);
        let begins = self.frames * FRAME;
        if begins > stream_time {
            return None;
        }
        self.frames += 1;
        let is_damaged = self.frames.unsigned_abs().is_multiple_of(damaged.max(1));
        let payload = [Bytes::from_static(if is_damaged { DAMAGED } else { SILENCE })];
        Some(self.packetizer.packetize(payload.iter(), (begins * RATE / CLOCK) as u32, || false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_every_128_ms_and_every_third_is_damaged() {
        let mut sound = Sound::new();
        let mut until = |stream_time| {
            let packets = std::iter::from_fn(|| sound.next(stream_time, 3));
            packets.map(|packets| packets.datagrams().next().map(<[u8]>::to_vec).expect("one")).collect::<Vec<_>>()
        };
        assert_eq!(until(-1), Vec::<Vec<u8>>::new());
        assert_eq!(until(FRAME - 1).len(), 1);
        let rest = until(3 * FRAME);
        let sizes: Vec<usize> = rest.iter().map(|packet| packet.len() - 12).collect();
        assert_eq!(sizes, [10, 1, 10]);
        assert_eq!(rest[0][1], 0x80 | PAYLOAD_TYPE);
        assert_eq!(rest[0][4..8], 1024_u32.to_be_bytes());
        assert_eq!(until(10_000 * CLOCK).len(), 9, "those since a second before, when nobody has asked for long");
    }
}
