use ndarray::{ArrayView3, Axis};

use super::{Sieve, around, best};

/// Channels of `objectness, dx, dy, w, h, class scores ...` over one grid that covers the input.
pub(super) fn read(channels: &ArrayView3<'_, f32>, size: (usize, usize), sieve: &mut Sieve<'_>) {
    let (_, rows, columns) = channels.dim();
    let (width, height) = (size.0 as f32, size.1 as f32);
    for row in 0..rows {
        for column in 0..columns {
            let cell = channels.index_axis(Axis(1), row);
            let cell = cell.index_axis(Axis(1), column);
            let (class, certainty) = best(cell.iter().skip(5));
            // The weights of the reference decoder.
            let score = cell[0].powf(0.6) * certainty.powf(0.4);
            if !sieve.passes(class, score) {
                continue;
            }
            let x = (cell[1].tanh() + column as f32) / columns as f32;
            let y = (cell[2].tanh() + row as f32) / rows as f32;
            let (w, h) = (sigmoid(cell[3]), sigmoid(cell[4]));
            sieve.offer(class, score, around(x * width, y * height, w * width, h * height));
        }
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
