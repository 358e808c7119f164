use std::{sync::Arc, thread, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::{
    runtime::Builder,
    sync::{Semaphore, oneshot},
    task::LocalSet,
};

use crate::{
    camera::{self, Fault, Findings},
    detect,
    http::{Look, Probe, Unseen},
    roster::{Refusal, Roster},
    settings::Camera,
};

/// Looks at cameras that are not watched yet, each on a thread of its own: what a stranger's camera does must not hang
/// anything else.
pub(super) struct Prober {
    pub(super) roster: Arc<Mutex<Roster>>,
    pub(super) at_once: Arc<Semaphore>,
}

impl Prober {
    /// So many at once; each may hold a decoder.
    pub(super) const AT_ONCE: usize = 2;
    const WATCHED: Duration = Duration::from_secs(3);
    const QUALITY: u8 = 85;

    fn see(camera: Camera) -> Result<Look, Unseen> {
        let internal = |error: &dyn std::fmt::Display| Fault::Panicked(error.to_string());
        let runtime = Builder::new_current_thread().enable_all().build();
        let seen = runtime.map_err(|error| internal(&error)).and_then(|runtime| {
            LocalSet::new().block_on(&runtime, camera::probe(camera, Self::WATCHED)).and_then(|findings| {
                let picture = findings.picture(Self::WATCHED)?;
                let jpeg = detect::jpeg(picture, &[], false, Self::QUALITY).map_err(|error| internal(&error))?;
                Ok(told(&findings, &jpeg))
            })
        });
        seen.map_err(|fault| Unseen::Fault { code: fault.reason(), message: fault.message() })
    }
}

impl Probe for Prober {
    fn probe(self: Arc<Self>, written: Value) -> BoxFuture<'static, Result<Look, Unseen>> {
        async move {
            let camera = self.roster.lock().look_at(written)?;
            let full = |_| Refusal::NotNow(format!("{} cameras are being probed already", Self::AT_ONCE));
            let turn = Arc::clone(&self.at_once).try_acquire_owned().map_err(full)?;
            let (answer, answered) = oneshot::channel();
            let probing = thread::Builder::new().name("probe".into()).spawn(move || {
                let _ = answer.send(Self::see(camera)); // nobody waits for it any more
                drop(turn);
            });
            probing.map_err(|error| Refusal::NotNow(format!("no thread for it: {error}")))?;
            answered.await.unwrap_or_else(|_| Err(Refusal::NotNow("it was cut short".into()).into()))
        }
        .boxed()
    }
}

fn told(findings: &Findings, jpeg: &[u8]) -> Look {
    let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f32());
    let video = findings.video.as_ref();
    Look {
        codec: video.map(|video| video.codec.clone()),
        width: video.map(|video| video.width),
        height: video.map(|video| video.height),
        fps: findings.meter.fps(),
        bitrate: findings.meter.bitrate(),
        key_frame_interval_s: seconds(findings.meter.key_frame_interval()),
        sound: findings.sound.clone(),
        b_frames: findings.out_of_order,
        first_key_frame_s: seconds(findings.first_key_frame_after),
        jpeg: STANDARD.encode(jpeg),
    }
}
