//! What a model's outputs mean: one file per layout, each a pure function from arrays to candidate boxes.

mod decoded;
mod fastestdet;
mod grid;
mod nanodet;
mod yolov8;
mod yolox;

use ndarray::{ArrayViewD, Ix3, Ix4};
use serde::Deserialize;

use super::{
    DetectError,
    nms::Candidate,
    prepare::{Colour, Placement, Preparation},
};
use grid::{Cell, cells, grid};

/// How a detector lays out what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// `[1, N, 5 + C]`: per grid cell an offset, logarithms of a size, objectness, class scores (Ge et al., 2021).
    Yolox,
    /// `[1, 4 + C, N]`: centres and sizes in input pixels, class scores.
    Yolov8,
    /// Per stride `[1, n, C]` class scores, then per stride `[1, n, 4 B]` distributions of distances (RangiLyu, 2020).
    Nanodet,
    /// `[1, N, 5]`: edges in input pixels and a score; or `[1, N, 6]`: and a class.
    Decoded,
    /// `[1, 5 + C, H, W]`: one grid of objectness, box and class scores (dog-qiuqiu, 2022).
    Fastestdet,
}

impl Layout {
    /// The layout that outputs of these shapes have, for an input of `size` (width, height).
    ///
    /// `[1, N, 6]` with as many rows as the grid has cells may be decoded or YOLOX with a single class: that has to be
    /// said in the sidecar.
    pub fn recognise(shapes: &[Vec<usize>], size: (usize, usize), strides: &[usize]) -> Option<Self> {
        let total: usize = strides.iter().map(|&s| cells(size, s)).sum();
        match shapes {
            [one] => match one[..] {
                [1, n, 6] if n == total => None,
                [1, _, 5 | 6] => Some(Self::Decoded),
                [1, n, columns] if n == total && columns > 6 => Some(Self::Yolox),
                [1, rows, n] if n == total && rows > 4 => Some(Self::Yolov8),
                [1, channels, _, _] if channels > 5 => Some(Self::Fastestdet),
                _ => None,
            },
            several if nanodet::bins(several, size, strides).is_some() => Some(Self::Nanodet),
            _ => None,
        }
    }

    /// How models of this layout were trained to see pictures.
    pub fn preparation(self, size: (usize, usize)) -> Preparation {
        let plain = Preparation {
            size,
            colour: Colour::Rgb,
            mean: [0.0; 3],
            std: [255.0; 3],
            placement: Placement::TopLeft,
            pad: 114.0,
        };
        match self {
            Self::Yolox => Preparation { colour: Colour::Bgr, std: [1.0; 3], ..plain },
            Self::Yolov8 => Preparation { placement: Placement::Centre, ..plain },
            // ImageNet's mean and deviation in the order of the channels, as in the training configuration.
            Self::Nanodet => Preparation {
                colour: Colour::Bgr,
                mean: [103.53, 116.28, 123.675],
                std: [57.375, 57.12, 58.395],
                placement: Placement::Centre,
                pad: 0.0,
                ..plain
            },
            Self::Decoded => plain,
            Self::Fastestdet => Preparation { colour: Colour::Bgr, placement: Placement::Stretch, ..plain },
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Yolox => "of YOLOX: one [1, N, 5 + classes], N the number of grid cells",
            Self::Yolov8 => "of YOLOv8: one [1, 4 + classes, N]",
            Self::Nanodet => "of NanoDet: per stride [1, n, classes], then per stride [1, n, 4 x bins]",
            Self::Decoded => "decoded: one [1, N, 5] or [1, N, 6]",
            Self::Fastestdet => "of FastestDet: one [1, 5 + classes, H, W]",
        }
    }
}

/// A layout with its sizes: made once per model, after which every output is known to fit.
#[derive(Debug, Clone)]
pub struct Head {
    layout: Layout,
    shapes: Vec<Vec<usize>>,
    size: (usize, usize),
    grids: Vec<Vec<Cell>>,
}

