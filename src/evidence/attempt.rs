use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use bytes::Bytes;
use futures::FutureExt;

use super::{
    Evidence,
    spool::Spool,
    store::{Label, Store, StoreError},
    uplink::{Parcel, Verdict},
};

/// One picture on its way from the spool to the store.
struct Attempt {
    n: u32,
    key: String,
    label: Label,
    store: String,
    timeout: Duration,
}

/// How that ended.
enum Outcome {
    Stored {
        bytes: usize,
        took: Duration,
    },
    /// The spool has it no more, or cannot be read.
    Unreadable(std::io::Error),
    Failed(StoreError),
}

impl Evidence {
    /// Begins every attempt that is due, and sees to being asked again when the next one is.
    pub(super) fn pump(&mut self, ctx: &mut Context<Self>) {
        while let Some(parcel) = self.uplink.next(Instant::now()) {
            self.upload(parcel, ctx);
        }
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.timer = self.uplink.pause(Instant::now()).map(|pause| {
            // Not less than a moment, so that rounding never makes it spin.
            ctx.run_later(pause.max(Duration::from_millis(1)), |evidence, ctx| {
                evidence.timer = None;
                evidence.pump(ctx);
            })
        });
        self.report();
    }

    fn upload(&mut self, parcel: Parcel, ctx: &mut Context<Self>) {
        let (event, n) = (parcel.event, parcel.n);
        let found = self.groups.get(&event).and_then(|(group, notes)| Some((group.captured_at(n)?, notes)));
        let Some((captured_at, notes)) = found else { return self.uplink.gone() };
        let label = Label { camera: notes.camera.clone(), event, captured_at };
        let attempt = Attempt {
            n,
            key: notes.key.key(n),
            label,
            store: self.address.store().to_owned(),
            timeout: self.settings.timeout,
        };
        let work = attempt.run(Arc::clone(&self.spool), Arc::clone(&self.store));
        ctx.spawn(work.into_actor(self).map(move |outcome, evidence, ctx| {
            evidence.ended(parcel, outcome);
            evidence.go_on(event, ctx);
        }));
    }

    fn ended(&mut self, parcel: Parcel, outcome: Outcome) {
        let (event, n) = (parcel.event, parcel.n);
        let Some((group, _)) = self.groups.get_mut(&event) else { return self.uplink.gone() };
        let cell = &self.board.evidence;
        match outcome {
            Outcome::Stored { bytes, took } => {
                group.stored(n);
                cell.stored.one();
                cell.stored_bytes.add(bytes as u64);
                cell.upload.record(took);
                let was_away = self.uplink.stored();
                if cell.fault.lock().take().is_some() && was_away {
                    tracing::info!("the store of pictures is back");
                }
            }
            Outcome::Unreadable(error) => {
                group.lost(n);
                self.uplink.gone();
                cell.given_up.one();
                tracing::error!(%event, n, %error, "a picture cannot be read from the spool; it is given up");
            }
            Outcome::Failed(error) => {
                cell.failures.one();
                let was_away = self.uplink.is_away();
                let verdict = self.uplink.failed(parcel, error.blame(), Instant::now(), fastrand::f64());
                cell.fault.lock().replace(error.to_string());
                if self.uplink.is_away() && !was_away {
                    tracing::error!(%error, "the store of pictures is away; pictures wait in the spool");
                }
                match verdict {
                    Verdict::Again => tracing::debug!(%event, n, %error, "a picture is not stored yet"),
                    Verdict::GivenUp => {
                        group.lost(n);
                        cell.given_up.one();
                        tracing::error!(%event, n, %error, "a picture is given up: the store refused it too often");
                    }
                }
            }
        }
    }
}

impl Attempt {
    /// Neither a panic nor a hang gets out.
    async fn run(self, spool: Arc<Spool>, store: Arc<dyn Store>) -> Outcome {
        let (event, n, captured_at) = (self.label.event, self.n, self.label.captured_at);
        let read = actix_rt::task::spawn_blocking(move || spool.read(event, n, captured_at)).await;
        let jpeg = match read.unwrap_or_else(|fault| Err(fault.into())) {
            Ok(jpeg) => Bytes::from(jpeg),
            Err(error) => return Outcome::Unreadable(error),
        };
        let (begun, bytes) = (Instant::now(), jpeg.len());
        let put = AssertUnwindSafe(async { store.put(&self.key, jpeg, &self.label).await }).catch_unwind();
        match tokio::time::timeout(self.timeout, put).await {
            Ok(Ok(Ok(()))) => Outcome::Stored { bytes, took: begun.elapsed() },
            Ok(Ok(Err(error))) => Outcome::Failed(error),
            Ok(Err(_)) => {
                Outcome::Failed(StoreError::Failed("storing panicked: a fault in Lookout, please report it".into()))
            }
            Err(_) => {
                Outcome::Failed(StoreError::Away(format!("no answer from {} within {:?}", self.store, self.timeout)))
            }
        }
    }
}
