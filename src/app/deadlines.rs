//! How long each step of the end may take. A service manager must wait for longer than for all of them (systemd's
//! `TimeoutStopSec`, in the README), or it kills what would have ended in order.

use std::time::Duration;

use crate::sinks::Drain;

/// For cameras to be told goodbye.
pub(super) const GOODBYES: Duration = Duration::from_secs(5);
/// For frames on their way to be looked at.
pub(super) const DETECTIONS: Duration = Duration::from_secs(3);
/// For pictures on their way to be stored.
pub(super) const PICTURES: Duration = Duration::from_secs(5);
/// For events to be written down.
pub(super) const WRITING: Duration = Duration::from_secs(5);
/// For deliveries in flight to end by themselves.
pub(super) const DELIVERIES: Duration = Duration::from_secs(10);
/// For requests over HTTP and streams of events to end, beside the deliveries.
pub(super) const REQUESTS: Duration = Duration::from_secs(6);
/// What a room that keeps to a deadline may take beyond it.
pub(super) const ANSWER: Duration = Duration::from_secs(1);

/// For deliveries in flight to end, by themselves or not, and for their sinks to be closed.
pub(super) const SINKS: Duration = DELIVERIES.saturating_add(Drain::AFTERMATH).saturating_add(ANSWER);
/// For all of it.
pub(super) const THE_END: Duration = GOODBYES
    .saturating_add(ANSWER)
    .saturating_add(DETECTIONS)
    .saturating_add(PICTURES)
    .saturating_add(ANSWER)
    .saturating_add(WRITING)
    .saturating_add(SINKS)
    .saturating_add(ANSWER); // who is logged in

const _: () = assert!(REQUESTS.as_millis() <= SINKS.as_millis(), "beside the deliveries");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_waits_for_longer_than_the_end_takes() {
        let readme = include_str!("../../README.md");
        assert!(readme.contains(&format!("{} s in all", THE_END.as_secs())), "{THE_END:?}");
        let unit = readme.lines().find_map(|line| line.strip_prefix("TimeoutStopSec="));
        let patience = unit.expect("the unit says it").parse().expect("seconds");
        assert!(Duration::from_secs(patience) > THE_END, "{patience} s are not more than {THE_END:?}");
    }
}
