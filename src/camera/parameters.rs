use h264_reader::{
    avcc::AvcDecoderConfigurationRecord,
    nal::{
        Nal, RefNal,
        sps::{ChromaFormat, FrameMbsFlags, PicOrderCntType, Profile, SeqParameterSet},
    },
};

use super::Fault;

/// The largest picture that is decoded: 8K. A sequence parameter set may claim any size, and memory follows its claim.
const MAX_PIXELS: u64 = 8192 * 4352;

/// Whether the decoder can decode what an `avcC` record (ISO/IEC 14496-15, section 5.3.3.1) describes, and by how many
/// pictures that is reordered at most, where it says.
///
/// # Errors
/// `Fault::Unsupported` names what it cannot.
pub(super) fn check_decodable(avcc: &[u8]) -> Result<Option<u32>, Fault> {
    let Ok(record) = AvcDecoderConfigurationRecord::try_from(avcc) else {
        return Ok(None); // not readable here: the decoder is the judge
    };
    let mut reorder = None;
    for sps in record.sequence_parameter_sets().flatten() {
        let nal = RefNal::new(sps, &[], true);
        match SeqParameterSet::from_bits(nal.rbsp_bits()) {
            Ok(sps) => {
                check_sequence(&sps)?;
                reorder = reordering(&sps);
            }
            Err(error) => tracing::debug!(?error, "unreadable sequence parameter set: the decoder is the judge"),
        }
    }
    Ok(reorder)
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
    let (width, height) = (u64::from(sps.pic_width_in_mbs()) * 16, u64::from(sps.pic_height_in_map_units()) * 16);
    if width * height > MAX_PIXELS {
        return unsupported(format!("{width}x{height} pixels large"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `avcC` records of 128x96 test pictures: high profile, then 4:2:2, 4:4:4, 10 bits and interlaced.
    const PROGRESSIVE: &str =
        "0164000affe100186764000aacd9420db011000003000100000300140f122596010006 68ebe3cb22c0fdf8f800";
    const COLOUR_422: &str =
        "017a000affe10018677a000abcd9420db011000003000100000300140f122596010006 68ebe3cb22c0fef8f800";
    const COLOUR_444: &str =
        "01f4000affe1001967f4000a919b2841b60220000003002000000302 81e244b2c001000668ebe3c44844fff8f800";
    const TEN_BITS: &str =
        "016e000affe10019676e000aa6cd9420db0110000003001000000301 40f1225960 01000668ebe3cb22c0fdfafa00";
    const INTERLACED: &str =
        "01640015ffe1001867640015acd9421b6022000003000200000300283e28532c010006 68fba3cb22c0fdf8f800";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
    }

    #[test]
    fn what_cannot_be_decoded_is_named() {
        assert_eq!(check_decodable(&bytes(PROGRESSIVE)), Ok(Some(2)));
        for (avcc, what) in
            [(COLOUR_422, "4:2:2"), (COLOUR_444, "4:4:4"), (TEN_BITS, "10 bits"), (INTERLACED, "interlaced")]
        {
            let Err(Fault::Unsupported(said)) = check_decodable(&bytes(avcc)) else { panic!("{what} is accepted") };
            assert!(said.contains(what), "{said}");
        }
    }

    #[test]
    fn nonsense_is_left_to_the_decoder() {
        for nonsense in [&[][..], &[1, 2, 3], &[0xff; 40]] {
            assert_eq!(check_decodable(nonsense), Ok(None));
        }
    }
}
