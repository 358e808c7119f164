use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, Recipient};

use super::SceneCore;
use crate::{
    events::{Event, Record, Unfinished},
    media::Detected,
    settings,
    status::{CameraCell, LastSeen, Picture},
    words::{Generation, Moment, Reason},
};

/// A camera's scene. It is started once and outlives the camera's lives.
pub struct Scene {
    core: SceneCore,
    cell: Arc<CameraCell>,
    outbox: Recipient<Record>,
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
        Self { core, cell, outbox, hook: None, failing: false }
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
    fn judge(&mut self, verdict: impl FnOnce(&mut SceneCore) -> Vec<Event>) -> bool {
        let mut next = self.core.clone();
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let events = verdict(&mut next);
            (next, events)
        }));
        let Ok((next, events)) = judged else {
            self.cell.detection_failures.one();
            tracing::error!(camera = %self.cell.id, "the scene's rules panicked; what they were given is dropped");
            return false;
        };
        self.core = next;
        self.cell.people.set(self.core.people().into());
        for event in events {
            tracing::info!(camera = %self.cell.id, event = %event.id, kind = event.kind.as_str(), "event");
            self.outbox.do_send(Record::now(event));
        }
        true
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
    let captured = frame.origin.captured;
    cell.latency.record(at.since(&captured));
    let picture = match &frame.coded {
        Some(coded) => Picture::Coded(coded.clone()),
        None => Picture::Decoded(frame),
    };
    cell.set_last_seen(LastSeen { picture, captured, detections: seen.into() });
}
