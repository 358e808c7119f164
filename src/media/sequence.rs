use std::io;

use h264_reader::{
    nal::sps::{SeqParameterSet, SpsError},
    rbsp::{BitRead, BitReader, BitReaderError, Numeric, Primitive, decode_nal},
};

/// Why a sequence parameter set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SequenceError {
    /// It is no NAL unit, or another one.
    #[error("{0}")]
    Unit(#[from] io::Error),
    /// It says what cannot be.
    #[error("{0:?}")]
    Content(SpsError),
}

/// Reads a sequence parameter set (H.264, section 7.3.2.1) with its NAL unit's header. What stands behind its end is passed
/// over, as players do: some cameras (of Reolink) leave a stray byte there.
///
/// # Errors
/// When it is none, or is cut short.
pub fn read_sequence(sps: &[u8]) -> Result<SeqParameterSet, SequenceError> {
    // The library would take any other for one, and panic at an empty one.
    if sps.first().is_none_or(|head| head & 0x1f != 7) {
        return Err(io::Error::from(io::ErrorKind::InvalidData).into());
    }
    let bits = decode_nal(sps)?;
    SeqParameterSet::from_bits(Tolerant(BitReader::new(&*bits))).map_err(SequenceError::Content)
}

/// Reads on where something stands behind the end.
struct Tolerant<R>(R);

impl<R: BitRead> BitRead for Tolerant<R> {
    fn read_ue(&mut self, name: &'static str) -> Result<u32, BitReaderError> {
        self.0.read_ue(name)
    }

    fn read_se(&mut self, name: &'static str) -> Result<i32, BitReaderError> {
        self.0.read_se(name)
    }

    fn read_bool(&mut self, name: &'static str) -> Result<bool, BitReaderError> {
        self.0.read_bool(name)
    }

    fn read<U: Numeric>(&mut self, bit_count: u32, name: &'static str) -> Result<U, BitReaderError> {
        self.0.read(bit_count, name)
    }

    fn read_to<V: Primitive>(&mut self, name: &'static str) -> Result<V, BitReaderError> {
        self.0.read_to(name)
    }

    fn skip(&mut self, bit_count: u32, name: &'static str) -> Result<(), BitReaderError> {
        self.0.skip(bit_count, name)
    }

    fn has_more_rbsp_data(&mut self, name: &'static str) -> Result<bool, BitReaderError> {
        self.0.has_more_rbsp_data(name)
    }

    fn finish_rbsp(self) -> Result<(), BitReaderError> {
        match self.0.finish_rbsp() {
            Err(BitReaderError::RemainingData) => Ok(()),
            other => other,
        }
    }

    fn finish_sei_payload(self) -> Result<(), BitReaderError> {
        self.0.finish_sei_payload()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::sample::SPS;

    #[test]
    fn what_stands_behind_its_end_is_passed_over_and_what_is_missing_is_not() {
        for behind in [&[][..], &[0x80], &[0], &[1, 2, 3]] {
            let read = read_sequence(&[&SPS, behind].concat()).expect("it is readable");
            assert_eq!(read.pixel_dimensions().expect("a size"), (128, 96), "{behind:?}");
        }
        for broken in [&SPS[..12], &[0x67], &[], &[0x67, 0, 0, 0, 1], &[0xff; 40]] {
            assert!(read_sequence(broken).is_err(), "{broken:?}");
        }
    }
}
