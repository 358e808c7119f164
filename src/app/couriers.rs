use std::{sync::Arc, time::Duration};

use actix::{Actor, Addr};
use actix_rt::Arbiter;
use parking_lot::Mutex;

use crate::{
    events::{Addressee, ApplySinks, Outbox},
    settings,
    sinks::{self, Courier, Drain, SinkError, Surroundings, Terms},
    status::SinkCell,
};

/// The longest that deliveries in flight are waited for at the end.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);

struct OpenSink {
    settings: settings::Sink,
    open: Arc<dyn sinks::Sink>,
    cell: Arc<SinkCell>,
}

/// The couriers of today, on one thread of their own.
pub(super) struct Couriers {
    arbiter: actix_rt::ArbiterHandle,
    outbox: Addr<Outbox>,
    surroundings: Surroundings,
    running: Mutex<Vec<(settings::Sink, Addr<Courier>)>>,
}

impl Couriers {
    pub(super) fn new(outbox: Addr<Outbox>, surroundings: Surroundings) -> Self {
        Self { arbiter: Arbiter::new().handle(), outbox, surroundings, running: Mutex::default() }
    }

    /// Starts what is new or changed, ends what is gone or changed, and leaves alone what is the same.
    pub(super) async fn apply(&self, wanted: &[settings::Sink]) -> Result<(), SinkError> {
        let is_running = |sink: &&settings::Sink| self.running.lock().iter().any(|(running, _)| running == *sink);
        // First what can fail; then nothing was changed.
        let fresh: Vec<_> =
            wanted.iter().filter(|sink| !is_running(sink)).map(|sink| self.open(sink)).collect::<Result<_, _>>()?;
        let ending: Vec<_> = self.running.lock().extract_if(.., |(running, _)| !wanted.contains(running)).collect();
        // An old courier ends before a new one of its name begins: otherwise an event might go out twice.
        drain(ending.iter().map(|(_, courier)| courier)).await;
        for (old, _) in &ending {
            self.surroundings.board.remove_sink(&old.name);
        }
        self.outbox.do_send(ApplySinks(wanted.iter().map(Addressee::of).collect()));
        for OpenSink { settings, open, cell } in fresh {
            self.surroundings.board.add_sink(Arc::clone(&cell));
            let outbox = self.outbox.clone();
            let courier =
                Courier::start_in_arbiter(&self.arbiter, move |_| Courier::new(open, cell, outbox, Terms::default()));
            self.running.lock().push((settings, courier));
        }
        Ok(())
    }

    fn open(&self, sink: &settings::Sink) -> Result<OpenSink, SinkError> {
        let (open, cell) = sinks::open(sink, &self.surroundings)?;
        Ok(OpenSink { settings: sink.clone(), open, cell })
    }

    pub(super) async fn drain(&self) {
        let running: Vec<_> = self.running.lock().iter().map(|(_, courier)| courier.clone()).collect();
        drain(running.iter()).await;
    }
}

async fn drain(couriers: impl Iterator<Item = &Addr<Courier>>) {
    let drained = couriers.map(|courier| courier.send(Drain { deadline: DRAIN_DEADLINE }));
    let left: usize = futures::future::join_all(drained).await.into_iter().flatten().sum();
    if left > 0 {
        tracing::warn!(left, "deliveries were still in flight; they are told again");
    }
}
