use std::{
    future::poll_fn,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use super::{DecodeError, Fault, Meter, Source, Video, connect_rtsp, decode_alone};
use crate::{
    media::{AccessUnit, I420},
    settings,
    status::SoundFacts,
};

/// What a camera sends, found out by watching it for a while.
pub struct Findings {
    /// What the stream is, where it says.
    pub video: Option<Video>,
    /// What is heard beside the pictures.
    pub sound: Option<SoundFacts>,
    /// From the first packet to PLAY.
    pub described_after: Duration,
    /// To the first access unit.
    pub first_frame_after: Option<Duration>,
    /// To the first key frame.
    pub first_key_frame_after: Option<Duration>,
    /// Rates and intervals.
    pub meter: Meter,
    /// Access units.
    pub units: u64,
    /// Those that no other refers to.
    pub disposable: u64,
    /// Packets known to be lost.
    pub lost_packets: u64,
    /// Presentation times went back: there are B-frames.
    pub out_of_order: bool,
    /// The first key frame that decodes, or why none did.
    pub picture: Option<Result<I420, DecodeError>>,
}

impl Findings {
    /// The picture.
    ///
    /// # Errors
    /// The fault that a camera without one has, after `watched`.
    pub fn picture(&self, watched: Duration) -> Result<&I420, Fault> {
        match &self.picture {
            Some(Ok(picture)) => Ok(picture),
            Some(Err(error)) => Err(Fault::Decode { times: 1, last: error.clone() }),
            None => Err(Fault::NoKeyFrame { waited: watched, units: self.units }),
        }
    }
}

/// Watches a camera for `how_long`, twice that where no key frame has come: without one there is nothing to say.
///
/// # Errors
/// What keeps it from being watched.
pub async fn probe(camera: settings::Camera, how_long: Duration) -> Result<Findings, Fault> {
    let (began, stall) = (Instant::now(), camera.stall_timeout);
    let mut source = connect_rtsp(Arc::new(camera)).await?;
    let mut findings = Findings {
        video: None,
        sound: source.heard().map(|heard| heard.facts),
        described_after: began.elapsed(),
        first_frame_after: None,
        first_key_frame_after: None,
        meter: Meter::default(),
        units: 0,
        disposable: 0,
        lost_packets: 0,
        out_of_order: false,
        picture: None,
    };
    let watched = watch(&mut *source, &mut findings, began, how_long, stall).await;
    source.close().await;
    watched.map(|()| findings)
}

async fn watch(
    source: &mut dyn Source,
    findings: &mut Findings,
    began: Instant,
    how_long: Duration,
    stall: Duration,
) -> Result<(), Fault> {
    let (mut newest, until) = (i64::MIN, Instant::now() + how_long);
    while Instant::now() < until || (findings.picture.is_none() && Instant::now() < until + how_long) {
        let next = poll_fn(|context| source.poll_unit(context));
        let unit: AccessUnit = timeout(stall, next).await.map_err(|_| Fault::Stalled(stall))??;
        findings.first_frame_after.get_or_insert_with(|| began.elapsed());
        findings.units += 1;
        findings.disposable += u64::from(unit.disposable);
        findings.lost_packets += u64::from(unit.lost_packets);
        findings.out_of_order |= unit.timestamp < newest;
        newest = newest.max(unit.timestamp);
        findings.meter.note(&unit);
        findings.video = source.video()?;
        if unit.key && !matches!(findings.picture, Some(Ok(_))) {
            findings.first_key_frame_after.get_or_insert_with(|| began.elapsed());
            findings.picture = Some(decode_alone(&unit.data));
        }
    }
    Ok(())
}
