//! Telling a message broker (MQTT 3.1.1): events, each until the broker acknowledged it, and beside them what the cameras
//! are doing, as retained topics that Home Assistant finds by itself.

mod allowance;
mod discovery;
mod extra;
mod fault;
mod flight;
mod life;
mod lives;
mod mirror;
mod plan;
mod snapshots;
mod topics;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};

use self::{lives::Lives, plan::Plan, topics::Topics};
use super::{Outcome, Sink, SinkError, Surroundings, payload};
use crate::{events::Event, settings, status::SinkCell};

/// Tells events to a broker and mirrors the cameras there.
///
/// It has no `Debug`: it holds the password.
pub struct Mqtt {
    desk: mpsc::Sender<Order>,
    link: watch::Receiver<Link>,
    closing: watch::Sender<bool>,
    work: Mutex<Work>,
    source: String,
    timeout: Duration,
}

/// What goes on beside the deliveries.
enum Work {
    /// Not begun.
    Prepared(Box<Lives>),
    Running(JoinHandle<()>),
    Done,
}

/// An event to publish, and where to say how that ended. Nobody waits any more where `answer` is closed.
struct Order {
    body: Bytes,
    answer: oneshot::Sender<Outcome>,
    /// Connections that were lost while it waited for its acknowledgement.
    losses: u32,
}

/// Whether there is a connection.
#[derive(Debug, Clone)]
enum Link {
    Up,
    Down { since: Instant, why: Arc<str> },
}

impl Mqtt {
    /// Deliveries that wait to be published; a courier never has as many in flight.
    const DESK: usize = 16;
    /// A larger event is not told.
    const LARGEST_EVENT: usize = 1 << 20;
    /// The longest that a goodbye takes, beyond what the broker takes to acknowledge it.
    const GOODBYE: Duration = Duration::from_secs(3);

    /// A sink as the settings describe it; `cell` learns what is wrong with the connection. Nothing is connected before
    /// `begin`.
    ///
    /// # Errors
    /// The certificates do not serve, or the topics would be none.
    pub fn new(
        sink: &settings::Sink,
        settings: &settings::Mqtt,
        cell: &Arc<SinkCell>,
        surroundings: &Surroundings,
    ) -> Result<Self, SinkError> {
        let topics = Topics::new(settings.topic_prefix.clone(), settings.discovery.clone())
            .map_err(|why| SinkError::Client { sink: Arc::clone(&sink.name), why })?;
        let plan = Plan::new(settings, &topics)?;
        let (desk, orders) = mpsc::channel(Self::DESK);
        let (closing, closed) = watch::channel(false);
        let down = Link::Down { since: Instant::now(), why: format!("no connection to {} yet", plan.target()).into() };
        let (link, seen_link) = watch::channel(down);
        let lives = Lives::new(plan, topics, orders, link, closed, Arc::clone(cell), sink, surroundings);
        Ok(Self {
            desk,
            link: seen_link,
            closing,
            work: Mutex::new(Work::Prepared(Box::new(lives))),
            source: surroundings.source.clone(),
            timeout: settings.timeout,
        })
    }

    /// Where it tells, for people: scheme, host and port.
    pub fn target(settings: &settings::Mqtt) -> String {
        plan::target(settings)
    }
}

impl Sink for Mqtt {
    fn begin(&self) {
        let mut work = self.work.lock();
        match std::mem::replace(&mut *work, Work::Done) {
            Work::Prepared(lives) => *work = Work::Running(tokio::spawn(lives.run())),
            begun => *work = begun,
        }
    }

    fn deliver(&self, event: &Event) -> BoxFuture<'static, Outcome> {
        let body = Bytes::from(payload::cloud_event(event, &self.source));
        if body.len() > Self::LARGEST_EVENT {
            let error = format!("the event has {} bytes, more than {}", body.len(), Self::LARGEST_EVENT);
            return ready(Outcome::Refused { error, retry_after: None, blames_event: true });
        }
        // While nobody answers for long, nothing is queued.
        if let Some(why) = down_for(&self.link.borrow(), self.timeout) {
            return ready(unreachable(&why));
        }
        let (answer, answered) = oneshot::channel();
        if self.desk.try_send(Order { body, answer, losses: 0 }).is_err() {
            return ready(unreachable("the connection to the broker is closed or takes no more"));
        }
        let (link, patience) = (self.link.clone(), self.timeout);
        async move {
            tokio::select! {
                biased;
                outcome = answered => outcome.unwrap_or_else(|_| unreachable("the connection to the broker was ended")),
                why = given_up(link, patience) => unreachable(&why),
                () = sleep(patience * 3) => refused(format!("not acknowledged within {:?}", patience * 3)),
            }
        }
        .boxed()
    }

    fn deadline(&self) -> Duration {
        // For a connection, an acknowledgement, and a second try of both.
        self.timeout * 3 + Duration::from_secs(5)
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        self.closing.send_replace(true);
        let work = std::mem::replace(&mut *self.work.lock(), Work::Done);
        async move {
            if let Work::Running(mut task) = work
                && timeout(Self::GOODBYE, &mut task).await.is_err()
            {
                task.abort();
            }
        }
        .boxed()
    }
}

impl Drop for Mqtt {
    /// Without a `close` it ends like a connection that was cut: the broker publishes the last will.
    fn drop(&mut self) {
        if let Work::Running(task) = &*self.work.lock() {
            task.abort();
        }
    }
}

fn ready(outcome: Outcome) -> BoxFuture<'static, Outcome> {
    futures::future::ready(outcome).boxed()
}

fn unreachable(why: &str) -> Outcome {
    Outcome::Unreachable { error: why.to_owned() }
}

fn refused(error: String) -> Outcome {
    Outcome::Refused { error, retry_after: None, blames_event: false }
}

fn down_for(link: &Link, patience: Duration) -> Option<Arc<str>> {
    match link {
        Link::Down { since, why } if since.elapsed() >= patience => Some(Arc::clone(why)),
        _ => None,
    }
}

/// Comes to an end, with the reason, when there has been no connection for as long as `patience`.
async fn given_up(mut link: watch::Receiver<Link>, patience: Duration) -> Arc<str> {
    loop {
        let (limit, why) = match &*link.borrow_and_update() {
            Link::Up => (None, "the connection to the broker was ended".into()),
            Link::Down { since, why } => (Some(*since + patience), Arc::clone(why)),
        };
        let changed = match limit {
            None => link.changed().await.is_ok(),
            Some(limit) => matches!(timeout_at(limit, link.changed()).await, Ok(Ok(()))),
        };
        if !changed {
            return why;
        }
    }
}

#[cfg(test)]
mod tests;
