use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::words::CameraId;

/// Of which camera a picture is due: one for each visit that begins, at most one every few seconds.
#[derive(Debug, Default)]
pub(super) struct Snapshots(BTreeMap<CameraId, Visits>);

#[derive(Debug, Default)]
struct Visits {
    open: i64,
    due: bool,
    taken_at: Option<Instant>,
}

impl Snapshots {
    /// The least time between two pictures of a camera.
    pub(super) const PAUSE: Duration = Duration::from_secs(5);

    /// Looks at how many visits each camera has open.
    pub(super) fn look(&mut self, open: &BTreeMap<CameraId, i64>) {
        self.0.retain(|id, _| open.contains_key(id));
        for (id, &open) in open {
            let visits = self.0.entry(id.clone()).or_default();
            // Of a visit that has ended there is no picture any more.
            visits.due = open > 0 && (visits.due || open > visits.open);
            visits.open = open;
        }
    }

    /// The broker may have forgotten the pictures: those of open visits are due again.
    pub(super) fn renew(&mut self) {
        self.0.values_mut().for_each(|visits| visits.due = visits.open > 0);
    }

    /// The camera whose picture is to be taken now.
    pub(super) fn next(&mut self, now: Instant) -> Option<CameraId> {
        let rested = |visits: &Visits| visits.taken_at.is_none_or(|taken| now >= taken + Self::PAUSE);
        // The one that waits longest first, so that none waits for ever.
        let waiting = self.0.iter_mut().filter(|(_, visits)| visits.due && rested(visits));
        let (id, visits) = waiting.min_by_key(|(_, visits)| visits.taken_at)?;
        (visits.due, visits.taken_at) = (false, Some(now));
        Some(id.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open<const N: usize>(cameras: [(&str, i64); N]) -> BTreeMap<CameraId, i64> {
        cameras.map(|(id, open)| (id.parse().expect("an id"), open)).into()
    }

    fn next(snapshots: &mut Snapshots, now: Instant) -> Option<String> {
        snapshots.next(now).map(Into::into)
    }

    #[test]
    fn one_for_each_visit_that_begins() {
        let (mut snapshots, now) = (Snapshots::default(), Instant::now());
        snapshots.look(&open([("a", 0), ("b", 1)]));
        assert_eq!(next(&mut snapshots, now).as_deref(), Some("b"));
        snapshots.look(&open([("a", 0), ("b", 1)]));
        assert_eq!(next(&mut snapshots, now + Snapshots::PAUSE), None, "the same visit");
        snapshots.look(&open([("a", 0), ("b", 2)]));
        assert_eq!(next(&mut snapshots, now + Snapshots::PAUSE).as_deref(), Some("b"), "a second one, in a zone");
        snapshots.look(&open([("a", 0), ("b", 1)]));
        assert_eq!(next(&mut snapshots, now + 2 * Snapshots::PAUSE), None, "an end is no beginning");
    }

    #[test]
    fn a_pause_lies_between_two_and_a_visit_that_ended_meanwhile_has_none() {
        let (mut snapshots, now) = (Snapshots::default(), Instant::now());
        snapshots.look(&open([("a", 1)]));
        assert!(next(&mut snapshots, now).is_some());
        snapshots.look(&open([("a", 0)]));
        snapshots.look(&open([("a", 1)]));
        assert_eq!(next(&mut snapshots, now + Snapshots::PAUSE / 2), None);
        assert!(next(&mut snapshots, now + Snapshots::PAUSE).is_some(), "later");
        snapshots.look(&open([("a", 0)]));
        snapshots.look(&open([("a", 1)]));
        snapshots.look(&open([("a", 0)]));
        assert_eq!(next(&mut snapshots, now + 3 * Snapshots::PAUSE), None, "it would show nobody");
    }

    #[test]
    fn after_a_new_connection_open_visits_are_shown_again() {
        let (mut snapshots, now) = (Snapshots::default(), Instant::now());
        snapshots.look(&open([("a", 1), ("b", 0)]));
        assert!(next(&mut snapshots, now).is_some());
        snapshots.renew();
        assert_eq!(next(&mut snapshots, now + Snapshots::PAUSE).as_deref(), Some("a"));
        assert_eq!(next(&mut snapshots, now + Snapshots::PAUSE), None);
    }

    #[test]
    fn a_busy_camera_does_not_keep_the_others_from_theirs() {
        let (mut snapshots, mut now) = (Snapshots::default(), Instant::now());
        let mut taken = Vec::new();
        for visit in 1..=3 {
            snapshots.look(&open([("a", visit), ("b", visit), ("c", visit)]));
            taken.extend(next(&mut snapshots, now));
            now += Snapshots::PAUSE;
        }
        taken.sort();
        assert_eq!(taken, ["a", "b", "c"]);
    }
}
