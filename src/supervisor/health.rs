use std::time::Duration;

use crate::words::{Moment, Reason};

/// How long to wait between lives: exponential with full jitter, so that 300 cameras behind one switch do not come
/// back in step (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The shortest wait.
    pub floor: Duration,
    /// The longest wait.
    pub ceiling: Duration,
    /// A life that streamed for this long makes up for the failures before it.
    pub healthy_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            floor: Duration::from_millis(500),
            ceiling: Duration::from_secs(30),
            healthy_after: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    /// The wait after `failures` failures in a row (at least one). `roll` is random, 0 to 1.
    pub fn wait(&self, failures: u32, reason: Reason, roll: f64) -> Duration {
        let doubled = self.floor.saturating_mul(2u32.saturating_pow(failures.min(16)));
        let (mut low, mut high) = (self.floor, doubled.min(self.ceiling));
        if Self::will_not_pass_by_itself(reason) {
            (low, high) = (self.ceiling / 2, self.ceiling);
        }
        low + (high.saturating_sub(low)).mul_f64(roll.clamp(0.0, 1.0))
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
    pub fn faulted(&mut self, at: Moment, reason: Reason, max_retries: u32, backoff: &Backoff, roll: f64) -> Next {
        let healthy = self.streaming_since.take().is_some_and(|since| at.since(&since) >= backoff.healthy_after);
        self.failures = if healthy { 1 } else { self.failures.saturating_add(1) };
        if max_retries > 0 && self.failures > max_retries {
            return Next::GiveUp;
        }
        Next::RetryAfter(backoff.wait(self.failures, reason, roll))
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
    fn waits_grow_to_the_ceiling_and_never_fall_below_the_floor() {
        let backoff = Backoff::default();
        let longest: Vec<f32> = (1..=8).map(|n| backoff.wait(n, RETRY, 1.0).as_secs_f32()).collect();
        assert_eq!(longest, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
        assert!((1..=40).all(|n| backoff.wait(n, RETRY, 0.0) == backoff.floor));
        assert_eq!(backoff.wait(u32::MAX, RETRY, 1.0), backoff.ceiling);
    }

    #[test]
    fn jitter_spreads_three_hundred_cameras() {
        let backoff = Backoff::default();
        let mut slots = [0; 30];
        for i in 0..300 {
            let wait = backoff.wait(6, RETRY, f64::from(i) / 300.0);
            slots[(wait.as_secs() as usize).min(29)] += 1;
        }
        assert!(slots.iter().all(|n| *n <= 20), "no second gets more than twice its share: {slots:?}");
    }

    #[test]
    fn what_will_not_pass_by_itself_is_asked_seldom() {
        let backoff = Backoff::default();
        for reason in [Reason::Unauthorized, Reason::UnsupportedCodec] {
            assert!(backoff.wait(1, reason, 0.0) >= Duration::from_secs(15), "{reason}");
        }
    }

    #[test]
    fn retries_are_counted_and_a_healthy_minute_makes_up_for_them() {
        let (backoff, mut health, start) = (Backoff::default(), Health::default(), Moment::now());
        let die = |health: &mut Health, at| health.faulted(at, RETRY, 2, &backoff, 0.5);
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
