/// How precision and recall trade against one another as the threshold falls.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// How many people there are to find.
    people: usize,
    /// Per detection that counts its score and whether it is right, the highest score first.
    outcomes: Vec<(f32, bool)>,
}

/// What a threshold makes of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) right: usize,
    pub(super) wrong: usize,
    pub(super) missed: usize,
}

impl Curve {
    /// A curve of detections, each with its score and whether it is right. Of equal scores the earlier counts first.
    pub fn new(people: usize, mut outcomes: Vec<(f32, bool)>) -> Self {
        outcomes.sort_by(|a, b| b.0.total_cmp(&a.0));
        Self { people, outcomes }
    }

    /// The area under precision over recall, where each precision is the best at that recall or a higher one (the
    /// interpolated envelope of PASCAL VOC since 2010), over every detection rather than at fixed recalls. `None` where
    /// there is nobody to find.
    pub fn average_precision(&self) -> Option<f64> {
        if self.people == 0 {
            return None;
        }
        let mut right = 0;
        let precisions: Vec<f64> = (1..)
            .zip(&self.outcomes)
            .map(|(seen, (_, is_right))| {
                right += usize::from(*is_right);
                right as f64 / f64::from(seen)
            })
            .collect();
        // Recall grows by one person with each right detection: the area is the sum of the envelope there.
        let (mut envelope, mut sum) = (0.0, 0.0);
        for (precision, (_, is_right)) in precisions.iter().zip(&self.outcomes).rev() {
            envelope = f64::max(envelope, *precision);
            sum += if *is_right { envelope } else { 0.0 };
        }
        Some(sum / self.people as f64)
    }

    /// What is left of it from a score on.
    pub(super) fn at(&self, min_score: f32) -> Counts {
        let counted = self.outcomes.iter().take_while(|(score, _)| *score >= min_score);
        let right = counted.clone().filter(|(_, is_right)| *is_right).count();
        Counts { right, wrong: counted.count() - right, missed: self.people.saturating_sub(right) }
    }

    /// How many people there are to find.
    pub fn people(&self) -> usize {
        self.people
    }
}

impl Counts {
    /// How much of what was seen is right; `None` where nothing was seen.
    pub(super) fn precision(self) -> Option<f64> {
        part(self.right, self.wrong)
    }

    /// How many of the people were seen; `None` where there is nobody.
    pub(super) fn recall(self) -> Option<f64> {
        part(self.right, self.missed)
    }
}

fn part(of: usize, rest: usize) -> Option<f64> {
    (of + rest > 0).then(|| of as f64 / (of + rest) as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ap(people: usize, outcomes: &[(f32, bool)]) -> f64 {
        Curve::new(people, outcomes.to_vec()).average_precision().expect("there are people")
    }

    #[track_caller]
    fn assert_close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn everybody_and_nothing_else_is_one() {
        assert_close(ap(3, &[(0.9, true), (0.5, true), (0.1, true)]), 1.0);
    }

    #[test]
    fn it_is_the_area_under_the_envelope() {
        // Precision 1, 1/2, 2/3, 2/4, 3/5 at recall 1/4, 1/4, 2/4, 2/4, 3/4. The envelope at each right one: 1, 2/3, 3/5.
        let outcomes = [(0.9, true), (0.8, false), (0.7, true), (0.6, false), (0.5, true)];
        assert_close(ap(4, &outcomes), (1.0 + 2.0 / 3.0 + 3.0 / 5.0) / 4.0);
        // A late run of right ones lifts what came before: precision 0, 1/2, 2/3, 3/4, so the envelope is 3/4.
        assert_close(ap(3, &[(0.9, false), (0.8, true), (0.7, true), (0.6, true)]), 0.75);
    }

    #[test]
    fn what_was_never_seen_costs_its_part() {
        assert_close(ap(2, &[(0.9, true)]), 0.5);
        assert_close(ap(2, &[]), 0.0);
        assert_close(ap(1, &[(0.9, false)]), 0.0);
    }

    #[test]
    fn where_nobody_is_there_is_no_figure() {
        let curve = Curve::new(0, vec![(0.9, false)]);
        assert_eq!(curve.average_precision(), None);
        assert_eq!((curve.at(0.5).recall(), curve.at(0.5).precision()), (None, Some(0.0)));
        assert_eq!((curve.at(0.95).precision(), curve.at(0.95).wrong), (None, 0));
    }

    #[test]
    fn of_equal_scores_the_earlier_counts_first() {
        assert_close(ap(1, &[(0.5, false), (0.5, true)]), 0.5);
        assert_close(ap(1, &[(0.5, true), (0.5, false)]), 1.0);
        assert_close(ap(1, &[(0.4, false), (0.5, true)]), 1.0);
    }

    #[test]
    fn a_threshold_counts_what_reaches_it() {
        let curve = Curve::new(3, vec![(0.9, true), (0.5, false), (0.5, true), (0.4, true)]);
        assert_eq!(curve.at(0.5), Counts { right: 2, wrong: 1, missed: 1 });
        assert_eq!(curve.at(0.5).recall(), Some(2.0 / 3.0));
        assert_eq!(curve.at(0.91), Counts { right: 0, wrong: 0, missed: 3 });
    }

    proptest! {
        /// Against the definition, spelt out: the sum over recalls of step times best precision from there on.
        #[test]
        fn it_is_what_the_definition_says(outcomes in prop::collection::vec((0.0f32..1.0, any::<bool>()), 1..40), missed in 0usize..10) {
            let right = outcomes.iter().filter(|o| o.1).count();
            prop_assume!(right + missed > 0);
            let people = right + missed;
            let mut sorted = outcomes.clone();
            sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
            let points: Vec<(f64, f64)> = (1..=sorted.len()).map(|n| {
                let right = sorted[..n].iter().filter(|o| o.1).count() as f64;
                (right / people as f64, right / n as f64)
            }).collect();
            let mut area = 0.0;
            for (i, (recall, _)) in points.iter().enumerate() {
                let before = if i == 0 { 0.0 } else { points[i - 1].0 };
                area += (recall - before) * points[i..].iter().map(|p| p.1).fold(0.0, f64::max);
            }
            prop_assert!((ap(people, &outcomes) - area).abs() < 1e-9);
        }
    }
}
