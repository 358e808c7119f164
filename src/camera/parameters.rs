use h264_reader::{
    avcc::AvcDecoderConfigurationRecord,
    nal::{
        Nal, RefNal,
        sps::{ChromaFormat, FrameMbsFlags, SeqParameterSet},
    },
};

use super::Fault;

/// The largest picture that is decoded: 8K. A sequence parameter set may claim any size, and memory follows its claim.
const MAX_PIXELS: u64 = 8192 * 4352;

/// Whether the decoder can decode what an `avcC` record (ISO/IEC 14496-15, section 5.3.3.1) describes.
///
/// # Errors
/// `Fault::Unsupported` names what it cannot.
pub(super) fn check_decodable(avcc: &[u8]) -> Result<(), Fault> {
    let Ok(record) = AvcDecoderConfigurationRecord::try_from(avcc) else {
        return Ok(()); // not readable here: the decoder is the judge
    };
    for sps in record.sequence_parameter_sets().flatten() {
        let nal = RefNal::new(sps, &[], true);
        match SeqParameterSet::from_bits(nal.rbsp_bits()) {
            Ok(sps) => check_sequence(&sps)?,
            Err(error) => tracing::debug!(?error, "unreadable sequence parameter set: the decoder is the judge"),
        }
    }
    Ok(())
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
