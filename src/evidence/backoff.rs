use std::time::Duration;

/// How long to wait after failures: doubling, with jitter, so that many pictures do not come back in step (Brooker,
/// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: equal jitter).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub floor: Duration,
    /// The longest wait.
    pub ceiling: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { floor: Duration::from_millis(500), ceiling: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// The wait after `failures` failures in a row (at least one). `roll` is random, 0 to 1.
    pub fn wait(&self, failures: u32, roll: f64) -> Duration {
        let doubled = self.floor.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1).min(16)));
        Self::jittered(doubled.min(self.ceiling), roll)
    }

    /// The wait where somebody has to change something first.
    pub fn longest(&self, roll: f64) -> Duration {
        Self::jittered(self.ceiling, roll)
    }

    fn jittered(wait: Duration, roll: f64) -> Duration {
        wait.mul_f64(0.5 + 0.5 * roll.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_from_half_a_second_to_a_minute() {
        let waits = [1, 2, 3, 7, 8, 9, u32::MAX].map(|n| Backoff::default().wait(n, 1.0).as_secs_f64());
        assert_eq!(waits, [0.5, 1.0, 2.0, 32.0, 60.0, 60.0, 60.0]);
        assert_eq!(Backoff::default().wait(3, 0.0).as_secs_f64(), 1.0, "jitter takes half of it at most");
        assert_eq!(Backoff::default().longest(0.0).as_secs_f64(), 30.0);
    }
}
