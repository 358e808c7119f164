/// Which samples of a row (or column) make up each pixel of the scaled one, and with what weights.
///
/// Up to a shrinkage of two this is bilinear interpolation, as in the reference preparation of the models. Beyond,
/// bilinear interpolation would skip samples between those it reads (a thin person flickers), so each pixel is the mean of
/// all that it covers. At exactly two both are the same. Shrinking photos three-fold, the mean found a few more people
/// (YOLOX-Nano, AP50 on 400 photos: 0.488 against 0.481).
#[derive(Debug)]
pub(super) struct Axis {
    first: Vec<usize>,
    /// `taps` per pixel, the sum of each pixel's being one.
    weights: Vec<f32>,
    taps: usize,
}

impl Axis {
    /// Scales `samples` samples to `pixels` pixels. What would be read beyond the edge is the last sample.
    pub(super) fn new(samples: usize, pixels: usize) -> Self {
        let scale = samples as f64 / pixels as f64;
        let shrinks = scale > 2.0;
        let taps = if shrinks { scale.ceil() as usize + 1 } else { 2 }.min(samples);
        let mut axis = Self { first: Vec::with_capacity(pixels), weights: vec![0.0; taps * pixels], taps };
        for (pixel, weights) in axis.weights.chunks_exact_mut(taps).enumerate() {
            // In samples, from the edge of the picture.
            let (from, to) = if shrinks {
                (pixel as f64 * scale, (pixel + 1) as f64 * scale)
            } else {
                let centre = (pixel as f64 + 0.5) * scale;
                (centre - 0.5, centre + 0.5)
            };
            let first = (from.floor().max(0.0) as usize).min(samples - taps);
            // A weight is how much of [from, to) a sample covers; what lies outside goes to the outermost.
            for at in from.floor() as i64..to.ceil() as i64 {
                let covered = to.min(at as f64 + 1.0) - from.max(at as f64);
                let sample = (at.max(0) as usize).clamp(first, first + taps - 1);
                weights[sample - first] += (covered / (to - from)) as f32;
            }
            axis.first.push(first);
        }
        axis
    }

    /// The same scaling of chroma, of which each of `samples` samples stands for two pixels of luma: as if it were first
    /// repeated to luma's size, which is what the usual converters do, but in one step.
    pub(super) fn of_chroma(&self, samples: usize) -> Self {
        let taps = (self.taps / 2 + 1).min(samples);
        let mut axis =
            Self { first: Vec::with_capacity(self.first.len()), weights: vec![0.0; taps * self.first.len()], taps };
        for (pixel, weights) in axis.weights.chunks_exact_mut(taps).enumerate() {
            let (luma, luma_weights) = self.taps(pixel);
            let first = (luma / 2).min(samples - taps);
            for (at, weight) in (luma..).zip(luma_weights) {
                weights[at / 2 - first] += weight;
            }
            axis.first.push(first);
        }
        axis
    }

    /// The first sample of a pixel and the weights from there on.
    pub(super) fn taps(&self, pixel: usize) -> (usize, &[f32]) {
        let weights = &self.weights[pixel * self.taps..][..self.taps];
        (self.first[pixel], weights)
    }

    /// Scales a row.
    pub(super) fn apply(&self, samples: &[f32], pixels: &mut [f32]) {
        let taps = self.first.iter().zip(self.weights.chunks_exact(self.taps));
        for (pixel, (&first, weights)) in pixels.iter_mut().zip(taps) {
            let samples = &samples[first..first + weights.len()];
            *pixel = samples.iter().zip(weights).map(|(s, w)| s * w).sum();
        }
    }
}
