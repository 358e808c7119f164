use std::{collections::VecDeque, io, sync::Arc};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::Evidence;
use crate::words::EventId;

/// Events whose groups are to be removed from the spool: one at a time, so that a spool that hangs keeps one thread, and
/// their number is bounded. A group that is not removed is found by the next start, which stores it under the same keys and
/// attaches it once more: nothing comes of that but work.
pub(super) struct Removal {
    remove: Arc<Remove>,
    waiting: VecDeque<EventId>,
    is_busy: bool,
    /// It was full, and has not been empty since.
    is_overloaded: bool,
}

/// Removes an event's group. Blocks.
type Remove = dyn Fn(EventId) -> io::Result<()> + Send + Sync;

impl Removal {
    /// Events that wait.
    const AT_MOST: usize = 10_000;

    pub(super) fn new(remove: impl Fn(EventId) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { remove: Arc::new(remove), waiting: VecDeque::new(), is_busy: false, is_overloaded: false }
    }

    fn add(&mut self, event: EventId) {
        if self.waiting.len() < Self::AT_MOST {
            self.waiting.push_back(event);
        } else if !std::mem::replace(&mut self.is_overloaded, true) {
            tracing::error!(%event, "too many groups wait to be removed from the spool; the next start sees to the others");
        }
    }

    /// The one whose removal begins now, if one does. It must be reported as `ended`.
    fn next(&mut self) -> Option<EventId> {
        if self.is_busy {
            return None;
        }
        let event = self.waiting.pop_front();
        self.is_busy = event.is_some();
        self.is_overloaded &= self.is_busy;
        event
    }

    fn ended(&mut self) {
        self.is_busy = false;
    }
}

impl Evidence {
    /// Nothing is left to be done for this event.
    pub(super) fn clear_away(&mut self, event: EventId, ctx: &mut Context<Self>) {
        let group = self.groups.remove(&event);
        if group.is_some_and(|(group, _)| group.may_lie_in_spool()) {
            self.removal.add(event);
            self.remove_next(ctx);
        }
        self.report();
    }

    fn remove_next(&mut self, ctx: &mut Context<Self>) {
        let Some(event) = self.removal.next() else { return };
        let remove = Arc::clone(&self.removal.remove);
        let removal = actix_rt::task::spawn_blocking(move || remove(event));
        ctx.spawn(removal.into_actor(self).map(move |removed, evidence, ctx| {
            evidence.removal.ended();
            if let Err(error) = removed.unwrap_or_else(|fault| Err(fault.into())) {
                tracing::error!(%event, %error, "pictures that are stored cannot be removed from the spool");
            }
            evidence.remove_next(ctx);
            evidence.report();
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_and_one_is_removed_at_a_time() {
        let mut removal = Removal::new(|_| Ok(()));
        let events: Vec<EventId> = (0..Removal::AT_MOST + 5).map(|_| EventId::fresh()).collect();
        events.iter().for_each(|event| removal.add(*event));
        assert!(removal.is_overloaded);
        let mut removed = Vec::new();
        while let Some(event) = removal.next() {
            assert_eq!(removal.next(), None, "one at a time");
            removed.push(event);
            removal.ended();
        }
        assert_eq!(removed, events[..Removal::AT_MOST]);
        assert!(!removal.is_overloaded, "it may be said again");
    }
}
