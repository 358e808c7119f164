//! The simulated cameras, and what befalls one of them.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use actix_rt::task::JoinHandle;
use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};

use super::{DemoError, Options, configuration};
use crate::simulate::{Clip, Control, Fault, Mount, Simulator};

/// Something done to a camera on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mishap {
    /// To which camera.
    pub(super) camera: String,
    /// What, as the end of a sentence.
    pub(super) what: &'static str,
}

/// The simulated cameras at work.
pub(super) struct Stage {
    cameras: Vec<(String, String)>,
    stop: oneshot::Sender<()>,
    playing: JoinHandle<()>,
    mishaps: Option<JoinHandle<()>>,
}

const NAMES: [&str; 8] = ["front-door", "yard", "driveway", "entrance", "garden", "gate", "hall", "stairs"];
/// The camera that things happen to, where there are so many: the ones before it show how it goes without.
const UNLUCKY: usize = 2;
/// Until the first mishap: by then it has been seen to stream.
const FIRST_MISHAP_AFTER: Duration = Duration::from_secs(10);
/// Between mishaps: long enough for the camera to count as healthy again, so that it comes back quickly each time.
const MISHAP_EVERY: Duration = Duration::from_secs(75);
/// A mishap that has no effect ends after this long.
const MISHAP_DEADLINE: Duration = Duration::from_secs(20);

impl Stage {
    /// Starts the cameras on a free port of the loopback, each at another place of the clip.
    pub(super) async fn set(options: &Options, tell: mpsc::Sender<Mishap>) -> Result<Self, DemoError> {
        let clip = Arc::new(configuration::clip(options.clip.as_deref())?);
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let simulator = Simulator::bind(loopback, mounts(&clip, options.cameras)).await?;
        let names = (0..options.cameras).map(name);
        let cameras: Vec<_> = names.map(|name| (simulator.url(&name), name)).map(|(url, name)| (name, url)).collect();
        let control = simulator.control();
        let (stop, stopped) = oneshot::channel::<()>();
        let playing = actix_rt::spawn(simulator.run(async {
            // Told, or left behind: the end either way.
            let _ = stopped.await;
        }));
        let unlucky = cameras.get(UNLUCKY).map(|(name, _)| name.clone());
        let mishaps = unlucky.map(|camera| actix_rt::spawn(befall(control, camera, tell)));
        Ok(Self { cameras, stop, playing, mishaps })
    }

    /// Name and address of each camera.
    pub(super) fn cameras(&self) -> impl Iterator<Item = (String, String)> {
        self.cameras.iter().cloned()
    }

    /// The cameras' names.
    pub(super) fn names(&self) -> Vec<String> {
        self.cameras.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Ends the cameras.
    pub(super) async fn clear(self) {
        if let Some(mishaps) = self.mishaps {
            mishaps.abort();
        }
        let _ = self.stop.send(()); // it may have ended by itself
        let _ = self.playing.await;
    }
}

/// The name of the camera of this index.
pub(super) fn name(index: usize) -> String {
    NAMES.get(index).map_or_else(|| format!("camera-{}", index + 1), |name| (*name).to_owned())
}

fn mounts(clip: &Arc<Clip>, cameras: usize) -> Vec<Mount> {
    let lap = Duration::from_secs_f64(clip.units.len() as f64 / clip.fps);
    let start_at = |index: usize| lap.mul_f64(index as f64 / cameras as f64);
    (0..cameras).map(|index| Mount { start_at: start_at(index), ..Mount::new(name(index), clip.clone()) }).collect()
}

/// Cuts the camera's connection and lets it fall silent, in turns, for ever.
async fn befall(control: Control, camera: String, tell: mpsc::Sender<Mishap>) {
    sleep(FIRST_MISHAP_AFTER).await;
    for cut in [true, false].into_iter().cycle() {
        let what = if cut { "the demo cuts its connection" } else { "the demo stops its pictures" };
        // A screen that lags misses the announcement; the camera's state will tell all the same.
        let _ = tell.try_send(Mishap { camera: camera.clone(), what });
        let done = if cut { control.set_fault(&camera, Some(Fault::Reset(1))) } else { control.pause(&camera) };
        let gone = control.wait_until(&camera, |counts| counts.playing == 0);
        let _ = timeout(MISHAP_DEADLINE, gone).await; // it ends either way
        let undone = if cut { control.set_fault(&camera, None) } else { control.resume(&camera) };
        if let Err(error) = done.and(undone) {
            tracing::error!(%error, "nothing can happen to this camera");
            return;
        }
        sleep(MISHAP_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_camera_has_a_name_and_a_place_in_the_clip_of_its_own() {
        let clip = Arc::new(Clip::synthetic(64, 64, 10, 2, 10).expect("the encoder takes this"));
        let mounts = mounts(&clip, 10);
        assert_eq!((&*mounts[0].name, &*mounts[9].name), ("front-door", "camera-10"));
        for (i, mount) in mounts.iter().enumerate() {
            assert_eq!(mount.start_at, Duration::from_millis(200) * i as u32);
            assert!(mounts[..i].iter().all(|other| other.name != mount.name));
        }
    }
}
