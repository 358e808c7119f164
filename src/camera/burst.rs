use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::past::Past;
use crate::{
    media::{BurstFrame, BurstOrder, Feed, Frame, Origin},
    words::Moment,
};

/// The orders for further frames that a life is filling, side by side.
///
/// Burst frames are no samples: they are not published, and the samples' pace does not notice them.
#[derive(Default)]
pub(super) struct Bursts(Vec<(BurstOrder, Schedule)>);

impl Bursts {
    /// Orders filled at once; a further one drops the oldest.
    const MOST: usize = 4;

    /// Begins to fill an order: out of the past what `feed` still keeps of it, the others from what comes.
    pub(super) fn begin(&mut self, order: BurstOrder, now: Moment, feed: &Feed, origin: Origin) {
        if self.0.len() == Self::MOST {
            self.0.remove(0);
        }
        let past = Past::of(&order, feed);
        let to_come = order.frames.saturating_sub(past.frames());
        past.develop(origin, &order);
        let schedule = Schedule::new(to_come, order.every, now.steady + order.span() + BurstOrder::GRACE);
        self.0.push((order, schedule));
    }

    /// Whether an order is under way. Those that take too long are given up.
    pub(super) fn under_way(&mut self, now: Moment) -> bool {
        self.0.retain(|(_, schedule)| schedule.goes_on(now.steady));
        !self.0.is_empty()
    }

    /// Whether an order wants a picture that was captured then.
    pub(super) fn want(&self, captured: Moment) -> bool {
        self.0.iter().any(|(_, schedule)| schedule.is_due(captured.steady))
    }

    /// Gives a frame to the orders that want it. It waits for nobody.
    pub(super) fn give(&mut self, frame: &Arc<Frame>) {
        let captured = frame.origin.captured.steady;
        for (order, schedule) in &mut self.0 {
            if schedule.is_due(captured) {
                schedule.taken(captured);
                order.reply.do_send(BurstFrame { event: order.event, frame: Arc::clone(frame) });
            }
        }
    }
}

/// Which pictures belong to a burst: the next one, then one every so often, until there are enough or it is too late.
#[derive(Debug)]
struct Schedule {
    left: u32,
    every: Duration,
    due: Option<Instant>,
    until: Instant,
}

impl Schedule {
    fn new(frames: u32, every: Duration, until: Instant) -> Self {
        Self { left: frames, every, due: None, until }
    }

    fn goes_on(&self, now: Instant) -> bool {
        self.left > 0 && now <= self.until
    }

    fn is_due(&self, captured: Instant) -> bool {
        self.left > 0 && self.due.is_none_or(|due| captured >= due)
    }

    /// The raster is kept, so that pictures are `every` apart on average; after a gap it begins anew.
    fn taken(&mut self, captured: Instant) {
        self.left = self.left.saturating_sub(1);
        let next = self.due.unwrap_or(captured) + self.every;
        let in_time = next >= captured + self.every / 2;
        self.due = Some(if in_time { next } else { captured + self.every });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When a burst takes pictures, in ms, of a camera that shows one at each of `pictures`.
    fn taken(frames: u32, every: u64, until: u64, pictures: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let mut schedule = Schedule::new(frames, ms(every), start + ms(until));
        let take = |at: &u64| {
            let captured = start + ms(*at);
            let wanted = schedule.goes_on(captured) && schedule.is_due(captured);
            if wanted {
                schedule.taken(captured);
            }
            wanted
        };
        pictures.into_iter().filter(take).collect()
    }

    #[test]
    fn pictures_are_so_far_apart_and_so_many() {
        assert_eq!(taken(4, 200, 9000, (0..100).map(|i| 70 + i * 40)), [70, 270, 470, 670]);
        assert_eq!(taken(4, 100, 9000, (0..100).map(|i| i * 40)), [0, 120, 200, 320], "on average");
        assert_eq!(taken(3, 200, 9000, [0, 2000, 2040, 2080, 2120, 2200]), [0, 2000, 2200], "after a gap no rush");
        assert_eq!(taken(0, 200, 9000, [0, 200]), [0; 0]);
    }

    #[test]
    fn it_is_given_up_in_time() {
        assert_eq!(taken(10, 200, 1000, [0, 400, 1000, 1001, 1400]), [0, 400, 1000]);
    }
}
