//! What hangs or has ended without a word.

use actix::Context;

use super::Supervisor;
use crate::{
    camera::Fault,
    events::Unfinished,
    words::{CameraId, Moment},
};

impl Supervisor {
    /// Looks for threads that hang. They cannot be stopped, only left behind: the new life has a thread of its own.
    pub(super) fn watch(&mut self, context: &mut Context<Self>) {
        let (limit, now) = (self.workshop.hang_timeout, Moment::now());
        if now.since(&std::mem::replace(&mut self.last_watch, now)) > Self::TICK + Self::LATE {
            self.lenient_until = now.after(limit);
        }
        if now.steady < self.lenient_until.steady {
            return self.report_end();
        }
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
            charge.cell.retire_life();
            charge.cell.feed.interrupt(); // as a life that ends does itself
            charge.cell.abandoned.one();
            charge.hanging += 1;
            tracing::error!(camera = %id, "its thread hung for {} s and is left behind", limit.as_secs_f32());
            let fault = Fault::Panicked(format!("the camera's thread hung for {} s", limit.as_secs_f32()));
            self.after_fault(&id, generation, &fault, context);
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
            let scene = self.start_scene(&charge.settings, &charge.cell, &charge.orders, Unfinished::default());
            if let Some(charge) = self.cameras.get_mut(&id) {
                charge.scene = scene;
                charge.ask_to_stop(); // the next life reports to the new scene
            }
        }
    }
}
