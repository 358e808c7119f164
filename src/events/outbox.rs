mod couriers;
mod messages;
mod pictures;
mod upkeep;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, Addr, Arbiter, AsyncContext, Context, Handler, Message};
use jiff::{SignedDuration, Timestamp};
pub use messages::{ApplySinks, CameraForgotten, Claim, Claimed, Flush, Retry, Settle, Settlement, Subscribe, Wake};

use super::{
    Addressee, OutboxError, Record, Store,
    addressees::Addressees,
    budget::MINUTE,
    store::{Recorded, Unwritten},
};
use crate::{settings::Storage, status::Board, words::Moment};

/// Writes events down before anybody is told, and keeps the account of who was told.
///
/// It runs on a thread of its own, where waiting for the disk delays nobody. A burst of events shares one transaction and
/// one wait. While writing fails, events are kept in memory, written as soon as it succeeds, and the fault is shown.
///
/// Each sink is told what its filter lets through. An event that waits for its pictures is written down at once and its
/// deliveries are held. What is over a sink's budget is gathered and told by one digest a minute.
#[derive(Debug)]
pub struct Outbox {
    store: Store,
    storage: Storage,
    sinks: Addressees,
    board: Arc<Board>,
    unwritten: VecDeque<Unwritten>,
    commit_queued: bool,
    couriers: HashMap<Arc<str>, Subscribe>,
    /// Events over the budget of sinks whose courier has not come yet, by sink.
    uncounted: HashMap<Arc<str>, u64>,
    /// No hold that was asked for was longer: one that ends later shows that the clock was set back.
    longest_hold: SignedDuration,
    /// When the clocks were last compared: one that was set back shows by that.
    looked_at: Moment,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Commit;

impl Outbox {
    /// Events kept in memory while writing fails; beyond, the oldest are dropped and counted.
    pub const KEPT_AT_MOST: usize = 10_000;
    /// No event waits longer for its pictures.
    pub const HELD_AT_MOST: Duration = Duration::from_secs(3600);
    /// Events that share a transaction. More would keep couriers waiting.
    const BATCH: usize = 500;
    const RETRY_EVERY: Duration = Duration::from_secs(1);

    /// Starts it on a thread of its own (an `Arbiter` of the running `System`). Where pictures of earlier events are on
    /// their way, let the store `renew_holds` before.
    pub fn start(store: Store, storage: Storage, sinks: Vec<Addressee>, board: Arc<Board>) -> Addr<Self> {
        Self::start_in_arbiter(&Arbiter::new().handle(), move |_| {
            let longest_hold = store.renewed_for();
            let mut outbox = Self {
                store,
                storage,
                sinks: Addressees::default(),
                board,
                unwritten: VecDeque::new(),
                commit_queued: false,
                couriers: HashMap::new(),
                uncounted: HashMap::new(),
                longest_hold,
                looked_at: Moment::now(),
            };
            outbox.address(sinks);
            outbox.board.outbox.move_on(outbox.store.newest_seq().unwrap_or_default());
            outbox
        })
    }

    /// These are the sinks now. What a dead process told of late counts against today's budgets.
    fn address(&mut self, sinks: Vec<Addressee>) {
        let (store, now) = (&self.store, Moment::now());
        let lately = (SignedDuration::try_from(MINUTE).unwrap_or_default(), now.wall);
        self.sinks.replace(sinks, |sink| {
            let Some(budget) = sink.budget else { return Vec::new() };
            let told = store.told_lately(&sink.name, lately, budget.total as usize).unwrap_or_else(|error| {
                tracing::warn!(sink = %sink.name, %error, "the budget begins anew");
                Vec::new()
            });
            let steady = |at: Timestamp| {
                let age = Duration::try_from(now.wall.duration_since(at)).unwrap_or_default();
                now.steady.checked_sub(age).unwrap_or(now.steady)
            };
            told.into_iter().map(|(camera, at)| (camera, steady(at))).collect()
        });
    }

