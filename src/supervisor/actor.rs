use std::{collections::BTreeMap, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, Message, Recipient, ResponseFuture};
use actix_rt::ArbiterHandle;
use tokio::sync::oneshot;

use super::{
    Backoff, Next,
    charge::{Charge, Plan},
};
use crate::{
    camera::{CameraGone, CameraStreaming, Connect, End, Fault},
    events::{CameraRef, Record, Unfinished},
    media::FrameReady,
    scene::{self, Scene, SceneCore},
    settings,
    status::{Board, CameraCell, CameraState},
    words::{CameraId, Moment},
};

/// The actor in charge of all cameras.
pub struct Supervisor {
    workshop: Workshop,
    cameras: BTreeMap<CameraId, Charge>,
    ending: Option<oneshot::Sender<()>>,
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
    /// Where scenes run.
    pub scenes: ArbiterHandle,
    /// Where status is shown.
    pub board: Arc<Board>,
    /// What the last process left unfinished.
    pub unfinished: Arc<Unfinished>,
    /// The pauses between lives.
    pub backoff: Backoff,
    /// A thread that says nothing for this long hangs, and is left behind.
    pub hang_timeout: Duration,
}

/// Command: these are the cameras now. Only what changed is touched.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ApplyCameras(pub Vec<settings::Camera>);

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
    /// Threads of one camera that are left behind before it is given up: each is lost memory.
    const MAX_ABANDONED: u64 = 5;

    /// A supervisor without cameras; give it some with `ApplyCameras`.
    pub fn new(workshop: Workshop) -> Self {
        Self { workshop, cameras: BTreeMap::new(), ending: None }
    }

    fn add(&mut self, camera: settings::Camera, start_after: Duration, context: &mut Context<Self>) {
        let cell =
            CameraCell::new(camera.id.clone(), Arc::clone(&camera.name), settings::masked_camera_url(&camera.url));
        let cell = Arc::new(cell);
        self.workshop.board.add_camera(Arc::clone(&cell));
        let scene = self.start_scene(&camera, &cell);
        let id = camera.id.clone();
        let enabled = camera.enabled;
        let mut charge = Charge::new(Arc::new(camera), cell, scene);
        if !enabled {
            charge.plan = Plan::Rest;
        }
        self.cameras.insert(id.clone(), charge);
        if enabled {
            self.begin_after(&id, start_after, context);
        }
    }

    fn start_scene(&self, camera: &settings::Camera, cell: &Arc<CameraCell>) -> actix::Addr<Scene> {
        let about = CameraRef { id: camera.id.clone(), name: Arc::clone(&camera.name) };
        let (core, cell, workshop) = (SceneCore::new(about, camera), Arc::clone(cell), self.workshop.clone());
        Scene::start_in_arbiter(&self.workshop.scenes, move |_| {
            Scene::new(core, cell, workshop.outbox).resuming(&workshop.unfinished)
        })
    }

    fn begin_after(&mut self, id: &CameraId, wait: Duration, context: &mut Context<Self>) {
        let Some(charge) = self.cameras.get_mut(id) else {
            return;
        };
        if let Some(alarm) = charge.alarm.take() {
            context.cancel_future(alarm);
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
            Plan::Keep if self.ending.is_none() => self.begin_after(id, Duration::ZERO, context),
            Plan::Keep | Plan::Rest => {
                charge.cell.enter(CameraState::Stopped, None, None);
                if self.ending.is_none() {
                    charge.scene.do_send(stopped(charge));
                }
            }
            Plan::Remove => {
                charge.scene.do_send(scene::CameraRemoved);
                self.workshop.board.remove_camera(id);
                self.cameras.remove(id);
                tracing::info!(camera = %id, "camera removed");
            }
        }
    }

    fn after_fault(&mut self, id: &CameraId, fault: &Fault, context: &mut Context<Self>) {
        let Some(charge) = self.cameras.get_mut(id) else {
            return;
        };
        let (reason, message, now) = (fault.reason(), fault.message(), Moment::now());
        charge.cell.count_fault(reason);
        let generation = charge.cell.generation();
        charge.scene.do_send(scene::CameraLost { generation, reason, message: message.clone(), at: now });
        if charge.plan != Plan::Keep || self.ending.is_some() {
            return self.after_orderly_end(id, context);
        }
        let retries = charge.settings.max_retries;
        let next = if charge.cell.abandoned.get() >= Self::MAX_ABANDONED {
            Next::GiveUp
        } else {
            charge.health.faulted(now, reason, retries, &self.workshop.backoff, fastrand::f64())
        };
        match next {
            Next::RetryAfter(wait) => {
                let at = now.after(wait).wall;
                tracing::warn!(camera = %id, reason = %reason, retry_in_s = wait.as_secs_f32(), "{message}");
                charge.cell.enter(CameraState::Waiting, Some((reason, message)), Some(at));
                self.begin_after(id, wait, context);
            }
            Next::GiveUp => {
                tracing::error!(camera = %id, reason = %reason, lives = charge.cell.lives.get(), "given up: {message}");
                charge.cell.enter(CameraState::Failed, Some((reason, message)), None);
            }
        }
    }

    /// Looks for threads that hang. They cannot be stopped, only left behind: the new life has a thread of its own.
    fn watch(&mut self, context: &mut Context<Self>) {
        let limit = self.workshop.hang_timeout;
        let hanging = self.cameras.iter().filter(|(_, c)| c.life.is_some() && c.cell.since_beat() > limit);
        let hanging: Vec<CameraId> = hanging.map(|(id, _)| id.clone()).collect();
        for id in hanging {
            let Some(charge) = self.cameras.get_mut(&id) else {
                continue;
            };
            let Some(generation) = charge.life.as_ref().map(|life| life.generation) else {
                continue;
            };
            charge.bury(generation);
            charge.cell.abandoned.one();
            tracing::error!(camera = %id, "its thread hung for {} s and is left behind", limit.as_secs_f32());
            let fault = Fault::Panicked(format!("the camera's thread hung for {} s", limit.as_secs_f32()));
            self.after_fault(&id, &fault, context);
        }
        self.revive_scenes();
        self.report_end();
    }

    /// A scene catches its own panics; should its actor end all the same, a new one takes over.
    fn revive_scenes(&mut self) {
        let dead: Vec<CameraId> =
            self.cameras.iter().filter(|(_, c)| !c.scene.connected()).map(|(id, _)| id.clone()).collect();
        for id in dead {
            let Some(charge) = self.cameras.get(&id) else {
                continue;
            };
            tracing::error!(camera = %id, "its scene had ended and is started anew");
            let scene = self.start_scene(&charge.settings, &charge.cell);
            if let Some(charge) = self.cameras.get_mut(&id) {
                charge.scene = scene;
                charge.ask_to_stop(); // the next life reports to the new scene
            }
        }
    }

    fn report_end(&mut self) {
        if self.cameras.values().all(|charge| charge.life.is_none())
            && let Some(told) = self.ending.take()
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
        let wanted: BTreeMap<_, _> = cameras.iter().map(|c| (c.id.clone(), c)).collect();
        let gone: Vec<_> = self.cameras.keys().filter(|id| !wanted.contains_key(*id)).cloned().collect();
        for id in gone {
            self.change_plan(&id, Plan::Remove, context);
        }
        let starting = cameras.iter().filter(|c| c.enabled && !self.cameras.contains_key(&c.id)).count();
        let step = Self::STAGGER_STEP.min(Self::STAGGER / u32::try_from(starting.max(1)).unwrap_or(u32::MAX));
        let mut wait = Duration::ZERO;
        for camera in cameras {
            let Some(charge) = self.cameras.get_mut(&camera.id) else {
                self.add(camera, wait, context);
                wait += step;
                continue;
            };
            let id = camera.id.clone();
            let plan = if camera.enabled { Plan::Keep } else { Plan::Rest };
            let restart = settings::needs_new_life(&charge.settings, &camera) || charge.plan != plan;
            if *charge.settings != camera {
                charge.cell.label.lock().name = Arc::clone(&camera.name);
                charge.cell.label.lock().url = settings::masked_camera_url(&camera.url);
                charge.scene.do_send(scene::Configure(camera.clone()));
                charge.settings = Arc::new(camera);
            }
            if restart {
                tracing::info!(camera = %id, "settings changed, restarting");
                charge.health = super::Health::default();
                self.change_plan(&id, plan, context);
            }
        }
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
        if charge.life.is_none() && charge.plan == Plan::Keep && self.ending.is_none() {
            charge.begin_life(&self.workshop, streaming, gone);
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
        if !charge.bury(message.generation) {
            return; // a life that was left behind has come to its end after all
        }
        match message.end {
            End::Stopped => self.after_orderly_end(&message.id, context),
            End::Faulted(fault) => self.after_fault(&message.id, &fault, context),
        }
        self.report_end();
    }
}

impl Handler<Shutdown> for Supervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Shutdown { deadline }: Shutdown, context: &mut Self::Context) -> Self::Result {
        let (told, all_gone) = oneshot::channel();
        self.ending = Some(told);
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
