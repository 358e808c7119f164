use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, Addr, Arbiter, AsyncContext, Context, Handler, Message, Recipient};
use jiff::{SignedDuration, Timestamp};

use super::{Delivery, Event, OutboxError, Record, Store};
use crate::{
    settings::Storage,
    status::{Board, SinkCell},
    words::EventId,
};

/// Writes events down before anybody is told, and keeps the account of who was told.
///
/// It runs on a thread of its own, where waiting for the disk delays nobody. A burst of events shares one transaction and
/// one wait. While writing fails, events are held in memory, written as soon as it succeeds, and the fault is shown.
#[derive(Debug)]
pub struct Outbox {
    store: Store,
    storage: Storage,
    sinks: Vec<Arc<str>>,
    board: Arc<Board>,
    unwritten: VecDeque<Event>,
    commit_queued: bool,
    couriers: HashMap<Arc<str>, Subscribe>,
}

/// Command: let `wake` know whenever there may be something for the sink of `cell`, and at once for the first time; keep
/// the numbers of pending and dead deliveries in the cell. One hand writes them, as answers may overtake one another.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Subscribe {
    /// The sink's cell.
    pub cell: Arc<SinkCell>,
    /// Its courier.
    pub wake: Recipient<Wake>,
}

/// Fact for a courier: there may be something to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Wake;

/// Command: these are the sinks now. A new one gets the events recorded from here on; what waits for one that is gone
/// stays for as long as events are kept, and goes out if it comes back.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ApplySinks(pub Vec<Arc<str>>);

/// Question of a courier: what is due?
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Claimed, OutboxError>")]
pub struct Claim {
    /// The sink.
    pub sink: Arc<str>,
    /// Lanes of which a delivery is in flight: nothing of theirs.
    pub busy: Vec<Arc<str>>,
    /// At most so many.
    pub limit: usize,
    /// Nothing that failed before.
    pub untried_only: bool,
}

/// What is due. Nothing is marked: who claims must not claim of the same lane again before `Settle` was answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claimed {
    /// To be delivered now.
    pub deliveries: Vec<Delivery>,
    /// When the next postponed one falls due.
    pub next_due_at: Option<Timestamp>,
}

/// Command of a courier: write down how an attempt ended. An error means that it is not written down; send it again, or
/// the event is delivered once more.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), OutboxError>")]
pub struct Settle {
    /// The sink.
    pub sink: Arc<str>,
    /// The delivery.
    pub seq: i64,
    /// How it ended.
    pub settlement: Settlement,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The receiver has it.
    Acknowledged {
        /// It came back after an outage: what was postponed is due at once.
        hasten: bool,
    },
    /// It failed; try again.
    Postponed {
        /// When.
        until: Timestamp,
        /// Why, without secrets.
        error: String,
    },
    /// It failed for the last time.
    Buried {
        /// Why, without secrets.
        error: String,
    },
}

/// Command: try dead letters anew; of one sink or all, of one event or all. Answers how many there were.
#[derive(Debug, Clone, Default, Message)]
#[rtype(result = "Result<usize, OutboxError>")]
pub struct Retry {
    /// Only of this sink.
    pub sink: Option<Arc<str>>,
    /// Only of this event.
    pub event: Option<EventId>,
}

/// Command: write down now what was recorded so far. Answers how many events could not be written.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "usize")]
pub struct Flush;

#[derive(Message)]
#[rtype(result = "()")]
struct Commit;

#[derive(Message)]
#[rtype(result = "()")]
struct Retain;

impl Outbox {
    /// Events held in memory while writing fails; beyond, the oldest are dropped and counted.
    pub const HELD_AT_MOST: usize = 10_000;
    const RETRY_EVERY: Duration = Duration::from_secs(1);
    const RETAIN_EVERY: Duration = Duration::from_secs(60);
    const ALIVE_EVERY: Duration = Duration::from_secs(5);
    /// No delivery is postponed for longer: a day, a tenth of jitter, and some.
    const POSTPONED_AT_MOST: SignedDuration = SignedDuration::from_hours(27);

    /// Starts it on a thread of its own (an `Arbiter` of the running `System`).
    pub fn start(store: Store, storage: Storage, sinks: Vec<Arc<str>>, board: Arc<Board>) -> Addr<Self> {
        Self::start_in_arbiter(&Arbiter::new().handle(), move |_| Self {
            store,
            storage,
            sinks,
            board,
            unwritten: VecDeque::new(),
            commit_queued: false,
            couriers: HashMap::new(),
        })
    }

