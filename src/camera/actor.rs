use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient, WrapFuture};
use futures::FutureExt;
use tokio::sync::Notify;

use super::{
    Connect, Fault,
    life::{Life, Output},
};
use crate::{
    media::{BurstOrder, Detected, Frame, FrameReady, Latest},
    settings,
    status::CameraCell,
    words::{CameraId, Generation, Moment, panic_text},
};

/// The actor of one life of a camera, on an arbiter of its own. It ends when the life does.
pub struct Camera {
    wiring: Wiring,
    stop: Arc<Notify>,
    guard: Guard,
}

/// What a life is joined to.
#[derive(Clone)]
pub struct Wiring {
    /// What the user asked for.
    pub settings: Arc<settings::Camera>,
    /// How to connect.
    pub connect: Connect,
    /// Where its status is shown.
    pub cell: Arc<CameraCell>,
    /// Which life this is.
    pub generation: Generation,
    /// Where its newest frame waits.
    pub slot: Arc<Latest<Frame>>,
    /// Where orders for further frames are put.
    pub orders: Arc<Latest<BurstOrder>>,
    /// The detector pool.
    pub detectors: Recipient<FrameReady>,
    /// The scene that detections go to.
    pub scene: Recipient<Detected>,
    /// Whom to tell of the first picture.
    pub streaming: Recipient<CameraStreaming>,
    /// Whom to tell of the end.
    pub gone: Recipient<CameraGone>,
}

/// A life's first picture was decoded.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct CameraStreaming {
    /// Which camera.
    pub id: CameraId,
    /// Which life.
    pub generation: Generation,
    /// When.
    pub at: Moment,
}

/// A life is over; its thread may be stopped.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct CameraGone {
    /// Which camera.
    pub id: CameraId,
    /// Which life.
    pub generation: Generation,
    /// How it ended.
    pub end: End,
}

/// How a life ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// As it was told to.
    Stopped,
    /// By a fault.
    Faulted(Fault),
}

/// Command: say goodbye to the camera and end.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Stop;

/// Tells the supervisor how the life ended, whatever happens: also when the actor is dropped in a panic.
struct Guard {
    gone: Recipient<CameraGone>,
    message: CameraGone,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.gone.do_send(self.message.clone());
    }
}

impl Camera {
    const HEARTBEAT: Duration = Duration::from_secs(1);

    /// The actor of the life that `wiring` describes; start it in an arbiter of its own.
    pub fn new(wiring: Wiring) -> Self {
        let message = CameraGone {
            id: wiring.settings.id.clone(),
            generation: wiring.generation,
            end: End::Faulted(Fault::Panicked("the camera's actor was dropped".into())),
        };
        let guard = Guard { gone: wiring.gone.clone(), message };
        Self { wiring, stop: Arc::new(Notify::new()), guard }
    }
}

impl Actor for Camera {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let cell = Arc::clone(&self.wiring.cell);
        context.run_interval(Self::HEARTBEAT, move |_, _| cell.beat());
        let life = live(self.wiring.clone(), Arc::clone(&self.stop));
        let life = AssertUnwindSafe(life).catch_unwind().into_actor(self).map(|end, actor, context| {
            actor.guard.message.end = end.unwrap_or_else(|panic| End::Faulted(Fault::Panicked(panic_text(&*panic))));
            // Dropping the actor sends the message.
            actix::ActorContext::terminate(context);
        });
        context.spawn(life);
    }
}

impl Handler<Stop> for Camera {
    type Result = ();

    fn handle(&mut self, _: Stop, _: &mut Self::Context) {
        self.stop.notify_one();
    }
}

/// Without the sound, where that is suspected to have ended the life before.
pub(super) fn to_connect(settings: &Arc<settings::Camera>, cell: &CameraCell) -> Arc<settings::Camera> {
    match settings.sound && cell.sound_is_suspected(Moment::now()) {
        true => Arc::new(settings::Camera { sound: false, ..(**settings).clone() }),
        false => Arc::clone(settings),
    }
}

async fn live(wiring: Wiring, stop: Arc<Notify>) -> End {
    let Wiring { settings, connect, cell, generation, slot, orders, detectors, scene, streaming, .. } = wiring;
    cell.set_stream(None);
    let mut source = tokio::select! {
        biased;
        () = stop.notified() => return End::Stopped,
        source = connect(to_connect(&settings, &cell)) => match source {
            Ok(source) => source,
            Err(fault) => return End::Faulted(fault),
        },
    };
    let id = settings.id.clone();
    let output = Output {
        slot,
        ticket: Box::new(move |slot| {
            detectors.do_send(FrameReady { slot: Arc::clone(slot), reply: scene.clone() });
        }),
        first_picture: Box::new(move |at| {
            streaming.do_send(CameraStreaming { id: id.clone(), generation, at });
        }),
        orders,
    };
    let mut life = Life::new(settings, Arc::clone(&cell), generation, output);
    let end = tokio::select! {
        biased;
        () = stop.notified() => End::Stopped,
        fault = AssertUnwindSafe(life.run(&mut *source)).catch_unwind() => {
            End::Faulted(fault.unwrap_or_else(|panic| Fault::Panicked(panic_text(&*panic))))
        }
    };
    drop(life);
    source.close().await;
    end
}
