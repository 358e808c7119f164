use std::sync::Arc;

use retina::{
    client::{Described, Session, SetupOptions},
    codec::{AudioFrame, ParametersRef},
};

use super::{Fault, step};
use crate::{
    media::{Sound, SoundFormat},
    settings,
    words::Moment,
};

/// The sound beside the pictures.
pub(super) struct SoundStream {
    pub(super) stream: usize,
    pub(super) format: Arc<SoundFormat>,
    /// What came since the last picture.
    pub(super) waiting: Vec<Sound>,
}

/// Frames of sound between two pictures; more are dropped. About a second and a half at 48 kHz.
const MAX_SOUND: usize = 64;

/// The sound that can be passed on as it is: AAC, in MPEG-4's generic payload (RFC 3640).
pub(super) fn choose_sound(session: &Session<Described>) -> Option<usize> {
    session.streams().iter().position(|s| s.media() == "audio" && s.encoding_name() == "mpeg4-generic")
}

/// Without sound a camera is as good: a refusal is no fault of its life.
pub(super) async fn set_up_sound(
    camera: &settings::Camera,
    session: &mut Session<Described>,
    stream: usize,
    setup: SetupOptions,
) -> Result<Option<SoundStream>, Fault> {
    match step("SETUP of the sound", camera.connect_timeout, session.setup(stream, setup)).await {
        Ok(()) => {}
        Err(fault @ Fault::Answered { .. }) => {
            tracing::info!(camera = %camera.id, reason = %fault.message(), "no sound");
            return Ok(None);
        }
        Err(fault) => return Err(fault),
    }
    let Some(ParametersRef::Audio(parameters)) = session.streams()[stream].parameters() else {
        return Ok(None);
    };
    let format = SoundFormat {
        config: parameters.extra_data().to_vec().into(),
        sample_rate: parameters.clock_rate(),
        channels: parameters.channels().get(),
    };
    Ok(Some(SoundStream { stream, format: Arc::new(format), waiting: Vec::new() }))
}

impl SoundStream {
    pub(super) fn take_in(&mut self, frame: &AudioFrame) {
        if self.waiting.len() < MAX_SOUND {
            let timestamp = (frame.timestamp().elapsed_secs() * 90_000.0) as i64;
            let (data, format) = (frame.data().to_vec().into(), Arc::clone(&self.format));
            self.waiting.push(Sound { data, timestamp, received: Moment::now(), format });
        }
    }
}
