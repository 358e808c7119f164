//! RTP packets (RFC 3550) with an H.264 payload (RFC 6184): a NAL unit to a packet, or in FU-A fragments.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::words::Moment;

/// The dynamic payload type that the session description announces.
pub(super) const PAYLOAD_TYPE: u8 = 96;

/// Bytes of the largest RTP packet; with IP and UDP headers it fits an Ethernet frame and most tunnels.
pub(super) const MTU: usize = 1400;

const RTP_HEADER: usize = 12;
const FRAME_HEADER: usize = 4;
const FU_A: u8 = 28;

/// The packets of one access unit, each behind the frame header of interleaved channel 0 (RFC 2326, section 10.12),
/// so that a TCP client is sent the whole unit in one piece.
#[derive(Debug, Clone, Default)]
pub(super) struct Packets {
    interleaved: Bytes,
    ends: Vec<usize>,
}

impl Packets {
    /// The RTP packets, as they go over UDP.
    pub(super) fn datagrams(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.ends.len()).map(|i| {
            let begin = if i == 0 { 0 } else { self.ends[i - 1] };
            &self.interleaved[begin + FRAME_HEADER..self.ends[i]]
        })
    }

    /// All packets framed for an interleaved channel. Channel 0, which nearly every client asks for, costs no copy.
    pub(super) fn interleaved(&self, channel: u8) -> Bytes {
        if channel == 0 {
            return self.interleaved.clone();
        }
        let mut bytes = BytesMut::from(&*self.interleaved);
        let begins = std::iter::once(0).chain(self.ends.iter().copied()).take(self.ends.len());
        begins.for_each(|begin| bytes[begin + 1] = channel);
        bytes.freeze()
    }
}

/// The state of one RTP stream.
#[derive(Debug, Clone)]
pub(super) struct Packetizer {
    /// Synchronization source.
    pub(super) ssrc: u32,
    /// Of the next packet.
    pub(super) sequence: u16,
    payload_type: u8,
    packets: u32,
    octets: u32,
}

impl Packetizer {
    pub(super) fn new(ssrc: u32, sequence: u16) -> Self {
        Self { ssrc, sequence, payload_type: PAYLOAD_TYPE, packets: 0, octets: 0 }
    }

    /// For another payload than H.264, of which each piece fits a packet.
    pub(super) fn of_type(self, payload_type: u8) -> Self {
        Self { payload_type, ..self }
    }

    /// Packetizes one access unit; its last packet carries the marker bit. `is_lost` is asked for each packet in turn
    /// whether it is left out (its sequence number is used up nevertheless).
    pub(super) fn packetize<'a>(
        &mut self,
        nals: impl Iterator<Item = &'a Bytes> + Clone,
        timestamp: u32,
        mut is_lost: impl FnMut() -> bool,
    ) -> Packets {
        let nals = nals.filter(|nal| !nal.is_empty());
        let Some(last) = nals.clone().count().checked_sub(1) else {
            return Packets::default();
        };
        let payload: usize = nals.clone().map(Bytes::len).sum();
        let mut buffer = BytesMut::with_capacity(payload + (payload / 1300 + last + 2) * 18);
        let mut ends = Vec::new();
        let mut packet = |prefix: &[u8], payload: &[u8], marker: bool| {
            let sequence = self.sequence;
            self.sequence = sequence.wrapping_add(1);
            if is_lost() {
                return;
            }
            let length = RTP_HEADER + prefix.len() + payload.len();
            buffer.put_slice(&[b'$', 0]);
            buffer.put_u16(u16::try_from(length).expect("a packet is at most MTU bytes long"));
            buffer.put_slice(&[0x80, u8::from(marker) << 7 | self.payload_type]);
            buffer.put_u16(sequence);
            buffer.put_u32(timestamp);
            buffer.put_u32(self.ssrc);
            buffer.put_slice(prefix);
            buffer.put_slice(payload);
            ends.push(buffer.len());
            self.packets = self.packets.wrapping_add(1);
            self.octets = self.octets.wrapping_add((length - RTP_HEADER) as u32);
        };
        for (i, nal) in nals.enumerate() {
            if nal.len() <= MTU - RTP_HEADER {
                packet(&[], nal, i == last);
                continue;
            }
            let indicator = nal[0] & 0xE0 | FU_A;
            let mut fragments = nal[1..].chunks(MTU - RTP_HEADER - 2).peekable();
            let mut start = 0x80;
            while let Some(fragment) = fragments.next() {
                let end = fragments.peek().is_none();
                packet(&[indicator, start | u8::from(end) << 6 | nal[0] & 0x1F], fragment, end && i == last);
                start = 0;
            }
        }
        Packets { interleaved: buffer.freeze(), ends }
    }

    /// A sender report (RFC 3550, section 6.4.1): `timestamp` is what the stream's clock shows at `now`.
    pub(super) fn report(&self, now: Moment, timestamp: u32) -> Bytes {
        const SECONDS_FROM_1900_TO_1970: i64 = 2_208_988_800;
        let mut report = BytesMut::with_capacity(28);
        report.put_slice(&[0x80, 200, 0, 6]);
        report.put_u32(self.ssrc);
        report.put_u32((now.wall.as_second() + SECONDS_FROM_1900_TO_1970) as u32);
        report.put_u32(((i64::from(now.wall.subsec_nanosecond()) << 32) / 1_000_000_000) as u32);
        report.put_u32(timestamp);
        report.put_u32(self.packets);
        report.put_u32(self.octets);
        report.freeze()
    }
}

