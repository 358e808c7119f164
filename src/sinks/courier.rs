use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, MailboxError, Message, ResponseFuture, SpawnHandle,
    WrapFuture,
};
use futures::FutureExt;
use jiff::Timestamp;
use tokio::{sync::watch, time::timeout};

use super::{Outcome, Schedule, Sink};
use crate::{
    events::{Claim, Claimed, Delivery, Outbox, OutboxError, Settle, Settlement, Subscribe, Wake},
    status::SinkCell,
};

/// Sees to it that each event is told to one sink: takes what is due from the outbox, tells it, reports how that went.
///
/// A few deliveries are in flight at once, never two of one lane, so that a camera's events arrive in order while
/// nothing fails.
pub struct Courier {
    sink: Arc<dyn Sink>,
    cell: Arc<SinkCell>,
    outbox: Addr<Outbox>,
    terms: Terms,
    in_flight: Vec<Arc<str>>,
    claim: Claiming,
    timer: Option<SpawnHandle>,
    failures_in_a_row: u32,
    /// The receiver asked to be left alone; cleared by a success that was begun afterwards.
    rest: Option<Rest>,
    /// Nobody answered; until then what failed is not tried again. Cleared by a success.
    unreachable_until: Option<Instant>,
    /// No delivery has succeeded since the start: there may have been an outage before it.
    doubtful: bool,
    aloft: watch::Sender<usize>,
    /// A drain's patience is over: attempts end, and none begins any more.
    cut: watch::Sender<bool>,
    draining: bool,
}

/// On what terms deliveries are tried.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// When a failed delivery is tried again.
    pub schedule: Schedule,
}

/// Command: claim nothing more, wait until nothing is in flight or `deadline` is over, and cut short what still is. That is
/// no failure of anybody's: it stays in the outbox, and the next courier tells it again. Answers with how much of it there
/// was, when nothing runs any more and the sink is closed: `AFTERMATH` after the deadline at the latest.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "usize")]
pub struct Drain {
    /// The longest wait.
    pub deadline: Duration,
}

impl Drain {
    /// For what is cut short to end.
    const CUT: Duration = Duration::from_secs(1);
    /// For the sink's goodbye.
    const GOODBYE: Duration = Duration::from_secs(4);
    /// The longest that a drain takes beyond its deadline.
    pub const AFTERMATH: Duration = Self::CUT.saturating_add(Self::GOODBYE);
}

/// A time in which a receiver wants to be told nothing.
#[derive(Debug, Clone, Copy)]
struct Rest {
    imposed_at: Instant,
    until: Instant,
}

type Answer = Result<Result<Claimed, OutboxError>, MailboxError>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claiming {
    Idle,
    Asked,
    /// Asked, and woken since: ask again.
    Outdated,
}

impl Courier {
    /// Deliveries at once.
    pub const IN_FLIGHT: usize = 4;
    /// After so many failures in a row a success means that the receiver is back.
    const OUTAGE: u32 = 3;
    /// The longest that a receiver can have all of its events held back for.
    const LONGEST_REST: Duration = Duration::from_secs(3600);
    const STORAGE_RETRY: Duration = Duration::from_secs(1);
    /// The longest sleep: the wall clock may be set meanwhile.
    const LONGEST_SLEEP: Duration = Duration::from_secs(60);

    /// A courier for the sink of `cell.name`. Let an old one of the same name drain and end before.
    pub fn new(sink: Arc<dyn Sink>, cell: Arc<SinkCell>, outbox: Addr<Outbox>, terms: Terms) -> Self {
        Self {
            sink,
            cell,
            outbox,
            terms,
            in_flight: Vec::new(),
            claim: Claiming::Idle,
            timer: None,
            failures_in_a_row: 0,
            rest: None,
            unreachable_until: None,
            doubtful: true,
            aloft: watch::Sender::new(0),
            cut: watch::Sender::new(false),
            draining: false,
        }
    }

