use super::{Heights, Photo};
use crate::words::Rect;

/// A detection and a true box that overlap by this much (intersection over union) show the same person: the "50" of
/// AP50.
pub const MATCH: f32 = 0.5;

/// What a detection is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The first to show this person, by the place among the photo's people.
    Right(usize),
    /// It shows nobody, or somebody who was shown already.
    Wrong,
    /// Neither for nor against.
    Ignored,
}

/// Judges what was seen in a photo, greedily, the highest score first (as `seen` must be).
///
/// A detection is compared with the true box that it overlaps most (Everingham et al., 2010, section 4.2): from
/// `MATCH` on it is right, unless that person was shown already. Otherwise it is ignored where it overlaps, by as much,
/// a box to ignore. Of people of other heights than `heights` the boxes are ignored too, and so is what
/// is itself of another height and matches nobody (as in COCO's evaluation by area): it says nothing about these.
pub fn judge(photo: &Photo, heights: Heights, seen: &[(f32, Rect)]) -> Vec<Judgement> {
    let mut shown = vec![false; photo.people.len()];
    let (meant, others): (Vec<_>, Vec<_>) =
        photo.people.iter().enumerate().partition(|(_, person)| heights.hold(person));
    let overlaps_ignored = |area: &Rect| {
        let mut ignored = photo.ignore.iter().chain(others.iter().map(|(_, other)| *other));
        ignored.any(|ignored| area.iou(ignored) >= MATCH)
    };
    let judge_one = |(_, area): &(f32, Rect)| {
        let nearest = nearest(area, &meant).filter(|&(_, overlap)| overlap >= MATCH);
        if let Some((person, _)) = nearest
            && !std::mem::replace(&mut shown[person], true)
        {
            return Judgement::Right(person);
        }
        let of_another_height = nearest.is_none() && !heights.hold(area);
        if of_another_height || overlaps_ignored(area) { Judgement::Ignored } else { Judgement::Wrong }
    };
    seen.iter().map(judge_one).collect()
}

/// The person whose box overlaps most, the first of equals, and by how much.
fn nearest(area: &Rect, people: &[(usize, &Rect)]) -> Option<(usize, f32)> {
    let overlaps = people.iter().map(|(i, person)| (*i, area.iou(person)));
    overlaps.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::{Judgement::*, *};

    fn photo(people: &[[f32; 4]], ignore: &[[f32; 4]]) -> Photo {
        let boxes = |edges: &[[f32; 4]]| edges.iter().map(|&[l, t, r, b]| Rect::from_edges(l, t, r, b)).collect();
        let (people, ignore) = (boxes(people), boxes(ignore));
        Photo { file: "a.jpg".to_owned(), width: 100, height: 100, people, ignore, source: None }
    }

    fn seen(edges: &[[f32; 4]]) -> Vec<(f32, Rect)> {
        let score = |i: usize| 0.9 - 0.1 * i as f32;
        edges.iter().enumerate().map(|(i, &[l, t, r, b])| (score(i), Rect::from_edges(l, t, r, b))).collect()
    }

    const LEFT: [f32; 4] = [0.0, 0.0, 0.2, 0.5];
    const RIGHT: [f32; 4] = [0.5, 0.0, 0.7, 0.5];
    const NOWHERE: [f32; 4] = [0.8, 0.6, 0.9, 0.9];

    #[test]
    fn each_person_counts_once_and_the_second_look_is_wrong() {
        let photo = photo(&[LEFT, RIGHT], &[]);
        let judged = judge(&photo, Heights::ALL, &seen(&[RIGHT, NOWHERE, RIGHT, LEFT]));
        assert_eq!(judged, [Right(1), Wrong, Wrong, Right(0)]);
    }

    #[test]
    fn half_an_overlap_is_enough_and_less_is_not() {
        // Shifted by a third of its width it overlaps by 2/4, by a little more it does not.
        let photo = photo(&[[0.0, 0.0, 0.75, 0.5]], &[]);
        assert_eq!(judge(&photo, Heights::ALL, &seen(&[[0.25, 0.0, 1.0, 0.5]])), [Right(0)]);
        assert_eq!(judge(&photo, Heights::ALL, &seen(&[[0.26, 0.0, 1.01, 0.5]])), [Wrong]);
    }

    #[test]
    fn it_is_compared_with_the_nearest_person_alone() {
        // Two who stand close: both detections overlap the left one most, though the second fits the right one too.
        let photo = photo(&[[0.0, 0.0, 0.4, 0.5], [0.1, 0.0, 0.5, 0.5]], &[]);
        let judged = judge(&photo, Heights::ALL, &seen(&[[0.0, 0.0, 0.4, 0.5], [0.04, 0.0, 0.44, 0.5]]));
        assert_eq!(judged, [Right(0), Wrong]);
    }

    #[test]
    fn what_is_to_be_ignored_counts_neither_way() {
        let photo = photo(&[LEFT], &[RIGHT, LEFT]);
        let judged = judge(&photo, Heights::ALL, &seen(&[RIGHT, RIGHT, LEFT, LEFT, NOWHERE]));
        assert_eq!(judged, [Ignored, Ignored, Right(0), Ignored, Wrong], "a person comes before what is ignored");
    }

    #[test]
    fn people_of_other_heights_are_ignored_and_so_is_what_is_of_another_height() {
        let tall = Heights { from: 0.4, below: f32::INFINITY };
        let photo = photo(&[LEFT, [0.5, 0.0, 0.6, 0.39]], &[]);
        let all = seen(&[LEFT, [0.5, 0.0, 0.6, 0.39], [0.5, 0.0, 0.6, 0.41], NOWHERE, [0.8, 0.5, 0.9, 1.0]]);
        assert_eq!(judge(&photo, tall, &all), [Right(0), Ignored, Ignored, Ignored, Wrong]);
        let short = Heights { from: 0.0, below: 0.4 };
        assert_eq!(judge(&photo, short, &all), [Ignored, Right(1), Wrong, Wrong, Ignored]);
        // A person is found by a box that is a little too high as well.
        assert_eq!(judge(&photo, short, &all[2..3]), [Right(1)]);
    }

    #[test]
    fn where_nobody_is_everything_is_wrong() {
        assert_eq!(judge(&photo(&[], &[]), Heights::ALL, &seen(&[LEFT, RIGHT])), [Wrong, Wrong]);
        assert_eq!(judge(&photo(&[LEFT], &[]), Heights::ALL, &[]), []);
    }
}
