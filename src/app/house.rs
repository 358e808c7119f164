use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, Addr};
use actix_rt::Arbiter;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use super::{
    AppError,
    answers::{DeadLetters, StillMaker, StoredPictures},
    couriers::Couriers,
    reload::Reloader,
};
use crate::{
    camera::connect_rtsp,
    detect::{self, pool},
    events::{Addressee, Flush, Outbox, Reader, Store},
    evidence::{self, Evidence, Pictures},
    http::{Still, Streams, Views},
    scene::EvidenceRoom,
    settings::{Settings, Snapshots},
    sinks::Surroundings,
    status::{Board, CameraCell},
    supervisor::{Backoff, Shutdown, Supervisor, Workshop},
};

/// How long a camera's thread may say nothing before it is taken to hang.
const HANG_TIMEOUT: Duration = Duration::from_secs(20);
/// The longest that cameras are waited for at the end.
const GOODBYE_DEADLINE: Duration = Duration::from_secs(5);
/// The longest that pictures on their way are waited for at the end.
const STORING_DEADLINE: Duration = Duration::from_secs(5);

/// Everything that runs.
pub(super) struct House {
    pub(super) board: Arc<Board>,
    store_file: PathBuf,
    pub(super) supervisor: Addr<Supervisor>,
    outbox: Addr<Outbox>,
    evidence: Option<Gallery>,
    pub(super) reloader: Arc<Reloader>,
    pub(super) streams: Arc<Streams>,
}

impl House {
    pub(super) async fn build(settings: Settings, file: Option<PathBuf>) -> Result<Self, AppError> {
        // What fails for reasons of the user's first, the couriers last: what cannot start tells nothing, or whoever
        // restarts it again and again would have it begin and cut short deliveries each time.
        let model = Arc::new(detect::Model::open(&settings.detector.model)?);
        tracing::info!(model = %settings.detector.model, workers = settings.detector.workers, "model loaded");
        let task = detect::Task::new(model, &settings.detector)?;
        let board = Arc::new(Board::default());
        let mut store = Store::open(&settings.storage)?;
        let spool = settings.storage.path.join("spool");
        renew_holds(&mut store, &spool, settings.snapshots.as_ref())?;
        let (store_file, unfinished) = (store.file().to_owned(), store.unfinished()?);
        let addressees = settings.sinks.iter().map(Addressee::of).collect();
        let outbox = Outbox::start(store, settings.storage.clone(), addressees, Arc::clone(&board));
        let evidence = match &settings.snapshots {
            Some(snapshots) => Some(Gallery::open(snapshots, &spool, &outbox, &board)?),
            None => None,
        };
        let build = move || task.detector().map(|detector| Box::new(detector) as Box<dyn detect::Detector>);
        let detectors = pool::start(settings.detector.workers, Arc::clone(&board), build);

        let supervisor = Supervisor::new(Workshop {
            connect: Arc::new(connect_rtsp),
            detectors: detectors.recipient(),
            outbox: outbox.clone().recipient(),
            evidence: evidence.as_ref().map(Gallery::room),
            scenes: Arbiter::new().handle(),
            board: Arc::clone(&board),
            unfinished,
            backoff: Backoff::default(),
            hang_timeout: HANG_TIMEOUT,
        })
        .start();
        let couriers = Couriers::new(outbox.clone(), surroundings(&board));
        couriers.apply(&settings.sinks).await?;
        let reloader = Arc::new(Reloader {
            file,
            at_start: settings.clone(),
            settings: Mutex::new(settings),
            turn: tokio::sync::Mutex::new(()),
            supervisor: supervisor.clone(),
            couriers,
        });
        Ok(Self { board, store_file, supervisor, outbox, evidence, reloader, streams: Arc::default() })
    }

    pub(super) fn views(&self) -> Result<Views, AppError> {
        Ok(Views {
            board: Arc::clone(&self.board),
            events: Arc::new(Mutex::new(Reader::open(&self.store_file)?)),
            source: event_source().into(),
            streams: Arc::clone(&self.streams),
            deliveries: Arc::new(DeadLetters(self.outbox.clone())),
            pictures: Arc::new(StoredPictures(self.evidence.as_ref().map(|it| it.pictures.clone()))),
            pictures_at_once: Arc::new(tokio::sync::Semaphore::new(8)),
            reload: self.reloader.clone(),
            still: Arc::new(StillMaker),
            stills_at_once: Arc::new(tokio::sync::Semaphore::new(2)),
            auth: Arc::new(self.reloader.settings.lock().server.auth.clone()),
        })
    }

    /// From the sources to the sinks: no new frames, then what they led to is written down, then it is told.
    pub(super) async fn end(&self) {
        let _ = self.supervisor.send(Shutdown { deadline: GOODBYE_DEADLINE }).await;
        self.settle_detections().await;
        if let Some(gallery) = &self.evidence {
            gallery.drain().await;
        }
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
            let frames = |c: &CameraCell| {
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

/// Events whose pictures were on their way when the last process ended wait for them anew.
fn renew_holds(store: &mut Store, spool: &Path, snapshots: Option<&Snapshots>) -> Result<(), AppError> {
    let (awaited, hold) = match snapshots {
        Some(snapshots) => (evidence::left_in(spool), snapshots.deadline),
        None => (Vec::new(), Duration::ZERO),
    };
    let hold = SignedDuration::try_from(hold).unwrap_or(SignedDuration::MAX);
    let held = store.renew_holds(&awaited, Timestamp::now(), hold)?;
    if held > 0 {
        tracing::info!(
            events = awaited.len(),
            "pictures of an earlier run are on their way; their events wait for them"
        );
    }
    Ok(())
}

/// The room that keeps pictures, and the way to look at them.
struct Gallery {
    keeper: Addr<Evidence>,
    pictures: Pictures,
    hold: Duration,
}

impl Gallery {
    fn open(snapshots: &Snapshots, spool: &Path, outbox: &Addr<Outbox>, board: &Arc<Board>) -> Result<Self, AppError> {
        let pictures = Pictures::open(snapshots, spool.to_owned())?;
        let encode = Arc::new(|picture: &_, seen: &[_], annotate, quality| {
            detect::jpeg(picture, seen, annotate, quality).map_err(Into::into)
        });
        let (attach, release) = (outbox.clone().recipient(), outbox.clone().recipient());
        let (keeper, _) = Evidence::start(snapshots, spool, encode, attach, release, Arc::clone(board))?;
        Ok(Self { keeper, pictures, hold: snapshots.deadline })
    }

    fn room(&self) -> EvidenceRoom {
        let (keep, bursts) = (self.keeper.clone().recipient(), self.keeper.clone().recipient());
        EvidenceRoom { keep, bursts, hold: self.hold }
    }

    async fn drain(&self) {
        match self.keeper.send(evidence::Drain { deadline: STORING_DEADLINE }).await {
            Ok(0) => {}
            Ok(left) => tracing::warn!(left, "events still lack their pictures; they go on at the next start"),
            Err(error) => tracing::error!(%error, "the keeper of pictures did not answer at the end"),
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

fn surroundings(board: &Arc<Board>) -> Surroundings {
    let still = |cell: &CameraCell| StillMaker.jpeg(&cell.last_seen()?, true).ok();
    Surroundings { source: event_source(), board: Arc::clone(board), pictures: Some(Arc::new(still)) }
}
