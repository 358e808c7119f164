use std::{io, sync::Arc, time::Duration};

use actix::{Actor, Addr, SpawnHandle};
use actix_rt::{Arbiter, ArbiterHandle};

use super::{Health, Workshop};
use crate::{
    camera::{Camera, CameraGone, CameraStreaming, Stop, Wiring},
    media::{BurstOrder, Frame, Latest},
    scene::Scene,
    settings,
    status::{CameraCell, CameraState},
    words::Generation,
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
    /// How long after an orderly end the next life begins, so that many restarts do not fall on one moment.
    pub(super) restart_after: Duration,
    /// Threads that hang now.
    pub(super) hanging: u32,
    /// Where the scene orders further frames of whichever life there is.
    pub(super) orders: Arc<Latest<BurstOrder>>,
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
    /// It has been asked to end.
    pub(super) stopping: bool,
}

impl Charge {
    /// The charge of a camera whose `scene` puts its orders into `orders`.
    pub(super) fn new(
        settings: Arc<settings::Camera>,
        cell: Arc<CameraCell>,
        scene: Addr<Scene>,
        orders: Arc<Latest<BurstOrder>>,
    ) -> Self {
        Self {
            settings,
            cell,
            scene,
            health: Health::default(),
            plan: Plan::Keep,
            life: None,
            alarm: None,
            restart_after: Duration::ZERO,
            hanging: 0,
            orders,
            slot: Arc::default(),
        }
    }

    /// Begins a life under a new generation on a thread of its own.
    pub(super) fn begin_life(
        &mut self,
        workshop: &Workshop,
        streaming: actix::Recipient<CameraStreaming>,
        gone: actix::Recipient<CameraGone>,
    ) -> io::Result<()> {
        // First what can fail: the process may have no files or threads left.
        let arbiter = Arbiter::try_new()?.handle();
        let generation = self.cell.begin_life();
        self.cell.enter(CameraState::Connecting, None, None);
        let wiring = Wiring {
            settings: Arc::clone(&self.settings),
            connect: Arc::clone(&workshop.connect),
            cell: Arc::clone(&self.cell),
            generation,
            slot: Arc::clone(&self.slot),
            orders: Arc::clone(&self.orders),
            detectors: workshop.detectors.clone(),
            scene: self.scene.clone().recipient(),
            streaming,
            gone,
        };
        // The arbiter stops with its handle's `stop`; its thread is never joined, as it may hang.
        let address = Camera::start_in_arbiter(&arbiter, move |_| Camera::new(wiring));
        self.life = Some(LifeInProgress { generation, address, arbiter, stopping: false });
        Ok(())
    }

    /// Somebody wants it otherwise, or again: what was found out by earlier lives is asked anew.
    pub(super) fn begin_afresh(&mut self) {
        self.health = Health::default();
        self.cell.suspect_sound(None);
    }

    /// Asks the life, if there is one, to end.
    pub(super) fn ask_to_stop(&mut self) {
        if let Some(life) = &mut self.life
            && !std::mem::replace(&mut life.stopping, true)
        {
            life.address.do_send(Stop);
        }
    }

    /// Takes note that the life of `generation` is over, and lets its thread go. `None` for a life of the past;
    /// otherwise whether it had been asked to end.
    pub(super) fn bury(&mut self, generation: Generation) -> Option<bool> {
        let life = self.life.take_if(|life| life.generation == generation)?;
        life.arbiter.stop();
        self.cell.set_stream(None);
        self.cell.people.set(0);
        Some(life.stopping)
    }
}
