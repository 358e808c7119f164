use std::{cmp::Reverse, collections::BinaryHeap};

/// Finds out when pictures are to be decoded from when they are to be shown.
///
/// RTP carries presentation times alone (RFC 6184, section 5.1). Decoding times are the same times in ascending order,
/// as many places later as pictures may be reordered (H.264, annex C.4: `max_num_reorder_frames`). Where the stream does
/// not say how many these are, they are counted as they come.
#[derive(Debug)]
pub struct DecodeTimes {
    depth: usize,
    waiting: BinaryHeap<Reverse<i64>>,
    /// The presentation times of the latest pictures, to see how far they are out of order.
    recent: Vec<i64>,
    last: Option<i64>,
}

impl DecodeTimes {
    /// No decoded picture buffer holds more (H.264, annex A.3.1).
    const MAX_DEPTH: usize = 16;
    /// The first pictures are decoded so far apart, in ticks of 1/90000 s: what comes before the first is shown is free.
    const LEAD_IN: i64 = 3600;
    /// A step of two seconds is no reordering: the stream's clock was set.
    const JUMP: i64 = 180_000;

    /// For a stream that reorders by at most `depth` pictures; `None`: it does not say.
    pub fn new(depth: Option<u32>) -> Self {
        let depth = depth.map_or(0, |depth| depth as usize).min(Self::MAX_DEPTH);
        Self { depth, waiting: BinaryHeap::new(), recent: Vec::new(), last: None }
    }

    /// When the next picture in decoding order, shown at `shown`, is to be decoded, in the same ticks. Ascending.
    pub fn next(&mut self, shown: i64) -> i64 {
        if self.last.is_some_and(|last| (shown - last).abs() > Self::JUMP) {
            *self = Self::new(u32::try_from(self.depth).ok());
        }
        self.watch_order(shown);
        self.waiting.push(Reverse(shown));
        let due = if self.waiting.len() > self.depth {
            let Reverse(first) = self.waiting.pop().expect("one was pushed");
            first
        } else {
            // The first pictures: before the first is shown, as many steps as are still to come.
            let Reverse(first) = *self.waiting.peek().expect("one was pushed");
            let ahead = self.depth + 1 - self.waiting.len();
            first - ahead as i64 * Self::LEAD_IN
        };
        let due = self.last.map_or(due, |last| due.max(last + 1));
        self.last = Some(due);
        due
    }

    fn watch_order(&mut self, shown: i64) {
        let later = self.recent.iter().filter(|earlier| **earlier > shown).count();
        self.depth = self.depth.max(later.min(Self::MAX_DEPTH));
        if self.recent.len() > Self::MAX_DEPTH {
            self.recent.remove(0);
        }
        self.recent.push(shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_times(depth: Option<u32>, shown: &[i64]) -> Vec<i64> {
        let mut times = DecodeTimes::new(depth);
        shown.iter().map(|shown| times.next(shown * 3600)).collect()
    }

    #[test]
    fn without_reordering_they_are_the_presentation_times() {
        assert_eq!(decode_times(None, &[5, 6, 7, 9]), [5, 6, 7, 9].map(|t| t * 3600));
    }

    #[test]
    fn with_known_reordering_no_picture_is_decoded_after_it_is_shown() {
        // I P B B P B B P: decoding order, with two pictures reordered at most.
        let shown = [0, 4, 2, 1, 3, 8, 6, 5, 7];
        let times = decode_times(Some(2), &shown);
        assert_eq!(times, [-2, -1, 0, 1, 2, 3, 4, 5, 6].map(|t| t * 3600));
        assert!(times.iter().zip(shown).all(|(decoded, shown)| *decoded <= shown * 3600));
    }

    #[test]
    fn unknown_reordering_is_learnt_and_time_never_goes_back() {
        let shown: Vec<i64> = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11].into();
        let times = decode_times(None, &shown);
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
        let settled = times.iter().zip(&shown).skip(4);
        assert!(settled.clone().all(|(decoded, shown)| *decoded <= shown * 3600), "{times:?}");
    }

    #[test]
    fn a_clock_that_is_set_begins_anew() {
        let times = decode_times(Some(1), &[0, 1, 2, 10_000, 10_001]);
        assert_eq!(times[3..], [9_999 * 3600, 10_000 * 3600]);
        let times = decode_times(Some(1), &[10_000, 10_001, 0, 1]);
        assert!(times[2] < times[0], "and goes back where the camera's clock does: {times:?}");
    }

    #[test]
    fn memory_is_bounded() {
        let mut times = DecodeTimes::new(Some(1000));
        for shown in 0..10_000 {
            times.next(-shown);
        }
        assert!(times.waiting.len() <= 17 && times.recent.len() <= 17, "{times:?}");
    }
}
