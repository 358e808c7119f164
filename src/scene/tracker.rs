use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::words::{Detection, Rect};

/// Follows what is seen from sample to sample, after ByteTrack (Zhang et al., ECCV 2022, algorithm 1): first the sure
/// detections find their tracks, then the unsure ones find theirs among the rest, so that somebody half hidden keeps
/// their identity.
///
/// Three things are fitted to our place:
/// - Detections arrive without the ones below the user's `min_score`, so "unsure" is relative: below 0.6 of the best
///   score of the same sample.
/// - Samples are rarer than a film's, so boxes are widened by how long ago a track was seen before they are compared
///   (Yang et al., WACV 2023: buffered IoU).
/// - Pairs are joined greedily, the best overlap first. It differs from the optimal assignment only where two tracks
///   compete for the same two boxes with all four overlaps above the threshold; non-maximum suppression has removed
///   such boxes of one label, and where it has not, the best pair is the best evidence.
#[derive(Debug, Clone, Default)]
pub(super) struct Tracker {
    tracks: Vec<Track>,
    given: u64,
}

#[derive(Debug, Clone)]
struct Track {
    id: u64,
    label: Arc<str>,
    x: Motion,
    y: Motion,
    w: f32,
    h: f32,
    seen: Instant,
}

/// Position and speed along one axis, smoothed with constant velocity.
#[derive(Debug, Clone, Copy)]
struct Motion {
    position: f32,
    speed: f32,
    observations: u32,
}

impl Tracker {
    /// Samples that are this far apart, or farther, are not followed: people move farther than their own width.
    pub(super) const SLOWEST: Duration = Duration::from_millis(500);
    /// A track that is not seen for longer ends (ByteTrack: 30 pictures at 30 a second).
    const KEPT: Duration = Duration::from_secs(1);
    /// Tracks at once; what comes beyond gets no identity.
    const MOST: usize = 64;
    const SURE: f32 = 0.6;
    const SURE_OVERLAP: f32 = 0.2;
    const UNSURE_OVERLAP: f32 = 0.5;

    /// The track of each detection of a sample captured at `at`, in the detections' order.
    pub(super) fn follow(&mut self, seen: &[Detection], at: Instant) -> Vec<Option<u64>> {
        self.tracks.retain(|t| at.saturating_duration_since(t.seen) <= Self::KEPT);
        let best = seen.iter().map(|d| d.score).fold(0.0, f32::max);
        let is_sure = |d: &Detection| d.score >= best * Self::SURE;

        let mut joining = Joining::new(self.tracks.len(), seen.len().min(Self::MOST));
        let places: Vec<Rect> = self.tracks.iter().map(|t| t.expected(at)).collect();
        let overlap = |t: usize, d: usize| {
            let (track, seen) = (&self.tracks[t], &seen[d]);
            let margin = at.saturating_duration_since(track.seen).as_secs_f32().min(0.5);
            let same = track.label == seen.label;
            same.then(|| widened(&places[t], margin).iou(&widened(&seen.area, margin)))
        };
        joining.join(|t, d| overlap(t, d).filter(|_| is_sure(&seen[d])), Self::SURE_OVERLAP);
        joining.join(overlap, Self::UNSURE_OVERLAP);

        let mut ids = vec![None; seen.len()];
        for (d, detection) in seen.iter().enumerate().take(Self::MOST) {
            ids[d] = match joining.track_of[d] {
                Some(t) => {
                    self.tracks[t].observe(&detection.area, at);
                    Some(self.tracks[t].id)
                }
                // An unsure box on top of a track is most likely a part of the same body.
                None if !is_sure(detection) && places.iter().any(|p| p.iou(&detection.area) >= Self::SURE_OVERLAP) => {
                    None
                }
                None => self.begin(detection, at),
            };
        }
        ids
    }

    fn begin(&mut self, detection: &Detection, at: Instant) -> Option<u64> {
        if self.tracks.len() >= Self::MOST {
            return None;
        }
        self.given += 1;
        let centre = detection.area.centre();
        self.tracks.push(Track {
            id: self.given,
            label: detection.label.clone(),
            x: Motion::at(centre.x),
            y: Motion::at(centre.y),
            w: detection.area.w,
            h: detection.area.h,
            seen: at,
        });
        Some(self.given)
    }
}

