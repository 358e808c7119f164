use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

/// When a delivery that failed is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

impl Default for Schedule {
    /// The schedule that the Standard Webhooks specification recommends: ten attempts over three days.
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let pauses = [0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
        Self(pauses.map(Duration::from_secs).to_vec())
    }
}

impl Schedule {
    /// The longest pause that a receiver can ask for.
    pub const RETRY_AFTER_AT_MOST: Duration = Duration::from_secs(24 * 60 * 60);

    /// The longest pause while nobody answers.
    pub const UNREACHABLE_AT_MOST: Duration = Duration::from_secs(60);

    /// A schedule of one's own: the pause before each attempt, the first included.
    pub fn new(pauses: impl Into<Vec<Duration>>) -> Self {
        Self(pauses.into())
    }

    /// The pause after the failure number `failures` (1 is the first) of an event that is `age` old, or nothing when
    /// that was the last attempt. Attempts that were brought forward, by restarts or because the receiver seemed to be
    /// back, use up the schedule's pauses but not its time: no event is given up before its time.
    /// `chance`, 0 to 1, moves it by up to a tenth either way, so that deliveries that failed together do not come back
    /// together. A receiver's `retry_after` can only make it longer.
    pub fn pause_after(
        &self,
        failures: u32,
        age: Duration,
        retry_after: Option<Duration>,
        chance: f64,
    ) -> Option<Duration> {
        let scheduled = self.0.get(failures as usize);
        let last = self.0.last().filter(|_| age < self.time().mul_f64(0.9 * 0.9));
        let pause = scheduled.or(last)?.mul_f64(0.9 + 0.2 * chance.clamp(0.0, 1.0));
        let asked = retry_after.unwrap_or_default();
        Some(pause.max(asked.min(Self::RETRY_AFTER_AT_MOST)))
    }

    /// The pause where nobody answered at all: the schedule's, but not so long that alerts wait for hours behind an
    /// outage of minutes. It never ends: that nobody answered says nothing about the event.
    pub fn pause_unreachable(&self, failures: u32, chance: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let scheduled = self.0.get((failures as usize).min(last)).copied().unwrap_or_default();
        scheduled.min(Self::UNREACHABLE_AT_MOST).mul_f64(0.9 + 0.2 * chance.clamp(0.0, 1.0))
    }

    /// From the first attempt to the last.
    fn time(&self) -> Duration {
        self.0.iter().sum()
    }
}

/// How long a `Retry-After` header asks to wait: seconds, or an HTTP date (RFC 9110, section 10.2.3). A date that has
/// passed asks for nothing; what is neither is ignored.
pub(super) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTimeParser::new().parse_timestamp(header).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE_DAYS: Duration = Duration::from_secs(3 * 86_400);

    #[test]
    fn ten_attempts_over_three_days_then_no_more() {
        let schedule = Schedule::default();
        let pauses: Vec<u64> = (1..)
            .map_while(|failures| schedule.pause_after(failures, THREE_DAYS, None, 0.5))
            .map(|pause| pause.as_secs())
            .collect();
        assert_eq!(pauses, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!(schedule.pause_after(u32::MAX, THREE_DAYS, None, 0.5), None);
    }

    #[test]
    fn attempts_brought_forward_do_not_shorten_the_time_of_an_event() {
        let schedule = Schedule::default();
        let pause = schedule.pause_after(500, Duration::from_secs(3600), None, 0.5);
        assert_eq!(pause, Some(Duration::from_secs(86_400)), "500 attempts within an hour are no reason to give it up");
    }

    #[test]
    fn an_outage_of_minutes_does_not_cost_hours() {
        let schedule = Schedule::default();
        let pauses = [1, 2, 5, 10, 10_000].map(|failures| schedule.pause_unreachable(failures, 0.5).as_secs());
        assert_eq!(pauses, [5, 60, 60, 60, 60], "and no outage, however long, makes a dead letter");
    }

    #[test]
    fn jitter_stays_within_a_tenth() {
        let schedule = Schedule::default();
        let pause = |chance| schedule.pause_after(2, Duration::ZERO, None, chance).expect("a pause");
        assert_eq!(pause(0.0), Duration::from_secs(270));
        assert_eq!(pause(1.0), Duration::from_secs(330));
    }

    #[test]
    fn the_receiver_can_ask_for_longer_but_not_for_ever() {
        let schedule = Schedule::default();
        let pause = |asked| schedule.pause_after(1, Duration::ZERO, Some(Duration::from_secs(asked)), 0.5);
        assert_eq!(pause(1), Some(Duration::from_secs(5)), "never shorter");
        assert_eq!(pause(90), Some(Duration::from_secs(90)));
        assert_eq!(pause(u64::MAX), Some(Schedule::RETRY_AFTER_AT_MOST));
        let last = schedule.pause_after(10, THREE_DAYS, Some(Duration::from_secs(1)), 0.5);
        assert_eq!(last, None, "it cannot ask for more attempts");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-10-21T07:28:00Z".parse().expect("a time");
        let read = |header| retry_after(header, now).map(|pause| pause.as_secs());
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" 0 "), Some(0));
        assert_eq!(read("Wed, 21 Oct 2026 07:30:00 GMT"), Some(120));
        assert_eq!(read("Wed, 21 Oct 2026 07:00:00 GMT"), Some(0), "it passed");
        for nonsense in ["", "soon", "-5", "1.5", "2026-10-21", "99999999999999999999999"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