impl Head {
    /// A head for outputs of these shapes; `layout` is recognised where it is not given.
    ///
    /// # Errors
    /// `Outputs` where the shapes fit no layout, or not the given one.
    pub fn new(
        layout: Option<Layout>,
        shapes: Vec<Vec<usize>>,
        size: (usize, usize),
        strides: &[usize],
    ) -> Result<Self, DetectError> {
        let total: usize = strides.iter().map(|&s| cells(size, s)).sum();
        let fits = |layout| match (layout, shapes.as_slice()) {
            (Layout::Decoded, [s]) => matches!(s[..], [1, _, 5 | 6]),
            (Layout::Yolox, [s]) => matches!(s[..], [1, n, columns] if n == total && columns > 5),
            (Layout::Yolov8, [s]) => matches!(s[..], [1, rows, _] if rows > 4),
            (Layout::Fastestdet, [s]) => {
                matches!(s[..], [1, channels, h, w] if channels > 5 && h > 0 && w > 0)
            }
            (Layout::Nanodet, several) => nanodet::bins(several, size, strides).is_some(),
            _ => false,
        };
        let unfit = |wanted| DetectError::Outputs { shapes: format!("{shapes:?}"), wanted };
        let layout = layout
            .or_else(|| Layout::recognise(&shapes, size, strides))
            .ok_or_else(|| unfit("of a known layout; name it in the sidecar, as head = \"...\", and its strides"))?;
        if !fits(layout) {
            return Err(unfit(layout.wanted()));
        }
        let grids = match layout {
            Layout::Yolox | Layout::Nanodet => strides.iter().map(|&s| grid(size, s)).collect(),
            Layout::Yolov8 | Layout::Decoded | Layout::Fastestdet => Vec::new(),
        };
        Ok(Self { layout, shapes, size, grids })
    }

    /// The layout.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// How many classes the outputs tell apart, where their shape says so.
    pub fn classes(&self) -> Option<usize> {
        let first = &self.shapes[0];
        match self.layout {
            Layout::Yolox => Some(first[2] - 5),
            Layout::Yolov8 => Some(first[1] - 4),
            Layout::Nanodet => Some(first[2]),
            Layout::Decoded => (first[2] == 5).then_some(1),
            Layout::Fastestdet => Some(first[1] - 5),
        }
    }

    /// Offers every box of the outputs to the sieve.
    ///
    /// # Errors
    /// `Outputs` where the arrays have not the shapes that this head was made for.
    pub fn read(&self, outputs: &[ArrayViewD<'_, f32>], sieve: &mut Sieve<'_>) -> Result<(), DetectError> {
        if !outputs.iter().map(ndarray::ArrayBase::shape).eq(self.shapes.iter().map(Vec::as_slice)) {
            let shapes: Vec<&[usize]> = outputs.iter().map(ndarray::ArrayBase::shape).collect();
            return Err(DetectError::Outputs { shapes: format!("{shapes:?}"), wanted: self.layout.wanted() });
        }
        let rows = |i: usize| {
            let batch = outputs[i].view().into_dimensionality::<Ix3>().expect("the shape was compared");
            batch.index_axis_move(ndarray::Axis(0), 0)
        };
        match self.layout {
            Layout::Yolox => yolox::read(&rows(0), &self.grids, sieve),
            Layout::Yolov8 => yolov8::read(&rows(0), sieve),
            Layout::Decoded => decoded::read(&rows(0), sieve),
            Layout::Nanodet => {
                let levels = self.grids.len();
                for (i, cells) in self.grids.iter().enumerate() {
                    nanodet::read(&rows(i), &rows(levels + i), cells, sieve);
                }
            }
            Layout::Fastestdet => {
                let batch = outputs[0].view().into_dimensionality::<Ix4>().expect("the shape was compared");
                fastestdet::read(&batch.index_axis_move(ndarray::Axis(0), 0), self.size, sieve);
            }
        }
        Ok(())
    }
}

/// Lets through what is wanted, sure enough, and a box at all.
#[derive(Debug)]
pub struct Sieve<'a> {
    /// Which classes are wanted.
    pub wanted: &'a [bool],
    /// The least score.
    pub min_score: f32,
    /// What was let through.
    pub kept: &'a mut Vec<Candidate>,
}

impl Sieve<'_> {
    /// Whether a class with this score is let through. Not-a-number is not.
    fn passes(&self, class: usize, score: f32) -> bool {
        score >= self.min_score && self.wanted.get(class).copied().unwrap_or(false)
    }

    fn offer(&mut self, class: usize, score: f32, edges: [f32; 4]) {
        let [left, top, right, bottom] = edges;
        let is_box = edges.iter().all(|e| e.is_finite()) && right > left && bottom > top;
        if is_box && self.passes(class, score) {
            self.kept.push(Candidate { class, score, edges });
        }
    }
}

/// The class with the highest score, the first of equals.
fn best<'a>(scores: impl IntoIterator<Item = &'a f32>) -> (usize, f32) {
    scores.into_iter().enumerate().fold(
        (0, f32::NEG_INFINITY),
        |best, (class, &score)| {
            if score > best.1 { (class, score) } else { best }
        },
    )
}

/// Edges from a centre and a size.
fn around(x: f32, y: f32, w: f32, h: f32) -> [f32; 4] {
    [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0]
}

#[cfg(test)]
mod tests;
