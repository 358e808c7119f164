/// How much there is in a folder of pictures, as far as is known, and when it is worth to count it anew.
///
/// In doubt it is too much rather than too little. A count takes its time, and what is put meanwhile is added to what it
/// finds, though it may have come upon some of that: this counts twice until the next count.
#[derive(Debug)]
pub(super) struct Stock {
    limit: u64,
    bytes: u64,
    /// Beyond this it is counted; at first, as soon as there is anything.
    due: u64,
    /// What was put since the count under way began; none is.
    meanwhile: Option<u64>,
}

/// How making room ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// There is room.
    Roomy,
    /// All was removed that can be, and there is still too much.
    Short,
    /// It is not known how much there is.
    Uncounted,
}

impl Stock {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, bytes: 0, due: 0, meanwhile: None }
    }

    /// Bytes, as far as is known.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether counting and making room is under way.
    pub(super) fn is_being_counted(&self) -> bool {
        self.meanwhile.is_some()
    }

    /// A picture was stored, in the place of `replaced` bytes. Whether counting is to begin now.
    pub(super) fn stored(&mut self, size: u64, replaced: u64) -> bool {
        if self.is_being_counted() {
            // Whether the count has come upon what is replaced, nobody knows.
            self.add(size);
            return false;
        }
        self.bytes = self.bytes.saturating_sub(replaced);
        self.add(size);
        let is_due = self.bytes > self.due;
        if is_due {
            self.begins();
        }
        is_due
    }

    /// A picture could not be stored; something of it may be left.
    pub(super) fn not_stored(&mut self, size: u64) {
        self.add(size);
    }

    /// A count begins, perhaps once more.
    pub(super) fn begins(&mut self) {
        self.meanwhile = Some(0);
    }

    /// A count found so much. Whether that is too much.
    pub(super) fn counted(&mut self, found: u64) -> bool {
        self.bytes = found.saturating_add(self.meanwhile.unwrap_or_default());
        self.bytes > self.limit
    }

    /// A picture was removed.
    pub(super) fn removed(&mut self, size: u64) {
        self.bytes = self.bytes.saturating_sub(size);
    }

    /// Whether enough was removed: down to nine tenths of the limit, so that it is not done for every picture.
    pub(super) fn has_room(&self) -> bool {
        self.bytes <= self.limit / 10 * 9
    }

    /// Counting and making room has ended. Whether it is to begin anew at once.
    ///
    /// After one that was in vain the next is worth its time only when another tenth of the limit has come: before, there is
    /// hardly anything that could be removed. Pauses by the clock would be too long for who stores much, and too short for
    /// who stores little.
    pub(super) fn ended(&mut self, ending: Ending) -> bool {
        self.due = match ending {
            Ending::Roomy => self.limit,
            Ending::Short => self.limit.max(self.bytes.saturating_add(self.limit / 10)),
            Ending::Uncounted => self.bytes.saturating_add(self.limit / 10),
        };
        let is_due = self.bytes > self.due;
        self.meanwhile = is_due.then_some(0);
        is_due
    }

    fn add(&mut self, size: u64) {
        self.bytes = self.bytes.saturating_add(size);
        self.meanwhile = self.meanwhile.map(|meanwhile| meanwhile.saturating_add(size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of a thousand bytes, in which a count has found so much.
    fn counted(found: u64) -> Stock {
        let mut stock = Stock::new(1000);
        assert!(stock.stored(10, 0), "the first picture has it counted");
        assert_eq!(stock.counted(found), found > 1000);
        stock
    }

    #[test]
    fn it_is_counted_once_and_then_when_there_is_too_much() {
        let mut stock = counted(900);
        assert!(!stock.ended(Ending::Roomy));
        assert!(!stock.stored(60, 0) && !stock.stored(60, 60), "the same again takes no room");
        assert_eq!(stock.bytes(), 960);
        assert!(!stock.stored(40, 0), "it is full");
        assert!(stock.stored(1, 0));
        assert!(!stock.stored(1, 0), "one count at a time");
    }

    #[test]
    fn what_comes_while_it_is_counted_is_never_lost_sight_of() {
        let mut stock = Stock::new(1000);
        assert!(stock.stored(10, 0));
        assert!(!stock.stored(300, 300), "the count may not have come upon what is replaced");
        assert!(stock.counted(800), "with what came meanwhile it is too much");
        assert_eq!(stock.bytes(), 1100);
        stock.removed(150);
        assert!(!stock.has_room());
        stock.removed(50);
        assert!(stock.has_room());
        stock.stored(200, 0);
        assert!(stock.ended(Ending::Roomy), "there is too much again");
        stock.begins();
        assert!(!stock.counted(700), "what was counted twice is so no more");
        assert_eq!(stock.bytes(), 700);
        assert!(!stock.ended(Ending::Roomy));
    }

    #[test]
    fn what_was_in_vain_is_tried_again_when_another_tenth_has_come() {
        for (ending, found) in [(Ending::Short, 1500), (Ending::Short, 950), (Ending::Uncounted, 950)] {
            let mut stock = counted(found);
            assert!(!stock.ended(ending));
            assert!(!stock.stored(100, 0), "{ending:?} at {found}");
            assert!(stock.stored(1, 0), "{ending:?} at {found}");
        }
    }

    #[test]
    fn a_first_count_that_failed_is_tried_again_long_before_the_bound() {
        let mut stock = Stock::new(1000);
        assert!(stock.stored(10, 0));
        assert!(!stock.ended(Ending::Uncounted));
        assert!(!stock.stored(100, 0) && stock.stored(1, 0));
    }

    #[test]
    fn what_a_failure_may_have_left_counts_and_begins_nothing() {
        let mut stock = counted(900);
        assert!(!stock.ended(Ending::Roomy));
        stock.not_stored(200);
        assert!(stock.stored(1, 0));
    }
}
