//! What the outbox and the couriers of the sinks say to each other.

use std::sync::Arc;

use actix::Handler;
use jiff::Timestamp;

use super::{ApplySinks, Claim, Claimed, Outbox, Retry, Settle, Settlement, Subscribe, Wake};
use crate::events::{OutboxError, store::Wanted};

impl Outbox {
    fn count(&self, subscriber: &Subscribe) {
        let cell = &subscriber.cell;
        match self.store.tally(&cell.name) {
            Ok(tally) => {
                cell.pending.set(tally.pending as i64);
                cell.dead.set(tally.dead as i64);
            }
            Err(error) => {
                tracing::warn!(sink = %cell.name, %error, "deliveries cannot be counted");
            }
        }
    }

    /// A sink that was renamed leaves its deliveries behind; that must not go unseen.
    pub(super) fn warn_of_strays(&self) {
        for (sink, waiting) in self.store.strays(&self.sinks.names()).unwrap_or_default() {
            tracing::warn!(
                sink,
                waiting,
                "deliveries wait for a sink that is not in the settings; they go out if it comes back"
            );
        }
    }

    pub(super) fn wake_all(&self) {
        self.wake(|_| Wake::News);
    }

    fn wake(&self, why: impl Fn(&str) -> Wake) {
        for (name, subscriber) in &self.couriers {
            self.count(subscriber);
            subscriber.wake.do_send(why(name));
        }
    }
}

impl Handler<Subscribe> for Outbox {
    type Result = ();

    fn handle(&mut self, subscriber: Subscribe, _: &mut Self::Context) {
        // A start is a new chance: one delivery that was postponed finds out whether the receiver is back.
        if let Err(error) = self.store.probe(&subscriber.cell.name) {
            tracing::warn!(sink = %subscriber.cell.name, %error, "what was postponed waits for its time");
        }
        let name = Arc::clone(&subscriber.cell.name);
        subscriber.cell.gathered.add(self.uncounted.remove(&name).unwrap_or_default());
        self.count(&subscriber);
        subscriber.wake.do_send(Wake::News);
        self.couriers.insert(name, subscriber);
    }
}

impl Handler<ApplySinks> for Outbox {
    type Result = ();

    fn handle(&mut self, ApplySinks(sinks): ApplySinks, _: &mut Self::Context) {
        // What was recorded before belongs to the sinks of before. A failure is retried with those of now.
        let _ = self.commit();
        self.address(sinks);
        self.couriers.retain(|name, _| self.sinks.contains(name));
        self.uncounted.retain(|name, _| self.sinks.contains(name));
        self.warn_of_strays();
        // Whoever has the settings read anew wants every sink of theirs tried.
        self.wake(|_| Wake::Wanted);
    }
}

impl Handler<Claim> for Outbox {
    type Result = Result<Claimed, OutboxError>;

    fn handle(&mut self, claim: Claim, _: &mut Self::Context) -> Self::Result {
        if !self.sinks.contains(&claim.sink) {
            return Ok(Claimed::default());
        }
        let now = Timestamp::now();
        let (sink, busy) = (&*claim.sink, &*claim.busy);
        let wanted = Wanted { sink, now, limit: claim.limit, busy, untried_only: claim.untried_only };
        Ok(Claimed {
            deliveries: self.store.due(wanted)?,
            next_retry_at: self.store.next_retry_at(sink, now)?,
            next_hold_end: self.store.next_hold_end(sink, now)?,
        })
    }
}

impl Handler<Settle> for Outbox {
    type Result = Result<(), OutboxError>;

    fn handle(&mut self, settle: Settle, _: &mut Self::Context) -> Self::Result {
        let (store, sink, seq) = (&mut self.store, &*settle.sink, settle.seq);
        match settle.settlement {
            Settlement::Acknowledged { hasten } => {
                store.acknowledge(sink, seq, Timestamp::now(), hasten)?;
            }
            Settlement::Postponed { until, error } => store.postpone(sink, seq, until, &error)?,
            Settlement::Buried { error } => store.bury(sink, seq, &error)?,
        }
        if let Some(subscriber) = self.couriers.get(&settle.sink) {
            self.count(subscriber);
        }
        Ok(())
    }
}

impl Handler<Retry> for Outbox {
    type Result = Result<usize, OutboxError>;

    fn handle(&mut self, Retry { sink, event }: Retry, _: &mut Self::Context) -> Self::Result {
        let retried = self.store.retry(sink.as_deref(), event)?;
        // An event that is no dead letter anywhere gives nobody a reason to ask a receiver that wanted no more.
        let wanted = retried > 0 || event.is_none();
        let is_meant = |name: &str| wanted && sink.as_deref().is_none_or(|sink| sink == name);
        self.wake(|name| if is_meant(name) { Wake::Wanted } else { Wake::News });
        Ok(retried)
    }
}
