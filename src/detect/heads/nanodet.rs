use ndarray::{ArrayView1, ArrayView2, Axis, Slice};

use super::{Cell, Sieve, best, cells};

/// Into how many bins each distance is divided, if outputs of these shapes are NanoDet's.
pub(super) fn bins(shapes: &[Vec<usize>], size: (usize, usize), strides: &[usize]) -> Option<usize> {
    if strides.is_empty() || shapes.len() != 2 * strides.len() {
        return None;
    }
    let (scores, distances) = shapes.split_at(strides.len());
    let classes = *scores[0].get(2)?;
    let sides = *distances[0].get(2)?;
    let fit = strides.iter().enumerate().all(|(i, &stride)| {
        let n = cells(size, stride);
        scores[i] == [1, n, classes] && distances[i] == [1, n, sides]
    });
    (fit && classes > 0 && sides >= 8 && sides % 4 == 0).then_some(sides / 4)
}

/// One level: class scores, and for each of the four edges the distribution of its distance from the cell's centre over
/// bins of one stride each (Li et al., "Generalized Focal Loss", 2020).
pub(super) fn read(
    scores: &ArrayView2<'_, f32>,
    distances: &ArrayView2<'_, f32>,
    cells: &[Cell],
    sieve: &mut Sieve<'_>,
) {
    let bins = distances.ncols() / 4;
    for ((scores, distances), cell) in scores.outer_iter().zip(distances.outer_iter()).zip(cells) {
        let (class, score) = best(scores.iter());
        if !sieve.passes(class, score) {
            continue;
        }
        let distance = |edge: usize| {
            let logits = distances.slice_axis(Axis(0), Slice::from(edge * bins..(edge + 1) * bins));
            expected(&logits) * cell.stride
        };
        // NanoDet counts from the middle of the cell's first to its last pixel.
        let x = cell.x * cell.stride + (cell.stride - 1.0) / 2.0;
        let y = cell.y * cell.stride + (cell.stride - 1.0) / 2.0;
        let edges = [x - distance(0), y - distance(1), x + distance(2), y + distance(3)];
        sieve.offer(class, score, edges);
    }
}

/// The mean bin under the softmax of `logits`.
fn expected(logits: &ArrayView1<'_, f32>) -> f32 {
    let highest = logits.fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    let (sum, weighted) = logits.iter().enumerate().fold((0.0, 0.0), |(sum, weighted), (bin, &logit)| {
        let p = (logit - highest).exp();
        (sum + p, weighted + p * bin as f32)
    });
    weighted / sum
}
