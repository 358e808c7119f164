use ndarray::ArrayView2;

use super::Sieve;

/// Rows of `left, top, right, bottom, score`, in input pixels, and perhaps `class`.
pub(super) fn read(rows: &ArrayView2<'_, f32>, sieve: &mut Sieve<'_>) {
    for row in rows.outer_iter() {
        // A negative or undefined number becomes 0 and a huge one no class at all: `as` saturates.
        let class = row.get(5).map_or(0, |&class| class as usize);
        sieve.offer(class, row[4], [row[0], row[1], row[2], row[3]]);
    }
}
