//! Pictures for people: JPEG, with boxes round what was seen.

mod marks;

use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor};

use super::DetectError;
use crate::{media::I420, words::Detection};
use marks::{Mark, marks};

/// Encodes a picture as JPEG, with boxes and scores drawn in where `annotate`. `quality` is 1 to 100.
///
/// # Errors
/// `Jpeg`, where a picture is empty or an edge is longer than 65535 pixels.
pub fn jpeg(picture: &I420, detections: &[Detection], annotate: bool, quality: u8) -> Result<Vec<u8>, DetectError> {
    let (width, height) = (picture.width(), picture.height());
    let refused = |source| DetectError::Jpeg { width, height, source };
    let (Ok(w), Ok(h)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(refused("an edge is longer than 65535 pixels".into()));
    };
    let rows = Rows {
        picture,
        size: (w, h),
        marks: if annotate { marks(width, height, detections) } else { Vec::new() },
        luma: full_range(16.0, 219.0, 0.0),
        chroma: full_range(128.0, 224.0, 128.0),
    };
    let mut bytes = Vec::with_capacity(width * height / 8);
    let mut encoder = Encoder::new(&mut bytes, quality.clamp(1, 100));
    // As the camera's own chroma: more would only encode what was interpolated.
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.encode_image(rows).map_err(|e| refused(e.into()))?;
    Ok(bytes)
}

/// JPEG is BT.601 with full range (JFIF 1.02), a camera's picture has limited range.
fn full_range(zero: f32, range: f32, target: f32) -> [u8; 256] {
    std::array::from_fn(|v| {
        // `as` saturates: what lies beyond the range is clamped.
        ((v as f32 - zero) * 255.0 / range + target).round() as u8
    })
}

/// Gives the encoder row after row, so that no second picture is made.
struct Rows<'a> {
    picture: &'a I420,
    size: (u16, u16),
    marks: Vec<Mark>,
    luma: [u8; 256],
    chroma: [u8; 256],
}

impl ImageBuffer for Rows<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.size.0
    }

    fn height(&self) -> u16 {
        self.size.1
    }

    fn fill_buffers(&self, row: u16, buffers: &mut [Vec<u8>; 4]) {
        let (width, row) = (self.picture.width(), usize::from(row));
        let (y, u, v) = self.picture.planes();
        let [out_y, out_u, out_v, _] = buffers;
        let begin = [&*out_y, &*out_u, &*out_v].map(Vec::len);
        let luma = &y[row * width..][..width];
        out_y.extend(luma.iter().map(|&y| self.luma[usize::from(y)]));
        let chroma_width = self.picture.chroma_width();
        for (plane, out) in [(u, &mut *out_u), (v, &mut *out_v)] {
            let chroma = &plane[row / 2 * chroma_width..][..chroma_width];
            let full = chroma.iter().map(|&c| self.chroma[usize::from(c)]);
            out.extend(full.flat_map(|c| [c, c]).take(width));
        }
        for mark in self.marks.iter().filter(|m| m.rows.contains(&row)) {
            let outs = [&mut *out_y, &mut *out_u, &mut *out_v];
            for ((out, begin), value) in outs.into_iter().zip(begin).zip(mark.colour) {
                out[begin..][mark.columns.clone()].fill(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use zune_jpeg::{JpegDecoder, zune_core::bytestream::ZCursor};

    use super::*;
    use crate::words::Rect;

    fn grey(width: usize, height: usize, y: u8) -> I420 {
        let chroma = 2 * width.div_ceil(2) * height.div_ceil(2);
        let mut data = vec![y; width * height];
        data.extend(std::iter::repeat_n(128, chroma));
        I420::from_packed(width, height, data).expect("the length fits")
    }

    fn rgb(jpeg: &[u8], width: usize, height: usize) -> Vec<[u8; 3]> {
        let mut decoder = JpegDecoder::new(ZCursor::new(jpeg));
        let pixels = decoder.decode().expect("it is a JPEG");
        assert_eq!(decoder.dimensions(), Some((width, height)));
        pixels.as_chunks::<3>().0.to_vec()
    }

    fn person(area: Rect) -> Detection {
        Detection { label: "person".into(), score: 0.87, area }
    }

    #[test]
    fn limited_range_becomes_full_range_at_any_size() {
        for (y, value) in [(16, 0), (235, 255), (126, 128), (0, 0), (255, 255)] {
            for (width, height) in [(64, 48), (33, 17), (1, 1)] {
                let jpeg = jpeg(&grey(width, height, y), &[], true, 95).expect("it fits");
                for pixel in rgb(&jpeg, width, height) {
                    assert!(pixel.iter().all(|&p| p.abs_diff(value) <= 2), "Y {y} became {pixel:?}");
                }
            }
        }
    }

    #[test]
    fn colours_survive() {
        // Pure red in BT.601 limited range.
        let mut data = vec![81; 64];
        data.extend([90; 16]);
        data.extend([240; 16]);
        let red = I420::from_packed(8, 8, data).expect("the length fits");
        let pixels = rgb(&jpeg(&red, &[], false, 95).expect("it fits"), 8, 8);
        assert!(pixels.iter().all(|p| p[0] > 245 && p[1] < 10 && p[2] < 10), "{:?}", pixels[0]);
    }

    #[test]
    fn boxes_are_drawn_only_where_asked_for_and_hide_nothing_inside() {
        let picture = grey(320, 240, 126);
        let seen = [person(Rect::from_edges(0.25, 0.25, 0.75, 0.75))];
        let plain = rgb(&jpeg(&picture, &seen, false, 95).expect("it fits"), 320, 240);
        assert!(plain.iter().all(|p| p[1].abs_diff(128) <= 2));
        let drawn = rgb(&jpeg(&picture, &seen, true, 95).expect("it fits"), 320, 240);
        let at = |x: usize, y: usize| drawn[y * 320 + x];
        let is_green = |p: [u8; 3]| p[1] > 200 && p[0] < 100 && p[2] < 100;
        for (x, y) in [(81, 120), (238, 120), (160, 61), (160, 178)] {
            assert!(is_green(at(x, y)), "an edge at {x}, {y}: {:?}", at(x, y));
        }
        for (x, y) in [(160, 120), (20, 20), (300, 120)] {
            assert!(at(x, y)[1].abs_diff(128) <= 4, "nothing at {x}, {y}");
        }
    }

    #[test]
    fn boxes_at_and_beyond_the_edges_are_cut() {
        for (width, height) in [(3, 3), (33, 17), (320, 240)] {
            let all = [
                person(Rect::from_edges(-0.5, -0.5, 1.5, 1.5)),
                person(Rect::from_edges(0.999, 0.999, 1.0, 1.0)),
                person(Rect::from_edges(2.0, 2.0, 3.0, 3.0)),
                person(Rect::from_edges(f32::NAN, 0.0, 1.0, 1.0)),
            ];
            let jpeg = jpeg(&grey(width, height, 126), &all, true, 80).expect("it fits");
            rgb(&jpeg, width, height);
        }
    }

    #[test]
    fn what_jpeg_cannot_hold_is_an_error() {
        let nothing = I420::from_packed(0, 0, vec![]).expect("no bytes");
        assert!(jpeg(&nothing, &[], false, 80).is_err());
        let error = jpeg(&grey(70_000, 1, 16), &[], false, 80).expect_err("too wide");
        assert!(error.to_string().contains("65535"), "{error}");
    }
}
