use std::{collections::VecDeque, time::Duration};

use crate::{media::AccessUnit, words::Moment};

/// Measures a stream as it comes: frames and bits per second, and time between key frames.
#[derive(Debug, Default)]
pub struct Meter {
    hint: Option<Duration>,
    /// Media times of the latest key frames, in 90 kHz ticks.
    keys: VecDeque<i64>,
    /// When the latest key frames came, whatever their media times are.
    arrivals: VecDeque<Moment>,
    window: Option<Window>,
    fps: Option<f32>,
    bitrate: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Moment,
    units: u32,
    bytes: u64,
}

impl Meter {
    const WINDOW: Duration = Duration::from_secs(5);
    const KEYS: usize = 4;
    const USUAL_INTERVAL: Duration = Duration::from_secs(1);
    /// Farther apart than this, two media times are a jump of the clock, not an interval.
    const LONGEST_INTERVAL: i64 = 300 * 90_000;
    /// Key frames that come so many times farther apart than they say come by a clock that is wrong.
    const SLOW_CLOCK: f64 = 1.5;

    /// A meter that counts on key frames at least `hint` apart until it has measured.
    pub fn with_hint(hint: Option<Duration>) -> Self {
        Self { hint, ..Self::default() }
    }

    /// Takes note of a unit. True when the rates were measured anew.
    pub fn note(&mut self, unit: &AccessUnit) -> bool {
        if unit.key {
            if self.keys.back().is_some_and(|last| !(1..Self::LONGEST_INTERVAL).contains(&(unit.timestamp - last))) {
                self.keys.clear();
            }
            self.keys.push_back(unit.timestamp);
            self.arrivals.push_back(unit.received);
            self.keys.drain(..self.keys.len().saturating_sub(Self::KEYS));
            self.arrivals.drain(..self.arrivals.len().saturating_sub(Self::KEYS));
        }
        let window = self.window.get_or_insert(Window { began: unit.received, units: 0, bytes: 0 });
        let elapsed = unit.received.since(&window.began);
        let full = elapsed >= Self::WINDOW;
        if full {
            self.fps = Some(window.units as f32 / elapsed.as_secs_f32());
            self.bitrate = Some((window.bytes as f64 * 8.0 / elapsed.as_secs_f64()) as u64);
            *window = Window { began: unit.received, units: 0, bytes: 0 };
        }
        window.units += 1;
        window.bytes += unit.data.len() as u64;
        full
    }

    /// Frames per second over the last window.
    pub fn fps(&self) -> Option<f32> {
        self.fps
    }

    /// Bits per second over the last window.
    pub fn bitrate(&self) -> Option<u64> {
        self.bitrate
    }

    /// The median of the latest intervals between key frames, once two have come: a lost key frame doubles one. By the
    /// camera's clock, as that knows nothing of the network's delays, unless it stands, jumps back or goes far too slowly.
    pub fn key_frame_interval(&self) -> Option<Duration> {
        let ticks = median(&self.keys, |a, b| b - a);
        let by_clock = ticks.map(|ticks| Duration::from_secs_f64(ticks as f64 / 90_000.0));
        let by_arrival = median(&self.arrivals, |a, b| b.since(a))?;
        let trusted = by_clock.filter(|by_clock| by_arrival <= by_clock.mul_f64(Self::SLOW_CLOCK));
        Some(trusted.unwrap_or(by_arrival))
    }

    /// The interval to count on at `now`: what was measured, or was found out by an earlier life, or is usual; and the
    /// time since the last key frame where that is longer.
    pub fn expected_interval(&self, now: Moment) -> Duration {
        let open = self.since_key_frame(now).unwrap_or_default();
        self.key_frame_interval().or(self.hint).unwrap_or(Self::USUAL_INTERVAL).max(open)
    }

    /// How long the stream has gone without a key frame, if it ever had one.
    pub fn since_key_frame(&self, now: Moment) -> Option<Duration> {
        self.arrivals.back().map(|key| now.since(key))
    }
}

/// The median of the distances between neighbours.
fn median<T, D: Ord + Copy>(points: &VecDeque<T>, distance: impl Fn(&T, &T) -> D) -> Option<D> {
    let mut distances: Vec<D> = points.iter().zip(points.iter().skip(1)).map(|(a, b)| distance(a, b)).collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn unit(began: Moment, ms: u64, key: bool) -> AccessUnit {
        AccessUnit {
            data: Bytes::from_static(&[0; 1000]),
            timestamp: ms as i64 * 90,
            received: began.after(Duration::from_millis(ms)),
            key,
            disposable: false,
            lost_packets: 0,
        }
    }

    #[test]
    fn rates_and_key_frame_interval_are_measured() {
        let (began, mut meter) = (Moment::now(), Meter::default());
        for i in 0..=200 {
            meter.note(&unit(began, i * 50, i % 40 == 0));
        }
        assert_eq!(meter.key_frame_interval(), Some(Duration::from_secs(2)));
        assert!((meter.fps().expect("10 s passed") - 20.0).abs() < 0.5);
        assert!((159_000..161_000).contains(&meter.bitrate().expect("10 s passed")));
    }

    #[test]
    fn a_jump_of_the_clock_is_no_interval() {
        let (began, mut meter) = (Moment::now(), Meter::default());
        for ms in [0, 1000, 2000] {
            meter.note(&unit(began, ms, true));
        }
        let waited = meter.expected_interval(began.after(Duration::from_secs(9)));
        assert_eq!(waited, Duration::from_secs(7), "the next key frame is late");
        let mut jumped = unit(began, 3000, true);
        jumped.timestamp = -5_000_000_000;
        meter.note(&jumped);
        assert_eq!(meter.key_frame_interval(), Some(Duration::from_secs(1)), "as they came");
    }

    #[test]
    fn the_cameras_clock_counts_unless_it_is_far_too_slow() {
        let measured = |clock: &dyn Fn(u64) -> i64| {
            let (began, mut meter) = (Moment::now(), Meter::default());
            // Every two seconds, and the network makes it three at times.
            for (i, ms) in [0, 2000, 4900, 6000, 8900].into_iter().enumerate() {
                meter.note(&AccessUnit { timestamp: clock(i as u64 * 2000), ..unit(began, ms, true) });
            }
            meter.key_frame_interval()
        };
        assert_eq!(measured(&|ms| ms as i64 * 90), Some(Duration::from_secs(2)));
        for (what, wrong) in [("slow", (|ms| ms as i64 * 36) as fn(u64) -> i64), ("stopped", |_| 7)] {
            assert_eq!(measured(&wrong), Some(Duration::from_millis(2900)), "{what}");
        }
    }
}
