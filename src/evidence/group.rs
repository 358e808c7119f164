use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::KeyPattern;
use crate::words::{CameraId, EventId};

/// What must be known of an event to go on with its pictures after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notes {
    /// The event.
    pub(super) event: EventId,
    /// Its camera.
    pub(super) camera: CameraId,
    /// When it happened.
    pub(super) time: Timestamp,
    /// How its pictures are named in the store.
    pub(super) key: KeyPattern,
}

/// The pictures of one event, numbered in the order in which they came: 0 is the one that decided. Others may be older.
#[derive(Debug)]
pub(super) struct Group {
    pictures: BTreeMap<u32, Picture>,
    awaited: u32,
    may_lie_in_spool: bool,
    has_ended: bool,
}

#[derive(Debug)]
struct Picture {
    captured_at: Timestamp,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Encoding,
    Spooled,
    Stored,
    /// Nothing will come of it.
    Lost,
}

/// What came of a group.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// These are stored, in the order of their capture, each with its time.
    Stored(Vec<(u32, Timestamp)>),
    /// None is.
    Nothing,
}

impl Group {
    /// A group for which `awaited` frames are still to come.
    pub(super) fn new(awaited: u32) -> Self {
        Self { pictures: BTreeMap::new(), awaited, may_lie_in_spool: false, has_ended: false }
    }

    /// A group taken up from the spool: no more frames will come.
    pub(super) fn resumed(spooled: impl IntoIterator<Item = (u32, Timestamp)>) -> Self {
        let picture = |(n, captured_at)| (n, Picture { captured_at, state: State::Spooled });
        let pictures = spooled.into_iter().map(picture).collect();
        Self { pictures, awaited: 0, may_lie_in_spool: true, has_ended: false }
    }

    /// A frame of it is at hand. Its number.
    pub(super) fn add(&mut self, captured_at: Timestamp) -> u32 {
        let n = self.pictures.last_key_value().map_or(0, |(last, _)| last + 1);
        self.pictures.insert(n, Picture { captured_at, state: State::Encoding });
        n
    }

    /// One that was awaited has come; `false`: none was.
    pub(super) fn take_awaited(&mut self) -> bool {
        let is_awaited = self.awaited > 0;
        self.awaited = self.awaited.saturating_sub(1);
        is_awaited
    }

    /// Waits for no more frames. How many have not come.
    pub(super) fn close(&mut self) -> u32 {
        std::mem::take(&mut self.awaited)
    }

    /// When picture `n` was captured.
    pub(super) fn captured_at(&self, n: u32) -> Option<Timestamp> {
        self.pictures.get(&n).map(|picture| picture.captured_at)
    }

    /// Picture `n` is in the spool.
    pub(super) fn spooled(&mut self, n: u32) {
        self.may_lie_in_spool = true;
        self.set(n, State::Spooled);
    }

    /// Picture `n` could not be written into the spool, whatever is left of it there.
    pub(super) fn not_spooled(&mut self, n: u32) {
        self.may_lie_in_spool = true;
        self.set(n, State::Lost);
    }

    /// Picture `n` is in the store.
    pub(super) fn stored(&mut self, n: u32) {
        self.set(n, State::Stored);
    }

    /// Nothing will come of picture `n`.
    pub(super) fn lost(&mut self, n: u32) {
        self.set(n, State::Lost);
    }

    /// Whether something of it was written into the spool, or was to be.
    pub(super) fn may_lie_in_spool(&self) -> bool {
        self.may_lie_in_spool
    }

    /// A picture of it that is in the store.
    pub(super) fn one_stored(&self) -> Option<u32> {
        self.pictures.iter().find(|(_, picture)| picture.state == State::Stored).map(|(n, _)| *n)
    }

    fn set(&mut self, n: u32, state: State) {
        if let Some(picture) = self.pictures.get_mut(&n) {
            picture.state = state;
        }
    }

    /// What came of it, once no frame is awaited and no picture is under way. It ends once.
    pub(super) fn ending(&mut self) -> Option<Ending> {
        let under_way = |p: &Picture| matches!(p.state, State::Encoding | State::Spooled);
        if self.has_ended || self.awaited > 0 || self.pictures.values().any(under_way) {
            return None;
        }
        self.has_ended = true;
        let stored = self.pictures.iter().filter(|(_, p)| p.state == State::Stored);
        let mut stored: Vec<_> = stored.map(|(n, p)| (*n, p.captured_at)).collect();
        stored.sort_by_key(|(_, captured_at)| *captured_at);
        Some(if stored.is_empty() { Ending::Nothing } else { Ending::Stored(stored) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn it_ends_when_all_that_was_awaited_is_stored_and_keeps_the_order() {
        let mut group = Group::new(2);
        assert_eq!(group.add(at(1)), 0);
        group.stored(0);
        assert_eq!(group.ending(), None, "two are awaited");
        assert!(group.take_awaited() && group.take_awaited() && !group.take_awaited());
        let (second, third) = (group.add(at(2)), group.add(at(3)));
        group.stored(third);
        assert_eq!(group.ending(), None, "one is being encoded");
        group.spooled(second);
        assert_eq!(group.ending(), None, "one is in the spool only");
        group.stored(second);
        assert_eq!(group.ending(), Some(Ending::Stored(vec![(0, at(1)), (1, at(2)), (2, at(3))])));
        assert_eq!(group.ending(), None, "once");
    }

    #[test]
    fn pictures_are_told_in_the_order_of_their_capture_and_keep_their_numbers() {
        let mut group = Group::new(0);
        for second in [5, 3, 4, 5] {
            let n = group.add(at(second));
            group.stored(n);
        }
        assert_eq!(group.ending(), Some(Ending::Stored(vec![(1, at(3)), (2, at(4)), (0, at(5)), (3, at(5))])));
    }

    #[test]
    fn what_is_lost_does_not_hold_up_the_rest() {
        let mut group = Group::new(3);
        let first = group.add(at(1));
        group.lost(first);
        assert_eq!(group.close(), 3);
        assert_eq!(group.ending(), Some(Ending::Nothing));
        let mut group = Group::resumed([(1, at(1)), (4, at(4))]);
        group.stored(4);
        group.lost(1);
        assert_eq!(group.ending(), Some(Ending::Stored(vec![(4, at(4))])));
    }
}
