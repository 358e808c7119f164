//! THE wiring: the only file that knows every room. It starts them in order, joins them, and ends them in order.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use actix::{Actor, Addr};
use actix_rt::{Arbiter, System, task::JoinHandle};
use actix_web::dev::ServerHandle;
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    camera::{connect_rtsp, decode_alone},
    detect::{self, pool},
    events::{Addressee, ApplySinks, Event, Flush, Outbox, OutboxError, Reader, Retry, Store},
    http::{self, Deliveries, Pictures, Reload, Still, Streams, Views},
    settings::{self, Settings},
    sinks::{self, Courier, Drain, SinkError, Terms},
    status::{Board, LastSeen, Picture, SinkCell},
    supervisor::{ApplyCameras, Backoff, Shutdown, Supervisor, Workshop},
    words::{CameraId, EventId},
};

/// What keeps Lookout from starting.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {cause}; set server.bind to another address")]
    Listen {
        /// The address.
        address: SocketAddr,
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
/// The longest that somebody who asks over HTTP waits for an actor.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// JPEG quality of pictures made on request.
const STILL_QUALITY: u8 = 85;

/// Runs until SIGTERM or SIGINT. `file` is read anew on SIGHUP and on `POST /api/v1/reload`.
///
/// # Errors
/// What keeps it from starting; once it runs, no camera, model or sink ends it.
pub fn run(settings: Settings, file: PathBuf) -> Result<(), AppError> {
    System::new().block_on(async {
        let signals = Signals::listen()?;
        let running = Running::start(settings, Some(file)).await?;
        signals.wait_for_end(&running.house.reloader).await;
        running.end().await;
        Ok(())
    })
}

/// A Lookout that runs, in an actix system: all rooms, joined.
pub struct Running {
    house: House,
    address: SocketAddr,
    stop_http: ServerHandle,
    http: JoinHandle<std::io::Result<()>>,
    watchdog: JoinHandle<()>,
}

impl Running {
    /// Starts everything. Settings that came from no `file` cannot be read anew.
    ///
    /// # Errors
    /// What keeps it from starting; then nothing runs.
    pub async fn start(settings: Settings, file: Option<PathBuf>) -> Result<Self, AppError> {
        raise_file_limit();
        // First what fails for reasons of the user's, before any camera is touched.
        let listener = TcpListener::bind(settings.server.bind)
            .map_err(|cause| AppError::Listen { address: settings.server.bind, cause })?;
        let address = listener.local_addr()?;
        let house = House::build(settings, file).await?;

        let server = http::serve(listener, house.views()?)?;
        let (stop_http, http) = (server.handle(), actix_rt::spawn(server));
        house.supervisor.do_send(ApplyCameras(house.reloader.settings.lock().cameras.clone()));
        house.board.set_ready(true);
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
        tell_service_manager(&[sd_notify::NotifyState::Ready]);
        let watchdog = actix_rt::spawn(watch_supervisor(house.supervisor.clone(), Arc::clone(&house.board)));
        Ok(Self { house, address, stop_http, http, watchdog })
    }

    /// Where HTTP listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where everything's status is shown.
    pub fn board(&self) -> &Arc<Board> {
        &self.house.board
    }

    /// Ends everything, in order and within deadlines.
    pub async fn end(self) {
        tracing::info!("ending");
        tell_service_manager(&[sd_notify::NotifyState::Stopping]);
        self.house.board.set_ready(false);
        self.house.end().await;
        self.watchdog.abort();
        // Only now: whoever listens is told of the last events, too.
        self.house.streams.end();
        self.stop_http.stop(true).await;
        let _ = self.http.await; // it was told to stop
        tracing::info!("ended");
    }
}

/// Everything that runs.
struct House {
    board: Arc<Board>,
    store_file: PathBuf,
    supervisor: Addr<Supervisor>,
    outbox: Addr<Outbox>,
    reloader: Arc<Reloader>,
    streams: Arc<Streams>,
}

impl House {
    async fn build(settings: Settings, file: Option<PathBuf>) -> Result<Self, AppError> {
        let board = Arc::new(Board::default());
        let store = Store::open(&settings.storage)?;
        let (store_file, unfinished) = (store.file().to_owned(), store.unfinished()?);
        let addressees = settings.sinks.iter().map(Addressee::of).collect();
        let outbox = Outbox::start(store, settings.storage.clone(), addressees, Arc::clone(&board));
        let couriers = Couriers::new(outbox.clone(), Arc::clone(&board));
        couriers.apply(&settings.sinks).await?;

        let model = Arc::new(detect::Model::open(&settings.detector.model)?);
        tracing::info!(model = %settings.detector.model, workers = settings.detector.workers, "model loaded");
        let task = detect::Task::new(model, &settings.detector)?;
        let build = move || task.detector().map(|detector| Box::new(detector) as Box<dyn detect::Detector>);
        let detectors = pool::start(settings.detector.workers, Arc::clone(&board), build);

        let supervisor = Supervisor::new(Workshop {
            connect: Arc::new(connect_rtsp),
            detectors: detectors.recipient(),
            outbox: outbox.clone().recipient(),
            scenes: Arbiter::new().handle(),
            board: Arc::clone(&board),
            unfinished,
            backoff: Backoff::default(),
            hang_timeout: HANG_TIMEOUT,
        })
        .start();
        let reloader = Arc::new(Reloader {
            file,
            at_start: settings.clone(),
            settings: Mutex::new(settings),
            turn: tokio::sync::Mutex::new(()),
            supervisor: supervisor.clone(),
            couriers,
        });
        Ok(Self { board, store_file, supervisor, outbox, reloader, streams: Arc::default() })
    }

    fn views(&self) -> Result<Views, AppError> {
        Ok(Views {
            board: Arc::clone(&self.board),
            events: Arc::new(Mutex::new(Reader::open(&self.store_file)?)),
            source: event_source().into(),
            streams: Arc::clone(&self.streams),
            deliveries: Arc::new(DeadLetters(self.outbox.clone())),
            pictures: Arc::new(NoPictures),
            pictures_at_once: Arc::new(tokio::sync::Semaphore::new(8)),
            reload: self.reloader.clone(),
            still: Arc::new(StillMaker),
            stills_at_once: Arc::new(tokio::sync::Semaphore::new(2)),
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

/// The CloudEvents `source`: which Lookout tells.
fn event_source() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match host.trim() {
        "" => "/lookout".into(),
        host => format!("/lookout/{host}"),
    }
}

struct OpenSink {
    settings: settings::Sink,
    open: Arc<dyn sinks::Sink>,
    cell: Arc<SinkCell>,
}

/// The couriers of today, on one thread of their own.
struct Couriers {
    arbiter: actix_rt::ArbiterHandle,
    outbox: Addr<Outbox>,
    board: Arc<Board>,
    running: Mutex<Vec<(settings::Sink, Addr<Courier>)>>,
}

impl Couriers {
    fn new(outbox: Addr<Outbox>, board: Arc<Board>) -> Self {
        Self { arbiter: Arbiter::new().handle(), outbox, board, running: Mutex::default() }
    }

    /// Starts what is new or changed, ends what is gone or changed, and leaves alone what is the same.
    async fn apply(&self, wanted: &[settings::Sink]) -> Result<(), SinkError> {
        let is_running = |sink: &&settings::Sink| self.running.lock().iter().any(|(running, _)| running == *sink);
        // First what can fail; then nothing was changed.
        let fresh: Vec<_> = wanted.iter().filter(|sink| !is_running(sink)).map(open_sink).collect::<Result<_, _>>()?;
        let ending: Vec<_> = self.running.lock().extract_if(.., |(running, _)| !wanted.contains(running)).collect();
        // An old courier ends before a new one of its name begins: otherwise an event might go out twice.
        drain(ending.iter().map(|(_, courier)| courier)).await;
        for (old, _) in &ending {
            self.board.remove_sink(&old.name);
        }
        self.outbox.do_send(ApplySinks(wanted.iter().map(Addressee::of).collect()));
        for OpenSink { settings, open, cell } in fresh {
            self.board.add_sink(Arc::clone(&cell));
            let outbox = self.outbox.clone();
            let courier =
                Courier::start_in_arbiter(&self.arbiter, move |_| Courier::new(open, cell, outbox, Terms::default()));
            self.running.lock().push((settings, courier));
        }
        Ok(())
    }

    async fn drain(&self) {
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

fn open_sink(sink: &settings::Sink) -> Result<OpenSink, SinkError> {
    let (open, cell) = sinks::open(sink, &event_source())?;
    Ok(OpenSink { settings: sink.clone(), open, cell })
}

/// Reads the settings anew and applies what changed.
struct Reloader {
    file: Option<PathBuf>,
    /// What runs, and what only a new start would change.
    at_start: Settings,
    settings: Mutex<Settings>,
    /// One reload at a time.
    turn: tokio::sync::Mutex<()>,
    supervisor: Addr<Supervisor>,
    couriers: Couriers,
}

impl Reload for Reloader {
    fn reload(self: Arc<Self>) -> BoxFuture<'static, Result<Value, String>> {
        // In a task of its own: a reload that has begun is finished, whether or not somebody still waits for it.
        let done = actix_rt::spawn(async move {
            let _turn = self.turn.lock().await;
            let done = self.reload_now().await;
            match &done {
                Ok(report) => tracing::info!(%report, "settings applied"),
                Err(problems) => tracing::error!("the settings have problems; nothing was changed: {problems}"),
            }
            done
        });
        async move { done.await.unwrap_or_else(|_| Err("the reload was cut short".into())) }.boxed()
    }
}

impl Reloader {
    async fn reload_now(&self) -> Result<Value, String> {
        let file = self.file.clone().ok_or("these settings came from no file")?;
        let loaded = tokio::task::spawn_blocking(move || settings::load(Some(&file))).await;
        let (new, _) = loaded.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
        let changes = settings::changes(&self.settings.lock(), &new);
        // Sinks first, as they alone can still refuse; what did not change goes on meanwhile.
        self.couriers.apply(&new.sinks).await.map_err(|e| e.to_string())?;
        self.supervisor.do_send(ApplyCameras(new.cameras.clone()));
        let is_enabled = |id: &&CameraId| new.cameras.iter().any(|camera| camera.id == **id && camera.enabled);
        let (restarted, stopped): (Vec<_>, Vec<_>) = changes.restart.iter().partition(is_enabled);
        let report = json!({
            "added": changes.added,
            "removed": changes.removed,
            "restarted": restarted,
            "stopped": stopped,
            "reconfigured": changes.reconfigure,
            "sinks_changed": changes.sinks_changed,
            "needs_restart": settings::changes(&self.at_start, &new).needs_restart,
        });
        *self.settings.lock() = new;
        Ok(report)
    }
}

/// Tries dead letters anew, as the HTTP side asks.
pub(crate) struct DeadLetters(pub(crate) Addr<Outbox>);

impl Deliveries for DeadLetters {
    fn retry(
        self: Arc<Self>,
        sink: Option<Arc<str>>,
        event: Option<EventId>,
    ) -> BoxFuture<'static, Result<usize, String>> {
        let retried = self.0.send(Retry { sink, event });
        async move {
            let retried = tokio::time::timeout(ANSWER_DEADLINE, retried).await;
            let retried = retried.map_err(|_| "the outbox is busy; try again later")?;
            retried.map_err(|_| "the outbox has ended")?.map_err(|e| e.to_string())
        }
        .boxed()
    }
}

struct NoPictures;

impl Pictures for NoPictures {
    fn picture(self: Arc<Self>, _: Event, _: usize) -> BoxFuture<'static, Result<Option<bytes::Bytes>, String>> {
        async { Ok(None) }.boxed()
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

/// Sees that the supervisor answers, and only then feeds systemd's watchdog; without it cameras would not be restarted.
async fn watch_supervisor(supervisor: Addr<Supervisor>, board: Arc<Board>) {
    let every = sd_notify::watchdog_enabled().map_or(Duration::from_secs(1), |limit| limit / 2);
    let mut ticks = tokio::time::interval(every.min(Duration::from_secs(1)));
    loop {
        ticks.tick().await;
        if !supervisor.connected() {
            tracing::error!("the supervisor has ended: no camera would be restarted any more");
            return board.set_ready(false);
        }
        tell_service_manager(&[sd_notify::NotifyState::Watchdog]);
    }
}

/// Each camera needs a thread with four files, and one or three sockets: the usual soft limit of 1024 files ends at some
/// 200 cameras.
fn raise_file_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::debug!(limit, "open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
    }
}
