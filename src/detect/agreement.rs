//! Of boxes that show the same thing, one: where it is and how sure that is, asked of all of them.

use serde::Deserialize;

use super::nms::{Candidate, overlap, rank, suppress};

/// How sure several boxes are together. A model's sidecar says it, fitted on photos that it was not trained on: the
/// score is the logistic function of `offset + own logit(score of the best) + support ln(1 + scores of the others)`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Added to all.
    pub offset: f32,
    /// What the best box's own logit counts.
    pub own: f32,
    /// What the support of the others counts.
    pub support: f32,
}

/// Boxes below this score are not asked, whatever the least score is that counts: so the same picture gives the same
/// boxes at every threshold.
pub const VOTES_FROM: f32 = 0.01;

/// Boxes that overlap by so much show the same thing, and are asked where it is.
const SAME: f32 = 0.7;
/// Boxes that overlap by so much speak for one another.
const SUPPORTS: f32 = 0.6;

/// Of boxes of one class that overlap by more than `max_overlap` (intersection over union) keeps the best, moves it to
/// where the votes of all put it (box voting: Gidaris and Komodakis, 2015), and lets it be as sure as they are together,
/// where it is known what that means. Leaves what reaches `min_score`, the highest score first.
pub fn settle(
    candidates: &mut Vec<Candidate>,
    voters: &mut Vec<Candidate>,
    agreement: Option<&Agreement>,
    max_overlap: f32,
    min_score: f32,
) {
    rank(candidates);
    voters.clone_from(candidates);
    suppress(candidates, max_overlap);
    for best in candidates.iter_mut() {
        let support = vote(best, voters, max_overlap);
        if let Some(agreement) = agreement {
            best.score = agreement.score(best.score, support);
        }
    }
    candidates.retain(|candidate| candidate.score >= min_score);
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
}

/// Moves a box to the mean of those that show the same, each with the weight of its score and overlap. The sum of the
/// scores of the others that speak for it.
fn vote(best: &mut Candidate, voters: &[Candidate], max_overlap: f32) -> f32 {
    let edges = best.edges;
    let (mut sum, mut weights, mut support) = ([0.0_f32; 4], 0.0, 0.0);
    for voter in voters.iter().filter(|voter| voter.class == best.class) {
        let is_itself = voter.edges == edges;
        let shared = if is_itself { 1.0 } else { overlap(&edges, &voter.edges) };
        if shared < SUPPORTS || (voter.score < VOTES_FROM && !is_itself) {
            continue;
        }
        support += voter.score;
        if shared >= SAME.max(max_overlap) {
            let weight = voter.score * shared * shared;
            weights += weight;
            sum.iter_mut().zip(voter.edges).for_each(|(sum, edge)| *sum += weight * edge);
        }
    }
    // A score of 0 has no weight; where it is the best there is, it stays where it is.
    if weights > 0.0 {
        best.edges = sum.map(|sum| sum / weights);
    }
    (support - best.score).max(0.0)
}

impl Agreement {
    /// How sure a box is with the support of others. The highest score stays below 1 and the lowest above 0.
    fn score(&self, own: f32, support: f32) -> f32 {
        let own = own.clamp(1e-6, 1.0 - 1e-6);
        let logit = (own / (1.0 - own)).ln();
        let together = self.offset + self.own * logit + self.support * support.ln_1p();
        1.0 / (1.0 + (-together).exp())
    }

