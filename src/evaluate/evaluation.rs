use std::{cmp::Reverse, time::Duration};

use super::{Curve, Heights, Judgement, LEAST_SCORE, Photo, judge, report::Report};
use crate::words::{Detection, Rect};

/// What a model made of one photo.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// What it saw, from `LEAST_SCORE` on, in any order.
    pub seen: Vec<Detection>,
    /// How long the model itself took.
    pub inference: Duration,
    /// How long the whole took: preparing the picture, the model, reading the boxes.
    pub detection: Duration,
}

/// Photos and what was seen in them, growing one by one.
#[derive(Debug, Default)]
pub struct Evaluation<'a> {
    looks: Vec<Look<'a>>,
}

/// One photo, the detections by falling score.
#[derive(Debug)]
pub(super) struct Look<'a> {
    pub(super) photo: &'a Photo,
    seen: Vec<(f32, Rect)>,
    pub(super) inference: Duration,
    pub(super) detection: Duration,
}

/// Where a model was wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake<'a> {
    /// In which photo.
    pub photo: &'a Photo,
    /// Where in it.
    pub area: Rect,
    /// How sure the model was that somebody is there; `None` where it missed somebody.
    pub score: Option<f32>,
}

impl<'a> Evaluation<'a> {
    /// Adds a photo. Of equal scores the photo added first counts first.
    pub fn add(&mut self, photo: &'a Photo, looked: Looked) {
        let Looked { seen, inference, detection } = looked;
        let mut seen: Vec<(f32, Rect)> =
            seen.into_iter().filter(|d| d.score >= LEAST_SCORE).map(|d| (d.score, d.area)).collect();
        seen.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.looks.push(Look { photo, seen, inference, detection });
    }

    /// The figures, at a threshold from `LEAST_SCORE` on.
    pub fn report(&self, min_score: f32) -> Report {
        Report::of(&self.looks, min_score)
    }

    /// Whom the model saw where nobody is, the surest first; and whom it missed at this threshold, the tallest first.
    /// At most `most` of each.
    pub fn mistakes(&self, min_score: f32, most: usize) -> (Vec<Mistake<'a>>, Vec<Mistake<'a>>) {
        let (mut ghosts, mut missed) = (Vec::new(), Vec::new());
        for look in &self.looks {
            let counted = look.seen.iter().take_while(|(score, _)| *score >= min_score).count();
            let judged = judge(look.photo, Heights::ALL, &look.seen[..counted]);
            let wrong = look.seen.iter().zip(&judged).filter(|(_, judgement)| **judgement == Judgement::Wrong);
            ghosts.extend(wrong.map(|((score, area), _)| Mistake {
                photo: look.photo,
                area: *area,
                score: Some(*score),
            }));
            let unseen = |i: &usize| !judged.contains(&Judgement::Right(*i));
            let people = (0..look.photo.people.len()).filter(unseen).map(|i| look.photo.people[i]);
            missed.extend(people.map(|area| Mistake { photo: look.photo, area, score: None }));
        }
        // Scores and heights are 0 and more: their bits are in their order.
        ghosts.sort_by_key(|mistake| Reverse(mistake.score.map(f32::to_bits)));
        missed.sort_by_key(|mistake| Reverse(mistake.area.h.to_bits()));
        ghosts.truncate(most);
        missed.truncate(most);
        (ghosts, missed)
    }
}

/// The curve of some photos and the people of some heights in them.
pub(super) fn curve<'l>(looks: impl IntoIterator<Item = &'l Look<'l>>, heights: Heights) -> Curve {
    let (mut people, mut outcomes) = (0, Vec::new());
    for look in looks {
        people += look.photo.people.iter().filter(|person| heights.hold(person)).count();
        let judged = judge(look.photo, heights, &look.seen);
        outcomes.extend(look.seen.iter().zip(judged).filter_map(|((score, _), judgement)| match judgement {
            Judgement::Right(_) => Some((*score, true)),
            Judgement::Wrong => Some((*score, false)),
            Judgement::Ignored => None,
        }));
    }
    Curve::new(people, outcomes)
}