    fn commit(&mut self) -> Result<(), OutboxError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let batch = self.unwritten.make_contiguous();
        let cell = &self.board.outbox;
        match self.store.record(batch, &self.sinks, Timestamp::now()) {
            Ok(new) => {
                self.unwritten.clear();
                cell.recorded.add(new as u64);
                cell.unwritten.set(0);
                if cell.fault.lock().take().is_some() {
                    tracing::info!(new, "the outbox writes again");
                }
                self.wake_all();
                Ok(())
            }
            Err(error) => {
                cell.write_failures.one();
                cell.unwritten.set(self.unwritten.len() as i64);
                if cell.fault.lock().replace(error.to_string()).is_none() {
                    tracing::error!(%error, "the outbox cannot write; events are held in memory");
                }
                Err(error)
            }
        }
    }

    fn hold(&mut self, event: Event) {
        if self.unwritten.len() == Self::HELD_AT_MOST {
            self.unwritten.pop_front();
            self.board.outbox.dropped.one();
        }
        self.unwritten.push_back(event);
    }

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
    fn warn_of_strays(&self) {
        for (sink, waiting) in self.store.strays(&self.sinks).unwrap_or_default() {
            tracing::warn!(
                sink,
                waiting,
                "deliveries wait for a sink that is not in the settings; they go out if it comes back"
            );
        }
    }

    fn wake_all(&self) {
        for subscriber in self.couriers.values() {
            self.count(subscriber);
            subscriber.wake.do_send(Wake);
        }
    }
}

impl Actor for Outbox {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.warn_of_strays();
        ctx.notify(Retain);
        ctx.run_interval(Self::ALIVE_EVERY, |outbox, _| outbox.store.say_alive());
        ctx.run_interval(Self::RETAIN_EVERY, |_, ctx| ctx.notify(Retain));
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

impl Handler<Record> for Outbox {
    type Result = ();

    fn handle(&mut self, Record { event, .. }: Record, ctx: &mut Self::Context) {
        self.hold(event);
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

impl Handler<Subscribe> for Outbox {
    type Result = ();

    fn handle(&mut self, subscriber: Subscribe, _: &mut Self::Context) {
        // A start is a new chance: one delivery that was postponed finds out whether the receiver is back.
        if let Err(error) = self.store.probe(&subscriber.cell.name) {
            tracing::warn!(sink = %subscriber.cell.name, %error, "what was postponed waits for its time");
        }
        self.count(&subscriber);
        subscriber.wake.do_send(Wake);
        let name = Arc::clone(&subscriber.cell.name);
        self.couriers.insert(name, subscriber);
    }
}

impl Handler<ApplySinks> for Outbox {
    type Result = ();

    fn handle(&mut self, ApplySinks(sinks): ApplySinks, _: &mut Self::Context) {
        // What was recorded before belongs to the sinks of before. A failure is retried with those of now.
        let _ = self.commit();
        self.couriers.retain(|name, _| sinks.contains(name));
        self.sinks = sinks;
        self.warn_of_strays();
    }
}

impl Handler<Claim> for Outbox {
    type Result = Result<Claimed, OutboxError>;

    fn handle(&mut self, claim: Claim, _: &mut Self::Context) -> Self::Result {
        if !self.sinks.contains(&claim.sink) {
            return Ok(Claimed::default());
        }
        let now = Timestamp::now();
        // What was postponed carries its time, what was not carries none.
        let up_to = if claim.untried_only { Timestamp::UNIX_EPOCH } else { now };
        Ok(Claimed {
            deliveries: self.store.due(&claim.sink, up_to, claim.limit, &claim.busy)?,
            next_due_at: self.store.next_due_at(&claim.sink, now)?,
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
        self.wake_all();
        Ok(retried)
    }
}

impl Handler<Retain> for Outbox {
    type Result = ();

    fn handle(&mut self, _: Retain, ctx: &mut Self::Context) {
        let now = Timestamp::now();
        let latest = now.saturating_add(Self::POSTPONED_AT_MOST).unwrap_or(Timestamp::MAX);
        for sink in &self.sinks {
            if let Err(error) = self.store.forgive_clock(sink, latest) {
                tracing::warn!(%error, "postponed deliveries cannot be looked through");
            }
        }
        match self.store.retain(&self.storage, &self.sinks, now) {
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

#[cfg(test)]
pub(super) mod tests;
