use std::{collections::VecDeque, time::Duration};

use super::AccessUnit;

/// Access units that arrived while the decoder was busy: bounded, and never a reason to fall behind.
///
/// A unit that a newer key frame has made needless is given up at once, so the decoder jumps forward to the newest
/// key frame instead of working through the past.
#[derive(Debug, Default)]
pub struct Backlog {
    units: VecDeque<AccessUnit>,
    bytes: usize,
    broken: bool,
}

impl Backlog {
    /// About four seconds of a 16 Mbit/s camera.
    pub const MAX_BYTES: usize = 8 << 20;
    /// About four seconds at 60 frames per second.
    pub const MAX_UNITS: usize = 256;
    /// What has waited for longer is not worth catching up with.
    pub const MAX_AGE: Duration = Duration::from_secs(3);

    /// Adds a unit and returns how many were given up. A key frame displaces everything that waits; a unit beyond the bounds displaces everything too and,
    /// as what follows it cannot be decoded, all is given up until the next key frame.
    pub fn push(&mut self, unit: AccessUnit) -> u64 {
        let mut given_up = 0;
        let too_old = self.units.front().is_some_and(|oldest| unit.received.since(&oldest.received) > Self::MAX_AGE);
        let too_many = self.bytes + unit.data.len() > Self::MAX_BYTES || self.units.len() >= Self::MAX_UNITS;
        let over = too_old || too_many;
        if unit.key || over {
            given_up += self.units.len() as u64;
            self.units.clear();
            self.bytes = 0;
            self.broken = !unit.key;
        }
        self.broken |= unit.data.len() > Self::MAX_BYTES;
        if self.broken {
            return given_up + 1;
        }
        self.bytes += unit.data.len();
        self.units.push_back(unit);
        given_up
    }

    /// Takes out the oldest unit.
    pub fn pop(&mut self) -> Option<AccessUnit> {
        let unit = self.units.pop_front()?;
        self.bytes -= unit.data.len();
        Some(unit)
    }

    /// How many units wait.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::words::Moment;

    fn unit(timestamp: i64, key: bool, len: usize) -> AccessUnit {
        let data = Bytes::from(vec![0; len]);
        AccessUnit { data, timestamp, received: Moment::now(), key, disposable: false, lost_packets: 0 }
    }

    #[test]
    fn invariant_3_a_newer_key_frame_displaces_what_waits() {
        let mut backlog = Backlog::default();
        assert_eq!(backlog.push(unit(0, true, 10)), 0);
        assert_eq!(backlog.push(unit(1, false, 10)), 0);
        assert_eq!(backlog.push(unit(2, true, 10)), 2);
        assert_eq!(backlog.push(unit(3, false, 10)), 0);
        assert_eq!([backlog.pop(), backlog.pop()].map(|u| u.map(|u| u.timestamp)), [Some(2), Some(3)]);
        assert!(backlog.is_empty());
    }

    #[test]
    fn invariant_2_it_is_bounded_and_resumes_at_a_key_frame() {
        let mut backlog = Backlog::default();
        let mut given_up = 0;
        for i in 0..1000 {
            given_up += backlog.push(unit(i, i == 0, 1 << 20));
            assert!(backlog.bytes <= Backlog::MAX_BYTES);
        }
        assert_eq!(given_up, 1000, "the bound was passed, so nothing is decodable until the next key frame");
        assert_eq!(backlog.push(unit(1000, false, 1)), 1);
        assert_eq!(backlog.push(unit(1001, true, 1)), 0);
        assert_eq!(backlog.pop().map(|u| u.timestamp), Some(1001));
    }

    #[test]
    fn invariant_3_what_has_waited_too_long_is_given_up() {
        let (mut backlog, began) = (Backlog::default(), Moment::now());
        let at = |i: u64, key| AccessUnit {
            received: began.after(Duration::from_millis(i * 100)),
            ..unit(i as i64, key, 1)
        };
        assert!((0..=30).all(|i| backlog.push(at(i, i == 0)) == 0));
        assert_eq!(backlog.push(at(31, false)), 32, "more than 3 s behind");
        assert_eq!(backlog.push(at(32, false)), 1);
        assert_eq!((backlog.push(at(33, true)), backlog.len()), (0, 1));
    }

    #[test]
    fn small_units_are_bounded_by_their_number() {
        let mut backlog = Backlog::default();
        let given_up: u64 = (0..10_000).map(|i| backlog.push(unit(i, i == 0, 1))).sum();
        assert_eq!(given_up, 10_000);
        assert_eq!(backlog.len(), 0);
    }
}