impl Track {
    fn expected(&self, at: Instant) -> Rect {
        let dt = at.saturating_duration_since(self.seen).as_secs_f32();
        let (x, y) = (self.x.after(dt), self.y.after(dt));
        Rect::from_edges(x - self.w / 2.0, y - self.h / 2.0, x + self.w / 2.0, y + self.h / 2.0)
    }

    fn observe(&mut self, area: &Rect, at: Instant) {
        let dt = at.saturating_duration_since(self.seen).as_secs_f32();
        let centre = area.centre();
        self.x.observe(centre.x, dt);
        self.y.observe(centre.y, dt);
        self.w += (area.w - self.w) / 2.0;
        self.h += (area.h - self.h) / 2.0;
        self.seen = at;
    }
}

impl Motion {
    fn at(position: f32) -> Self {
        Self { position, speed: 0.0, observations: 1 }
    }

    fn after(&self, dt: f32) -> f32 {
        self.position + self.speed * dt
    }

    /// A g-h filter with growing memory of up to four observations (Brookner, "Tracking and Kalman Filtering Made
    /// Easy", 1998, section 1.2.10), which is what a constant-velocity Kalman filter settles to.
    fn observe(&mut self, position: f32, dt: f32) {
        if dt <= 0.0 {
            return;
        }
        let n = self.observations.min(3) as f32;
        let g = 2.0 * (2.0 * n + 1.0) / ((n + 1.0) * (n + 2.0));
        let h = 6.0 / ((n + 1.0) * (n + 2.0));
        let expected = self.after(dt);
        let surprise = position - expected;
        self.position = expected + g * surprise;
        self.speed += h * surprise / dt;
        self.observations = self.observations.saturating_add(1);
    }
}

/// Which track belongs to which detection, as far as it is known.
struct Joining {
    taken: Vec<bool>,
    track_of: Vec<Option<usize>>,
}

impl Joining {
    fn new(tracks: usize, detections: usize) -> Self {
        Self { taken: vec![false; tracks], track_of: vec![None; detections] }
    }

