mod watchdog;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, Recipient, ResponseFuture};
use actix_rt::ArbiterHandle;
use tokio::sync::oneshot;

use super::{
    Next, Terms,
    charge::{Charge, Plan},
};
use crate::{
    camera::{CameraGone, CameraStreaming, Connect, End, Fault, decode_alone},
    events::{CameraForgotten, CameraRef, Record, Unfinished},
    media::{BurstOrder, FrameReady, Latest},
    scene::{self, EvidenceRoom, Scene, SceneCore},
    settings,
    status::{Board, CameraCell, CameraState},
    words::{Backoff, CameraId, Generation, Moment, Reason},
};

/// The actor in charge of all cameras.
pub struct Supervisor {
    workshop: Workshop,
    cameras: BTreeMap<CameraId, Charge>,
    /// What the last process left unfinished and no camera has taken up yet.
    unfinished: Unfinished,
    ending: bool,
    /// Whom to tell when every life is gone.
    awaiting_end: Option<oneshot::Sender<()>>,
    last_watch: Moment,
    /// Before this moment no thread is taken to hang.
    lenient_until: Moment,
}

/// What lives and scenes are made from.
#[derive(Clone)]
pub struct Workshop {
    /// How cameras are connected to.
    pub connect: Connect,
    /// The detector pool.
    pub detectors: Recipient<FrameReady>,
    /// Where events are written down.
    pub outbox: Recipient<Record>,
    /// Who is told of cameras that are gone for good.
    pub forgotten: Recipient<CameraForgotten>,
    /// Who keeps the pictures of events; `None`: nobody does.
    pub evidence: Option<EvidenceRoom>,
    /// Where scenes run.
    pub scenes: ArbiterHandle,
    /// Where status is shown.
    pub board: Arc<Board>,
    /// What the last process left unfinished.
    pub unfinished: Unfinished,
    /// On what terms one life follows another.
    pub terms: Terms,
    /// A thread that says nothing for this long hangs, and is left behind.
    pub hang_timeout: Duration,
}

/// Command: these are the cameras now. Only what changed is touched.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ApplyCameras(pub Vec<settings::Camera>);

/// Command: end the camera's life and begin the next at once, whatever pause it is in; also one that was given up.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct RestartCamera(pub CameraId);

/// Command: end all lives. Answered when they are gone, or at the deadline.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Shutdown {
    /// How long to wait for the cameras' goodbyes.
    pub deadline: Duration,
}

#[derive(Message)]
#[rtype(result = "()")]
struct BeginLife(CameraId);

impl Supervisor {
    /// Starts of many cameras are spread over this long, but never farther apart than `STAGGER_STEP`.
    const STAGGER: Duration = Duration::from_secs(10);
    const STAGGER_STEP: Duration = Duration::from_millis(100);
    const TICK: Duration = Duration::from_secs(1);
    /// Threads of one camera that hang at once before it is given up: each is lost memory.
    const MAX_HANGING: u32 = 5;
    /// A tick that is this late means that the whole process stood still, not that cameras hang.
    const LATE: Duration = Duration::from_secs(5);

    /// A supervisor without cameras; give it some with `ApplyCameras`.
    pub fn new(mut workshop: Workshop) -> Self {
        let (unfinished, now) = (std::mem::take(&mut workshop.unfinished), Moment::now());
        Self {
            workshop,
            cameras: BTreeMap::new(),
            unfinished,
            ending: false,
            awaiting_end: None,
            last_watch: now,
            lenient_until: now,
        }
    }

    fn add(&mut self, camera: settings::Camera, start_after: Duration, context: &mut Context<Self>) {
        let cell =
            CameraCell::new(camera.id.clone(), Arc::clone(&camera.name), settings::masked_camera_url(&camera.url));
        let cell = Arc::new(cell);
        cell.feed.keep(camera.evidence.lead());
        self.workshop.board.add_camera(Arc::clone(&cell));
        let unfinished = self.unfinished.take(&camera.id);
        let orders = Arc::default();
        let scene = self.start_scene(&camera, &cell, &orders, unfinished);
        let id = camera.id.clone();
        let enabled = camera.enabled;
        let mut charge = Charge::new(Arc::new(camera), cell, scene, orders);
        if !enabled {
            charge.plan = Plan::Rest;
        }
        self.cameras.insert(id.clone(), charge);
        if enabled {
            self.begin_after(&id, start_after, context);
        }
    }

    fn start_scene(
        &self,
        camera: &settings::Camera,
        cell: &Arc<CameraCell>,
        orders: &Arc<Latest<BurstOrder>>,
        unfinished: Unfinished,
    ) -> Addr<Scene> {
        let about = CameraRef { id: camera.id.clone(), name: Arc::clone(&camera.name) };
        let (core, cell, outbox) = (SceneCore::new(about, camera), Arc::clone(cell), self.workshop.outbox.clone());
        let (evidence, orders) = (self.workshop.evidence.clone(), Arc::clone(orders));
        Scene::start_in_arbiter(&self.workshop.scenes, move |_| {
            let scene = Scene::new(core, cell, outbox);
            let scene = match evidence {
                Some(room) => scene.with_evidence(room, orders, |key_frame| decode_alone(key_frame).ok()),
                None => scene,
            };
            scene.resuming(&unfinished)
        })
    }

