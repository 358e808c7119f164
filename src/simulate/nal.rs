//! NAL units (H.264, sections 7.3.1 and 7.4.1): their kinds, and how a byte stream is cut into them (Annex B).

use bytes::Bytes;

pub(super) const SLICE: u8 = 1;
pub(super) const IDR_SLICE: u8 = 5;
pub(super) const SEI: u8 = 6;
pub(super) const SPS: u8 = 7;
pub(super) const PPS: u8 = 8;
pub(super) const DELIMITER: u8 = 9;

/// A delimiter before pictures of any kind (section 7.3.2.4).
pub(super) const ANY_DELIMITER: [u8; 2] = [DELIMITER, 0xf0];

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// `nal_unit_type`; 0 (unspecified) for an empty unit.
pub(super) fn kind(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |header| header & 0x1F)
}

/// Whether it carries a piece of a picture.
pub(super) fn is_slice(nal: &[u8]) -> bool {
    (SLICE..=IDR_SLICE).contains(&kind(nal))
}

/// Whether another picture may refer to it (`nal_ref_idc` is not 0).
pub(super) fn is_reference(nal: &[u8]) -> bool {
    nal.first().is_some_and(|header| header & 0x60 != 0)
}

/// Whether its first macroblock is the picture's first (`first_mb_in_slice`, an Exp-Golomb 0, is a single 1 bit).
fn starts_picture(nal: &[u8]) -> bool {
    is_slice(nal) && nal.get(1).is_some_and(|byte| byte & 0x80 != 0)
}

/// The units with a four-byte start code before each.
pub(super) fn to_annex_b<'a>(nals: impl Iterator<Item = &'a Bytes> + Clone) -> Bytes {
    let length = nals.clone().map(|nal| nal.len() + START_CODE.len()).sum();
    let mut stream = Vec::with_capacity(length);
    for nal in nals {
        stream.extend_from_slice(&START_CODE);
        stream.extend_from_slice(nal);
    }
    stream.into()
}

/// Cuts a byte stream at its start codes; zero bytes after a unit belong to none (Annex B.1).
pub(super) fn split_annex_b(stream: &Bytes) -> Vec<Bytes> {
    let mut nals = Vec::new();
    let mut begin = None;
    let mut at = 0;
    while at + 3 <= stream.len() {
        if stream[at..at + 3] == START_CODE[1..] {
            if let Some(begin) = begin {
                push_trimmed(stream, begin, at, &mut nals);
            }
            at += 3;
            begin = Some(at);
        } else {
            at += 1;
        }
    }
    if let Some(begin) = begin {
        push_trimmed(stream, begin, stream.len(), &mut nals);
    }
    nals
}

fn push_trimmed(stream: &Bytes, begin: usize, mut end: usize, nals: &mut Vec<Bytes>) {
    while end > begin && stream[end - 1] == 0 {
        end -= 1;
    }
    if end > begin {
        nals.push(stream.slice(begin..end));
    }
}

/// Gathers units into pictures: a new one begins with what may only stand before its first slice (section 7.4.1.2.3).
pub(super) fn group_access_units(nals: Vec<Bytes>) -> Vec<Vec<Bytes>> {
    let mut units: Vec<Vec<Bytes>> = Vec::new();
    let mut has_slice = true;
    for nal in nals {
        let begins = starts_picture(&nal) || matches!(kind(&nal), SEI..=DELIMITER);
        if units.is_empty() || (begins && has_slice) {
            units.push(Vec::new());
            has_slice = false;
        }
        has_slice |= is_slice(&nal);
        if let Some(unit) = units.last_mut() {
            unit.push(nal);
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_stream_is_cut_at_long_and_short_start_codes() {
        let stream = Bytes::from_static(&[0, 0, 0, 1, 0x67, 7, 0, 0, 1, 0x68, 8, 0, 0, 0, 1, 0x65, 0x88, 0, 0]);
        let nals = split_annex_b(&stream);
        let expected: [&[u8]; 3] = [&[0x67, 7], &[0x68, 8], &[0x65, 0x88]];
        assert_eq!(nals, expected);
        assert!(split_annex_b(&Bytes::from_static(b"no start code")).is_empty());
    }

    #[test]
    fn slices_of_one_picture_stay_together() {
        let nals = [
            &[0x67_u8, 7][..],
            &[0x68, 8],
            &[0x65, 0x88], // first slice of the key frame
            &[0x65, 0x40], // its second slice
            &[0x41, 0x9A], // next picture
            &[0x06, 5],    // SEI of the one after
            &[0x01, 0x9A],
        ]
        .map(Bytes::from_static);
        let sizes: Vec<usize> = group_access_units(nals.to_vec()).iter().map(Vec::len).collect();
        assert_eq!(sizes, [4, 1, 2]);
    }
}
