use std::sync::Arc;

use retina::{
    client::{Described, Session, SetupOptions, Stream},
    codec::{AudioFrame, ParametersRef},
};

use super::{Fault, short, step};
use crate::{
    camera::Heard,
    media::{Sound, SoundFormat},
    settings,
    status::{LeftOut, SoundFacts},
    words::Moment,
};

/// The sound beside the pictures, as far as it is taken along.
pub(super) struct SoundStream {
    stream: usize,
    format: Arc<SoundFormat>,
    /// What came since the last picture.
    waiting: Vec<Sound>,
}

/// Sets up the sound that can be passed on as it is: AAC, in MPEG-4's generic payload (RFC 3640). Without sound a camera is
/// as good: a refusal is no fault of its life. `silent` says why it is not asked for.
pub(super) async fn set_up_sound(
    camera: &settings::Camera,
    silent: Option<LeftOut>,
    session: &mut Session<Described>,
    setup: SetupOptions,
) -> Result<(Option<Heard>, Option<SoundStream>), Fault> {
    let is_aac = |stream: &Stream| stream.encoding_name() == "mpeg4-generic";
    let offered = || session.streams().iter().enumerate().filter(|(_, s)| s.media() == "audio");
    let Some((stream, chosen)) = offered().find(|(_, s)| is_aac(s)).or_else(|| offered().next()) else {
        return Ok((None, None));
    };
    let mut facts = SoundFacts { codec: codec(chosen), sample_rate: chosen.clock_rate_hz(), left_out: None };
    let silent = if !is_aac(chosen) {
        Some(LeftOut::Codec)
    } else if silent.is_some() {
        silent
    } else {
        match step("SETUP of the sound", camera.connect_timeout, session.setup(stream, setup)).await {
            Ok(()) => None,
            Err(fault @ Fault::Answered { .. }) => {
                tracing::debug!(camera = %camera.id, reason = %fault.message(), "no sound");
                Some(LeftOut::Refused)
            }
            Err(fault) => return Err(fault),
        }
    };
    let parameters = || match session.streams()[stream].parameters() {
        Some(ParametersRef::Audio(parameters)) => Ok(SoundFormat {
            config: parameters.extra_data().to_vec().into(),
            sample_rate: parameters.clock_rate(),
            channels: parameters.channels().get(),
        }),
        _ => Err(LeftOut::Parameters),
    };
    let (format, sound) = match silent.map_or_else(parameters, Err) {
        Ok(format) => {
            let format = Arc::new(format);
            (Some(Arc::clone(&format)), Some(SoundStream { stream, format, waiting: Vec::new() }))
        }
        Err(why) => {
            facts.left_out = Some(why);
            (None, None)
        }
    };
    Ok((Some(Heard { facts, format }), sound))
}

/// As people call it. What a camera says of itself is cut.
fn codec(stream: &Stream) -> String {
    match stream.encoding_name() {
        "mpeg4-generic" => "AAC".into(),
        other => short(other).to_uppercase(),
    }
}

impl SoundStream {
    /// Frames of sound between two pictures; more are dropped. About a second and a half at 48 kHz.
    const MAX_WAITING: usize = 64;

    pub(super) fn take_in(&mut self, frame: &AudioFrame) {
        if frame.stream_id() == self.stream && self.waiting.len() < Self::MAX_WAITING {
            let timestamp = (frame.timestamp().elapsed_secs() * 90_000.0) as i64;
            let (data, format) = (frame.data().to_vec().into(), Arc::clone(&self.format));
            self.waiting.push(Sound { data, timestamp, received: Moment::now(), format });
        }
    }

    pub(super) fn take(&mut self) -> Vec<Sound> {
        std::mem::take(&mut self.waiting)
    }
}
