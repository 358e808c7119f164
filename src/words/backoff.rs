use std::time::Duration;

/// How long to wait after failures: doubling, with full jitter above a floor, so that three hundred cameras behind one
/// switch, or many pictures before one store, do not come back in step (Brooker, "Exponential Backoff And Jitter", AWS
/// Architecture Blog, 2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The shortest wait.
    pub floor: Duration,
    /// The longest wait.
    pub ceiling: Duration,
}

impl Backoff {
    /// A pause as logs say it: in seconds, to the millisecond.
    pub fn said(wait: Duration) -> f64 {
        (wait.as_secs_f64() * 1e3).round() / 1e3
    }

    /// The wait after `failures` failures in a row (at least one): up to twice the floor, then four times, and so on.
    /// `roll` is random, 0 to 1.
    pub fn wait(&self, failures: u32, roll: f64) -> Duration {
        let doubled = self.floor.saturating_mul(2u32.saturating_pow(failures.min(16)));
        between(self.floor, doubled.min(self.ceiling), roll)
    }

    /// The wait where somebody has to change something first: near the longest at once.
    pub fn longest(&self, roll: f64) -> Duration {
        between(self.ceiling / 2, self.ceiling, roll)
    }
}

fn between(low: Duration, high: Duration, roll: f64) -> Duration {
    low + high.saturating_sub(low).mul_f64(roll.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { floor: Duration::from_millis(500), ceiling: Duration::from_secs(30) };

    #[test]
    fn waits_grow_to_the_ceiling_and_never_fall_below_the_floor() {
        let longest: Vec<f64> = (1..=8).map(|n| BACKOFF.wait(n, 1.0).as_secs_f64()).collect();
        assert_eq!(longest, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
        assert!((1..=40).all(|n| BACKOFF.wait(n, 0.0) == BACKOFF.floor));
        assert_eq!(BACKOFF.wait(u32::MAX, 1.0), BACKOFF.ceiling);
    }

    #[test]
    fn jitter_spreads_three_hundred_cameras() {
        let mut slots = [0; 30];
        for i in 0..300 {
            let wait = BACKOFF.wait(6, f64::from(i) / 300.0);
            slots[(wait.as_secs() as usize).min(29)] += 1;
        }
        assert!(slots.iter().all(|n| *n <= 20), "no second gets more than twice its share: {slots:?}");
    }

    #[test]
    fn what_somebody_has_to_mend_is_asked_seldom() {
        assert_eq!([0.0, 1.0].map(|roll| BACKOFF.longest(roll).as_secs()), [15, 30]);
    }
}