    fn claim(&mut self, ctx: &mut Context<Self>) {
        if let Some(pause) = self.rest_left() {
            return self.wake_after(pause, ctx);
        }
        // While nobody answers, a new event is tried at once, but what failed is not tried again and again: after the
        // pause one of them finds out whether the receiver is back.
        let untried_only = remaining(self.unreachable_until).is_some();
        let doubtful = self.unreachable_until.is_some() && !untried_only || self.rest.is_some();
        let at_once = if doubtful { 1 } else { Self::IN_FLIGHT };
        let room = at_once.saturating_sub(self.in_flight.len());
        if room == 0 || self.draining || self.cell.state().disabled {
            return;
        }
        if self.claim != Claiming::Idle {
            self.claim = Claiming::Outdated;
            return;
        }
        self.claim = Claiming::Asked;
        self.report_aloft();
        let claim =
            Claim { sink: Arc::clone(&self.cell.name), busy: self.in_flight.clone(), limit: room, untried_only };
        let answer = self.outbox.send(claim).into_actor(self);
        ctx.spawn(answer.map(move |answer, courier, ctx| courier.claimed(answer, untried_only, ctx)));
    }

    fn claimed(&mut self, mut answer: Answer, untried_only: bool, ctx: &mut Context<Self>) {
        let mut outdated = std::mem::replace(&mut self.claim, Claiming::Idle) == Claiming::Outdated;
        if !untried_only && remaining(self.unreachable_until).is_some() {
            // Since the question nobody answered: what failed before waits, and leaves its place to what did not.
            if let Ok(Ok(claimed)) = &mut answer {
                claimed.deliveries.retain(|delivery| delivery.attempts == 0);
            }
            outdated = true;
        }
        self.take(answer, outdated, ctx);
        self.report_aloft();
    }

    /// What was asked for before the end began is delivered still: alerts of the last moment are among it.
    fn take(&mut self, answer: Answer, outdated: bool, ctx: &mut Context<Self>) {
        if self.cell.state().disabled || *self.cut.borrow() {
            return;
        }
        if let Some(pause) = self.rest_left() {
            // It was imposed since the question. Nothing is lost: who claims marks nothing.
            return self.wake_after(pause, ctx);
        }
        match answer {
            Ok(Ok(claimed)) => {
                for delivery in claimed.deliveries {
                    self.deliver(delivery, ctx);
                }
                let now = Timestamp::now();
                let pause = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
                // What failed waits until somebody answers; what was held was never tried, and waits for its hold alone.
                let retry = claimed.next_retry_at.map(pause).max(remaining(self.unreachable_until));
                let held = claimed.next_hold_end.map(pause);
                if let Some(pause) = retry.into_iter().chain(held).min() {
                    self.wake_after(pause, ctx);
                }
                if outdated {
                    self.claim(ctx);
                }
            }
            Ok(Err(error)) => {
                tracing::warn!(sink = %self.cell.name, %error, "deliveries cannot be read");
                self.wake_after(Self::STORAGE_RETRY, ctx);
            }
            Err(_) => tracing::error!(sink = %self.cell.name, "the outbox is gone"),
        }
    }

    fn rest_left(&self) -> Option<Duration> {
        remaining(self.rest.map(|rest| rest.until))
    }

    fn wake_after(&mut self, pause: Duration, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        // Not less than a moment, so that rounding never makes it spin.
        let pause = pause.clamp(Duration::from_millis(1), Self::LONGEST_SLEEP);
        self.timer = Some(ctx.run_later(pause, |courier, ctx| {
            courier.timer = None;
            courier.claim(ctx);
        }));
    }

    fn deliver(&mut self, delivery: Delivery, ctx: &mut Context<Self>) {
        self.in_flight.push(delivery.event.lane().into());
        self.report_aloft();
        let begun = Instant::now();
        let attempt = attempt(Arc::clone(&self.sink), delivery, self.cut.subscribe()).into_actor(self);
        ctx.spawn(attempt.map(move |(delivery, outcome), courier, ctx| match outcome {
            Some(outcome) => courier.ended(&delivery, begun, outcome, ctx),
            None => courier.landed(delivery.event.lane(), ctx),
        }));
    }

