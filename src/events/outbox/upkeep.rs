//! What the outbox does by itself as time goes by.

use std::time::Duration;

use actix::{AsyncContext, Context, Handler, Message};
use jiff::{SignedDuration, Timestamp};

use super::Outbox;
use crate::{
    events::{OutboxError, budget::is_digest_due},
    words::Moment,
};

/// Remove what is too old or too much.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Retain;

/// Tell by a digest what has been gathered for a minute.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Digest {
    /// The present.
    pub(super) now: Timestamp,
}

impl Outbox {
    const RETAIN_EVERY: Duration = Duration::from_secs(60);
    const ALIVE_EVERY: Duration = Duration::from_secs(5);
    /// How late a digest may be.
    const DIGEST_EVERY: Duration = Duration::from_secs(1);
    /// No delivery is postponed for longer: a day, a tenth of jitter, and some.
    const POSTPONED_AT_MOST: SignedDuration = SignedDuration::from_hours(27);

    pub(super) fn keep_up(ctx: &mut Context<Self>) {
        ctx.notify(Retain);
        ctx.run_interval(Self::ALIVE_EVERY, |outbox, _| outbox.store.say_alive());
        ctx.run_interval(Self::RETAIN_EVERY, |_, ctx| ctx.notify(Retain));
        ctx.run_interval(Self::DIGEST_EVERY, |_, ctx| ctx.notify(Digest { now: Timestamp::now() }));
    }

    /// A clock that was set back must hold up nothing. Where that was seen, whatever is postponed is due.
    pub(super) fn forgive_clock(&mut self, now: Moment) -> Result<(), OutboxError> {
        let was_set_back = now.was_set_back_since(&self.looked_at);
        let patience = if was_set_back { SignedDuration::ZERO } else { Self::POSTPONED_AT_MOST };
        let postponed = now.wall.saturating_add(patience).unwrap_or(Timestamp::MAX);
        for sink in self.sinks.names() {
            self.store.forgive_clock(&sink, postponed)?;
        }
        // A correction ends no hold.
        let held = self.longest_hold.saturating_add(Moment::CORRECTION);
        let held = now.wall.saturating_add(held).unwrap_or(Timestamp::MAX);
        self.store.forgive_holds(held)?;
        // Only now: what could not be written is tried again, by the same look.
        self.looked_at = now;
        Ok(())
    }

    /// Asks the database what is gathered, so that what a dead process left is no case of its own.
    fn digest(&mut self, now: Timestamp) -> Result<(), OutboxError> {
        for sink in self.sinks.names() {
            let since = self.store.gathered_since(&sink)?;
            if !since.is_some_and(|since| is_digest_due(since, now)) {
                continue;
            }
            let digest = self.store.digest(&sink, now)?;
            if digest.is_some() {
                self.board.outbox.recorded.one();
            }
            self.can_write();
            self.moved_on(digest);
        }
        Ok(())
    }
}

impl Handler<Digest> for Outbox {
    type Result = ();

    fn handle(&mut self, Digest { now }: Digest, _: &mut Self::Context) {
        if let Err(error) = self.digest(now) {
            self.cannot_write(&error);
        }
    }
}

impl Handler<Retain> for Outbox {
    type Result = ();

    fn handle(&mut self, _: Retain, ctx: &mut Self::Context) {
        let now = Moment::now();
        if let Err(error) = self.forgive_clock(now) {
            tracing::warn!(%error, "postponed and held deliveries cannot be looked through");
        }
        match self.store.retain(&self.storage, &self.sinks.names(), now.wall) {
            Ok(retained) => {
                self.board.outbox.dropped.add(retained.dropped);
                if retained.dropped > 0 {
                    tracing::warn!(events = retained.dropped, "events were removed before every sink had them");
                }
                if retained.removed > 0 {
                    self.wake_all();
                }
                if retained.more {
                    ctx.address().do_send(Retain);
                }
            }
            Err(error) => tracing::warn!(%error, "old events cannot be removed"),
        }
        self.board.outbox.bytes.set(self.store.bytes() as i64);
    }
}
