//! From the planes of a frame to a model's input, in one pass and without a full-size picture in between.

mod axis;

use serde::Deserialize;

use super::DetectError;
use crate::{media::I420, words::Rect};
use axis::Axis;

/// How a model wants to see pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preparation {
    /// Width and height of its input.
    pub size: (usize, usize),
    /// The order of the channels.
    pub colour: Colour,
    /// Subtracted from each channel (0 to 255), in the order of the channels.
    pub mean: [f32; 3],
    /// Then each channel is divided by this.
    pub std: [f32; 3],
    /// Where the picture goes.
    pub placement: Placement,
    /// What surrounds it, 0 to 255.
    pub pad: f32,
}

/// The order of a model's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// Where the picture goes in the model's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// As large as fits, the rest to the right or below.
    TopLeft,
    /// As large as fits, in the middle.
    Centre,
    /// Over the whole input, whatever that does to its proportions.
    Stretch,
}

/// Where a picture lies in a model's input: the way back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mapping {
    /// Columns left of it.
    pub left: usize,
    /// Rows above it.
    pub top: usize,
    /// Its columns.
    pub width: usize,
    /// Its rows.
    pub height: usize,
}

impl Mapping {
    /// Where a picture of `width` x `height` pixels goes.
    fn new(preparation: &Preparation, width: usize, height: usize) -> Self {
        let (w, h) = preparation.size;
        let (fit_w, fit_h) = if preparation.placement == Placement::Stretch {
            (w, h)
        } else {
            let scale = (w as f64 / width as f64).min(h as f64 / height as f64);
            let fit = |length: usize, most: usize| ((length as f64 * scale).round() as usize).clamp(1, most);
            (fit(width, w), fit(height, h))
        };
        let (left, top) = match preparation.placement {
            Placement::Centre => ((w - fit_w) / 2, (h - fit_h) / 2),
            Placement::TopLeft | Placement::Stretch => (0, 0),
        };
        Self { left, top, width: fit_w, height: fit_h }
    }

    /// Edges in pixels of the input as a box in parts of the picture, which may reach beyond it.
    pub fn to_picture(&self, [left, top, right, bottom]: [f32; 4]) -> Rect {
        let x = |x: f32| (x - self.left as f32) / self.width as f32;
        let y = |y: f32| (y - self.top as f32) / self.height as f32;
        Rect::from_edges(x(left), y(top), x(right), y(bottom))
    }
}

/// Prepares pictures, reusing its buffers; pictures of one size after the other cost no allocation.
#[derive(Debug)]
pub struct Preparer {
    preparation: Preparation,
    scaling: Option<Scaling>,
}

impl Preparer {
    /// A preparer for one model.
    pub fn new(preparation: Preparation) -> Self {
        Self { preparation, scaling: None }
    }

    /// How many numbers a prepared picture has: three planes of the input's size.
    pub fn len(&self) -> usize {
        3 * self.preparation.size.0 * self.preparation.size.1
    }

    /// Whether a prepared picture has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes `picture` to `tensor`, channel by channel and row by row (NCHW), and returns where it lies in it.
    ///
    /// # Errors
    /// `EmptyPicture`.
    ///
    /// # Panics
    /// If `tensor` is not `len()` long.
    pub fn prepare(&mut self, picture: &I420, tensor: &mut [f32]) -> Result<Mapping, DetectError> {
        assert_eq!(tensor.len(), self.len(), "the tensor is the input's size");
        let (width, height) = (picture.width(), picture.height());
        if width == 0 || height == 0 {
            return Err(DetectError::EmptyPicture);
        }
        let fits = self.scaling.as_ref().is_some_and(|s| s.picture == (width, height));
        if !fits {
            let mapping = Mapping::new(&self.preparation, width, height);
            self.scaling = Some(Scaling::new((width, height), mapping));
        }
        let scaling = self.scaling.as_mut().expect("made above");
        scaling.write(picture, &self.preparation, tensor);
        Ok(scaling.mapping)
    }
}

/// What depends on the size of the pictures.
#[derive(Debug)]
struct Scaling {
    picture: (usize, usize),
    mapping: Mapping,
    luma: Plane,
    chroma: Plane,
    /// One row of Y, U and V at the input's scale.
    rows: [Vec<f32>; 3],
}

/// How planes of one size are scaled.
#[derive(Debug)]
struct Plane {
    stride: usize,
    columns: Axis,
    lines: Axis,
    /// A row of the plane's width: what the rows that make up one row of the input add up to.
    sums: Vec<f32>,
}

impl Scaling {
    fn new(picture: (usize, usize), mapping: Mapping) -> Self {
        let luma = Plane::new(picture, mapping);
        let row = || vec![0.0; mapping.width];
        Self { picture, mapping, chroma: luma.of_chroma(picture), luma, rows: [row(), row(), row()] }
    }