    fn ended(&mut self, delivery: &Delivery, begun: Instant, outcome: Outcome, ctx: &mut Context<Self>) {
        let lane: Arc<str> = delivery.event.lane().into();
        let settlement = match outcome {
            Outcome::Accepted => self.accepted(delivery, begun),
            Outcome::Refused { error, retry_after, blames_event } => {
                if let Some(asked) = retry_after {
                    let now = Instant::now();
                    self.rest = Some(Rest { imposed_at: now, until: now + asked.min(Self::LONGEST_REST) });
                }
                self.doubtful &= !blames_event;
                let schedule = self.terms.schedule.clone();
                self.failed(delivery, error, blames_event, |failures, age, chance| {
                    schedule.pause_after(failures, age, retry_after, chance)
                })
            }
            Outcome::Unreachable { error } => {
                let failures = self.failures_in_a_row.saturating_add(1);
                let pause = self.terms.schedule.pause_unreachable(failures, fastrand::f64());
                self.unreachable_until = Some(Instant::now() + pause);
                self.failed(delivery, error, false, |_, _, _| Some(pause))
            }
            Outcome::Gone => {
                self.disable();
                return self.landed(&lane, ctx);
            }
        };
        let settle = Settle { sink: Arc::clone(&self.cell.name), seq: delivery.seq, settlement };
        self.settle(settle, lane, ctx);
    }

    fn accepted(&mut self, delivery: &Delivery, begun: Instant) -> Settlement {
        let now = Timestamp::now();
        let took = now.duration_since(delivery.recorded_at);
        self.cell.delivered.one();
        self.cell.latency.record(Duration::try_from(took).unwrap_or_default());
        if self.rest.is_some_and(|rest| begun <= rest.imposed_at) {
            // It was on its way when the receiver asked to be left alone, and does not say that it may be told more.
            self.cell.update(|state| state.last_delivered_at = Some(now));
            return Settlement::Acknowledged { hasten: false };
        }
        (self.rest, self.unreachable_until) = (None, None);
        let failures = std::mem::take(&mut self.failures_in_a_row);
        self.cell.update(|state| {
            state.consecutive_failures = 0;
            state.last_error = None;
            state.last_delivered_at = Some(now);
        });
        let back = failures >= Self::OUTAGE;
        if back {
            tracing::info!(sink = %self.cell.name, failures, "the receiver is back");
        }
        let hasten = std::mem::take(&mut self.doubtful) || back;
        Settlement::Acknowledged { hasten }
    }

    fn failed(
        &mut self,
        delivery: &Delivery,
        error: String,
        blames_event: bool,
        pause: impl FnOnce(u32, Duration, f64) -> Option<Duration>,
    ) -> Settlement {
        if !blames_event {
            self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        }
        self.cell.failures.one();
        self.cell.update(|state| {
            state.consecutive_failures = self.failures_in_a_row;
            state.last_error = Some(error.clone());
        });
        let (sink, event) = (&self.cell.name, delivery.event.id);
        let failures = delivery.attempts.saturating_add(1);
        let age = Duration::try_from(Timestamp::now().duration_since(delivery.recorded_at)).unwrap_or_default();
        let Some(pause) = pause(failures, age, fastrand::f64()) else {
            tracing::error!(%sink, %event, failures, error, "an event could not be delivered; it is on the dead-letter list");
            return Settlement::Buried { error };
        };
        tracing::warn!(%sink, %event, failures, error, retry_in = ?pause, "a delivery failed");
        let until = Timestamp::now().saturating_add(pause).unwrap_or(Timestamp::MAX);
        Settlement::Postponed { until, error }
    }

    fn disable(&mut self) {
        if self.cell.state().disabled {
            return;
        }
        tracing::error!(sink = %self.cell.name, "the receiver wants no more events (410 Gone): the sink is disabled until it is retried, the settings are read anew, or the next start");
        self.cell.failures.one();
        self.cell.update(|state| {
            state.disabled = true;
            state.last_error = Some("the receiver wants no more events (410 Gone)".to_owned());
        });
    }

