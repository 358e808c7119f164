use std::fs;

use super::*;
use crate::{
    detect::prepare::{Colour, Placement, Preparation, Preparer},
    footage::orientation::tests::exif,
};

fn read(name: &str, bytes: &[u8]) -> Result<I420, FootageError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("written");
    read_still(&path)
}

fn png(width: u32, height: u32, colour: png::ColorType, samples: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(samples).expect("the samples fit");
    drop(writer);
    bytes
}

/// Four quarters: red and green above, blue and white below; `exif` goes in as it is.
fn jpeg(width: u16, height: u16, exif: Option<&[u8]>) -> Vec<u8> {
    let pixel = |i: usize| {
        let (x, y) = (i % usize::from(width), i / usize::from(width));
        match (2 * x < usize::from(width), 2 * y < usize::from(height)) {
            (true, true) => [255, 0, 0],
            (false, true) => [0, 255, 0],
            (true, false) => [0, 0, 255],
            (false, false) => [255, 255, 255],
        }
    };
    let rgb: Vec<u8> = (0..usize::from(width) * usize::from(height)).flat_map(pixel).collect();
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
    if let Some(exif) = exif {
        encoder.add_exif_metadata(exif).expect("a small block");
    }
    encoder.encode(&rgb, width, height, jpeg_encoder::ColorType::Rgb).expect("it fits");
    bytes
}

/// The picture as a model that wants plain RGB in this size sees it.
fn seen(picture: &I420) -> impl Fn(usize, usize) -> [f32; 3] {
    let size @ (w, h) = (picture.width(), picture.height());
    let preparation = Preparation {
        size,
        colour: Colour::Rgb,
        mean: [0.0; 3],
        std: [1.0; 3],
        placement: Placement::Stretch,
        pad: 0.0,
    };
    let mut preparer = Preparer::new(preparation);
    let mut tensor = vec![f32::NAN; preparer.len()];
    preparer.prepare(picture, &mut tensor).expect("it has pixels");
    move |x, y| [0, 1, 2].map(|c| tensor[(c * h + y) * w + x])
}

#[track_caller]
fn assert_close(seen: [f32; 3], wanted: [u8; 3], by: f32) {
    assert!(seen.iter().zip(wanted).all(|(s, w)| (s - f32::from(w)).abs() <= by), "{seen:?} is not {wanted:?}");
}

#[test]
fn what_a_model_sees_of_a_photo_are_its_colours_at_even_and_odd_sizes() {
    for (width, height) in [(64u32, 48u32), (63, 48), (64, 47), (63, 47), (1, 1), (1, 9), (9, 1)] {
        // A slope: neighbours differ little, so that shared chroma costs little.
        let pixel = |i: u32| {
            let (x, y) = (i % width, i / width);
            [40 + 2 * x, 60 + 3 * y, 200 - x - y].map(|c| u8::try_from(c).expect("a byte"))
        };
        let rgb: Vec<u8> = (0..width * height).flat_map(pixel).collect();
        let picture = read("slope.png", &png(width, height, png::ColorType::Rgb, &rgb)).expect("it is a PNG");
        assert_eq!((picture.width(), picture.height()), (width as usize, height as usize));
        let seen = seen(&picture);
        for i in 0..width * height {
            assert_close(seen((i % width) as usize, (i / width) as usize), pixel(i), 6.0);
        }
    }
}

#[test]
fn flat_colours_survive_to_the_rounding() {
    for colour in [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [12, 200, 99], [90, 90, 91]] {
        let picture = read("flat.png", &png(5, 3, png::ColorType::Rgb, &colour.repeat(15))).expect("it is a PNG");
        assert_close(seen(&picture)(4, 2), colour, 2.0);
    }
}

