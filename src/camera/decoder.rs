use std::collections::BTreeMap;

use openh264::{
    OpenH264API,
    decoder::{DecodedYUV, DecoderConfig, Flush},
    formats::YUVSource,
};

use crate::{
    media::{AccessUnit, I420},
    words::Moment,
};

/// A decoder that was refused an access unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bit stream is damaged or of a kind that is not supported.
    #[error("the decoder refused it ({0})")]
    Refused(String),
    /// It was taken, but no picture came out.
    #[error("no picture came out")]
    NoPicture,
}

/// Decodes a run of access units that begins with a key frame. After an error make a new one.
pub struct Decoder {
    inner: openh264::decoder::Decoder,
    /// When the pictures inside were captured, by presentation time: pictures leave in that order.
    inside: BTreeMap<i64, Moment>,
}

/// A picture as it left the decoder, still in its buffers.
pub struct Shown<'a> {
    /// When its access unit arrived.
    pub captured: Moment,
    yuv: DecodedYUV<'a>,
}

impl Shown<'_> {
    /// Copies the picture out.
    pub fn to_picture(&self) -> I420 {
        copy(&self.yuv)
    }
}

impl Decoder {
    /// The decoded picture buffer holds at most 16 (H.264, annex A.3.1), one more is under way.
    const MAX_INSIDE: usize = 17;
    /// Two seconds, in ticks of 1/90000 s.
    const LONGEST_INSIDE: i64 = 180_000;

    /// An empty decoder.
    ///
    /// # Errors
    /// If the library cannot make one (memory).
    pub fn new() -> Result<Self, DecodeError> {
        // Flushing after each unit, the library's default, fails on streams with B-frames.
        let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        let inner = openh264::decoder::Decoder::with_api_config(OpenH264API::from_source(), config).map_err(refused)?;
        Ok(Self { inner, inside: BTreeMap::new() })
    }

    /// Decodes a unit and returns the picture that is due in presentation order, which may be of an earlier one.
    ///
    /// # Errors
    /// If the unit is damaged or what it refers to is missing; nothing is right again until the next key frame.
    pub fn decode(&mut self, unit: &AccessUnit) -> Result<Option<Shown<'_>>, DecodeError> {
        if unit.key {
            // What never came out, as behind a jump of the clock, must not shift the times of what follows.
            self.inside.retain(|timestamp, _| (0..=Self::LONGEST_INSIDE).contains(&(unit.timestamp - timestamp)));
        }
        self.inside.insert(unit.timestamp, unit.received);
        let Some(yuv) = self.inner.decode(&unit.data).map_err(refused)? else {
            if self.inside.len() > Self::MAX_INSIDE {
                self.inside.pop_first();
            }
            return Ok(None);
        };
        let captured = self.inside.pop_first().map_or(unit.received, |(_, captured)| captured);
        Ok(Some(Shown { captured, yuv }))
    }

    /// Takes out the pictures that are held back behind the last unit, in presentation order, with when they were
    /// captured.
    ///
    /// # Errors
    /// If what is left is damaged.
    pub fn finish(mut self) -> Result<Vec<(Moment, I420)>, DecodeError> {
        let held = self.inner.flush_remaining().map_err(refused)?;
        Ok(self.inside.into_values().zip(held.iter().map(copy)).collect())
    }
}

/// Decodes a key frame by itself. A decoder is made for it and dropped: that takes 0.1 ms, keeping one 17 to 32 MB.
///
/// # Errors
/// If it is damaged, or no key frame.
pub fn decode_alone(key_frame: &[u8]) -> Result<I420, DecodeError> {
    let mut decoder = Decoder::new()?.inner;
    if let Some(yuv) = decoder.decode(key_frame).map_err(refused)? {
        return Ok(copy(&yuv));
    }
    // High profile keeps a picture back in case an earlier one follows.
    let held = decoder.flush_remaining().map_err(refused)?;
    held.first().map(copy).ok_or(DecodeError::NoPicture)
}

fn copy(yuv: &DecodedYUV<'_>) -> I420 {
    let (width, height) = yuv.dimensions();
    let (y, u, v) = yuv.strides();
    I420::from_planes(width, height, [yuv.y(), yuv.u(), yuv.v()], [y, u, v])
}

// The library's error is not `Clone`; its text (a flag set of the decoder) is all that it holds.
#[allow(clippy::needless_pass_by_value)]
fn refused(error: openh264::Error) -> DecodeError {
    DecodeError::Refused(error.to_string())
}
