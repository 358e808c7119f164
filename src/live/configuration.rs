use std::sync::Arc;

use bytes::Bytes;
use mp4_atom::{Atom, Avcc, AvccExt};

use crate::media::{Picture, SoundFormat, read_sequence};

/// What the pieces of a stream are, until it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The pictures.
    pub video: Configuration,
    /// The sound, where there is any.
    pub sound: Option<Arc<SoundFormat>>,
}

/// What a decoder must know of a stream of H.264.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    pub(super) sps: Bytes,
    pub(super) pps: Bytes,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
}

impl Layout {
    /// The codecs, as in RFC 6381: `avc1.64001F,mp4a.40.2`.
    pub fn codecs(&self) -> String {
        let video = self.video.codec();
        match &self.sound {
            Some(sound) => format!("{video},mp4a.40.{}", sound.config.first().map_or(2, |first| first >> 3)),
            None => video,
        }
    }
}

impl Configuration {
    /// What the parameter sets of a key frame say; none if it has none, or they cannot be read.
    pub fn of(key_frame: &Picture) -> Option<Self> {
        let (sps, pps) = key_frame.parameter_sets()?;
        let (width, height) = read_sequence(sps).ok()?.pixel_dimensions().ok()?;
        let (width, height) = (width.try_into().ok()?, height.try_into().ok()?);
        let fits = sps.len() >= 4 && sps.len().max(pps.len()) <= usize::from(u16::MAX);
        fits.then(|| Self { sps: Bytes::copy_from_slice(sps), pps: Bytes::copy_from_slice(pps), width, height })
    }

    /// Whether a key frame says the same.
    pub fn fits(&self, key_frame: &Picture) -> bool {
        key_frame.parameter_sets().is_none_or(|(sps, pps)| self.sps == sps && self.pps == pps)
    }

    /// As in RFC 6381: `avc1.64001F`.
    pub fn codec(&self) -> String {
        format!("avc1.{:02X}{:02X}{:02X}", self.sps[1], self.sps[2], self.sps[3])
    }

    /// The body of an `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, section 5.3.3.1).
    pub fn record(&self) -> Vec<u8> {
        let mut record = Vec::with_capacity(16 + self.sps.len() + self.pps.len());
        self.avcc().encode_body(&mut record).expect("writing into memory does not fail");
        record
    }

    pub(super) fn avcc(&self) -> Avcc {
        let mut avcc = Avcc::new(&self.sps, &self.pps).expect("a sequence parameter set has its profile and level");
        // Only 4:2:0 with 8 bits is ever decoded here (camera::parameters), which is what the default says.
        avcc.ext = matches!(self.sps[1], 100 | 110 | 122 | 144).then(AvccExt::default);
        avcc
    }
}
