use ndarray::{ArrayView2, Axis};

use super::{Sieve, around};

/// Columns of `x, y, w, h, class scores ...`: centres and sizes in input pixels.
pub(super) fn read(columns: &ArrayView2<'_, f32>, sieve: &mut Sieve<'_>) {
    // Row by row, as the memory lies: column by column would touch a cache line for every number.
    let mut best = vec![(0, f32::NEG_INFINITY); columns.ncols()];
    let (_, scores) = columns.split_at(Axis(0), 4);
    for (class, scores) in scores.outer_iter().enumerate() {
        for (best, &score) in best.iter_mut().zip(scores) {
            if score > best.1 {
                *best = (class, score);
            }
        }
    }
    for (i, (class, score)) in best.into_iter().enumerate() {
        if sieve.passes(class, score) {
            let at = |row: usize| columns[[row, i]];
            sieve.offer(class, score, around(at(0), at(1), at(2), at(3)));
        }
    }
}
