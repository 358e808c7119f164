//! In which order pictures of a raw byte stream are shown (H.264, section 8.2.1): MP4 files say so, byte streams do not.

use bytes::Bytes;
use h264_reader::{
    Context,
    nal::{
        NalHeader,
        pps::PicParameterSet,
        slice::{PicOrderCountLsb, SliceHeader},
        sps::PicOrderCntType,
    },
    rbsp::{BitReader, decode_nal},
};

use super::nal;
use crate::media::read_sequence;

/// By how many pictures each access unit is shown later than it is decoded, the smallest being 0. All 0 where the
/// stream does not reorder, or does not say so in a way that is understood here.
pub(super) fn presentation_offsets(units: &[Vec<Bytes>], sps: &Bytes, pps: &Bytes) -> Vec<u32> {
    let in_order = || vec![0; units.len()];
    let Some((context, bits)) = parse_parameter_sets(sps, pps) else {
        return in_order();
    };
    let mut keys = Vec::with_capacity(units.len()); // (number of the IDR before it, picture order count)
    let (mut sequence, mut previous) = (0_u32, 0_i64);
    for unit in units {
        let Some(slice) = unit.iter().find(|nal| nal::is_slice(nal)) else {
            keys.push((sequence, previous));
            continue;
        };
        let Some(low) = low_bits(&context, slice) else {
            return in_order();
        };
        if nal::kind(slice) == nal::IDR_SLICE {
            (sequence, previous) = (sequence + 1, 0);
        }
        let count = unwrap(i64::from(low), previous, bits);
        if nal::is_reference(slice) {
            previous = count;
        }
        keys.push((sequence, count));
    }
    offsets_by_rank(&keys)
}

fn offsets_by_rank<K: Ord>(keys: &[K]) -> Vec<u32> {
    let mut shown: Vec<usize> = (0..keys.len()).collect();
    shown.sort_by_key(|&i| &keys[i]);
    let mut offsets = vec![0_i64; keys.len()];
    for (rank, &i) in shown.iter().enumerate() {
        offsets[i] = rank as i64 - i as i64;
    }
    let least = offsets.iter().copied().min().unwrap_or(0);
    offsets.iter().map(|offset| u32::try_from(offset - least).unwrap_or(0)).collect()
}

/// The count whose low bits are `low` and that lies nearest to the last reference picture's (equation 8-3).
fn unwrap(low: i64, previous: i64, bits: u32) -> i64 {
    let period = 1_i64 << bits;
    let candidate = previous - previous.rem_euclid(period) + low;
    match candidate - previous {
        ahead if ahead > period / 2 => candidate - period,
        ahead if ahead < -period / 2 => candidate + period,
        _ => candidate,
    }
}

fn low_bits(context: &Context, slice: &Bytes) -> Option<u32> {
    let header = NalHeader::new(*slice.first()?).ok()?;
    // The order count stands among the first bytes: no need to unescape the whole slice.
    let payload = decode_nal(&slice[..slice.len().min(64)]).ok()?;
    let (slice, ..) = SliceHeader::from_bits(context, &mut BitReader::new(&*payload), header).ok()?;
    match slice.pic_order_cnt_lsb? {
        PicOrderCountLsb::Frame(low) => Some(low),
        PicOrderCountLsb::FieldsAbsolute { pic_order_cnt_lsb, .. } => Some(pic_order_cnt_lsb),
        PicOrderCountLsb::FieldsDelta(_) => None,
    }
}

fn parse_parameter_sets(sps: &Bytes, pps: &Bytes) -> Option<(Context, u32)> {
    let mut context = Context::new();
    let sps = read_sequence(sps).ok()?;
    let PicOrderCntType::TypeZero { log2_max_pic_order_cnt_lsb_minus4 } = sps.pic_order_cnt else {
        return None;
    };
    context.put_seq_param_set(sps);
    let pps = PicParameterSet::from_bits(&context, BitReader::new(&*decode_nal(pps).ok()?)).ok()?;
    context.put_pic_param_set(pps);
    Some((context, u32::from(log2_max_pic_order_cnt_lsb_minus4) + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b_frames_are_shown_before_the_picture_they_were_decoded_after() {
        // I P B B P B B in decoding order
        let counts = [0, 6, 2, 4, 12, 8, 10];
        assert_eq!(offsets_by_rank(&counts), [1, 3, 0, 0, 3, 0, 0]);
        assert_eq!(offsets_by_rank(&[0, 2, 4]), [0, 0, 0]);
    }

    #[test]
    fn counts_go_on_where_their_low_bits_wrap() {
        assert_eq!(unwrap(2, 14, 4), 18);
        assert_eq!(unwrap(14, 18, 4), 14);
        assert_eq!(unwrap(6, 4, 4), 6);
    }
}