    fn write(&mut self, picture: &I420, preparation: &Preparation, tensor: &mut [f32]) {
        let (width, height) = preparation.size;
        let (y, u, v) = picture.planes();
        let Mapping { left, top, width: fit_w, height: fit_h } = self.mapping;
        let (first, rest) = tensor.split_at_mut(width * height);
        let (second, third) = rest.split_at_mut(width * height);
        let channels = [first, second, third];
        let norms: [Norm; 3] = std::array::from_fn(|c| Norm::new(preparation.mean[c], preparation.std[c]));
        let pads = norms.map(|n| n.of(preparation.pad));
        let mut lines = channels.map(|c| c.chunks_exact_mut(width));
        for row in 0..height {
            let [Some(a), Some(b), Some(c)] = lines.each_mut().map(Iterator::next) else {
                return;
            };
            let mut out = [a, b, c];
            let Some(line) = row.checked_sub(top).filter(|&l| l < fit_h) else {
                for (out, pad) in out.into_iter().zip(pads) {
                    out.fill(pad);
                }
                continue;
            };
            let [ys, us, vs] = &mut self.rows;
            self.luma.scale(y, line, ys);
            self.chroma.scale(u, line, us);
            self.chroma.scale(v, line, vs);
            for (out, pad) in out.iter_mut().zip(pads) {
                out[..left].fill(pad);
                out[left + fit_w..].fill(pad);
            }
            let inner = out.map(|o| &mut o[left..left + fit_w]);
            match preparation.colour {
                Colour::Rgb => convert([ys, us, vs], inner, norms),
                Colour::Bgr => {
                    let ([b, g, r], [nb, ng, nr]) = (inner, norms);
                    convert([ys, us, vs], [r, g, b], [nr, ng, nb]);
                }
            }
        }
    }
}

impl Plane {
    fn new((width, height): (usize, usize), mapping: Mapping) -> Self {
        Self {
            stride: width,
            columns: Axis::new(width, mapping.width),
            lines: Axis::new(height, mapping.height),
            sums: vec![0.0; width],
        }
    }

    /// The plane of chroma that goes with this one of luma.
    fn of_chroma(&self, (width, height): (usize, usize)) -> Self {
        let (width, height) = (width.div_ceil(2), height.div_ceil(2));
        Self {
            stride: width,
            columns: self.columns.of_chroma(width),
            lines: self.lines.of_chroma(height),
            sums: vec![0.0; width],
        }
    }

    /// One row at the input's scale: first down the columns, which reads the plane as it lies, then along the row.
    fn scale(&mut self, plane: &[u8], line: usize, row: &mut [f32]) {
        let (first, weights) = self.lines.taps(line);
        for (i, &weight) in weights.iter().enumerate() {
            let source = &plane[(first + i) * self.stride..][..self.stride];
            if i == 0 {
                for (sum, &sample) in self.sums.iter_mut().zip(source) {
                    *sum = f32::from(sample) * weight;
                }
            } else if weight != 0.0 {
                for (sum, &sample) in self.sums.iter_mut().zip(source) {
                    *sum += f32::from(sample) * weight;
                }
            }
        }
        self.columns.apply(&self.sums, row);
    }
}

/// `(value - mean) / std` as one multiplication and addition.
#[derive(Debug, Clone, Copy)]
struct Norm {
    scale: f32,
    shift: f32,
}

impl Norm {
    fn new(mean: f32, std: f32) -> Self {
        Self { scale: 1.0 / std, shift: -mean / std }
    }

    fn of(self, value: f32) -> f32 {
        value * self.scale + self.shift
    }
}

/// YUV to RGB and to the model's range. BT.601 with limited range (Y 16 to 235), which is what cameras send and what
/// the common players assume where the stream does not say. It is linear but for the clamping, so doing it
/// after scaling costs the input's few pixels instead of the picture's many.
fn convert([ys, us, vs]: [&[f32]; 3], [r, g, b]: [&mut [f32]; 3], [nr, ng, nb]: [Norm; 3]) {
    let sources = ys.iter().zip(us).zip(vs);
    let targets = r.iter_mut().zip(g).zip(b);
    for (((&y, &u), &v), ((r, g), b)) in sources.zip(targets) {
        let luma = (255.0 / 219.0) * (y - 16.0);
        let (u, v) = (u - 128.0, v - 128.0);
        *r = nr.of((luma + 1.596_027 * v).clamp(0.0, 255.0));
        *g = ng.of((luma - 0.391_762 * u - 0.812_968 * v).clamp(0.0, 255.0));
        *b = nb.of((luma + 2.017_232 * u).clamp(0.0, 255.0));
    }
}

#[cfg(test)]
mod tests;
