use std::{sync::Arc, time::Instant};

use tokio::{sync::Semaphore, time::timeout};

use super::Decoder;
use crate::{
    media::{BurstFrame, BurstOrder, Feed, Frame, I420, Origin, Piece},
    words::Moment,
};

/// The frames of an order that lie in the past, in the stretch of the stream that is still kept.
///
/// They are decoded on a thread beside the camera's, which waits for nobody.
pub(super) struct Past {
    pieces: Vec<Arc<Piece>>,
    /// When the pictures that were chosen came.
    chosen: Vec<Instant>,
}

/// So many of all cameras are decoded at once: pictures of the past are no reason to be late with the present.
static TURNS: Semaphore = Semaphore::const_new(2);

impl Past {
    pub(super) fn of(order: &BurstOrder, feed: &Feed) -> Self {
        let (until, near) = (order.around.steady, order.every / 4);
        let mut wanted = (1..=order.before).rev().filter_map(|n| until.checked_sub(order.every.saturating_mul(n)));
        let Some(first) = wanted.next() else { return Self { pieces: Vec::new(), chosen: Vec::new() } };
        let pieces = feed.since(first);
        let mut there: Vec<Instant> =
            pieces.iter().filter(|piece| piece.picture().is_some()).map(|piece| piece.received()).collect();
        there.sort_unstable();
        there.retain(|at| *at < until);
        // Each picture once, as pictures may be as far apart as they are wanted, and never exactly so. What is asked of
        // a time before the first is left to the pictures that come.
        let begin = there.first().copied();
        let mut there = there.into_iter().peekable();
        let chosen = std::iter::once(first)
            .chain(wanted)
            .filter(|at| begin.is_some_and(|begin| *at + near >= begin))
            .filter_map(|at| {
                while there.next_if(|came| *came + near < at).is_some() {}
                there.next()
            })
            .collect();
        Self { pieces, chosen }
    }

    /// How many frames it will give.
    pub(super) fn frames(&self) -> u32 {
        u32::try_from(self.chosen.len()).unwrap_or(u32::MAX)
    }

    /// Decodes them in their turn and sends them off. `origin` is that of the frame they lead to.
    pub(super) fn develop(self, origin: Origin, order: &BurstOrder) {
        if self.chosen.is_empty() {
            return;
        }
        let (event, reply) = (order.event, order.reply.clone());
        // Beyond, nobody waits for them any more, and what is kept for them is set free.
        let patience = order.span() + BurstOrder::GRACE;
        let give = move |captured: Moment, picture: I420| {
            let frame = Frame { origin: Origin { captured, ..origin.clone() }, picture, coded: None };
            reply.do_send(BurstFrame { event, frame: Arc::new(frame) });
        };
        actix_rt::spawn(async move {
            let Ok(Ok(_turn)) = timeout(patience, TURNS.acquire()).await else {
                return tracing::debug!(%event, "pictures of the past are not made: too many are wanted at once");
            };
            // A panic costs these pictures; the event is told with the others.
            let _ = actix_rt::task::spawn_blocking(move || self.decode(give)).await;
        });
    }

    fn decode(self, mut give: impl FnMut(Moment, I420)) {
        let Ok(mut decoder) = Decoder::new() else { return };
        let mut missing = self.chosen.len();
        for picture in self.pieces.iter().filter_map(|piece| piece.picture()) {
            let shown = match decoder.decode(&picture.unit) {
                Ok(Some(shown)) => shown,
                Ok(None) => continue,
                Err(error) => return tracing::debug!(%error, "pictures of the past cannot be decoded"),
            };
            if self.chosen.contains(&shown.captured.steady) {
                give(shown.captured, shown.to_picture());
                missing -= 1;
            }
            if missing == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix::Actor;
    use bytes::Bytes;

    use super::*;
    use crate::{media::AccessUnit, words::EventId};

    struct Nobody;

    impl actix::Actor for Nobody {
        type Context = actix::Context<Self>;
    }

    impl actix::Handler<BurstFrame> for Nobody {
        type Result = ();

        fn handle(&mut self, _: BurstFrame, _: &mut Self::Context) {}
    }

    /// Which of the pictures that came at `pictures` are chosen for three before 1000, 100 ms apart; all in ms.
    fn chosen(pictures: &[u64]) -> Vec<u64> {
        let (feed, began) = (Feed::default(), Moment::now());
        feed.begin(Some(0), None);
        for (n, ms) in pictures.iter().enumerate() {
            let received = began.after(Duration::from_millis(*ms));
            let (timestamp, data) = (n as i64 * 3600, Bytes::from_static(&[0, 0, 1, 0x65]));
            feed.push(&AccessUnit { data, timestamp, received, key: n == 0, disposable: false, lost_packets: 0 });
        }
        let (around, every) = (began.after(Duration::from_secs(1)), Duration::from_millis(100));
        let reply = Nobody.start().recipient();
        let order = BurstOrder { event: EventId::fresh(), frames: 6, before: 3, around, every, reply };
        let past = Past::of(&order, &feed);
        past.chosen.iter().map(|at| (*at - began.steady).as_millis() as u64).collect()
    }

    #[actix::test]
    async fn pictures_as_far_apart_as_they_are_wanted_are_all_chosen_however_they_jitter() {
        assert_eq!(chosen(&[502, 599, 698, 802, 899, 1001]), [698, 802, 899]);
        assert_eq!(chosen(&[601, 702, 803, 904, 1000]), [702, 803, 904]);
    }

    #[actix::test]
    async fn many_pictures_are_thinned_and_few_are_no_more_than_they_are() {
        let many: Vec<u64> = (0..30).map(|n| n * 40).collect();
        assert_eq!(chosen(&many), [680, 800, 880]);
        assert_eq!(chosen(&[790, 1000, 1100]), [790], "what is not there is left to what comes");
        assert_eq!(chosen(&[1000, 1100]), [0; 0]);
        assert_eq!(chosen(&[]), [0; 0]);
    }
}