    fn commit(&mut self) -> Result<(), OutboxError> {
        while !self.unwritten.is_empty() {
            let size = self.unwritten.len().min(Self::BATCH);
            let batch = &self.unwritten.make_contiguous()[..size];
            match self.store.record(batch, &mut self.sinks, Moment::now()) {
                Ok(recorded) => {
                    self.unwritten.drain(..size);
                    self.recorded(recorded);
                }
                Err(error) => {
                    self.board.outbox.unwritten.set(self.unwritten.len() as i64);
                    self.cannot_write(&error);
                    return Err(error);
                }
            }
        }
        // A burst, or a full disk, must not cost memory for good.
        self.unwritten.shrink_to(Self::BATCH);
        Ok(())
    }

    fn recorded(&mut self, Recorded { new, newest, gathered }: Recorded) {
        let cell = &self.board.outbox;
        cell.recorded.add(new);
        cell.unwritten.set(self.unwritten.len() as i64);
        self.can_write();
        for (sink, events) in gathered {
            match self.couriers.get(&sink) {
                Some(courier) => courier.cell.gathered.add(events),
                None => *self.uncounted.entry(sink).or_default() += events,
            }
        }
        self.moved_on(newest);
    }

    /// Lets couriers and followers know.
    fn moved_on(&self, newest: Option<i64>) {
        if let Some(newest) = newest {
            self.board.outbox.move_on(newest);
        }
        self.wake_all();
    }

    fn cannot_write(&self, error: &OutboxError) {
        let cell = &self.board.outbox;
        cell.write_failures.one();
        if cell.fault.lock().replace(error.to_string()).is_none() {
            tracing::error!(%error, "the outbox cannot write; events are kept in memory");
        }
    }

    fn can_write(&self) {
        if self.board.outbox.fault.lock().take().is_some() {
            tracing::info!("the outbox writes again");
        }
    }

    fn keep(&mut self, unwritten: Unwritten) {
        if self.unwritten.len() == Self::KEPT_AT_MOST {
            self.unwritten.pop_front();
            self.board.outbox.dropped.one();
        }
        self.unwritten.push_back(unwritten);
    }
}

impl Actor for Outbox {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.warn_of_strays();
        Self::keep_up(ctx);
    }

    /// The last chance for what could not be written yet.
    fn stopped(&mut self, _: &mut Self::Context) {
        if let Err(error) = self.commit() {
            let lost = self.unwritten.len();
            self.board.outbox.dropped.add(lost as u64);
            tracing::error!(%error, lost, "events are lost: the outbox ends and cannot write");
        }
    }
}

impl Handler<CameraForgotten> for Outbox {
    type Result = ();

    fn handle(&mut self, CameraForgotten(camera): CameraForgotten, _: &mut Self::Context) {
        // What was told of it before may still wait for the disk.
        let written = self.commit().and_then(|()| self.store.forget_outage(&camera));
        if let Err(error) = written {
            tracing::warn!(%camera, %error, "that it was down is not forgotten");
        }
    }
}

impl Handler<Record> for Outbox {
    type Result = ();

    fn handle(&mut self, Record { event, held_for }: Record, ctx: &mut Self::Context) {
        let held_for =
            held_for.map(|pause| SignedDuration::try_from(pause.min(Self::HELD_AT_MOST)).unwrap_or_default());
        self.longest_hold = self.longest_hold.max(held_for.unwrap_or_default());
        let held_until = held_for.map(|pause| Timestamp::now().saturating_add(pause).unwrap_or(Timestamp::MAX));
        self.keep(Unwritten { event, held_until });
        if self.unwritten.len() >= Self::BATCH && self.board.outbox.fault.lock().is_none() {
            // A burst longer than a transaction is written as it comes. A failure is dealt with by the commit below.
            let _ = self.commit();
        }
        if !self.commit_queued {
            self.commit_queued = true;
            // To the end of the mailbox: what is in it already shares the transaction.
            ctx.address().do_send(Commit);
        }
    }
}

impl Handler<Commit> for Outbox {
    type Result = ();

    fn handle(&mut self, _: Commit, ctx: &mut Self::Context) {
        self.commit_queued = self.commit().is_err();
        if self.commit_queued {
            ctx.notify_later(Commit, Self::RETRY_EVERY);
        }
    }
}

impl Handler<Flush> for Outbox {
    type Result = usize;

    fn handle(&mut self, _: Flush, _: &mut Self::Context) -> usize {
        self.commit().map_or(self.unwritten.len(), |()| 0)
    }
}

#[cfg(test)]
pub(super) mod tests;
