use std::{
    io::{self, Cursor},
    path::Path,
};

use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::{
    FootageError,
    orientation::{orientation, upright},
};
use crate::{disk::read_at_most, media::I420};

/// A photo may have this many pixels: more are no photo of a camera, and would cost a gigabyte of memory on the way.
pub const MOST_PIXELS: usize = 50_000_000;
/// 50 megapixels as PNG without compression.
const MOST_MIB: u64 = 256;

/// Reads a JPEG or PNG file, upright where it says how it was taken, as the picture that a camera would send. What
/// is transparent is black.
///
/// # Errors
/// When it cannot be read, is damaged (also when it is cut short), too large, or of another kind.
pub fn read_still(path: &Path) -> Result<I420, FootageError> {
    let bytes = read(path)?;
    let broken = |message: String| FootageError::Broken { file: path.to_owned(), message };
    let decoded = match Kind::of(&bytes) {
        Some(Kind::Jpeg) => decode_jpeg(&bytes),
        Some(Kind::Png) => decode_png(&bytes),
        None => return Err(FootageError::UnknownStill { file: path.to_owned() }),
    };
    let Pixels { width, height, rgb, orientation } = decoded.map_err(|fault| match fault {
        Fault::TooLarge(width, height) => {
            FootageError::TooManyPixels { file: path.to_owned(), width, height, limit: MOST_PIXELS / 1_000_000 }
        }
        Fault::Broken(message) => broken(message),
    })?;
    let (width, height, rgb) = upright(orientation, width, height, rgb);
    I420::from_rgb(width, height, &rgb).ok_or_else(|| broken("its size is not that of its pixels".to_owned()))
}

/// How photos are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Jpeg,
    Png,
}

impl Kind {
    /// By the file's first bytes.
    pub(super) fn of(begin: &[u8]) -> Option<Self> {
        if begin.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if begin.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else {
            None
        }
    }
}

struct Pixels {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    orientation: u8,
}

enum Fault {
    TooLarge(usize, usize),
    Broken(String),
}

// Called with each of two libraries' errors, of which only the words are kept.
#[allow(clippy::needless_pass_by_value)]
fn broken(error: impl ToString) -> Fault {
    Fault::Broken(error.to_string())
}

fn read(path: &Path) -> Result<Vec<u8>, FootageError> {
    read_at_most(path, MOST_MIB << 20).map_err(|source| match source.kind() {
        io::ErrorKind::FileTooLarge => FootageError::TooManyBytes { file: path.to_owned(), limit: MOST_MIB },
        _ => FootageError::Unreadable { file: path.to_owned(), source },
    })
}

fn check_size(width: usize, height: usize) -> Result<(), Fault> {
    match width.checked_mul(height) {
        Some(0) => Err(broken("it has no pixels")),
        Some(pixels) if pixels <= MOST_PIXELS => Ok(()),
        _ => Err(Fault::TooLarge(width, height)),
    }
}

fn decode_jpeg(bytes: &[u8]) -> Result<Pixels, Fault> {
    // Strict: the decoder would otherwise fill up with grey what is missing from a file that was cut short.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(broken)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| broken("it says no size"))?;
    check_size(width, height)?;
    let orientation = decoder.exif().map_or(1, |exif| orientation(exif));
    let rgb = decoder.decode().map_err(broken)?;
    Ok(Pixels { width, height, rgb, orientation })
}

fn decode_png(bytes: &[u8]) -> Result<Pixels, Fault> {
    let limits = png::Limits { bytes: 8 * MOST_PIXELS };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(broken)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    check_size(width, height)?;
    let orientation = reader.info().exif_metadata.as_deref().map_or(1, orientation);
    let length = reader.output_buffer_size().ok_or_else(|| broken("its size is impossible"))?;
    let mut samples = vec![0; length];
    let frame = reader.next_frame(&mut samples).map_err(broken)?;
    samples.truncate(frame.buffer_size());
    let opaque = |value: u8, alpha: u8| (u16::from(value) * u16::from(alpha) / 255) as u8;
    let rgb = match frame.color_type {
        png::ColorType::Rgb => samples,
        png::ColorType::Grayscale => samples.iter().flat_map(|&grey| [grey; 3]).collect(),
        png::ColorType::GrayscaleAlpha => {
            samples.as_chunks().0.iter().flat_map(|&[grey, alpha]| [opaque(grey, alpha); 3]).collect()
        }
        png::ColorType::Rgba => {
            samples.as_chunks().0.iter().flat_map(|&[r, g, b, alpha]| [r, g, b].map(|c| opaque(c, alpha))).collect()
        }
        png::ColorType::Indexed => return Err(broken("its palette is missing")),
    };
    Ok(Pixels { width, height, rgb, orientation })
}

#[cfg(test)]
mod tests;
