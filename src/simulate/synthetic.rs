//! A clip that is made here: blocks that move over grey.

use openh264::{
    OpenH264API,
    encoder::{Encoder, EncoderConfig, FrameRate, IntraFramePeriod, RateControlMode},
    formats::YUVBuffer,
};

use super::{Clip, SimulateError};

pub(super) fn synthetic(width: u32, height: u32, fps: u32, seconds: u32, gop: u32) -> Result<Clip, SimulateError> {
    let refused = |message: String| SimulateError::Synthetic { width, height, message };
    if !width.is_multiple_of(2)
        || !height.is_multiple_of(2)
        || !(32..=4096).contains(&width)
        || !(32..=2304).contains(&height)
    {
        return Err(refused("the size must be even, 32x32 to 4096x2304".to_owned()));
    }
    let settings = EncoderConfig::new()
        .max_frame_rate(FrameRate::from_hz(fps as f32))
        .rate_control_mode(RateControlMode::Off)
        .intra_frame_period(IntraFramePeriod::from_num_frames(gop))
        .skip_frames(false)
        .scene_change_detect(false)
        .num_threads(1);
    let mut encoder =
        Encoder::with_api_config(OpenH264API::from_source(), settings).map_err(|error| refused(error.to_string()))?;
    let mut units = Vec::new();
    for picture in 0..fps * seconds {
        let planes = YUVBuffer::from_vec(
            paint(width as usize, height as usize, picture as usize),
            width as usize,
            height as usize,
        );
        let unit = encoder.encode(&planes).map_err(|error| refused(error.to_string()))?.to_vec();
        units.push(unit);
    }
    Clip::from_access_units("synthetic", f64::from(fps), units)
}

/// One picture as I420 planes: three blocks, each at its own pace.
fn paint(width: usize, height: usize, picture: usize) -> Vec<u8> {
    let mut planes = vec![128; width * height * 3 / 2];
    let side = height / 4;
    for block in 0..3 {
        let left = (picture * 4 * (block + 1)) % (width - side.min(width - 1));
        let top = block * height / 3;
        for row in planes[..width * height].chunks_exact_mut(width).skip(top).take(side) {
            for (x, pixel) in row.iter_mut().enumerate().skip(left).take(side) {
                *pixel = (40 + block * 80 + x % 32) as u8;
            }
        }
    }
    planes
}
