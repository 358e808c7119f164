//! THE wiring: the only file that knows every room. It starts them in order, joins them, and ends them in order.

use std::{net::TcpListener, path::PathBuf, sync::Arc, time::Duration};

use actix::{Actor, Addr};
use actix_rt::{Arbiter, System};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    camera::{connect_rtsp, decode_alone},
    detect::{self, pool},
    events::{ApplySinks, Flush, Outbox, OutboxError, Reader, Store},
    http::{self, Reload, Still, Views},
    settings::{self, Settings},
    sinks::{self, Courier, Drain, SinkError, Terms},
    status::{Board, LastSeen, Picture},
    supervisor::{ApplyCameras, Backoff, Shutdown, Supervisor, Workshop},
};

/// What keeps Lookout from starting.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {cause}; set server.bind to another address")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        cause: std::io::Error,
    },
    /// The outbox cannot be opened.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] detect::DetectError),
    /// A sink cannot be set up.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The system refuses something.
    #[error("the system refuses: {0}")]
    System(#[from] std::io::Error),
}

/// How long a camera's thread may say nothing before it is taken to hang.
const HANG_TIMEOUT: Duration = Duration::from_secs(20);
/// The longest that cameras are waited for at the end.
const GOODBYE_DEADLINE: Duration = Duration::from_secs(5);
/// The longest that deliveries in flight are waited for at the end.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);
/// JPEG quality of pictures made on request.
const STILL_QUALITY: u8 = 85;

/// Runs until SIGTERM or SIGINT. `file` is read anew on SIGHUP and on `POST /api/v1/reload`.
///
/// # Errors
/// What keeps it from starting; once it runs, no camera, model or sink ends it.
pub fn run(settings: Settings, file: PathBuf) -> Result<(), AppError> {
    System::new().block_on(run_in_system(settings, file))
}