/// "This source leaves" (RFC 3550, section 6.6), behind the empty receiver report that a compound packet begins with.
pub(super) fn goodbye(ssrc: u32) -> Bytes {
    let mut packet = BytesMut::with_capacity(16);
    packet.put_slice(&[0x80, 201, 0, 1]);
    packet.put_u32(ssrc);
    packet.put_slice(&[0x81, 203, 0, 1]);
    packet.put_u32(ssrc);
    packet.freeze()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Undoes single NAL unit packets and FU-A, as RFC 6184 sections 5.6 and 5.8 have it.
    fn depacketize(packets: &Packets) -> Vec<Vec<u8>> {
        let mut nals: Vec<Vec<u8>> = Vec::new();
        let mut is_open = false;
        for datagram in packets.datagrams() {
            assert!(datagram.len() <= MTU, "{} bytes", datagram.len());
            let payload = &datagram[RTP_HEADER..];
            if payload[0] & 0x1F != FU_A {
                nals.push(payload.to_vec());
                continue;
            }
            let (start, end) = (payload[1] & 0x80 != 0, payload[1] & 0x40 != 0);
            assert!(start != is_open && !(start && end), "fragments begin and end in turn");
            is_open = !end;
            if start {
                nals.push(vec![payload[0] & 0xE0 | payload[1] & 0x1F]);
            }
            nals.last_mut().expect("a fragment follows a start").extend_from_slice(&payload[2..]);
        }
        assert!(!is_open, "the last fragment says that it is");
        nals
    }

    proptest! {
        #[test]
        fn what_is_packetized_comes_out_the_same(sizes in prop::collection::vec(1_usize..5000, 1..6), first in any::<u16>()) {
            let nals: Vec<Bytes> = sizes.iter().map(|size| (0..*size).map(|i| (i % 251) as u8 & 0x7F | 1).collect()).collect();
            let mut packetizer = Packetizer::new(7, first);
            let packets = packetizer.packetize(nals.iter(), 90_000, || false);
            prop_assert_eq!(depacketize(&packets), nals);
            let last = packets.datagrams().len() - 1;
            for (i, datagram) in packets.datagrams().enumerate() {
                prop_assert_eq!(datagram[1] & 0x80 != 0, i == last, "the marker stands on the last packet alone");
                prop_assert_eq!(u16::from_be_bytes([datagram[2], datagram[3]]), first.wrapping_add(i as u16));
                prop_assert_eq!(&datagram[4..12], &[0, 1, 95, 144, 0, 0, 0, 7]);
            }
        }
    }

    #[test]
    fn a_lost_packet_leaves_a_gap_in_the_sequence() {
        let nals = [Bytes::from(vec![0x65; 4000])];
        let mut turn = 0;
        let packets = Packetizer::new(7, u16::MAX).packetize(nals.iter(), 0, || {
            turn += 1;
            turn == 2
        });
        let sequence: Vec<u16> = packets.datagrams().map(|d| u16::from_be_bytes([d[2], d[3]])).collect();
        assert_eq!(sequence, [u16::MAX, 1]);
    }

    #[test]
    fn frames_name_their_channel_and_length() {
        let nals = [Bytes::from_static(&[0x67, 1]), Bytes::from_static(&[0x65, 1, 2])];
        let framed = Packetizer::new(7, 0).packetize(nals.iter(), 0, || false).interleaved(4);
        assert_eq!(framed[..4], [b'$', 4, 0, 14]);
        assert_eq!(framed[18..22], [b'$', 4, 0, 15]);
        assert_eq!(framed.len(), 37);
    }
}
