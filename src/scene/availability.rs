use std::time::Duration;

use jiff::Timestamp;

use crate::words::{Moment, Reason};

/// Whether a camera is there, and what has been told about it: each `down` gets one `up`, in turn.
#[derive(Debug, Clone, Default)]
pub(super) struct Availability {
    gone: Option<Outage>,
    told: Option<Timestamp>,
}

/// A camera that is gone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outage {
    /// When its stream was lost.
    pub(super) since: Moment,
    /// Why it is not back: the newest fault.
    pub(super) reason: Reason,
    /// The same for people.
    pub(super) message: String,
}

impl Availability {
    /// A life of the camera ended with a fault. Further failed lives are the same outage.
    pub(super) fn lost(&mut self, at: Moment, reason: Reason, message: String) {
        let since = self.gone.take().map_or(at, |outage| outage.since);
        self.gone = Some(Outage { since, reason, message });
    }

    /// The camera streams. If it had been told to be down: since when, so that it is told to be up.
    pub(super) fn streaming(&mut self) -> Option<Timestamp> {
        self.gone = None;
        self.told.take()
    }

    /// The user stopped the camera: that is no fault. An outage told before stays told until it streams again.
    pub(super) fn stopped(&mut self) {
        self.gone = None;
    }

    /// The outage that is to be told now, once.
    pub(super) fn due(&mut self, now: Moment, down_after: Duration) -> Option<Outage> {
        let outage = self.gone.as_ref()?;
        if self.told.is_some() || now.since(&outage.since) <= down_after {
            return None;
        }
        self.told = Some(outage.since.wall);
        Some(outage.clone())
    }

    /// An outage was told before the process was restarted.
    pub(super) fn resume(&mut self, since: Timestamp) {
        self.told = Some(since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(60);

    struct Clock(Moment);

    impl Clock {
        fn at(&self, s: u64) -> Moment {
            self.0.after(Duration::from_secs(s))
        }
    }

    fn lose(camera: &mut Availability, at: Moment) {
        camera.lost(at, Reason::Stalled, "silent".into());
    }

    #[test]
    fn each_down_has_one_up() {
        let clock = Clock(Moment::now());
        let mut camera = Availability::default();
        lose(&mut camera, clock.at(10));
        camera.lost(clock.at(40), Reason::Refused, "nobody listens".into());
        assert_eq!(camera.due(clock.at(70), AFTER), None, "not yet longer");
        let outage = camera.due(clock.at(71), AFTER).expect("down");
        assert_eq!(outage.since, clock.at(10), "from the first loss");
        assert_eq!(outage.reason, Reason::Refused, "the newest reason");
        assert_eq!(camera.due(clock.at(200), AFTER), None, "told once");
        assert_eq!(camera.streaming(), Some(clock.at(10).wall), "up");
        assert_eq!(camera.streaming(), None, "told once");
    }

    #[test]
    fn flapping_is_not_told() {
        let clock = Clock(Moment::now());
        let mut camera = Availability::default();
        for s in (0..600).step_by(30) {
            lose(&mut camera, clock.at(s));
            assert_eq!(camera.due(clock.at(s + 20), AFTER), None);
            assert_eq!(camera.streaming(), None);
        }
    }

    #[test]
    fn stopping_is_no_fault() {
        let clock = Clock(Moment::now());
        let mut camera = Availability::default();
        lose(&mut camera, clock.at(0));
        camera.stopped();
        assert_eq!(camera.due(clock.at(900), AFTER), None);
        assert_eq!(camera.streaming(), None);
    }

    #[test]
    fn a_camera_that_was_down_when_the_process_ended_is_told_once_up_and_never_down_again() {
        let clock = Clock(Moment::now());
        let mut camera = Availability::default();
        camera.resume(clock.at(0).wall);
        lose(&mut camera, clock.at(10));
        assert_eq!(camera.due(clock.at(900), AFTER), None, "told already");
        assert_eq!(camera.streaming(), Some(clock.at(0).wall));
    }
}
