use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use actix::Addr;
use actix_rt::{ArbiterHandle, System};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use serde_json::json;
use tokio::{
    sync::{OwnedMutexGuard, oneshot},
    time::timeout,
};

use super::{
    couriers::Couriers,
    trial::{Tried, read_and_try},
};
use crate::{
    http::{NotReloaded, Reload, Reloaded},
    live::Relays,
    roster::Roster,
    settings::{self, Problem, Problems, Settings},
    sinks::SinkError,
    status::Board,
    supervisor::Supervisor,
    words::CameraId,
};

/// Reads the settings anew and applies what changed.
pub(super) struct Reloader {
    file: Option<PathBuf>,
    /// What runs, and what only a new start would change.
    at_start: Settings,
    pub(super) settings: Mutex<Settings>,
    /// One reload at a time.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
    ending: AtomicBool,
    /// The thread that lives for as long as the process.
    pub(super) home: ArbiterHandle,
    pub(super) supervisor: Addr<Supervisor>,
    pub(super) couriers: Couriers,
    pub(super) cameras: Cameras,
}

/// What changes of cameras are made with.
pub(super) struct Cameras {
    /// Which there are.
    pub(super) roster: Arc<Mutex<Roster>>,
    /// Those that are passed on.
    pub(super) relays: Relays,
    pub(super) board: Arc<Board>,
}

impl Reload for Reloader {
    fn reload(self: Arc<Self>) -> BoxFuture<'static, Result<Reloaded, NotReloaded>> {
        let (answer, answered) = oneshot::channel();
        let home = self.home.clone();
        // At home and in a task of its own: a reload that has begun is finished, whether or not somebody still waits for it,
        // and whatever becomes of the thread of who asked.
        home.spawn(async move {
            let done = self.reload_in_turn().await;
            match &done {
                Ok(report) => tracing::info!(report = json!(report).to_string(), "settings applied"),
                Err(NotReloaded::Settings(problems)) => {
                    tracing::error!("the settings have problems; nothing was changed: {problems}");
                }
                Err(why) => tracing::warn!("the settings were not read anew: {why}"),
            }
            let _ = answer.send(done); // nobody waits for it any more
        });
        async move { answered.await.unwrap_or(Err(NotReloaded::NotNow("the reload was cut short"))) }.boxed()
    }
}

impl Reloader {
    /// The longest that reading the file may take, and trying what it says.
    const TRYING: Duration = Duration::from_secs(60);

    /// On the main thread. Nothing runs before `begin`.
    pub(super) fn new(
        file: Option<PathBuf>,
        settings: Settings,
        supervisor: Addr<Supervisor>,
        couriers: Couriers,
        cameras: Cameras,
    ) -> Self {
        Self {
            file,
            at_start: settings.clone(),
            settings: Mutex::new(settings),
            turn: Arc::default(),
            ending: AtomicBool::new(false),
            home: System::current().arbiter().clone(),
            supervisor,
            couriers,
            cameras,
        }
    }

