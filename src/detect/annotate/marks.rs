use std::ops::Range;

use crate::words::Detection;

/// A rectangle of one colour.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    pub(super) columns: Range<usize>,
    pub(super) rows: Range<usize>,
    /// Y, Cb and Cr with full range.
    pub(super) colour: [u8; 3],
}

/// More boxes than this make no picture clearer.
const MOST_BOXES: usize = 100;
const GREEN: [u8; 3] = [180, 60, 40];
const BLACK: [u8; 3] = [0, 128, 128];

/// Boxes, and above each (or, at the upper edge, inside it) its score in per cent. The best comes last, over the others.
pub(super) fn marks(width: usize, height: usize, detections: &[Detection]) -> Vec<Mark> {
    let pen = if height < 720 { 2 } else { 3 };
    let mut canvas = Canvas { width, height, marks: Vec::new() };
    for detection in detections.iter().take(MOST_BOXES).rev() {
        let area = detection.area.clipped();
        if area.area() > 0.0 {
            let x = |x: f32| (x * width as f32).round() as usize;
            let y = |y: f32| (y * height as f32).round() as usize;
            let (left, right) = (x(area.x), x(area.x + area.w));
            let (top, bottom) = (y(area.y), y(area.y + area.h));
            canvas.frame(left..right, top..bottom, pen);
            let label_height = (GLYPH_ROWS + 2) * pen;
            canvas.score(left, top.saturating_sub(label_height), pen, detection.score);
        }
    }
    canvas.marks
}

struct Canvas {
    width: usize,
    height: usize,
    marks: Vec<Mark>,
}

impl Canvas {
    fn fill(&mut self, columns: Range<usize>, rows: Range<usize>, colour: [u8; 3]) {
        let cut = |range: Range<usize>, end: usize| range.start.min(end)..range.end.min(end);
        let (columns, rows) = (cut(columns, self.width), cut(rows, self.height));
        if !columns.is_empty() && !rows.is_empty() {
            self.marks.push(Mark { columns, rows, colour });
        }
    }

    fn frame(&mut self, x: Range<usize>, y: Range<usize>, pen: usize) {
        let lower = y.end.saturating_sub(pen).max(y.start);
        let right = x.end.saturating_sub(pen).max(x.start);
        self.fill(x.clone(), y.start..y.start + pen, GREEN);
        self.fill(x.clone(), lower..y.end, GREEN);
        self.fill(x.start..x.start + pen, y.clone(), GREEN);
        self.fill(right..x.end, y, GREEN);
    }

    fn score(&mut self, left: usize, top: usize, pen: usize, score: f32) {
        let text = format!("{}%", (score.clamp(0.0, 1.0) * 100.0).round() as u8);
        let advance = (GLYPH_COLUMNS + 1) * pen;
        let end = (left + text.len() * advance + pen, top + (GLYPH_ROWS + 2) * pen);
        self.fill(left..end.0, top..end.1, GREEN);
        for (i, glyph) in text.bytes().map(glyph).enumerate() {
            for (row, bits) in glyph.into_iter().enumerate() {
                for column in (0..GLYPH_COLUMNS).filter(|c| bits >> (GLYPH_COLUMNS - 1 - c) & 1 == 1) {
                    let x = left + pen + i * advance + column * pen;
                    let y = top + pen + row * pen;
                    self.fill(x..x + pen, y..y + pen, BLACK);
                }
            }
        }
    }
}

const GLYPH_COLUMNS: usize = 3;
const GLYPH_ROWS: usize = 5;

/// A digit or the per cent sign, one number per row, its highest bit to the left.
fn glyph(character: u8) -> [u8; GLYPH_ROWS] {
    match character {
        b'0' => [0b111, 0b101, 0b101, 0b101, 0b111],
        b'1' => [0b010, 0b110, 0b010, 0b010, 0b111],
        b'2' => [0b111, 0b001, 0b111, 0b100, 0b111],
        b'3' => [0b111, 0b001, 0b111, 0b001, 0b111],
        b'4' => [0b101, 0b101, 0b111, 0b001, 0b001],
        b'5' => [0b111, 0b100, 0b111, 0b001, 0b111],
        b'6' => [0b111, 0b100, 0b111, 0b101, 0b111],
        b'7' => [0b111, 0b001, 0b010, 0b010, 0b010],
        b'8' => [0b111, 0b101, 0b111, 0b101, 0b111],
        b'9' => [0b111, 0b101, 0b111, 0b001, 0b111],
        _ => [0b101, 0b001, 0b010, 0b100, 0b101],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Rect;

    #[test]
    fn a_score_can_be_read() {
        let seen = Detection { label: "person".into(), score: 0.47, area: Rect::from_edges(0.1, 0.5, 0.9, 0.9) };
        let mut drawn = vec![vec![' '; 30]; 20];
        for mark in marks(300, 400, &[seen]) {
            for y in mark.rows {
                for x in mark.columns.clone() {
                    // The label begins at (30, 186); a pen is 2 pixels.
                    if let (Some(x), Some(y)) = (x.checked_sub(30), y.checked_sub(186))
                        && x / 2 < 14
                        && y / 2 < 7
                    {
                        drawn[y / 2][x / 2] = if mark.colour == BLACK { '#' } else { '.' };
                    }
                }
            }
        }
        let text: Vec<String> = drawn[..7].iter().map(|row| row[..13].iter().collect()).collect();
        assert_eq!(
            text,
            [
                ".............",
                ".#.#.###.#.#.",
                ".#.#...#...#.",
                ".###..#...#..",
                "...#..#..#...",
                "...#..#..#.#.",
                ".............",
            ]
        );
    }

    #[test]
    fn the_number_of_boxes_is_bounded() {
        let seen =
            vec![Detection { label: "person".into(), score: 1.0, area: Rect::from_edges(0.1, 0.5, 0.9, 0.9) }; 10_000];
        let per_box = marks(300, 400, &seen[..1]).len();
        assert_eq!(marks(300, 400, &seen).len(), per_box * MOST_BOXES);
    }
}
