//! Cameras passed on to RTMP servers, so many at once; the others wait their turn.

mod hearing;
mod publication;

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, SystemTime},
};

use actix_rt::ArbiterHandle;
use futures::FutureExt;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::{
    select,
    sync::{Semaphore, watch},
    time::{Instant, sleep, timeout, timeout_at},
};

use self::publication::Publication;
pub use self::publication::RelayFault;
use super::Presenter;
use crate::{
    settings::RelayTarget,
    status::{CameraCell, RelayCell, RelayState},
    words::{Backoff, CameraId, panic_text},
};

/// Passes cameras on, each to its target.
pub struct Relays {
    turns: Arc<Semaphore>,
    arbiter: ArbiterHandle,
    running: Mutex<BTreeMap<CameraId, Running>>,
}

struct Running {
    target: RelayTarget,
    camera: Arc<CameraCell>,
    /// Dropped, it ends the relay.
    _stop: watch::Sender<()>,
}

impl Relays {
    /// None yet, and never more than `at_most` that send.
    pub fn new(at_most: usize, arbiter: ArbiterHandle) -> Self {
        Self { turns: Arc::new(Semaphore::new(at_most)), arbiter, running: Mutex::default() }
    }

    /// From now on these cameras are passed on, and no others. Those that are the same go on untouched.
    pub fn apply(&self, wanted: Vec<(Arc<CameraCell>, RelayTarget)>) {
        let mut running = self.running.lock();
        let is_wanted = |id: &CameraId, it: &Running| {
            wanted.iter().any(|(cell, target)| cell.id == *id && Arc::ptr_eq(cell, &it.camera) && *target == it.target)
        };
        running.retain(|id, it| {
            let stays = is_wanted(id, it);
            if !stays {
                it.camera.set_relay(None);
            }
            stays
        });
        for (camera, target) in wanted {
            if running.contains_key(&camera.id) {
                continue;
            }
            let (stop, stopped) = watch::channel(());
            let cell = Arc::new(RelayCell::new(target.shown()));
            camera.set_relay(Some(Arc::clone(&cell)));
            let relay = Relay {
                camera: Arc::clone(&camera),
                target: target.clone(),
                cell,
                turns: Arc::clone(&self.turns),
                stopped,
            };
            self.arbiter.spawn(relay.run());
            running.insert(camera.id.clone(), Running { target, camera, _stop: stop });
        }
    }
}

/// One camera that is passed on.
struct Relay {
    camera: Arc<CameraCell>,
    target: RelayTarget,
    cell: Arc<RelayCell>,
    turns: Arc<Semaphore>,
    stopped: watch::Receiver<()>,
}

impl Relay {
    const BACKOFF: Backoff = Backoff { floor: Duration::from_millis(500), ceiling: Duration::from_secs(30) };
    /// What lasted so long was no failure at once: the pauses begin anew.
    const GOOD: Duration = Duration::from_secs(60);
    /// For connecting, and for each piece to be taken.
    const DEADLINE: Duration = Duration::from_secs(10);
    /// A camera that shows nothing for so long gives its turn to another.
    const SILENCE: Duration = Duration::from_secs(30);

    async fn run(self) {
        let mut stopped = self.stopped.clone();
        select! {
            () = self.relay_for_ever() => {}
            _ = stopped.changed() => {}
        }
    }

    async fn relay_for_ever(&self) {
        let mut failures = 0;
        loop {
            let began = Instant::now();
            // What a camera sends, and what the library makes of a server's words, must not end the relay for good.
            let once = AssertUnwindSafe(self.once()).catch_unwind().await;
            let fault = match once.unwrap_or_else(|panic| Err(RelayFault::Protocol(panic_text(&*panic)))) {
                Ok(true) => {
                    failures = 0;
                    continue;
                }
                Ok(false) => return,
                Err(fault) => fault,
            };
            failures = if began.elapsed() >= Self::GOOD { 1 } else { failures + 1 };
            let wait = Self::BACKOFF.wait(failures, fastrand::f64());
            let camera = &self.camera.id;
            tracing::warn!(%camera, target = self.target.shown(), retry_in_s = Backoff::said(wait), "relay: {fault}");
            let at = Timestamp::try_from(SystemTime::now() + wait).ok();
            self.cell.failed(fault.to_string(), at);
            sleep(wait).await;
        }
    }

    /// From the first picture to the end of what is published; whether the camera may have more.
    async fn once(&self) -> Result<bool, RelayFault> {
        // Without a picture there is nothing to connect for, and no turn is taken.
        self.cell.enter(RelayState::WaitingForCamera, None, None);
        if Presenter::new(&self.camera.feed).next().await.is_none() {
            return Ok(false);
        }
        self.cell.enter(RelayState::WaitingForTurn, None, None);
        let Ok(_turn) = Arc::clone(&self.turns).acquire_owned().await else { return Ok(false) };
        self.publish().await.map(|()| true)
    }

    /// Publishes until the camera shows nothing any more.
    async fn publish(&self) -> Result<(), RelayFault> {
        self.cell.enter(RelayState::Connecting, None, None);
        let opened = timeout(Self::DEADLINE, Publication::open(&self.target)).await;
        let mut publication = opened.map_err(|_| RelayFault::Timeout(Self::DEADLINE))??;
        self.cell.connections.one();
        self.cell.enter(RelayState::Publishing, None, None);
        tracing::info!(camera = %self.camera.id, target = self.target.shown(), "relay: publishing");
        let mut presenter = Presenter::new(&self.camera.feed);
        // Of the camera: a server that talks meanwhile does not count.
        let mut silent_until = Instant::now() + Self::SILENCE;
        loop {
            let cue = select! {
                cue = timeout_at(silent_until, presenter.next()) => match cue {
                    Ok(Some(cue)) => cue,
                    Ok(None) | Err(_) => {
                        let closed = timeout(Self::DEADLINE, publication.close()).await;
                        return closed.map_err(|_| RelayFault::Timeout(Self::DEADLINE))?;
                    }
                },
                heard = publication.listen() => {
                    heard?;
                    continue;
                }
            };
            silent_until = Instant::now() + Self::SILENCE;
            let sent = timeout(Self::DEADLINE, publication.send(&cue)).await;
            self.cell.sent.add(sent.map_err(|_| RelayFault::Timeout(Self::DEADLINE))?? as u64);
        }
    }
}

#[cfg(test)]
mod tests;