    /// Applies the settings of the start. If that fails, nothing runs.
    pub(super) async fn begin(&self) -> Result<(), SinkError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        self.couriers.apply(&self.at_start.sinks).await?;
        // A supervisor that is not there any more is the watchdog's concern.
        let cameras = self.cameras.roster.lock().cameras();
        remark(&settings::strangers(&self.at_start.sinks, &cameras));
        let _ = self.watch(cameras).await;
        put_in_order(Arc::clone(&self.cameras.roster), turn);
        Ok(())
    }

    /// From now on nothing begins any more, neither by a reload that is asked for nor by one that is under way.
    pub(super) fn end(&self) {
        self.ending.store(true, SeqCst);
        self.couriers.close();
    }

    pub(super) fn unless_ending(&self) -> Result<(), NotReloaded> {
        if self.ending.load(SeqCst) { Err(NotReloaded::NotNow("Lookout is ending")) } else { Ok(()) }
    }

    /// One change at a time. A disk that hangs holds up the change that waits for it, and those behind it are told so.
    pub(super) async fn turn(&self, patience: Duration) -> Result<OwnedMutexGuard<()>, NotReloaded> {
        let turn = timeout(patience, Arc::clone(&self.turn).lock_owned()).await;
        let turn = turn.map_err(|_| NotReloaded::NotNow("another change is still under way"))?;
        self.unless_ending()?;
        Ok(turn)
    }

    async fn reload_in_turn(&self) -> Result<Reloaded, NotReloaded> {
        let turn = self.turn(2 * Self::TRYING).await?;
        let file = self.file.clone();
        let file = file.ok_or_else(|| NotReloaded::Settings("these settings came from no file".into()))?;
        let Tried { settings: new, remarks, .. } = tried(file, Self::TRYING).await.map_err(NotReloaded::Settings)?;
        self.unless_ending()?;
        let mut roster = self.cameras.roster.lock().clone();
        roster.reloaded(&new).map_err(|problems| NotReloaded::Settings(problems.to_string()))?;
        let changes = settings::changes(&self.settings.lock(), &new);
        // Sinks first, as they alone can still refuse; what did not change goes on meanwhile.
        self.couriers.apply(&new.sinks).await.map_err(|e| NotReloaded::Settings(e.to_string()))?;
        self.unless_ending()?;
        let cameras = roster.cameras();
        *self.cameras.roster.lock() = roster;
        remark(&remarks);
        self.watch(cameras).await.map_err(|_| NotReloaded::NotNow("the supervisor is gone"))?;
        let is_enabled = |id: &&CameraId| new.cameras.iter().any(|camera| camera.id == **id && camera.enabled);
        let (restarted, stopped): (Vec<_>, Vec<_>) = changes.restart.into_iter().partition(|id| is_enabled(&id));
        let report = Reloaded {
            added: changes.added,
            removed: changes.removed,
            restarted,
            stopped,
            reconfigured: changes.reconfigure,
            sinks_changed: changes.sinks_changed,
            needs_restart: settings::changes(&self.at_start, &new).needs_restart,
        };
        *self.settings.lock() = new;
        put_in_order(Arc::clone(&self.cameras.roster), turn);
        Ok(report)
    }
}

fn remark(remarks: &Problems) {
    for Problem { path, text } in remarks.iter() {
        tracing::warn!(key = path, "{text}");
    }
}

/// Reads and tries on a thread that nobody waits for at the end: a disk that hangs must hold up neither that nor reloads to
/// come. What the next start would refuse is refused now, when somebody is there.
async fn tried(file: PathBuf, deadline: Duration) -> Result<Tried, String> {
    let (tell, told) = oneshot::channel();
    let reader = move || {
        let _ = tell.send(read_and_try(Some(&file))); // nobody waits for it any more
    };
    thread::Builder::new().name("settings".into()).spawn(reader).map_err(|e| e.to_string())?;
    let tried = timeout(deadline, told).await.map_err(|_| format!("not read within {deadline:?}"))?;
    tried.map_err(|_| "they cannot be read: a fault, please report it")?.map_err(|e| e.to_string())
}

/// Has the roster put in order on disk, on a thread that nobody waits for. The turn goes along: what comes next does not
/// overtake it.
fn put_in_order(roster: Arc<Mutex<Roster>>, turn: OwnedMutexGuard<()>) {
    let write = move || {
        let mut in_order = roster.lock().clone();
        match in_order.put_in_order() {
            Ok(()) => *roster.lock() = in_order,
            Err(why) => tracing::warn!("what was switched by hand of cameras that are no more is not forgotten: {why}"),
        }
        drop(turn);
    };
    if let Err(error) = thread::Builder::new().name("roster".into()).spawn(write) {
        tracing::warn!("no thread for the list of cameras: {error}");
    }
}