    /// Visits of cameras that are in the settings no more end, so that every start has its end; that such a camera was
    /// down is over, too, or another one that gets its name would be taken to be told of.
    fn end_what_nobody_took_up(&mut self) {
        for (camera, _) in std::mem::take(&mut self.unfinished.down) {
            self.workshop.forgotten.do_send(CameraForgotten(camera));
        }
        for event in scene::conclude(std::mem::take(&mut self.unfinished)) {
            self.workshop.outbox.do_send(Record::now(event));
        }
    }

    fn begin_after(&mut self, id: &CameraId, wait: Duration, context: &mut Context<Self>) {
        let Some(charge) = self.cameras.get_mut(id) else {
            return;
        };
        if let Some(alarm) = charge.alarm.take() {
            context.cancel_future(alarm);
        }
        if charge.cell.state().reason.is_none() {
            charge.cell.enter(CameraState::Waiting, None, Some(Moment::now().after(wait).wall));
        }
        charge.alarm = Some(context.notify_later(BeginLife(id.clone()), wait));
    }

    /// Makes a camera's plan come true: asks its life to end, or ends what has no life.
    fn change_plan(&mut self, id: &CameraId, plan: Plan, context: &mut Context<Self>) {
        let Some(charge) = self.cameras.get_mut(id) else {
            return;
        };
        charge.plan = plan;
        charge.ask_to_stop();
        if let Some(alarm) = charge.alarm.take() {
            context.cancel_future(alarm);
        }
        if charge.life.is_none() {
            self.after_orderly_end(id, context);
        }
    }

    fn after_orderly_end(&mut self, id: &CameraId, context: &mut Context<Self>) {
        let Some(charge) = self.cameras.get_mut(id) else {
            return;
        };
        match charge.plan {
            Plan::Keep if !self.ending => {
                let wait = std::mem::take(&mut charge.restart_after);
                self.begin_after(id, wait, context);
            }
            Plan::Keep | Plan::Rest => {
                charge.cell.enter(CameraState::Stopped, None, None);
                if !self.ending {
                    charge.scene.do_send(stopped(charge));
                }
            }
            Plan::Remove => {
                charge.scene.do_send(scene::CameraRemoved);
                self.workshop.forgotten.do_send(CameraForgotten(id.clone()));
                charge.cell.feed.end();
                self.workshop.board.remove_camera(id);
                self.cameras.remove(id);
                tracing::info!(camera = %id, "camera removed");
            }
        }
    }

    fn after_fault(&mut self, id: &CameraId, generation: Generation, fault: &Fault, context: &mut Context<Self>) {
        let Some(charge) = self.cameras.get_mut(id) else {
            return;
        };
        let (reason, message, now) = (fault.reason(), fault.message(), Moment::now());
        charge.cell.count_fault(reason);
        charge.scene.do_send(scene::CameraLost { generation, reason, message: message.clone(), at: now });
        if charge.plan != Plan::Keep || self.ending {
            return self.after_orderly_end(id, context);
        }
        let retries = charge.settings.max_retries;
        let next = if charge.hanging >= Self::MAX_HANGING {
            Next::GiveUp
        } else {
            charge.health.faulted(now, reason, retries, &self.workshop.terms, fastrand::f64())
        };
        match next {
            Next::RetryAfter(wait) => {
                let at = now.after(wait).wall;
                tracing::warn!(camera = %id, reason = %reason, retry_in_s = Backoff::said(wait), "{message}");
                charge.cell.enter(CameraState::Waiting, Some((reason, message)), Some(at));
                self.begin_after(id, wait, context);
            }
            Next::GiveUp => {
                tracing::error!(camera = %id, reason = %reason, lives = charge.cell.lives.get(), "given up: {message}");
                charge.cell.enter(CameraState::Failed, Some((reason, message)), None);
            }
        }
    }

    fn report_end(&mut self) {
        if self.cameras.values().all(|charge| charge.life.is_none())
            && let Some(told) = self.awaiting_end.take()
        {
            let _ = told.send(()); // whoever asked may have stopped waiting
        }
    }
}

fn stopped(charge: &Charge) -> scene::CameraStopped {
    scene::CameraStopped { generation: charge.cell.generation(), at: Moment::now() }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(Self::TICK, Self::watch);
    }
}

impl Handler<ApplyCameras> for Supervisor {
    type Result = ();

