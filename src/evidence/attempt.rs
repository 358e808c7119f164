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
    /// The spool has it no more, or what lies there is no picture.
    Unreadable(std::io::Error),
    Failed(Failure),
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Open files that have run out, a disk that comes back: it may pass, and the store knows nothing of it.
    #[error("pictures cannot be read from the spool: {0}")]
    Spool(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure {
    fn blame(&self) -> Blame {
        match self {
            Self::Spool(_) => Blame::Spool,
            Self::Store(error) => error.blame(),
        }
    }
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
                let (was_away, was_unreadable) = (self.uplink.is_away(), self.uplink.is_spool_unreadable());
                let verdict = self.uplink.failed(parcel, error.blame(), Instant::now(), fastrand::f64());
                cell.fault.lock().replace(error.to_string());
                if self.uplink.is_away() && !was_away {
                    tracing::error!(%error, "the store of pictures is away; pictures wait in the spool");
                }
                if self.uplink.is_spool_unreadable() && !was_unreadable {
                    tracing::error!(%error, "the spool is at fault, not the store; pictures wait there until it can be read");
                }
                match verdict {
                    Verdict::Again => {
                        tracing::debug!(%event, n, %error, "a picture is not stored yet");
                        let witness =
                            group.one_stored().filter(|_| matches!(error.blame(), Blame::StoreAway | Blame::Spool));
                        if let Some(witness) = witness.filter(|_| self.uplink.lacks_witness()) {
                            self.uplink.add(Parcel::witness(event, witness, Instant::now()));
                        }
                    }
                    Verdict::GivenUp if is_witness => {}
                    Verdict::GivenUp => {
                        group.lost(n);
                        cell.given_up.one();
                        tracing::error!(%event, n, %error, "a picture is given up: it failed too often");
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
            Ok(Ok(Err(error))) => return Outcome::Failed(Failure::Spool(error.to_string())),
            Ok(Err(fault)) => return Outcome::Failed(Failure::Spool(fault.to_string())),
            Err(_) => return Outcome::Failed(Failure::Spool(format!("it hangs for {:?}", self.timeout))),
        };
        let (begun, bytes) = (Instant::now(), jpeg.len());
        let put = AssertUnwindSafe(async { store.put(&self.key, jpeg, &self.label).await }).catch_unwind();
        match tokio::time::timeout_at(deadline, put).await {
            Ok(Ok(Ok(()))) => Outcome::Stored { bytes, took: begun.elapsed() },
            Ok(Ok(Err(error))) => Outcome::Failed(error.into()),
            Ok(Err(_)) => {
                let panicked = "storing panicked: a fault in Lookout, please report it".to_owned();
                Outcome::Failed(StoreError::Failed(panicked).into())
            }
            Err(_) => {
                let away = format!("no answer from {} within {:?}", self.store, self.timeout);
                Outcome::Failed(StoreError::Away(away).into())
            }
        }
    }
}
