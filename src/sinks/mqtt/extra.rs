use std::time::Duration;

use tokio::time::Instant;

/// Something beside the events that a broker may not bear: at what its user may not do, many a broker hangs up without a
/// word. Then every connection would end over it, and the events with it.
///
/// So it is left out for a while when a second connection ended over it, and nothing of the kind that the first one ended
/// over got through in between.
#[derive(Debug)]
pub(super) struct Extra<Kind> {
    suspect: Option<Kind>,
    /// Why, and until when.
    left_out: Option<(String, Instant)>,
}

impl<Kind> Default for Extra<Kind> {
    fn default() -> Self {
        Self { suspect: None, left_out: None }
    }
}

impl<Kind: PartialEq> Extra<Kind> {
    /// For so long it is left out: the suspicion may be wrong, and brokers and rights change.
    pub(super) const LASTS: Duration = Duration::from_secs(3600);

    /// Whether it may be done.
    pub(super) fn is_admitted(&self, now: Instant) -> bool {
        self.why(now).is_none()
    }

    /// Why it is left out, if it is.
    pub(super) fn why(&self, now: Instant) -> Option<&str> {
        self.left_out.as_ref().filter(|(_, until)| now < *until).map(|(why, _)| why.as_str())
    }

    /// The broker bears this kind of it.
    pub(super) fn got_through(&mut self, kind: &Kind) {
        self.suspect.take_if(|suspect| suspect == kind);
    }

    /// A connection ended over this kind of it. Answers whether it is to be left out. The suspicion stays until something of
    /// the kind gets through, so that after the while one connection is enough to find out.
    pub(super) fn ended(&mut self, kind: Kind) -> bool {
        let again = self.suspect.is_some();
        self.suspect.get_or_insert(kind);
        again
    }

    /// Leaves it out for a while.
    pub(super) fn leave_out(&mut self, why: &str, now: Instant) {
        self.left_out = Some((why.to_owned(), now + Self::LASTS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_connection_that_ends_over_it_makes_it_suspect() {
        let mut extra = Extra::default();
        assert!(!extra.ended("image"), "once says nothing");
        extra.got_through(&"sensor");
        assert!(extra.ended("image"), "another kind says nothing of this one");
        assert!(extra.ended("image"), "nor does time");
        extra.got_through(&"image");
        assert!(!extra.ended("sensor"), "it is borne");
        assert!(extra.ended("image"), "nothing got through in between");
    }

    #[test]
    fn it_is_left_out_for_a_while() {
        let (mut extra, now) = (Extra::<()>::default(), Instant::now());
        assert!(extra.is_admitted(now));
        extra.leave_out("it hangs up", now);
        assert_eq!((extra.is_admitted(now), extra.why(now)), (false, Some("it hangs up")));
        let later = now + Extra::<()>::LASTS;
        assert_eq!((extra.is_admitted(later), extra.why(later)), (true, None));
    }
}
