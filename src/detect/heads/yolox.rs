use ndarray::ArrayView2;

use super::{Cell, Sieve, around, best};

/// Rows of `dx, dy, ln w, ln h, objectness, class scores ...`, in cells of their grid (YOLOX, `decode_outputs`).
pub(super) fn read(rows: &ArrayView2<'_, f32>, grids: &[Vec<Cell>], sieve: &mut Sieve<'_>) {
    for (row, cell) in rows.outer_iter().zip(grids.iter().flatten()) {
        let objectness = row[4];
        // No class score lifts it above itself, and nearly every cell is empty.
        if objectness < sieve.min_score {
            continue;
        }
        let (class, certainty) = best(row.iter().skip(5));
        let edges = around(
            (row[0] + cell.x) * cell.stride,
            (row[1] + cell.y) * cell.stride,
            row[2].exp() * cell.stride,
            row[3].exp() * cell.stride,
        );
        sieve.offer(class, objectness * certainty, edges);
    }
}