    /// What is wrong with the numbers.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let all = [self.offset, self.own, self.support];
        if !all.iter().all(|n| n.is_finite()) || self.own <= 0.0 || self.support < 0.0 {
            return Some("agreement: offset must be a number, own more than 0, support 0 or more");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn person(score: f32, edges: [f32; 4]) -> Candidate {
        Candidate { class: 0, score, edges }
    }

    fn settled(boxes: &[Candidate], agreement: Option<&Agreement>, min_score: f32) -> Vec<Candidate> {
        let mut boxes = boxes.to_vec();
        settle(&mut boxes, &mut Vec::new(), agreement, 0.5, min_score);
        boxes
    }

    const FITTED: Agreement = Agreement { offset: -1.5, own: 0.6, support: 1.2 };

    #[test]
    fn a_box_moves_to_where_all_that_show_the_same_put_it() {
        let best = person(0.8, [0.0, 0.0, 100.0, 100.0]);
        let same = person(0.4, [10.0, 0.0, 110.0, 100.0]);
        let near = person(0.4, [45.0, 0.0, 145.0, 100.0]);
        let unsure = person(0.009, [-10.0, 0.0, 90.0, 100.0]);
        let dog = Candidate { class: 1, ..same };
        let kept = settled(&[best, same, near, unsure, dog], None, 0.3);
        assert_eq!(kept.iter().map(|c| (c.class, c.score)).collect::<Vec<_>>(), [(0, 0.8), (0, 0.4), (1, 0.4)]);
        let overlap = 90.0_f32 / 110.0;
        let weight = 0.4 * overlap * overlap;
        let shift = 10.0 * weight / (0.8 + weight);
        assert!((kept[0].edges[0] - shift).abs() < 1e-4, "{:?} and not {shift}", kept[0].edges);
        assert!((kept[0].edges[2] - 100.0 - shift).abs() < 1e-4);
        assert_eq!(kept[0].edges[1], 0.0);
        assert_eq!(kept[1].edges, near.edges, "it shows something else");
        assert_eq!(kept[2].edges, dog.edges);
    }

    #[test]
    fn who_is_seconded_is_surer_than_who_is_alone() {
        let alone = person(0.6, [500.0, 0.0, 600.0, 100.0]);
        let best = person(0.6, [0.0, 0.0, 100.0, 100.0]);
        let second = |n: u8| person(0.5, [f32::from(n), 0.0, 100.0 + f32::from(n), 100.0]);
        let boxes = [alone, best, second(1), second(2), second(3)];
        let kept = settled(&boxes, Some(&FITTED), 0.0);
        assert_eq!(kept.len(), 2);
        assert!(kept[0].edges[0] < 10.0, "first who is seconded: {kept:?}");
        let logit = |p: f32| (p / (1.0 - p)).ln();
        let expected = FITTED.offset + FITTED.own * logit(0.6);
        assert!((logit(kept[1].score) - expected).abs() < 1e-4);
        assert!((logit(kept[0].score) - expected - FITTED.support * 1.5_f32.ln_1p()).abs() < 1e-3);
        assert_eq!(
            settled(&boxes, Some(&FITTED), kept[0].score),
            kept[..1],
            "the least score is asked of all together"
        );
        assert_eq!(settled(&boxes, None, 0.6).len(), 2, "without numbers a score stays as it is");

        // Whoever wants people close together apart has boxes that are as sure as before.
        let mut apart = boxes.to_vec();
        settle(&mut apart, &mut Vec::new(), Some(&FITTED), 1.0, 0.0);
        assert_eq!(apart.len(), 5);
        assert!((apart[0].score - kept[0].score).abs() < 1e-3, "{apart:?}");
    }

    #[test]
    fn nonsense_is_named() {
        assert_eq!(FITTED.fault(), None);
        for wrong in [
            Agreement { offset: f32::NAN, ..FITTED },
            Agreement { own: 0.0, ..FITTED },
            Agreement { support: -1.0, ..FITTED },
        ] {
            assert!(wrong.fault().is_some_and(|fault| fault.starts_with("agreement")), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_boxes_a_moved_one_lies_within_them_and_scores_are_scores(
            raw in prop::collection::vec((0usize..2, 0.0f32..=1.0, 0.0f32..50.0, 0.0f32..50.0, 1.0f32..40.0, 1.0f32..40.0), 1..60),
            max_overlap in 0.1f32..1.0,
        ) {
            let all: Vec<Candidate> = raw.iter().map(|&(class, score, x, y, w, h)| Candidate { class, score, edges: [x, y, x + w, y + h] }).collect();
            let mut kept = all.clone();
            settle(&mut kept, &mut Vec::new(), Some(&FITTED), max_overlap, 0.0);
            prop_assert!(!kept.is_empty());
            prop_assert!(kept.is_sorted_by(|a, b| a.score >= b.score));
            for it in &kept {
                prop_assert!(it.score > 0.0 && it.score < 1.0);
                for side in 0..4 {
                    let (low, high) = all.iter().fold((f32::MAX, f32::MIN), |(l, h), c| (l.min(c.edges[side]), h.max(c.edges[side])));
                    prop_assert!((low - 1e-2..=high + 1e-2).contains(&it.edges[side]));
                }
                prop_assert!(it.edges[0] < it.edges[2] && it.edges[1] < it.edges[3]);
            }
        }
    }
}
