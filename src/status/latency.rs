use std::{collections::VecDeque, time::Duration};

use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Serialize;

/// The latest 256 latencies, exact.
#[derive(Debug, Default)]
pub struct Latency(Mutex<VecDeque<Duration>>);

/// The middle and the tail, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Quantiles {
    /// The median.
    pub p50: f64,
    /// One in a hundred is longer.
    pub p99: f64,
}

impl Latency {
    const KEPT: usize = 256;

    /// Adds one.
    pub fn record(&self, latency: Duration) {
        let mut kept = self.0.lock();
        if kept.len() == Self::KEPT {
            kept.pop_front();
        }
        kept.push_back(latency);
    }

    /// The quantiles of what is kept (nearest rank), once there is something.
    pub fn quantiles(&self) -> Option<Quantiles> {
        Self::quantiles_of([self])
    }

    /// The quantiles of several, taken together.
    pub fn quantiles_of<'a>(several: impl IntoIterator<Item = &'a Self>) -> Option<Quantiles> {
        let mut kept: Vec<Duration> = Vec::new();
        for one in several {
            kept.extend(one.0.lock().iter());
        }
        kept.sort_unstable();
        let last = kept.len().checked_sub(1)?;
        let at = |q: f64| kept[((q * kept.len() as f64).ceil() as usize).saturating_sub(1).min(last)].as_secs_f64();
        Some(Quantiles { p50: at(0.5), p99: at(0.99) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_latest_ones() {
        let latency = Latency::default();
        assert_eq!(latency.quantiles(), None);
        for ms in 1..=1000 {
            latency.record(Duration::from_millis(ms));
        }
        let q = latency.quantiles().expect("there are some");
        assert_eq!((q.p50, q.p99), (0.872, 0.998), "of 745 to 1000");
        let quick = Latency::default();
        for _ in 0..256 {
            quick.record(Duration::from_millis(1));
        }
        let both = Latency::quantiles_of([&latency, &quick]).expect("there are some");
        assert_eq!((both.p50, both.p99), (0.001, 0.995), "half of them are quick");
    }
}
