use std::time::Duration;

use crate::words::{Backoff, Moment, Reason};

/// On what terms one life follows another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The pauses between them.
    pub backoff: Backoff,
    /// A life that streamed for this long makes up for the failures before it.
    pub healthy_after: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        let backoff = Backoff { floor: Duration::from_millis(500), ceiling: Duration::from_secs(30) };
        Self { backoff, healthy_after: Duration::from_secs(60) }
    }
}

impl Terms {
    /// The wait after `failures` failures in a row (at least one). `roll` is random, 0 to 1.
    pub fn wait(&self, failures: u32, reason: Reason, roll: f64) -> Duration {
        if Self::will_not_pass_by_itself(reason) {
            self.backoff.longest(roll)
        } else {
            self.backoff.wait(failures, roll)
        }
    }

    /// Somebody has to change something first; asking often gets accounts locked and logs filled.
    fn will_not_pass_by_itself(reason: Reason) -> bool {
        matches!(reason, Reason::Unauthorized | Reason::NotFound | Reason::UnsupportedCodec | Reason::NoVideo)
    }
}

/// How a camera has been doing, and so what to do when a life ends.
#[derive(Debug, Clone, Default)]
pub struct Health {
    failures: u32,
    streaming_since: Option<Moment>,
}

/// What to do when a life has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Begin another after this long.
    RetryAfter(Duration),
    /// No more: the retries are used up.
    GiveUp,
}

impl Health {
    /// The first picture of a life.
    pub fn streamed(&mut self, at: Moment) {
        self.streaming_since = Some(at);
    }

    /// A life ended with `reason`. `max_retries` 0 is for ever.
    pub fn faulted(&mut self, at: Moment, reason: Reason, max_retries: u32, terms: &Terms, roll: f64) -> Next {
        let healthy = self.streaming_since.take().is_some_and(|since| at.since(&since) >= terms.healthy_after);
        self.failures = if healthy { 1 } else { self.failures.saturating_add(1) };
        if max_retries > 0 && self.failures > max_retries {
            return Next::GiveUp;
        }
        Next::RetryAfter(terms.wait(self.failures, reason, roll))
    }

    /// Failed lives in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Reason = Reason::Unreachable;

    #[test]
    fn what_will_not_pass_by_itself_is_asked_seldom() {
        let terms = Terms::default();
        assert_eq!(terms.wait(1, RETRY, 0.0), Duration::from_millis(500));
        for reason in [Reason::Unauthorized, Reason::UnsupportedCodec] {
            assert!(terms.wait(1, reason, 0.0) >= Duration::from_secs(15), "{reason}");
        }
    }

    #[test]
    fn retries_are_counted_and_a_healthy_minute_makes_up_for_them() {
        let (terms, mut health, start) = (Terms::default(), Health::default(), Moment::now());
        let die = |health: &mut Health, at| health.faulted(at, RETRY, 2, &terms, 0.5);
        assert!(matches!(die(&mut health, start), Next::RetryAfter(_)));
        assert!(matches!(die(&mut health, start), Next::RetryAfter(_)));
        health.streamed(start);
        let soon = start.after(Duration::from_secs(59));
        assert_eq!(die(&mut health.clone(), soon), Next::GiveUp, "59 s are not enough");
        let later = start.after(Duration::from_secs(60));
        assert!(matches!(die(&mut health, later), Next::RetryAfter(_)));
        assert_eq!(health.failures(), 1);
    }
}