    /// Keeps the lane busy until the account is written, however often that must be tried: otherwise a full disk would
    /// have the same event delivered over and over.
    fn settle(&mut self, settle: Settle, lane: Arc<str>, ctx: &mut Context<Self>) {
        let answer = self.outbox.send(settle.clone()).into_actor(self);
        ctx.spawn(answer.map(move |answer, courier, ctx| match answer {
            Ok(Err(error)) => {
                tracing::warn!(sink = %settle.sink, %error, "a delivery's end cannot be written down");
                ctx.run_later(Self::STORAGE_RETRY, move |courier, ctx| {
                    courier.settle(settle, lane, ctx);
                });
            }
            // Written down, or the outbox is gone and nothing can be.
            Ok(Ok(())) | Err(_) => courier.landed(&lane, ctx),
        }));
    }

    fn landed(&mut self, lane: &str, ctx: &mut Context<Self>) {
        self.in_flight.retain(|busy| **busy != *lane);
        self.claim(ctx);
        self.report_aloft();
    }

    /// Says what a drain has to wait for: deliveries in flight, and what is being asked for.
    fn report_aloft(&self) {
        let asking = usize::from(self.claim != Claiming::Idle);
        self.aloft.send_if_modified(|aloft| {
            let now = self.in_flight.len() + asking;
            std::mem::replace(aloft, now) != now
        });
    }
}

/// How long it is until then, if it is not past.
fn remaining(until: Option<Instant>) -> Option<Duration> {
    until.map(|until| until.saturating_duration_since(Instant::now())).filter(|rest| !rest.is_zero())
}

/// One attempt, of which neither a panic nor a hang gets out; no outcome if it was cut short.
async fn attempt(
    sink: Arc<dyn Sink>,
    delivery: Delivery,
    mut cut: watch::Receiver<bool>,
) -> (Delivery, Option<Outcome>) {
    let begun = Instant::now();
    let refused = |error: String| Outcome::Refused { error, retry_after: None, blames_event: false };
    let deadline = sink.deadline();
    let event = &delivery.event;
    let work = AssertUnwindSafe(async { sink.deliver(event).await }).catch_unwind();
    let outcome = tokio::select! {
        biased;
        ended = timeout(deadline, work) => Some(match ended {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => refused("the sink panicked: a fault in Lookout, please report it".to_owned()),
            Err(_) => refused(format!("not delivered within {deadline:?}")),
        }),
        _ = cut.wait_for(|cut| *cut) => None,
    };
    tracing::debug!(event = %delivery.event.id, took = ?begun.elapsed(), ?outcome, "delivery attempted");
    (delivery, outcome)
}

impl Actor for Courier {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.sink.begin();
        self.outbox.do_send(Subscribe { cell: Arc::clone(&self.cell), wake: ctx.address().recipient() });
    }
}

impl Handler<Wake> for Courier {
    type Result = ();

    fn handle(&mut self, wake: Wake, ctx: &mut Self::Context) {
        if wake == Wake::Wanted && self.cell.state().disabled {
            tracing::info!(sink = %self.cell.name, "the receiver wanted no more, but is tried anew");
            self.cell.update(|state| state.disabled = false);
        }
        self.claim(ctx);
    }
}

impl Handler<Drain> for Courier {
    type Result = ResponseFuture<usize>;

    fn handle(&mut self, Drain { deadline }: Drain, _: &mut Self::Context) -> Self::Result {
        self.draining = true;
        let (sink, mut aloft, cut) = (Arc::clone(&self.sink), self.aloft.subscribe(), self.cut.clone());
        Box::pin(async move {
            // Too late or no courier any more: the count says it either way.
            let _ = timeout(deadline, aloft.wait_for(|count| *count == 0)).await;
            let left = *aloft.borrow();
            cut.send_replace(true);
            // What is longer in ending waits for a disk, to have its account written down.
            let _ = timeout(Drain::CUT, aloft.wait_for(|count| *count == 0)).await;
            let _ = timeout(Drain::GOODBYE, sink.close()).await;
            left
        })
    }
}
