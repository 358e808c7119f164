use std::{sync::Arc, time::Instant};

use tokio::sync::Semaphore;

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
    /// When frames are wanted, ascending.
    wanted: Vec<Instant>,
    until: Instant,
}

/// So many of all cameras are decoded at once: pictures of the past are no reason to be late with the present.
static TURNS: Semaphore = Semaphore::const_new(2);

impl Past {
    pub(super) fn of(order: &BurstOrder, feed: &Feed) -> Self {
        let until = order.around.steady;
        let mut wanted: Vec<Instant> =
            (1..=order.before).rev().filter_map(|n| until.checked_sub(order.every.saturating_mul(n))).collect();
        let pieces = wanted.first().map(|first| feed.since(*first)).unwrap_or_default();
        match pieces.first().map(|piece| piece.received()) {
            Some(begin) => wanted.retain(|at| *at >= begin),
            None => wanted.clear(),
        }
        Self { pieces, wanted, until }
    }

    /// How many frames it will give.
    pub(super) fn frames(&self) -> u32 {
        u32::try_from(self.wanted.len()).unwrap_or(u32::MAX)
    }

    /// Decodes them in their turn and sends them off. `origin` is that of the frame they lead to.
    pub(super) fn develop(self, origin: Origin, order: &BurstOrder) {
        if self.wanted.is_empty() {
            return;
        }
        let (event, reply) = (order.event, order.reply.clone());
        let give = move |captured: Moment, picture: I420| {
            let frame = Frame { origin: Origin { captured, ..origin.clone() }, picture, coded: None };
            reply.do_send(BurstFrame { event, frame: Arc::new(frame) });
        };
        actix_rt::spawn(async move {
            let Ok(_turn) = TURNS.acquire().await else { return };
            // A panic costs these pictures; the event is told with the others.
            let _ = actix_rt::task::spawn_blocking(move || self.decode(give)).await;
        });
    }

    fn decode(self, mut give: impl FnMut(Moment, I420)) {
        let Ok(mut decoder) = Decoder::new() else { return };
        let mut wanted = self.wanted.into_iter().peekable();
        for picture in self.pieces.iter().filter_map(|piece| piece.picture()) {
            let shown = match decoder.decode(&picture.unit) {
                Ok(Some(shown)) => shown,
                Ok(None) => continue,
                Err(error) => return tracing::debug!(%error, "pictures of the past cannot be decoded"),
            };
            let at = shown.captured.steady;
            if at >= self.until || wanted.peek().is_none() {
                return;
            }
            if wanted.next_if(|wanted| *wanted <= at).is_some() {
                give(shown.captured, shown.to_picture());
                while wanted.next_if(|wanted| *wanted <= at).is_some() {}
            }
        }
    }
}