    /// Joins what is free on both sides and overlaps at least by `least`, the best pair first.
    fn join(&mut self, overlap: impl Fn(usize, usize) -> Option<f32>, least: f32) {
        let mut pairs = Vec::new();
        for t in (0..self.taken.len()).filter(|&t| !self.taken[t]) {
            for d in (0..self.track_of.len()).filter(|&d| self.track_of[d].is_none()) {
                if let Some(iou) = overlap(t, d).filter(|iou| *iou >= least) {
                    pairs.push((iou, t, d));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (_, t, d) in pairs {
            if !self.taken[t] && self.track_of[d].is_none() {
                self.taken[t] = true;
                self.track_of[d] = Some(t);
            }
        }
    }
}

fn widened(area: &Rect, margin: f32) -> Rect {
    let (w, h) = (area.w * margin, area.h * margin);
    Rect::from_edges(area.x - w, area.y - h, area.x + area.w + w, area.y + area.h + h)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(x: f32, score: f32) -> Detection {
        Detection { label: "person".into(), score, area: Rect::from_edges(x - 0.04, 0.4, x + 0.04, 0.7) }
    }

    /// Follows samples that are `every_ms` apart; the ids of each.
    fn follow(every_ms: u64, samples: impl IntoIterator<Item = Vec<Detection>>) -> Vec<Vec<Option<u64>>> {
        let start = Instant::now();
        let mut tracker = Tracker::default();
        (0..).zip(samples).map(|(n, seen)| tracker.follow(&seen, start + Duration::from_millis(n * every_ms))).collect()
    }

    #[test]
    fn identity_survives_a_crossing_at_ten_per_second() {
        // Two people walk through one another; where they overlap most, only one box is left of them.
        let (left, right) = (|n| 0.2 + 0.015 * n as f32, |n| 0.8 - 0.012 * n as f32);
        let ids = follow(
            100,
            (0..40).map(|n| {
                if (left(n) - right(n)).abs() < 0.04 {
                    return vec![person(left(n), 0.9)];
                }
                // The detector's order says nothing about who is who.
                if n % 2 == 0 {
                    vec![person(left(n), 0.9), person(right(n), 0.8)]
                } else {
                    vec![person(right(n), 0.8), person(left(n), 0.9)]
                }
            }),
        );
        assert!(ids.iter().any(|s| s.len() == 1), "they do meet");
        assert_eq!(ids[0], [Some(1), Some(2)]);
        assert_eq!(ids[38], [Some(1), Some(2)], "on the other side");
        assert_eq!(ids[39], [Some(2), Some(1)]);
    }

    #[test]
    fn two_who_walk_side_by_side_are_not_swapped() {
        let ids = follow(
            100,
            (0..20).map(|n| {
                let (first, second) = (person(0.2 + 0.02 * n as f32, 0.8), 0.24 + 0.02 * n as f32);
                let mut both = vec![first, person(second, 0.8)];
                both.rotate_left(n % 2);
                both
            }),
        );
        for (n, seen) in ids.into_iter().enumerate() {
            let mut expected = [Some(1), Some(2)];
            expected.rotate_left(n % 2);
            assert_eq!(seen, expected, "sample {n}");
        }
    }

    #[test]
    fn identity_survives_two_missed_frames() {
        let ids = follow(
            100,
            (0..20).map(|n| match n {
                8 | 9 => vec![],
                n => vec![person(0.1 + 0.02 * n as f32, 0.7)],
            }),
        );
        assert!(ids.iter().flatten().all(|id| *id == Some(1)), "{ids:?}");
    }

    #[test]
    fn a_long_absence_ends_a_track() {
        let ids = follow(100, (0..30).map(|n| if (5..20).contains(&n) { vec![] } else { vec![person(0.5, 0.7)] }));
        assert_eq!((ids[4][0], ids[20][0]), (Some(1), Some(2)));
    }

    #[test]
    fn a_walker_is_followed_at_three_samples_a_second() {
        let ids = follow(333, (0..12).map(|n| vec![person(0.1 + 0.06 * n as f32, 0.7)]));
        assert!(ids.iter().flatten().all(|id| *id == Some(1)), "{ids:?}");
    }

    #[test]
    fn somebody_half_hidden_keeps_their_track_and_their_parts_get_none() {
        let ids = follow(
            100,
            vec![
                vec![person(0.3, 0.9), person(0.7, 0.9)],
                vec![person(0.3, 0.9), person(0.7, 0.4)],
                vec![person(0.3, 0.9), person(0.7, 0.45), person(0.74, 0.4)],
            ],
        );
        assert_eq!(ids[1], [Some(1), Some(2)]);
        assert_eq!(ids[2], [Some(1), Some(2), None]);
    }

    #[test]
    fn somebody_far_away_is_unsure_but_gets_a_track() {
        let ids = follow(100, vec![vec![person(0.3, 0.9), person(0.8, 0.4)]; 2]);
        assert_eq!(ids, [[Some(1), Some(2)], [Some(1), Some(2)]]);
    }

    #[test]
    fn labels_do_not_mix() {
        let mut dog = person(0.5, 0.8);
        dog.label = "dog".into();
        let ids = follow(100, vec![vec![person(0.5, 0.8)], vec![dog]]);
        assert_eq!(ids, [[Some(1)], [Some(2)]]);
    }

    #[test]
    fn tracks_are_bounded_and_ids_are_given_once() {
        let crowd: Vec<_> = (0..200).map(|n| person(n as f32, 0.8)).collect();
        let mut tracker = Tracker::default();
        let start = Instant::now();
        for n in 0..50 {
            let shifted: Vec<_> = crowd.iter().map(|d| person(d.area.x + 0.5 * n as f32, 0.8)).collect();
            let ids = tracker.follow(&shifted, start + Duration::from_millis(100 * n));
            assert!(tracker.tracks.len() <= Tracker::MOST);
            assert_eq!(ids.len(), 200);
            let mut given: Vec<_> = ids.into_iter().flatten().collect();
            let all = given.len();
            given.sort_unstable();
            given.dedup();
            assert_eq!(given.len(), all, "no two share one");
        }
    }

    #[test]
    fn boxes_that_are_no_numbers_are_survived() {
        let ids = follow(100, vec![vec![person(f32::NAN, 0.8), person(0.5, f32::NAN)]; 3]);
        assert_eq!(ids.len(), 3);
    }
}
