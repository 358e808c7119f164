use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, Recipient};

use super::{
    Develop, EvidenceRoom, Finding, SceneCore,
    evidence::{Dispatch, Evidence},
};
use crate::{
    events::{Record, Unfinished},
    media::{BurstOrder, Detected, Latest},
    settings,
    status::{CameraCell, LastSeen, Picture},
    words::{Generation, Moment, Reason},
};

/// A camera's scene. It is started once and outlives the camera's lives.
pub struct Scene {
    core: SceneCore,
    cell: Arc<CameraCell>,
    outbox: Recipient<Record>,
    evidence: Option<Evidence>,
    hook: Option<SampleHook>,
    failing: bool,
}

/// Called with each sample, inside of what protects the scene from panics: fault injection for tests.
pub type SampleHook = Box<dyn FnMut(&Detected) + Send>;

/// Fact: a life of the camera ended with a fault.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct CameraLost {
    /// The life that ended.
    pub generation: Generation,
    /// Why.
    pub reason: Reason,
    /// The same for people, without secrets.
    pub message: String,
    /// When.
    pub at: Moment,
}

/// Fact: a life of the camera streams.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct CameraStreaming {
    /// The life.
    pub generation: Generation,
    /// When.
    pub at: Moment,
}

/// Fact: the camera was stopped on request.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct CameraStopped {
    /// Its last life.
    pub generation: Generation,
    /// When.
    pub at: Moment,
}

/// Fact: the camera is removed from the settings. Its visits end, and so does the scene.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct CameraRemoved;

/// Command: take over changed settings.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Configure(pub settings::Camera);

impl Scene {
    /// The scene of the camera that `cell` shows, which writes its events to `outbox`.
    pub fn new(core: SceneCore, cell: Arc<CameraCell>, outbox: Recipient<Record>) -> Self {
        Self { core, cell, outbox, evidence: None, hook: None, failing: false }
    }

    /// Keeps pictures: gives them to `room`, orders more of the camera by `orders`, and makes pictures of key frames with
    /// `develop`.
    #[must_use]
    pub fn with_evidence(mut self, room: EvidenceRoom, orders: Arc<Latest<BurstOrder>>, develop: Develop) -> Self {
        self.evidence = Some(Evidence { room, orders, develop });
        self
    }

    /// Takes up what was begun when the process last ended.
    #[must_use]
    pub fn resuming(mut self, unfinished: &Unfinished) -> Self {
        self.judge(|core| core.resume(unfinished, Moment::now()));
        self
    }

    /// Calls `hook` with each sample.
    #[must_use]
    pub fn with_hook(mut self, hook: SampleHook) -> Self {
        self.hook = Some(hook);
        self
    }

    /// Lets the core judge on a clone, and keeps the clone only where it did not panic: a fault costs this one message,
    /// and the visits stay as they were before it.
    fn judge(&mut self, verdict: impl FnOnce(&mut SceneCore) -> Vec<Finding>) -> bool {
        let mut next = self.core.clone();
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let findings = verdict(&mut next);
            (next, findings)
        }));
        let Ok((next, findings)) = judged else {
            self.cell.detection_failures.one();
            tracing::error!(camera = %self.cell.id, "the scene's rules panicked; what they were given is dropped");
            return false;
        };
        self.cell.visits_held_back.add(next.held_back().saturating_sub(self.core.held_back()));
        self.core = next;
        self.cell.people.set(self.core.people().into());
        self.cell.open_visits.set(i64::try_from(self.core.open_visits()).unwrap_or(i64::MAX));
        self.tell(findings);
        true
    }

    /// Sends off what was found: first each event, so that it is written down, then its pictures.
    fn tell(&self, findings: Vec<Finding>) {
        // Visits that start with one sample would order the same frames; the first one gets them.
        let mut ordered = false;
        for finding in findings {
            let (camera, event) = (&self.cell.id, &finding.event);
            tracing::info!(%camera, event = %event.id, kind = event.kind.as_str(), "event");
            let mut wanted = self.core.evidence().clone();
            if ordered {
                wanted.frames = 1;
            }
            let Some(evidence) = &self.evidence else {
                self.outbox.do_send(Dispatch::alone(finding.event).record);
                continue;
            };
            let Dispatch { record, secure, order } = evidence.dispatch(camera, finding, &wanted);
            self.outbox.do_send(record);
            if let Some(secure) = secure {
                evidence.room.keep.do_send(secure);
            }
            if let Some(order) = order {
                evidence.orders.put(order);
                ordered = true;
            }
        }
    }
}

impl Actor for Scene {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(Duration::from_secs(1), |scene, _| {
            scene.judge(|core| core.tick(Moment::now()));
        });
    }
}

impl Handler<Detected> for Scene {
    type Result = ();

    fn handle(&mut self, detected: Detected, _: &mut Self::Context) {
        if let Err(why) = &detected.seen {
            self.cell.detection_failures.one();
            // Told once in a row: a detector that fails always must not fill the log.
            if !std::mem::replace(&mut self.failing, true) {
                tracing::warn!(camera = %self.cell.id, %why, "detections fail");
            }
        } else if std::mem::take(&mut self.failing) {
            tracing::info!(camera = %self.cell.id, "detections succeed again");
        }
        let news = self.core.is_news(&detected);
        let mut hook = self.hook.take();
        let judged = self.judge(|core| {
            if let Some(hook) = &mut hook {
                hook(&detected);
            }
            core.observe(&detected)
        });
        self.hook = hook;
        if news && judged {
            show(&self.cell, detected);
        }
        // Each answer counts, also a failed one and one of an older life: published = detected + superseded + in flight.
        // Last, as the end of the process waits for it before it has everything written down.
        self.cell.frames.detected.one();
    }
}

impl Handler<CameraLost> for Scene {
    type Result = ();

    fn handle(&mut self, lost: CameraLost, _: &mut Self::Context) {
        self.judge(|core| {
            core.camera_lost(lost.generation, lost.at, lost.reason, lost.message);
            Vec::new()
        });
    }
}

impl Handler<CameraStreaming> for Scene {
    type Result = ();

    fn handle(&mut self, streaming: CameraStreaming, _: &mut Self::Context) {
        self.judge(|core| core.camera_streaming(streaming.generation, streaming.at));
    }
}

impl Handler<CameraStopped> for Scene {
    type Result = ();

    fn handle(&mut self, stopped: CameraStopped, _: &mut Self::Context) {
        self.judge(|core| {
            core.camera_stopped(stopped.generation, stopped.at);
            Vec::new()
        });
    }
}

impl Handler<CameraRemoved> for Scene {
    type Result = ();

    fn handle(&mut self, _: CameraRemoved, ctx: &mut Self::Context) {
        self.judge(SceneCore::close);
        ctx.stop();
    }
}

impl Handler<Configure> for Scene {
    type Result = ();

    fn handle(&mut self, Configure(settings): Configure, _: &mut Self::Context) {
        self.judge(|core| core.configure(&settings));
    }
}

/// Shows in the camera's cell what was seen, and how long it took.
fn show(cell: &CameraCell, detected: Detected) {
    let Detected { frame, seen, at } = detected;
    let Ok(seen) = seen else { return };
    let (captured, picture) = (frame.origin.captured, Picture::of(&frame));
    cell.latency.record(at.since(&captured));
    cell.set_last_seen(LastSeen { picture, captured, detections: seen.into() });
}
