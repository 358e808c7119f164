use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A point of the picture; `0,0` is the top left, `1,1` the bottom right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// To the right, 0 to 1.
    pub x: f32,
    /// Down, 0 to 1.
    pub y: f32,
}

/// An upright box in parts of the picture (0 to 1). Written as `[x, y, w, h]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "[f32; 4]", into = "[f32; 4]")]
pub struct Rect {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub w: f32,
    /// Height.
    pub h: f32,
}

impl Rect {
    /// A box from its left, top, right and bottom edges.
    pub fn from_edges(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self { x: left, y: top, w: (right - left).max(0.0), h: (bottom - top).max(0.0) }
    }

    /// Its area, in parts of the picture.
    pub fn area(&self) -> f32 {
        self.w * self.h
    }

    /// Its centre.
    pub fn centre(&self) -> Point {
        Point { x: self.x + self.w / 2.0, y: self.y + self.h / 2.0 }
    }

    /// Where a standing person touches the ground: the middle of the lower edge.
    pub fn foot(&self) -> Point {
        Point { x: self.x + self.w / 2.0, y: self.y + self.h }
    }

    /// Intersection over union, 0 to 1.
    pub fn iou(&self, other: &Self) -> f32 {
        let w = (self.x + self.w).min(other.x + other.w) - self.x.max(other.x);
        let h = (self.y + self.h).min(other.y + other.h) - self.y.max(other.y);
        if w <= 0.0 || h <= 0.0 {
            return 0.0;
        }
        let both = w * h;
        both / (self.area() + other.area() - both)
    }

    /// The part of it that lies inside the picture.
    #[must_use]
    pub fn clipped(&self) -> Self {
        let (l, t) = (self.x.clamp(0.0, 1.0), self.y.clamp(0.0, 1.0));
        let (r, b) = ((self.x + self.w).clamp(0.0, 1.0), (self.y + self.h).clamp(0.0, 1.0));
        Self::from_edges(l, t, r, b)
    }
}

impl From<[f32; 4]> for Rect {
    fn from([x, y, w, h]: [f32; 4]) -> Self {
        Self { x, y, w, h }
    }
}

impl From<Rect> for [f32; 4] {
    fn from(r: Rect) -> Self {
        [r.x, r.y, r.w, r.h]
    }
}

/// A closed polygon of at least three corners, in parts of the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Polygon(pub Vec<Point>);

impl Polygon {
    /// Whether `p` lies inside, by the even-odd rule: a ray to the right crosses the outline an odd number of times.
    pub fn contains(&self, p: Point) -> bool {
        let corners = &self.0;
        let mut inside = false;
        for (i, a) in corners.iter().enumerate() {
            let b = &corners[(i + 1) % corners.len()];
            if (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x {
                inside = !inside;
            }
        }
        inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_one_with_itself_and_zero_when_apart() {
        let a = Rect { x: 0.1, y: 0.1, w: 0.2, h: 0.4 };
        assert!((a.iou(&a) - 1.0).abs() < 1e-6);
        assert_eq!(a.iou(&Rect { x: 0.5, ..a }), 0.0);
        let half = Rect { x: 0.2, ..a };
        assert!((a.iou(&half) - 1.0 / 3.0).abs() < 1e-5, "half of each overlaps: 1/3, got {}", a.iou(&half));
    }

    #[test]
    fn a_notch_is_outside_of_a_concave_polygon() {
        let p = |x, y| Point { x, y };
        let notched = Polygon(vec![p(0.0, 0.0), p(1.0, 0.0), p(1.0, 1.0), p(0.5, 0.3), p(0.0, 1.0)]);
        assert!(notched.contains(p(0.1, 0.5)));
        assert!(notched.contains(p(0.9, 0.5)));
        assert!(!notched.contains(p(0.5, 0.6)), "the notch");
        assert!(!notched.contains(p(1.2, 0.5)));
    }

    #[test]
    fn a_box_is_written_as_four_numbers() {
        let r = Rect { x: 0.25, y: 0.5, w: 0.125, h: 0.5 };
        assert_eq!(serde_json::to_string(&r).expect("numbers serialize"), "[0.25,0.5,0.125,0.5]");
    }
}
