//! Of boxes that show the same thing, the best.

/// A box that a model proposes, in pixels of its input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The index of its class.
    pub class: usize,
    /// How sure the model is, 0 to 1.
    pub score: f32,
    /// Left, top, right and bottom edge.
    pub edges: [f32; 4],
}

/// No picture shows more; what ranks behind is dropped unseen, so that a nervous model cannot make the comparison of
/// each with each expensive.
pub const MOST_CANDIDATES: usize = 1000;

/// Puts the highest score first, and leaves out what ranks behind `MOST_CANDIDATES`.
pub fn rank(candidates: &mut Vec<Candidate>) {
    // The sort is stable: equal scores stay in the model's order, so the outcome is the same on every machine.
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    candidates.truncate(MOST_CANDIDATES);
}

/// Of ranked boxes of one class that overlap by more than `max_overlap` (intersection over union), keeps the best: greedy
/// non-maximum suppression.
pub fn suppress(candidates: &mut Vec<Candidate>, max_overlap: f32) {
    let mut kept = 0;
    for i in 0..candidates.len() {
        let next = candidates[i];
        let covered =
            candidates[..kept].iter().any(|k| k.class == next.class && overlap(&k.edges, &next.edges) > max_overlap);
        if !covered {
            candidates[kept] = next;
            kept += 1;
        }
    }
    candidates.truncate(kept);
}

/// Intersection over union.
pub fn overlap(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let w = a[2].min(b[2]) - a[0].max(b[0]);
    let h = a[3].min(b[3]) - a[1].max(b[1]);
    if w <= 0.0 || h <= 0.0 {
        return 0.0;
    }
    let area = |e: &[f32; 4]| (e[2] - e[0]) * (e[3] - e[1]);
    w * h / (area(a) + area(b) - w * h)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn person(score: f32, edges: [f32; 4]) -> Candidate {
        Candidate { class: 0, score, edges }
    }

    fn best_of(mut candidates: Vec<Candidate>, max_overlap: f32) -> Vec<Candidate> {
        rank(&mut candidates);
        suppress(&mut candidates, max_overlap);
        candidates
    }

    #[test]
    fn the_weaker_of_two_that_overlap_goes_unless_it_is_something_else() {
        let strong = person(0.9, [0.0, 0.0, 10.0, 10.0]);
        let weak = person(0.5, [1.0, 0.0, 11.0, 10.0]);
        let apart = person(0.4, [20.0, 0.0, 30.0, 10.0]);
        let dog = Candidate { class: 1, ..weak };
        assert_eq!(best_of(vec![apart, weak, strong, dog], 0.5), [strong, dog, apart]);
        assert_eq!(best_of(vec![weak, strong], 0.9), [strong, weak], "they overlap by 9/11 only");
    }

    #[test]
    fn what_was_dropped_suppresses_nothing() {
        let first = person(0.9, [0.0, 0.0, 10.0, 10.0]);
        let second = person(0.8, [4.0, 0.0, 14.0, 10.0]);
        let third = person(0.7, [8.0, 0.0, 18.0, 10.0]);
        assert_eq!(best_of(vec![first, second, third], 0.3), [first, third]);
    }

    #[test]
    fn the_work_is_bounded() {
        let boxes: Vec<Candidate> = (0..5000)
            .map(|i| {
                let x = i as f32 * 20.0;
                person(i as f32 / 5000.0, [x, 0.0, x + 10.0, 10.0])
            })
            .collect();
        let boxes = best_of(boxes, 0.5);
        assert_eq!(boxes.len(), MOST_CANDIDATES);
        assert_eq!(boxes[0].score, 4999.0 / 5000.0);
    }

    proptest! {
        #[test]
        fn no_two_kept_boxes_of_one_class_overlap_and_every_dropped_one_had_cause(
            raw in prop::collection::vec((0usize..3, 0.0f32..1.0, 0.0f32..90.0, 0.0f32..90.0, 1.0f32..40.0, 1.0f32..40.0), 1..80),
            max_overlap in 0.1f32..0.9,
        ) {
            let all: Vec<Candidate> = raw.iter().map(|&(class, score, x, y, w, h)| Candidate { class, score, edges: [x, y, x + w, y + h] }).collect();
            let kept = best_of(all.clone(), max_overlap);
            let best = all.iter().map(|c| c.score).fold(0.0, f32::max);
            prop_assert_eq!(kept[0].score, best, "the best of all is always kept");
            prop_assert!(kept.is_sorted_by(|a, b| a.score >= b.score));
            let rivals = |a: &Candidate, b: &Candidate| a.class == b.class && overlap(&a.edges, &b.edges) > max_overlap;
            for (i, a) in kept.iter().enumerate() {
                prop_assert!(kept[..i].iter().all(|b| !rivals(a, b)));
            }
            for a in &all {
                prop_assert!(kept.contains(a) || kept.iter().any(|k| rivals(k, a) && k.score >= a.score));
            }
        }
    }
}
