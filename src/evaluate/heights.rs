use crate::words::Rect;

/// People of some heights: of the box, in parts of the photo's height (not of its longer side), from `from` up to but
/// without `below`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heights {
    /// The least height.
    pub from: f32,
    /// The first that is too high.
    pub below: f32,
}

impl Heights {
    /// All of them.
    pub const ALL: Self = Self { from: 0.0, below: f32::INFINITY };
    /// Far away, near, and close; and all but those far away.
    pub const GROUPS: [(&str, Self); 4] = [
        ("under 15 %", Self { from: 0.0, below: 0.15 }),
        ("15 to 40 %", Self { from: 0.15, below: 0.4 }),
        ("over 40 %", Self { from: 0.4, below: f32::INFINITY }),
        ("over 15 %", Self { from: 0.15, below: f32::INFINITY }),
    ];

    /// Whether a box is one of them.
    pub fn hold(&self, area: &Rect) -> bool {
        (self.from..self.below).contains(&area.h)
    }
}
