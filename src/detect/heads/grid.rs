/// One cell of a detection grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cell {
    /// Its column.
    pub(super) x: f32,
    /// Its row.
    pub(super) y: f32,
    /// Its edge, in input pixels.
    pub(super) stride: f32,
}

/// How many cells cover an input of `size`.
pub(super) fn cells(size: (usize, usize), stride: usize) -> usize {
    size.0.div_ceil(stride) * size.1.div_ceil(stride)
}

/// The cells in the order of the outputs: row by row.
pub(super) fn grid(size: (usize, usize), stride: usize) -> Vec<Cell> {
    let (columns, rows) = (size.0.div_ceil(stride), size.1.div_ceil(stride));
    let cell = |i: usize| Cell { x: (i % columns) as f32, y: (i / columns) as f32, stride: stride as f32 };
    (0..columns * rows).map(cell).collect()
}
