use std::time::Duration;

use tokio::time::Instant;

use crate::camera::Fault;

/// Damaged packets: the stream goes on behind one, with a gap; too many in a short time and a new session is better.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// What pictures lost since the last one.
    noted: u16,
    in_window: u32,
    window_began: Option<Instant>,
    last: Option<Fault>,
}

/// What a damaged packet was of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Pictures,
    Sound,
}

impl Damage {
    const TOLERATED: u32 = 20;
    const WINDOW: Duration = Duration::from_secs(10);

    /// Takes note of an error; returns it if it ends the stream.
    pub(super) fn note(&mut self, fault: Fault, of: Part, now: Instant) -> Option<Fault> {
        if !matches!(fault, Fault::Protocol(_)) {
            return Some(fault);
        }
        if self.window_began.is_none_or(|began| now - began > Self::WINDOW) {
            (self.window_began, self.in_window) = (Some(now), 0);
        }
        self.in_window += 1;
        self.noted = self.noted.saturating_add(u16::from(of == Part::Pictures));
        if self.in_window > Self::TOLERATED {
            return Some(fault);
        }
        tracing::debug!(%fault, ?of, "damaged packet");
        self.last = Some(fault);
        None
    }

    /// How many packets were lost before a unit that names `lost` of them. None is said of a unit without a picture: it is not
    /// handed on, and what it lost the next one has.
    pub(super) fn lost_before(&mut self, lost: u16, has_picture: bool) -> Option<u16> {
        self.last = None;
        self.noted = self.noted.saturating_add(lost);
        has_picture.then(|| std::mem::take(&mut self.noted))
    }

    /// The last error, where no unit came behind it.
    pub(super) fn take_last(&mut self) -> Option<Fault> {
        self.last.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn damaged() -> Fault {
        Fault::Protocol("damaged".into())
    }

    #[test]
    fn damage_of_the_sound_is_no_loss_of_pictures_but_ends_a_stream_that_is_full_of_it() {
        let (now, mut damage) = (Instant::now(), Damage::default());
        assert_eq!(damage.note(damaged(), Part::Sound, now), None);
        assert_eq!(damage.lost_before(0, true), Some(0));
        assert_eq!(damage.note(damaged(), Part::Pictures, now), None);
        assert_eq!(damage.lost_before(2, true), Some(3));
        for _ in 2..Damage::TOLERATED {
            assert_eq!(damage.note(damaged(), Part::Sound, now), None);
        }
        assert_eq!(damage.note(damaged(), Part::Sound, now), Some(damaged()));
        let later = now + Damage::WINDOW + Duration::from_millis(1);
        assert_eq!(damage.note(damaged(), Part::Sound, later), None);
        assert_eq!(damage.note(Fault::Ended, Part::Pictures, later), Some(Fault::Ended));
        assert_eq!(damage.take_last(), Some(damaged()), "what the end may have come of");
    }

    #[test]
    fn what_a_unit_without_a_picture_lost_the_next_one_has() {
        let mut damage = Damage::default();
        assert_eq!(damage.lost_before(2, false), None);
        assert_eq!(damage.lost_before(1, false), None);
        assert_eq!(damage.lost_before(4, true), Some(7));
        assert_eq!(damage.lost_before(0, true), Some(0));
    }
}
