use std::sync::Arc;

use crate::{
    settings::Zone,
    words::{Point, Polygon, Rect},
};

/// Where people count: one zone, or the whole picture of a camera without zones.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Area {
    /// The zone's name; `None` is the whole picture.
    pub(super) name: Option<Arc<str>>,
    outline: Option<Polygon>,
}

impl Area {
    /// The areas of a camera: its zones, or the picture where it has none.
    pub(super) fn of(zones: &[Zone]) -> Vec<Self> {
        if zones.is_empty() {
            return vec![Self { name: None, outline: None }];
        }
        zones.iter().map(|zone| Self { name: Some(zone.name.clone()), outline: Some(zone.polygon.clone()) }).collect()
    }

    /// Whether somebody in this box stands in the area.
    pub(super) fn holds(&self, person: &Rect) -> bool {
        self.outline.as_ref().is_none_or(|outline| outline.contains(foot(person)))
    }
}

/// The foot point, kept just inside of the picture: whoever is cut off by its lower or right edge would otherwise stand
/// on the outline of a zone that reaches to that edge, which counts as outside.
fn foot(person: &Rect) -> Point {
    const INSIDE: f32 = 1.0 - 1e-3;
    let foot = person.foot();
    Point { x: foot.x.clamp(0.0, INSIDE), y: foot.y.clamp(0.0, INSIDE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(corners: &[(f32, f32)]) -> Area {
        let corners = corners.iter().map(|&(x, y)| Point { x, y }).collect();
        Area::of(&[Zone { name: "yard".into(), polygon: Polygon(corners) }]).remove(0)
    }

    fn standing_at(x: f32, y: f32) -> Rect {
        Rect::from_edges(x - 0.05, y - 0.3, x + 0.05, y)
    }

    #[test]
    fn the_foot_decides_not_the_body() {
        let lower = zone(&[(0.0, 0.5), (1.0, 0.5), (1.0, 0.9), (0.0, 0.9)]);
        assert!(lower.holds(&standing_at(0.5, 0.6)), "head above the zone");
        assert!(!lower.holds(&standing_at(0.5, 0.95)), "body in the zone");
        assert!(!lower.holds(&standing_at(0.5, 0.45)));
    }

    #[test]
    fn a_concave_zone_leaves_out_its_notch() {
        // A U, open at the top.
        let u = zone(&[(0.1, 0.1), (0.3, 0.1), (0.3, 0.7), (0.7, 0.7), (0.7, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)]);
        assert!(u.holds(&standing_at(0.2, 0.5)), "left arm");
        assert!(u.holds(&standing_at(0.8, 0.5)), "right arm");
        assert!(u.holds(&standing_at(0.5, 0.8)), "bottom");
        assert!(!u.holds(&standing_at(0.5, 0.5)), "notch");
    }

    #[test]
    fn whoever_is_cut_off_by_the_picture_stands_in_a_zone_at_its_edge() {
        let lower = zone(&[(0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)]);
        assert!(lower.holds(&standing_at(0.5, 1.0)));
        assert!(lower.holds(&standing_at(0.5, 1.2)), "box beyond the picture");
        assert!(lower.holds(&Rect::from_edges(1.0, 0.4, 1.0, 1.0)));
    }

    #[test]
    fn without_zones_the_whole_picture_counts() {
        let areas = Area::of(&[]);
        assert_eq!(areas.len(), 1);
        assert_eq!(areas[0].name, None);
        assert!(areas[0].holds(&standing_at(0.0, 0.0)));
    }
}