async fn run_in_system(settings: Settings, file: PathBuf) -> Result<(), AppError> {
    // First what fails for reasons of the user's, before any camera is touched.
    let signals = Signals::listen()?;
    let listener = TcpListener::bind(settings.server.bind)
        .map_err(|cause| AppError::Listen { address: settings.server.bind, cause })?;
    let house = House::build(settings, file)?;

    let server = http::serve(listener.try_clone()?, house.views()?)?;
    let (stop_http, http) = (server.handle(), actix_rt::spawn(server));
    house.supervisor.do_send(ApplyCameras(house.reloader.settings.lock().cameras.clone()));
    house.board.set_ready(true);
    tracing::info!(address = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"), "listening");
    tell_service_manager(&[sd_notify::NotifyState::Ready]);
    let watchdog = actix_rt::spawn(feed_watchdog());

    signals.wait_for_end(&house.reloader).await;

    tracing::info!("ending");
    tell_service_manager(&[sd_notify::NotifyState::Stopping]);
    house.board.set_ready(false);
    house.end().await;
    watchdog.abort();
    stop_http.stop(true).await;
    let _ = http.await; // it was told to stop
    tracing::info!("ended");
    Ok(())
}

/// Everything that runs.
struct House {
    board: Arc<Board>,
    store_file: PathBuf,
    supervisor: Addr<Supervisor>,
    outbox: Addr<Outbox>,
    reloader: Arc<Reloader>,
}

impl House {
    fn build(settings: Settings, file: PathBuf) -> Result<Self, AppError> {
        let board = Arc::new(Board::default());
        let store = Store::open(&settings.storage)?;
        let (store_file, unfinished) = (store.file().to_owned(), store.unfinished()?);
        let names = settings.sinks.iter().map(|s| Arc::clone(s.name())).collect();
        let outbox = Outbox::start(store, settings.storage.clone(), names, Arc::clone(&board));
        let couriers = Couriers::new(outbox.clone(), Arc::clone(&board));
        couriers.replace(open_sinks(&settings)?);

        let model = Arc::new(detect::Model::load(&settings.detector.model)?);
        tracing::info!(model = %settings.detector.model.display(), workers = settings.detector.workers, "model loaded");
        let task = detect::Task::new(model, &settings.detector)?;
        let build = move || task.detector().map(|detector| Box::new(detector) as Box<dyn detect::Detector>);
        let detectors = pool::start(settings.detector.workers, Arc::clone(&board), build);

        let supervisor = Supervisor::new(Workshop {
            connect: Arc::new(connect_rtsp),
            detectors: detectors.recipient(),
            outbox: outbox.clone().recipient(),
            scenes: Arbiter::new().handle(),
            board: Arc::clone(&board),
            unfinished: Arc::new(unfinished),
            backoff: Backoff::default(),
            hang_timeout: HANG_TIMEOUT,
        })
        .start();
        let settings = Mutex::new(settings);
        let reloader =
            Arc::new(Reloader { file, settings, supervisor: supervisor.clone(), outbox: outbox.clone(), couriers });
        Ok(Self { board, store_file, supervisor, outbox, reloader })
    }

    fn views(&self) -> Result<Views, AppError> {
        Ok(Views {
            board: Arc::clone(&self.board),
            events: Arc::new(Mutex::new(Reader::open(&self.store_file)?)),
            reload: self.reloader.clone(),
            still: Arc::new(StillMaker),
            auth: Arc::new(self.reloader.settings.lock().server.auth.clone()),
        })
    }

    /// From the sources to the sinks: no new frames, then what they led to is written down, then it is told.
    async fn end(&self) {
        let _ = self.supervisor.send(Shutdown { deadline: GOODBYE_DEADLINE }).await;
        self.settle_detections().await;
        match self.outbox.send(Flush).await {
            Ok(0) => {}
            Ok(unwritten) => tracing::error!(unwritten, "events could not be written down before the end"),
            Err(error) => tracing::error!(%error, "the outbox did not answer at the end"),
        }
        self.reloader.couriers.drain().await;
    }

    /// Frames that were put up before the cameras left are still looked at: they may hold an alert.
    async fn settle_detections(&self) {
        let in_flight = || {
            let frames = |c: &crate::status::CameraCell| {
                let f = &c.frames;
                f.published.get().saturating_sub(f.superseded.get() + f.detected.get())
            };
            self.board.cameras().iter().map(|c| frames(c)).sum::<u64>()
        };
        let deadline = tokio::time::Instant::now() + Duration::from_secs(3);
        while in_flight() > 0 && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn open_sinks(settings: &Settings) -> Result<Vec<OpenSink>, SinkError> {
    settings
        .sinks
        .iter()
        .map(|sink| sinks::open(sink, &event_source()).map(|(open, cell)| OpenSink { open, cell }))
        .collect()
}

/// The CloudEvents `source`: which Lookout tells.
fn event_source() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match host.trim() {
        "" => "/lookout".into(),
        host => format!("/lookout/{host}"),
    }
}

struct OpenSink {
    open: Arc<dyn sinks::Sink>,
    cell: Arc<crate::status::SinkCell>,
}

/// The couriers of today, on one thread of their own.
struct Couriers {
    arbiter: actix_rt::ArbiterHandle,
    outbox: Addr<Outbox>,
    board: Arc<Board>,
    running: Mutex<Vec<Addr<Courier>>>,
}

impl Couriers {
    fn new(outbox: Addr<Outbox>, board: Arc<Board>) -> Self {
        Self { arbiter: Arbiter::new().handle(), outbox, board, running: Mutex::default() }
    }

    fn replace(&self, sinks: Vec<OpenSink>) {
        for old in self.board.sinks() {
            self.board.remove_sink(&old.name);
        }
        let start = |OpenSink { open, cell }: OpenSink| {
            self.board.add_sink(Arc::clone(&cell));
            let outbox = self.outbox.clone();
            Courier::start_in_arbiter(&self.arbiter, move |_| Courier::new(open, cell, outbox, Terms::default()))
        };
        *self.running.lock() = sinks.into_iter().map(start).collect();
    }

    async fn drain(&self) {
        let running = self.running.lock().clone();
        let drain = |courier: &Addr<Courier>| courier.send(Drain { deadline: DRAIN_DEADLINE });
        let left: usize = futures::future::join_all(running.iter().map(drain)).await.into_iter().flatten().sum();
        if left > 0 {
            tracing::warn!(left, "deliveries were still in flight; they are told again at the next start");
        }
    }
}

/// Reads the settings anew and applies what changed.
struct Reloader {
    file: PathBuf,
    settings: Mutex<Settings>,
    supervisor: Addr<Supervisor>,
    outbox: Addr<Outbox>,
    couriers: Couriers,
}

impl Reload for Reloader {
    fn reload(self: Arc<Self>) -> BoxFuture<'static, Result<Value, String>> {
        async move {
            let file = self.file.clone();
            let loaded = tokio::task::spawn_blocking(move || settings::load(Some(&file)))
                .await
                .map_err(|e| format!("reading the settings failed: {e}"))?;
            let (new, _) = loaded.map_err(|e| {
                tracing::error!("the settings have problems; nothing was changed: {e}");
                e.to_string()
            })?;
            let changes = settings::changes(&self.settings.lock(), &new);
            if changes.sinks_changed {
                let sinks = open_sinks(&new).map_err(|e| e.to_string())?;
                self.couriers.drain().await;
                self.outbox.do_send(ApplySinks(new.sinks.iter().map(|s| Arc::clone(s.name())).collect()));
                self.couriers.replace(sinks);
            }
            self.supervisor.do_send(ApplyCameras(new.cameras.clone()));
            let report = json!({
                "added": changes.added,
                "removed": changes.removed,
                "restarted": changes.restart,
                "reconfigured": changes.reconfigure,
                "sinks_changed": changes.sinks_changed,
                "needs_restart": changes.needs_restart,
            });
            tracing::info!(%report, "settings applied");
            *self.settings.lock() = new;
            Ok(report)
        }
        .boxed()
    }
}

struct StillMaker;

impl Still for StillMaker {
    fn jpeg(&self, seen: &LastSeen, annotate: bool) -> Result<Vec<u8>, String> {
        let encode =
            |picture| detect::jpeg(picture, &seen.detections, annotate, STILL_QUALITY).map_err(|e| e.to_string());
        match &seen.picture {
            Picture::Decoded(frame) => encode(&frame.picture),
            Picture::Coded(key_frame) => encode(&decode_alone(key_frame).map_err(|e| e.to_string())?),
        }
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn wait_for_end(mut self, reloader: &Arc<Reloader>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => {
                    let _ = Arc::clone(reloader).reload().await; // it logs what it did
                }
            }
        }
    }
}

/// Tells systemd, where it asked to be told (sd_notify(3)).
fn tell_service_manager(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager could not be told");
    }
}

/// Feeds systemd's watchdog from the supervisor's thread: if that hangs, systemd starts the process anew.
async fn feed_watchdog() {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval(limit / 2);
    loop {
        ticks.tick().await;
        tell_service_manager(&[sd_notify::NotifyState::Watchdog]);
    }
}
