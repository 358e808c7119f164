use std::time::Duration;

use tokio::time::Instant;

/// How large a picture may be.
///
/// A line may be too slow to get one across before the broker's acknowledgement is overdue, and a broker may hang up at a
/// packet larger than it takes; neither says so. So pictures become suspect when two connections ended while one was on its
/// way and none got through in between: pictures are given up rather than one connection after the other, and the events
/// on them.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    suspect: Option<Suspect>,
    /// What is smaller may be published; until then.
    bound: Option<(usize, Instant)>,
}

/// The picture that the last connection ended over, if none as large got through since.
#[derive(Debug, Clone, Copy)]
struct Suspect {
    bytes: usize,
    /// The largest that did.
    passed: usize,
    until: Instant,
}

impl Allowance {
    /// No larger picture is ever published.
    pub(super) const AT_MOST: usize = 1 << 20;
    /// For so long a suspicion lasts: it may have been wrong, and lines and brokers change.
    pub(super) const LASTS: Duration = Duration::from_secs(3600);

    /// Whether a picture of this size may be published.
    pub(super) fn admits(&self, bytes: usize, now: Instant) -> bool {
        bytes <= Self::AT_MOST && self.bound.is_none_or(|(bound, until)| bytes < bound || now >= until)
    }

    /// The broker has a picture of this size: that speaks for all that are no larger.
    pub(super) fn got_through(&mut self, bytes: usize) {
        self.suspect = self.suspect.filter(|suspect| suspect.bytes > bytes);
        if let Some(suspect) = &mut self.suspect {
            suspect.passed = suspect.passed.max(bytes);
        }
    }

    /// A connection ended while a picture of this size was on its way. If that makes pictures suspect, answers with the size
    /// from which on they are not published: half of the smaller one, as the next may be hardly smaller than it.
    pub(super) fn lost(&mut self, bytes: usize, now: Instant) -> Option<usize> {
        let before = self.suspect.take().filter(|suspect| now < suspect.until && suspect.passed < bytes);
        let Some(before) = before else {
            self.suspect = Some(Suspect { bytes, passed: 0, until: now + Self::LASTS });
            return None;
        };
        let bound = before.bytes.min(bytes) / 2;
        self.bound = Some((bound, now + Self::LASTS));
        Some(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_suspect_when_the_second_connection_ends_over_it() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        assert!(allowance.admits(Allowance::AT_MOST, now) && !allowance.admits(Allowance::AT_MOST + 1, now));
        assert_eq!(allowance.lost(900, now), None, "once says nothing");
        assert!(allowance.admits(900, now));
        assert_eq!(allowance.lost(800, now), Some(400));
        assert!(allowance.admits(399, now) && !allowance.admits(400, now));
        assert!(allowance.admits(Allowance::AT_MOST, now + Allowance::LASTS), "not for ever");
    }

    #[test]
    fn a_picture_that_got_through_in_between_speaks_for_those_that_are_no_larger() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        for _ in 0..10 {
            assert_eq!(allowance.lost(900, now), None);
            allowance.got_through(900);
        }
        assert!(allowance.admits(900, now));
        assert_eq!(allowance.lost(900, now), None);
        allowance.got_through(50);
        assert_eq!(allowance.lost(900, now), Some(450), "a small one says nothing about a large one");
    }

    #[test]
    fn a_line_that_breaks_now_and_then_makes_no_picture_suspect() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        assert_eq!(allowance.lost(900, now), None);
        allowance.got_through(50);
        assert_eq!(allowance.lost(50, now), None, "as large got through since");
        assert_eq!(allowance.lost(900, now + Allowance::LASTS), None, "long after");
    }

    #[test]
    fn a_bound_that_is_still_too_large_becomes_smaller() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        let bounds: Vec<_> = [800, 900, 390, 380].into_iter().filter_map(|bytes| allowance.lost(bytes, now)).collect();
        assert_eq!(bounds, [400, 190]);
    }
}
