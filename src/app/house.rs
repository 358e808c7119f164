use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, Addr, MailboxError};
use actix_rt::Arbiter;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{
    AppError,
    answers::{DeadLetters, StillMaker, StoredPictures},
    couriers::Couriers,
    deadlines,
    logins::Logins,
    probe::Prober,
    reload::{Cameras, Reloader},
};
use crate::{
    access::Gate,
    camera::connect_rtsp,
    detect::{self, pool},
    events::{Addressee, Flush, Outbox, Readers, Store},
    evidence::{self, Evidence, Pictures},
    http::{Still, Streams, Views},
    live::{Audience, Relays},
    roster::Roster,
    scene::EvidenceRoom,
    settings::{Settings, Snapshots},
    sinks::Surroundings,
    status::{Board, CameraCell},
    supervisor::{Shutdown, Supervisor, Terms, Workshop},
    words::EventId,
};

/// How long a camera's thread may say nothing before it is taken to hang.
const HANG_TIMEOUT: Duration = Duration::from_secs(20);

/// How many questions to the recorded events are answered at once; a slow one holds up no other.
const EVENT_READERS: usize = 3;
/// The longest that such a question may take.
const EVENT_DEADLINE: Duration = Duration::from_secs(5);

/// Everything that runs. Cameras and couriers begin with `begin`.
pub(super) struct House {
    pub(super) board: Arc<Board>,
    store_file: PathBuf,
    pub(super) supervisor: Addr<Supervisor>,
    outbox: Addr<Outbox>,
    evidence: Option<Gallery>,
    pub(super) reloader: Arc<Reloader>,
    pub(super) streams: Arc<Streams>,
    pub(super) audience: Arc<Audience>,
    gate: Arc<Gate>,
    begun: watch::Sender<bool>,
    pub(super) logins: Logins,
}

impl House {
    pub(super) async fn build(settings: Settings, file: Option<PathBuf>) -> Result<Self, AppError> {
        // What fails for reasons of the user's first.
        let model = Arc::new(detect::Model::open(&settings.detector.model)?);
        tracing::info!(model = %settings.detector.model, workers = settings.detector.workers, "model loaded");
        let task = detect::Task::new(model, &settings.detector)?;
        let board = Arc::new(Board::default());
        let mut store = Store::open(&settings.storage)?;
        let roster = Roster::open(&settings)?;
        let spool = settings.storage.path.join("spool");
        let held = renew_holds(&mut store, &spool, settings.snapshots.as_ref())?;
        let (store_file, unfinished) = (store.file().to_owned(), store.unfinished()?);
        let addressees = settings.sinks.iter().map(Addressee::of).collect();
        let outbox = Outbox::start(store, settings.storage.clone(), addressees, Arc::clone(&board));
        let evidence = match &settings.snapshots {
            Some(snapshots) => Some(Gallery::open(snapshots, &spool, &held, &outbox, &board)?),
            None => None,
        };
        let build = move || task.detector().map(|detector| Box::new(detector) as Box<dyn detect::Detector>);
        let detectors = pool::start(settings.detector.workers, Arc::clone(&board), build);

        let supervisor = Supervisor::new(Workshop {
            connect: Arc::new(connect_rtsp),
            detectors: detectors.recipient(),
            outbox: outbox.clone().recipient(),
            forgotten: outbox.clone().recipient(),
            evidence: evidence.as_ref().map(Gallery::room),
            scenes: Arbiter::new().handle(),
            board: Arc::clone(&board),
            unfinished,
            terms: Terms::default(),
            hang_timeout: HANG_TIMEOUT,
        })
        .start();
        let audience = Arc::new(Audience::new(settings.live.max_viewers, Arc::clone(&board.audience)));
        let couriers = Couriers::new(outbox.clone(), surroundings(&board));
        let relays = Relays::new(settings.live.max_relays, Arbiter::new().handle());
        let cameras = Cameras { roster: Arc::new(Mutex::new(roster)), relays, board: Arc::clone(&board) };
        let gate = Arc::new(Gate::new(&settings.server, Arc::clone(&board.access)));
        let logins = Logins::restore(Arc::clone(&gate), settings.storage.path.join("logins.json"));
        let reloader = Arc::new(Reloader::new(file, settings, supervisor.clone(), couriers, cameras));
        let streams = Arc::default();
        let begun = watch::Sender::new(false);
        Ok(Self { board, store_file, supervisor, outbox, evidence, reloader, streams, audience, gate, begun, logins })
    }

