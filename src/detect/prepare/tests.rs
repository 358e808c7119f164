use proptest::prelude::*;

use super::*;

const PLAIN: Preparation = Preparation {
    size: (64, 48),
    colour: Colour::Rgb,
    mean: [0.0; 3],
    std: [1.0; 3],
    placement: Placement::TopLeft,
    pad: 114.0,
};

fn picture(width: usize, height: usize, y: impl Fn(usize, usize) -> u8, u: u8, v: u8) -> I420 {
    let chroma = width.div_ceil(2) * height.div_ceil(2);
    let mut data: Vec<u8> = (0..width * height).map(|i| y(i % width, i / width)).collect();
    data.extend(std::iter::repeat_n(u, chroma));
    data.extend(std::iter::repeat_n(v, chroma));
    I420::from_packed(width, height, data).expect("the length fits")
}

fn prepared(preparation: &Preparation, picture: &I420) -> (Vec<f32>, Mapping) {
    let mut preparer = Preparer::new(*preparation);
    // Not a number: what is not written shows.
    let mut tensor = vec![f32::NAN; preparer.len()];
    let mapping = preparer.prepare(picture, &mut tensor).expect("it has pixels");
    (tensor, mapping)
}

fn at(tensor: &[f32], channel: usize, x: usize, y: usize) -> f32 {
    let (w, h) = PLAIN.size;
    tensor[(channel * h + y) * w + x]
}

#[test]
fn one_colour_stays_that_colour_and_the_rest_is_padding() {
    // Pure red in BT.601 limited range.
    let red = picture(128, 48, |_, _| 81, 90, 240);
    let (tensor, mapping) = prepared(&PLAIN, &red);
    let expected = Mapping { left: 0, top: 0, width: 64, height: 24 };
    assert_eq!(mapping, expected);
    for y in 0..48 {
        for x in 0..64 {
            let rgb = [0, 1, 2].map(|c| at(&tensor, c, x, y));
            let wanted = if y < 24 { [254.4, 0.0, 0.0] } else { [114.0; 3] };
            for (a, b) in rgb.iter().zip(wanted) {
                assert!((a - b).abs() < 0.6, "{rgb:?} at {x}, {y}");
            }
        }
    }
}

#[test]
fn black_and_white_are_exact_and_beyond_is_clamped() {
    for (y, value) in [(16, 0.0), (235, 255.0), (0, 0.0), (255, 255.0)] {
        let (tensor, _) = prepared(&PLAIN, &picture(64, 48, |_, _| y, 128, 128));
        assert!(tensor.iter().all(|t| (t - value).abs() < 1e-3), "Y {y} is {}", tensor[0]);
    }
}

#[test]
fn channels_and_range_are_the_models() {
    let red = picture(64, 48, |_, _| 81, 90, 240);
    let bgr = Preparation { colour: Colour::Bgr, mean: [1.0, 2.0, 54.4], std: [2.0, 4.0, 50.0], ..PLAIN };
    let (tensor, _) = prepared(&bgr, &red);
    let [b, g, r] = [0, 1, 2].map(|c| at(&tensor, c, 10, 10));
    assert!((b + 0.5).abs() < 0.3 && (g + 0.5).abs() < 0.3, "{b} {g}");
    assert!((r - 4.0).abs() < 0.01, "{r}");
}

#[test]
fn in_the_centre_it_is_surrounded() {
    let centre = Preparation { placement: Placement::Centre, ..PLAIN };
    let (tensor, mapping) = prepared(&centre, &picture(48, 48, |_, _| 235, 128, 128));
    assert_eq!((mapping.left, mapping.top), (8, 0));
    let row: Vec<f32> = (0..64).map(|x| at(&tensor, 1, x, 20)).collect();
    assert!(row[..8].iter().chain(&row[56..]).all(|&v| v == 114.0));
    assert!(row[8..56].iter().all(|&v| (v - 255.0).abs() < 1e-3));
    let whole = mapping.to_picture([8.0, 0.0, 56.0, 48.0]);
    assert_eq!(<[f32; 4]>::from(whole), [0.0, 0.0, 1.0, 1.0]);
}

#[test]
fn stretched_it_fills_the_input() {
    let stretch = Preparation { placement: Placement::Stretch, ..PLAIN };
    let (tensor, mapping) = prepared(&stretch, &picture(640, 30, |_, _| 235, 128, 128));
    assert_eq!((mapping.width, mapping.height), (64, 48));
    assert!(tensor.iter().all(|&v| (v - 255.0).abs() < 1e-3));
}

/// A ramp from left to right tells of each pixel of the input where in the picture it was taken from.
#[test]
fn a_gradient_maps_back_within_half_a_pixel() {
    for (width, height) in [(219, 123), (128, 96), (200, 150), (150, 200), (64, 48), (33, 7), (190, 190)] {
        let ramp = picture(width, height, |x, _| 16 + x as u8, 128, 128);
        let (tensor, mapping) = prepared(&PLAIN, &ramp);
        for x in 1..mapping.width - 1 {
            let value = at(&tensor, 1, x, mapping.height / 2) * 219.0 / 255.0;
            let centre = x as f32 + 0.5;
            let there = mapping.to_picture([centre, 0.0, centre, 0.0]).x * width as f32;
            // The sample at index i lies at i + 0.5.
            assert!(
                (value + 0.5 - there).abs() < 0.5,
                "{width} x {height}: input pixel {x} shows {value}, maps to {there}"
            );
        }
    }
}

#[test]
fn fine_stripes_become_grey_where_it_shrinks_much() {
    let stripes = picture(64 * 4, 48 * 4, |x, _| if x % 2 == 0 { 16 } else { 235 }, 128, 128);
    let (tensor, _) = prepared(&PLAIN, &stripes);
    assert!(tensor.iter().all(|&v| (v - 127.5).abs() < 0.1));
}

#[test]
fn a_change_of_size_leaves_nothing_behind() {
    let mut preparer = Preparer::new(PLAIN);
    let mut tensor = vec![f32::NAN; preparer.len()];
    let wide = picture(128, 24, |_, _| 235, 128, 128);
    let tall = picture(24, 128, |_, _| 16, 128, 128);
    for p in [&tall, &wide, &tall] {
        preparer.prepare(p, &mut tensor).expect("it has pixels");
        assert_eq!(tensor, prepared(&PLAIN, p).0);
    }
}

#[test]
fn an_empty_picture_is_an_error() {
    let nothing = I420::from_packed(0, 0, vec![]).expect("no bytes");
    let mut preparer = Preparer::new(PLAIN);
    let mut tensor = vec![0.0; preparer.len()];
    assert!(matches!(preparer.prepare(&nothing, &mut tensor), Err(DetectError::EmptyPicture)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_size_is_read_within_its_bounds_and_written_whole(
        width in 1usize..700, height in 1usize..700,
        placement in prop::sample::select(vec![Placement::TopLeft, Placement::Centre, Placement::Stretch]),
    ) {
        let preparation = Preparation { placement, ..PLAIN };
        let (tensor, mapping) = prepared(&preparation, &picture(width, height, |_, _| 126, 128, 128));
        let grey = (126.0 - 16.0) * 255.0 / 219.0;
        for (i, &value) in tensor.iter().enumerate() {
            let (x, y) = (i % 64, i / 64 % 48);
            let inside = (mapping.left..mapping.left + mapping.width).contains(&x) && (mapping.top..mapping.top + mapping.height).contains(&y);
            let wanted = if inside { grey } else { 114.0 };
            prop_assert!((value - wanted).abs() < 1e-2, "{} at {}, {}", value, x, y);
        }
    }
}
