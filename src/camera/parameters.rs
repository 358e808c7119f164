use h264_reader::nal::sps::{ChromaFormat, FrameMbsFlags, PicOrderCntType, Profile, SeqParameterSet};

use super::Fault;
use crate::media::read_sequence;

/// The largest picture that OpenH264 decodes, in macroblocks: that of level 5.2 (H.264, table A-1), such as 4096x2304.
const MAX_MACROBLOCKS: u64 = 36_864;
/// The longest side that it decodes, in macroblocks: the square root of eight times that (section A.3.1).
const MAX_SIDE: u64 = 543;

/// Whether the decoder can decode what a sequence parameter set describes, and by how many pictures that is reordered at
/// most, where it says.
///
/// # Errors
/// `Fault::Unsupported` names what it cannot.
pub(super) fn check_decodable(sps: &[u8]) -> Result<Option<u32>, Fault> {
    match read_sequence(sps) {
        Ok(sequence) => check_sequence(&sequence).map(|()| reordering(&sequence)),
        Err(error) => {
            tracing::debug!(%error, "unreadable sequence parameter set: the decoder is the judge");
            Ok(None)
        }
    }
}

/// By how many pictures a sequence is reordered: what it says (H.264, annex E.2.1), or none where there can be no B-frames.
fn reordering(sps: &SeqParameterSet) -> Option<u32> {
    let said = sps.vui_parameters.as_ref().and_then(|vui| vui.bitstream_restrictions.as_ref());
    let in_order = matches!(sps.profile(), Profile::Baseline) || matches!(sps.pic_order_cnt, PicOrderCntType::TypeTwo);
    said.map(|said| said.max_num_reorder_frames).or(in_order.then_some(0))
}

fn check_sequence(sps: &SeqParameterSet) -> Result<(), Fault> {
    let unsupported = |what: String| Err(Fault::Unsupported(what));
    match sps.chroma_info.chroma_format {
        ChromaFormat::YUV420 | ChromaFormat::Monochrome => {}
        ChromaFormat::YUV422 => return unsupported("H.264 with 4:2:2 colour".into()),
        ChromaFormat::YUV444 => return unsupported("H.264 with 4:4:4 colour".into()),
        ChromaFormat::Invalid(n) => {
            return unsupported(format!("H.264 with unknown colour format {n}"));
        }
    }
    let depth = 8 + sps.chroma_info.bit_depth_luma_minus8.max(sps.chroma_info.bit_depth_chroma_minus8);
    if depth > 8 {
        return unsupported(format!("H.264 with {depth} bits per sample"));
    }
    if matches!(sps.frame_mbs_flags, FrameMbsFlags::Fields { .. }) {
        return unsupported("interlaced H.264".into());
    }
    // Any size may be claimed.
    let (width, height) =
        (u64::from(sps.pic_width_in_mbs_minus1) + 1, u64::from(sps.pic_height_in_map_units_minus1) + 1);
    if width.saturating_mul(height) > MAX_MACROBLOCKS || width.max(height) > MAX_SIDE {
        return unsupported(format!("{}x{} pixels large", width * 16, height * 16));
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Sequence parameter sets of 128x96 test pictures: high profile, then 4:2:2, 4:4:4, 10 bits and interlaced.
    const PROGRESSIVE: &str = "6764000aacd9420db011000003000100000300140f122596";
    pub(in crate::camera) const COLOUR_422: &str = "677a000abcd9420db011000003000100000300140f122596";
    const COLOUR_444: &str = "67f4000a919b2841b6022000000300200000030281e244b2c0";
    const TEN_BITS: &str = "676e000aa6cd9420db011000000300100000030140f1225960";
    const INTERLACED: &str = "67640015acd9421b6022000003000200000300283e28532c";
    /// Of the main profile, as large as can be, and larger than that.
    const LARGEST: &str = "674d0034f400800090c8";
    const WIDEST: &str = "674d0034f40043e043c8";
    const LARGER: [(&str, &str); 4] = [
        ("674d0034f400800091c8", "4096x2320"),
        ("674d0034f400f00043b2", "7680x4320"),
        ("674d0034f400440043c8", "8704x1072"),
        ("674d0034f402180220c8", "1072x8704"),
    ];

    pub(in crate::camera) fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
    }

    #[test]
    fn what_cannot_be_decoded_is_named() {
        assert_eq!(check_decodable(&bytes(PROGRESSIVE)), Ok(Some(2)));
        for (sps, what) in
            [(COLOUR_422, "4:2:2"), (COLOUR_444, "4:4:4"), (TEN_BITS, "10 bits"), (INTERLACED, "interlaced")]
        {
            for behind in [&[][..], &[0x80]] {
                let sps = [&bytes(sps)[..], behind].concat();
                let Err(Fault::Unsupported(said)) = check_decodable(&sps) else { panic!("{what} is accepted") };
                assert!(said.contains(what), "{said}");
            }
        }
    }

    #[test]
    fn a_picture_that_the_decoder_holds_too_large_is_named_with_its_size() {
        for sps in [LARGEST, WIDEST] {
            assert_eq!(check_decodable(&bytes(sps)), Ok(None), "{sps}: it does not say how it reorders");
        }
        for (sps, size) in LARGER {
            let Err(Fault::Unsupported(said)) = check_decodable(&bytes(sps)) else { panic!("{size} is accepted") };
            assert!(said.contains(size), "{said}");
        }
    }

    #[test]
    fn nonsense_is_left_to_the_decoder() {
        for nonsense in [&[][..], &[1, 2, 3], &[0xff; 40], &[0x67, 0, 0, 0]] {
            assert_eq!(check_decodable(nonsense), Ok(None));
        }
    }
}