#[test]
fn jpeg_is_read_and_turned_upright() {
    let corners = |picture: &I420| {
        let (w, h, seen) = (picture.width(), picture.height(), seen(picture));
        [seen(2, 2), seen(w - 3, 2), seen(2, h - 3), seen(w - 3, h - 3)]
    };
    let [red, green, blue, white] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255; 3]];
    for (said, size, wanted) in [
        (None, (64, 32), [red, green, blue, white]),
        (Some(1), (64, 32), [red, green, blue, white]),
        (Some(3), (64, 32), [white, blue, green, red]),
        (Some(6), (32, 64), [blue, red, white, green]),
        (Some(8), (32, 64), [green, white, red, blue]),
    ] {
        let exif = said.map(exif);
        let picture = read("quarters.jpg", &jpeg(64, 32, exif.as_deref())).expect("it is a JPEG");
        assert_eq!((picture.width(), picture.height()), size, "{said:?}");
        for (seen, wanted) in corners(&picture).into_iter().zip(wanted) {
            assert_close(seen, wanted, 12.0);
        }
    }
}

#[test]
fn every_kind_of_png_is_read() {
    let grey = read("g.png", &png(2, 1, png::ColorType::Grayscale, &[80, 80])).expect("grey");
    assert_close(seen(&grey)(0, 0), [80; 3], 2.0);
    let faded = read("ga.png", &png(2, 1, png::ColorType::GrayscaleAlpha, &[200, 128, 200, 128])).expect("grey, alpha");
    assert_close(seen(&faded)(1, 0), [100; 3], 2.0);
    let hidden = read("a.png", &png(2, 1, png::ColorType::Rgba, &[255, 0, 0, 0, 255, 0, 0, 0])).expect("alpha");
    assert_close(seen(&hidden)(0, 0), [0; 3], 2.0);
    let mut palette = Vec::new();
    let mut encoder = png::Encoder::new(&mut palette, 2, 1);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(vec![0, 0, 0, 30, 160, 90]);
    encoder.write_header().expect("a header").write_image_data(&[1, 1]).expect("it fits");
    assert_close(seen(&read("p.png", &palette).expect("a palette"))(0, 0), [30, 160, 90], 2.0);
}

#[test]
fn what_is_cut_short_or_damaged_is_an_error_that_names_it() {
    let rgb: Vec<u8> = (0..3 * 64 * 64u32).map(|i| (i * 7919 % 251) as u8).collect();
    for (name, whole) in [("cut.jpg", jpeg(256, 256, None)), ("cut.png", png(64, 64, png::ColorType::Rgb, &rgb))] {
        assert!(read(name, &whole).is_ok(), "{name} is whole");
        for part in 1..8 {
            let error = read(name, &whole[..whole.len() * part / 8]).expect_err(name);
            assert!(matches!(error, FootageError::Broken { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
    let error = read("it.gif", b"GIF89a").expect_err("no photo");
    assert!(error.to_string().contains("it.gif") && error.to_string().contains("PNG"), "{error}");
    let error = read_still(Path::new("/nowhere/a.jpg")).expect_err("no file");
    assert!(error.to_string().contains("/nowhere/a.jpg"), "{error}");
}

#[test]
fn a_size_beyond_the_bound_is_refused_before_any_memory_is_taken() {
    // Only the headers are true: no pixel follows.
    let mut huge = png(1, 1, png::ColorType::Grayscale, &[0]);
    huge[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
    let check = crc(&huge[12..29]).to_be_bytes();
    huge[29..33].copy_from_slice(&check);
    let mut wide = jpeg(64, 64, None);
    let frame = wide.windows(2).position(|w| w == [0xff, 0xc0]).expect("a frame header");
    wide[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
    for (name, bytes) in [("huge.png", huge), ("wide.jpg", wide)] {
        let error = read(name, &bytes).expect_err(name).to_string();
        assert!(error.contains("10000 x 10000") && error.contains("50 megapixels") && error.contains(name), "{error}");
    }
}

/// The checksum of a PNG chunk (ISO 3309).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}
