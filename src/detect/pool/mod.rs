//! The detector threads: they take the newest frame of the camera whose turn it is, and survive what happens with it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use actix::{Actor, ActorContext, Addr, Handler, SyncArbiter, SyncContext};

use super::{DetectError, Detector};
use crate::{
    media::{Detected, FrameReady, I420},
    status::Board,
    words::{Detection, Moment, panic_text, with_causes},
};

/// Makes a worker's detector, on the worker's thread and cheaply: it is called again after each fault.
pub type Build = dyn Fn() -> Result<Box<dyn Detector>, DetectError> + Send + Sync;

/// Starts `workers` detector threads that share one queue of tickets. They end with the last address.
pub fn start(
    workers: usize,
    board: Arc<Board>,
    build: impl Fn() -> Result<Box<dyn Detector>, DetectError> + Send + Sync + 'static,
) -> Addr<Worker> {
    let build: Arc<Build> = Arc::new(build);
    SyncArbiter::start(workers, move || Worker { build: Arc::clone(&build), detector: None, board: Arc::clone(&board) })
}

/// One detector thread.
pub struct Worker {
    build: Arc<Build>,
    /// Made at the first frame, where a panic of `build` is caught like one of the detector itself.
    detector: Option<Box<dyn Detector>>,
    board: Arc<Board>,
}

impl Worker {
    /// Looks at a picture; whatever happens is an answer. After a fault there is no detector any more: what a broken
    /// run left behind is not trusted.
    fn look(&mut self, picture: &I420) -> Result<Vec<Detection>, Arc<str>> {
        let detector = self.detector.take();
        let build = &self.build;
        // Safe to unwind through: the closure owns the detector, which is gone after a panic.
        let outcome = catch_unwind(AssertUnwindSafe(move || {
            let mut detector = detector.map_or_else(|| build(), Ok)?;
            let detections = detector.detect(picture)?;
            Ok::<_, DetectError>((detector, detections))
        }));
        match outcome {
            Ok(Ok((detector, detections))) => {
                self.detector = Some(detector);
                Ok(detections)
            }
            Ok(Err(error)) => Err(with_causes(&error).into()),
            Err(panic) => Err(format!("the detector panicked: {}", panic_text(&*panic)).into()),
        }
    }
}

impl Actor for Worker {
    type Context = SyncContext<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        self.board.detector.workers.add(1);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.board.detector.workers.add(-1);
    }
}

impl Handler<FrameReady> for Worker {
    type Result = ();

    fn handle(&mut self, ticket: FrameReady, ctx: &mut Self::Context) {
        let Some(frame) = ticket.slot.take() else {
            return;
        };
        let begun = Moment::now();
        self.board.detector.busy.add(1);
        let seen = self.look(&frame.picture);
        let cell = &self.board.detector;
        cell.busy.add(-1);
        let at = Moment::now();
        let took = at.since(&begun);
        cell.detections.one();
        cell.inference.record(took);
        cell.busy_us.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        if let Err(fault) = &seen {
            cell.failures.one();
            let failures = cell.failures.get();
            // A model that fails on every frame would fill the disk: the 1st, 2nd, 4th, 8th ... is said.
            if failures.is_power_of_two() {
                let camera = frame.origin.camera.as_str();
                tracing::error!(camera, failures, %fault, "detection failed");
            }
            // The thread goes on with a new worker from the factory.
            ctx.stop();
        }
        ticket.reply.do_send(Detected { frame: Arc::new(frame), seen, at });
    }
}

#[cfg(test)]
mod tests;