    fn handle(&mut self, ApplyCameras(cameras): ApplyCameras, context: &mut Self::Context) {
        if self.ending {
            return;
        }
        let wanted: BTreeMap<_, _> = cameras.iter().map(|c| (c.id.clone(), c)).collect();
        let gone: Vec<_> = self.cameras.keys().filter(|id| !wanted.contains_key(*id)).cloned().collect();
        for id in gone {
            self.change_plan(&id, Plan::Remove, context);
        }
        let enabled = cameras.iter().filter(|c| c.enabled).count();
        let step = Self::STAGGER_STEP.min(Self::STAGGER / u32::try_from(enabled.max(1)).unwrap_or(u32::MAX));
        let mut wait = Duration::ZERO;
        for camera in cameras {
            let Some(charge) = self.cameras.get_mut(&camera.id) else {
                wait += if camera.enabled { step } else { Duration::ZERO };
                self.add(camera, wait.saturating_sub(step), context);
                continue;
            };
            let id = camera.id.clone();
            let plan = if camera.enabled { Plan::Keep } else { Plan::Rest };
            let restart = settings::needs_new_life(&charge.settings, &camera) || charge.plan != plan;
            if *charge.settings != camera {
                charge.cell.label.lock().name = Arc::clone(&camera.name);
                charge.cell.label.lock().url = settings::masked_camera_url(&camera.url);
                charge.cell.feed.keep(camera.evidence.lead());
                charge.scene.do_send(scene::Configure(camera.clone()));
                charge.settings = Arc::new(camera);
            }
            if restart {
                tracing::info!(camera = %id, "settings changed, restarting");
                charge.begin_afresh();
                charge.restart_after = wait;
                wait += step;
                self.change_plan(&id, plan, context);
            }
        }
        self.end_what_nobody_took_up();
    }
}

impl Handler<RestartCamera> for Supervisor {
    type Result = ();

    fn handle(&mut self, RestartCamera(id): RestartCamera, context: &mut Self::Context) {
        let Some(charge) = self.cameras.get_mut(&id).filter(|charge| charge.plan == Plan::Keep) else {
            return;
        };
        tracing::info!(camera = %id, "restarting on request");
        charge.begin_afresh();
        charge.restart_after = Duration::ZERO;
        self.change_plan(&id, Plan::Keep, context);
    }
}

impl Handler<BeginLife> for Supervisor {
    type Result = ();

    fn handle(&mut self, BeginLife(id): BeginLife, context: &mut Self::Context) {
        let (streaming, gone) = (context.address().recipient(), context.address().recipient());
        let Some(charge) = self.cameras.get_mut(&id) else {
            return;
        };
        charge.alarm = None;
        if charge.life.is_some() || charge.plan != Plan::Keep || self.ending {
            return;
        }
        // However it is asked for: by hand, by other settings, or after a fault.
        if charge.hanging >= Self::MAX_HANGING {
            let message = format!("{} of its threads hang, and each is lost memory: restart Lookout", charge.hanging);
            tracing::error!(camera = %id, "not begun: {message}");
            return charge.cell.enter(CameraState::Failed, Some((Reason::Panicked, message)), None);
        }
        if let Err(error) = charge.begin_life(&self.workshop, streaming, gone) {
            let generation = charge.cell.generation();
            let fault = Fault::Panicked(format!("no thread for the camera: {error}; raise the limits of the process"));
            self.after_fault(&id, generation, &fault, context);
        }
    }
}

impl Handler<CameraStreaming> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: CameraStreaming, _: &mut Self::Context) {
        let Some(charge) = self.cameras.get_mut(&message.id) else {
            return;
        };
        if charge.life.as_ref().is_some_and(|life| life.generation == message.generation) {
            tracing::info!(camera = %message.id, "streaming");
            charge.cell.enter(CameraState::Streaming, None, None);
            charge.health.streamed(message.at);
            charge.scene.do_send(scene::CameraStreaming { generation: message.generation, at: message.at });
        }
    }
}

impl Handler<CameraGone> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: CameraGone, context: &mut Self::Context) {
        let Some(charge) = self.cameras.get_mut(&message.id) else {
            return;
        };
        let Some(stopping) = charge.bury(message.generation) else {
            // A life that was left behind has come to its end after all.
            charge.hanging = charge.hanging.saturating_sub(1);
            return;
        };
        match message.end {
            // What ends it while it is ending anyway says nothing about the settings to come.
            End::Faulted(fault) if !stopping => self.after_fault(&message.id, message.generation, &fault, context),
            _ => self.after_orderly_end(&message.id, context),
        }
        self.report_end();
    }
}

impl Handler<Shutdown> for Supervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Shutdown { deadline }: Shutdown, context: &mut Self::Context) -> Self::Result {
        let (told, all_gone) = oneshot::channel();
        self.ending = true;
        self.awaiting_end = Some(told);
        for charge in self.cameras.values_mut() {
            charge.ask_to_stop();
            if let Some(alarm) = charge.alarm.take() {
                context.cancel_future(alarm);
            }
        }
        self.report_end();
        Box::pin(async move {
            if tokio::time::timeout(deadline, all_gone).await.is_err() {
                tracing::warn!("some cameras did not say goodbye in time");
            }
        })
    }
}