    pub(super) fn views(&self) -> Result<Views, AppError> {
        let readers = |count| Readers::open(&self.store_file, count, EVENT_DEADLINE);
        Ok(Views {
            board: Arc::clone(&self.board),
            events: Arc::new(readers(EVENT_READERS)?),
            followed: Arc::new(readers(1)?),
            source: event_source().into(),
            streams: Arc::clone(&self.streams),
            audience: Arc::clone(&self.audience),
            deliveries: Arc::new(DeadLetters(self.outbox.clone())),
            pictures: Arc::new(StoredPictures(self.evidence.as_ref().map(|it| it.pictures.clone()))),
            pictures_at_once: Arc::new(tokio::sync::Semaphore::new(8)),
            reload: self.reloader.clone(),
            control: self.reloader.clone(),
            probe: Arc::new(Prober {
                roster: Arc::clone(&self.reloader.cameras.roster),
                at_once: Arc::new(tokio::sync::Semaphore::new(Prober::AT_ONCE)),
            }),
            still: Arc::new(StillMaker),
            stills_at_once: Arc::new(tokio::sync::Semaphore::new(2)),
            begun: self.begun.subscribe(),
            gate: Arc::clone(&self.gate),
            logins_at_once: Arc::new(tokio::sync::Semaphore::new(2)),
        })
    }

    /// Lets everything begin. This comes when nothing else can fail: what cannot start tells nothing, or whoever restarts it
    /// again and again would have it begin and cut short deliveries each time.
    pub(super) async fn begin(&self) -> Result<(), AppError> {
        self.reloader.begin().await?;
        self.begun.send_replace(true);
        Ok(())
    }

    /// From the sources on: no new frames, then what they led to is written down. What is left is to tell it.
    pub(super) async fn settle(&self) {
        let shutdown = self.supervisor.send(Shutdown { deadline: deadlines::GOODBYES });
        answer("supervisor", deadlines::GOODBYES + deadlines::ANSWER, shutdown).await;
        self.settle_detections().await;
        if let Some(gallery) = &self.evidence {
            gallery.drain().await;
        }
        match answer("outbox", deadlines::WRITING, self.outbox.send(Flush)).await {
            None | Some(0) => {}
            Some(unwritten) => tracing::error!(unwritten, "events could not be written down before the end"),
        }
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
        let deadline = Instant::now() + deadlines::DETECTIONS;
        while in_flight() > 0 && Instant::now() < deadline {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Events whose pictures were on their way when the last process ended wait for them again: which, and until when.
fn renew_holds(
    store: &mut Store,
    spool: &Path,
    snapshots: Option<&Snapshots>,
) -> Result<BTreeMap<EventId, Timestamp>, AppError> {
    let (awaited, hold) = match snapshots {
        Some(snapshots) => (evidence::left_in(spool), snapshots.deadline),
        None => (Vec::new(), Duration::ZERO),
    };
    let hold = SignedDuration::try_from(hold).unwrap_or(SignedDuration::MAX);
    let held = store.renew_holds(&awaited, Timestamp::now(), hold)?;
    if !held.is_empty() {
        tracing::info!(events = held.len(), "pictures of an earlier run are on their way; their events wait for them");
    }
    Ok(held)
}

/// The room that keeps pictures, and the way to look at them.
struct Gallery {
    keeper: Addr<Evidence>,
    pictures: Pictures,
    hold: Duration,
}

impl Gallery {
    fn open(
        snapshots: &Snapshots,
        spool: &Path,
        held: &BTreeMap<EventId, Timestamp>,
        outbox: &Addr<Outbox>,
        board: &Arc<Board>,
    ) -> Result<Self, AppError> {
        let pictures = Pictures::open(snapshots, spool.to_owned())?;
        let encode = Arc::new(|picture: &_, seen: &[_], annotate, quality| {
            detect::jpeg(picture, seen, annotate, quality).map_err(Into::into)
        });
        let (attach, release) = (outbox.clone().recipient(), outbox.clone().recipient());
        let keeper = Evidence::start(snapshots, spool, held, encode, attach, release, Arc::clone(board))?;
        Ok(Self { keeper, pictures, hold: snapshots.deadline })
    }

    fn room(&self) -> EvidenceRoom {
        let (keep, bursts) = (self.keeper.clone().recipient(), self.keeper.clone().recipient());
        EvidenceRoom { keep, bursts, hold: self.hold }
    }

    async fn drain(&self) {
        let drained = self.keeper.send(evidence::Drain { deadline: deadlines::PICTURES });
        match answer("evidence", deadlines::PICTURES + deadlines::ANSWER, drained).await {
            None | Some(0) => {}
            Some(left) => tracing::warn!(left, "events still lack their pictures; they go on at the next start"),
        }
    }
}

/// What a room answers at the end, if it does so in time: one that hangs must not keep the others from ending in order.
async fn answer<T>(room: &str, deadline: Duration, asked: impl Future<Output = Result<T, MailboxError>>) -> Option<T> {
    match timeout(deadline, asked).await {
        Ok(Ok(answer)) => return Some(answer),
        Ok(Err(error)) => tracing::error!(room, %error, "no answer at the end"),
        Err(_) => tracing::error!(room, ?deadline, "no answer at the end"),
    }
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test]
    async fn a_room_that_hangs_does_not_hold_up_the_end() {
        let deadline = Duration::from_millis(1);
        assert_eq!(answer::<usize>("outbox", deadline, std::future::pending()).await, None);
        assert_eq!(answer("outbox", deadline, async { Ok(7) }).await, Some(7));
    }
}
