use std::sync::Arc;

use actix::{Actor, Addr, SpawnHandle};
use actix_rt::{Arbiter, ArbiterHandle};

use super::{Health, Workshop};
use crate::{
    camera::{Camera, CameraGone, CameraStreaming, Stop, Wiring},
    media::{Frame, Latest},
    scene::Scene,
    settings,
    status::{CameraCell, CameraState},
    words::{Generation, Moment},
};

/// A camera in the supervisor's charge: what outlives its lives, and the life it has.
pub(super) struct Charge {
    pub(super) settings: Arc<settings::Camera>,
    pub(super) cell: Arc<CameraCell>,
    pub(super) scene: Addr<Scene>,
    pub(super) health: Health,
    pub(super) plan: Plan,
    pub(super) life: Option<LifeInProgress>,
    /// The timer that begins the next life.
    pub(super) alarm: Option<SpawnHandle>,
    slot: Arc<Latest<Frame>>,
}

/// What is to become of a camera when its life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Another life, after a pause if it failed.
    Keep,
    /// None, but it stays in charge.
    Rest,
    /// None, and it leaves.
    Remove,
}

/// A life and the thread it runs on.
pub(super) struct LifeInProgress {
    pub(super) generation: Generation,
    address: Addr<Camera>,
    arbiter: ArbiterHandle,
    /// Since when it has been asked to end.
    pub(super) stopping_since: Option<Moment>,
}

impl Charge {
    pub(super) fn new(settings: Arc<settings::Camera>, cell: Arc<CameraCell>, scene: Addr<Scene>) -> Self {
        Self {
            settings,
            cell,
            scene,
            health: Health::default(),
            plan: Plan::Keep,
            life: None,
            alarm: None,
            slot: Arc::default(),
        }
    }

    /// Begins a life under a new generation on a thread of its own.
    pub(super) fn begin_life(
        &mut self,
        workshop: &Workshop,
        streaming: actix::Recipient<CameraStreaming>,
        gone: actix::Recipient<CameraGone>,
    ) {
        let generation = self.cell.begin_life();
        self.cell.enter(CameraState::Connecting, None, None);
        let wiring = Wiring {
            settings: Arc::clone(&self.settings),
            connect: Arc::clone(&workshop.connect),
            cell: Arc::clone(&self.cell),
            generation,
            slot: Arc::clone(&self.slot),
            detectors: workshop.detectors.clone(),
            scene: self.scene.clone().recipient(),
            streaming,
            gone,
        };
        // The arbiter stops with its handle's `stop`; its thread is never joined, as it may hang.
        let arbiter = Arbiter::new().handle();
        let address = Camera::start_in_arbiter(&arbiter, move |_| Camera::new(wiring));
        self.life = Some(LifeInProgress { generation, address, arbiter, stopping_since: None });
    }

    /// Asks the life, if there is one, to end.
    pub(super) fn ask_to_stop(&mut self) {
        if let Some(life) = &mut self.life
            && life.stopping_since.is_none()
        {
            life.address.do_send(Stop);
            life.stopping_since = Some(Moment::now());
        }
    }

    /// Takes note that the life of `generation` is over, and lets its thread go. False for a life of the past.
    pub(super) fn bury(&mut self, generation: Generation) -> bool {
        let Some(life) = self.life.take_if(|life| life.generation == generation) else {
            return false;
        };
        life.arbiter.stop();
        self.cell.set_stream(None);
        self.cell.people.set(0);
        true
    }
}
