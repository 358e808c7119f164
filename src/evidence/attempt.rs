use std::{
    io::ErrorKind,
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
    threads::Threads,
    uplink::{Blame, Parcel, Verdict},
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
        let work = attempt.run(Arc::clone(&self.spool), self.reading.clone(), Arc::clone(&self.store));
        ctx.spawn(work.into_actor(self).map(move |outcome, evidence, ctx| {
            evidence.ended(parcel, outcome);
            evidence.go_on(event, ctx);
        }));
    }

    fn ended(&mut self, parcel: Parcel, outcome: Outcome) {
        let (event, n, is_witness) = (parcel.event, parcel.n, parcel.is_witness);
        let Some((group, _)) = self.groups.get_mut(&event) else { return self.uplink.gone() };
        let cell = &self.board.evidence;
        match outcome {
            Outcome::Stored { bytes, took } => {
                if !is_witness {
                    group.stored(n);
                    cell.stored.one();
                    cell.stored_bytes.add(bytes as u64);
                }
                cell.upload.record(took);
                let was_away = self.uplink.stored();
                if cell.fault.lock().take().is_some() && was_away {
                    tracing::info!("the store of pictures is back");
                }
            }
            Outcome::Unreadable(_) if is_witness => self.uplink.gone(),
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
                    Verdict::Again => {
                        tracing::debug!(%event, n, %error, "a picture is not stored yet");
                        let witness = group.one_stored().filter(|_| error.blame() == Blame::StoreAway);
                        if let Some(witness) = witness.filter(|_| self.uplink.lacks_witness()) {
                            self.uplink.add(Parcel::witness(event, witness, Instant::now()));
                        }
                    }
                    Verdict::GivenUp if is_witness => {}
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
    async fn run(self, spool: Arc<Spool>, reading: Threads, store: Arc<dyn Store>) -> Outcome {
        let deadline = tokio::time::Instant::now() + self.timeout;
        let (event, n, captured_at) = (self.label.event, self.n, self.label.captured_at);
        let read = reading.run(move || spool.read(event, n, captured_at));
        let jpeg = match tokio::time::timeout_at(deadline, read).await {
            Ok(Ok(Ok(jpeg))) => Bytes::from(jpeg),
            Ok(Ok(Err(error))) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::FileTooLarge) => {
                return Outcome::Unreadable(error);
            }
            // Open files that have run out, a disk that comes back: it is tried as often as a store that fails.
            Ok(Ok(Err(error))) => return Outcome::Failed(StoreError::Failed(format!("the spool: {error}"))),
            Ok(Err(fault)) => return Outcome::Failed(StoreError::Failed(format!("the spool: {fault}"))),
            // That may pass, as a store may come back: no reason to give a picture up.
            Err(_) => {
                let hangs = format!("the spool hangs: it could not be read within {:?}", self.timeout);
                return Outcome::Failed(StoreError::Away(hangs));
            }
        };
        let (begun, bytes) = (Instant::now(), jpeg.len());
        let put = AssertUnwindSafe(async { store.put(&self.key, jpeg, &self.label).await }).catch_unwind();
        match tokio::time::timeout_at(deadline, put).await {
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
