use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use tokio::time::timeout;

use super::{DecodeError, Decoder, Fault, Meter, Pacer, Source, Verdict, Video, decode_alone};
use crate::{
    media::{AccessUnit, Backlog, Frame, I420, Latest, Origin},
    settings,
    status::{CameraCell, SkipReason, StreamFacts},
    words::{Generation, Moment},
};

/// One life of a camera, from its first access unit to its fault.
///
/// The loop takes in whatever has arrived before it decodes the next unit, so that what waits is visible in the
/// backlog and can be jumped over, instead of growing old in a socket.
pub(super) struct Life {
    settings: Arc<settings::Camera>,
    cell: Arc<CameraCell>,
    generation: Generation,
    output: Output,
    backlog: Backlog,
    meter: Meter,
    pacer: Pacer,
    decoder: Option<Decoder>,
    sequence: u64,
    began: Moment,
    /// The last picture, or the beginning.
    last_picture: Moment,
    units_since_picture: u64,
    /// Failed attempts to decode since the last picture.
    failures: u32,
    video: Option<Video>,
    /// A unit has left the backlog and is not yet accounted for; a panic leaves it so.
    in_hand: bool,
}

/// Sends a ticket for a slot.
pub(super) type Ticket = dyn FnMut(&Arc<Latest<Frame>>);

/// Where frames go.
pub(super) struct Output {
    pub(super) slot: Arc<Latest<Frame>>,
    /// Called when a frame was put into an empty slot.
    pub(super) ticket: Box<Ticket>,
    /// Called at the first picture of the life.
    pub(super) first_picture: Box<dyn FnMut(Moment)>,
}

impl Life {
    /// Key frames that fail in a row before the stream is called undecodable.
    const MAX_FAILURES: u32 = 3;
    /// Units taken in at most before one is worked on: a flood must not starve the decoder.
    const MAX_INTAKE: usize = 64;

    pub(super) fn new(
        settings: Arc<settings::Camera>,
        cell: Arc<CameraCell>,
        generation: Generation,
        output: Output,
    ) -> Self {
        let (pacer, began) = (Pacer::new(settings.every), Moment::now());
        Self {
            settings,
            cell,
            generation,
            output,
            backlog: Backlog::default(),
            meter: Meter::default(),
            pacer,
            decoder: None,
            sequence: 0,
            began,
            last_picture: began,
            units_since_picture: 0,
            failures: 0,
            video: None,
            in_hand: false,
        }
    }

    /// Lives on `source` until something ends it.
    pub(super) async fn run(&mut self, source: &mut dyn Source) -> Fault {
        match self.work_on(source).await {
            Err(fault) => fault,
            Ok(never) => match never {},
        }
    }

    /// Closes the account: what still waits was received and will not be decoded.
    pub(super) fn end(&mut self) {
        let left = std::mem::take(&mut self.backlog).len();
        self.skip(SkipReason::Lagging, left as u64);
        self.cell.frames.failed.add(u64::from(std::mem::take(&mut self.in_hand)));
        self.cell.set_waiting_units(0);
    }

    async fn work_on(&mut self, source: &mut dyn Source) -> Result<std::convert::Infallible, Fault> {
        let patience = self.settings.stall_timeout;
        loop {
            let next = poll_fn(|context| source.poll_unit(context));
            let unit = timeout(patience, next).await.map_err(|_| Fault::Stalled(patience))??;
            self.take_in(unit, source)?;
            self.take_in_what_is_there(source).await?;
            while let Some(unit) = self.backlog.pop() {
                self.in_hand = true;
                let worked = self.work(&unit);
                self.in_hand = false;
                worked?;
                self.check_for_key_frames(unit.received)?;
                // Lets the runtime look at the socket again, then looks for itself.
                tokio::task::yield_now().await;
                self.take_in_what_is_there(source).await?;
            }
        }
    }

    async fn take_in_what_is_there(&mut self, source: &mut dyn Source) -> Result<(), Fault> {
        for _ in 0..Self::MAX_INTAKE {
            let ready = poll_fn(|context| match source.poll_unit(context) {
                Poll::Ready(unit) => Poll::Ready(Some(unit)),
                Poll::Pending => Poll::Ready(None),
            });
            let Some(unit) = ready.await else { break };
            self.take_in(unit?, source)?;
        }
        self.cell.beat();
        self.cell.set_waiting_units(self.backlog.len());
        Ok(())
    }

    fn take_in(&mut self, unit: AccessUnit, source: &dyn Source) -> Result<(), Fault> {
        if self.cell.generation() != self.generation {
            return Err(Fault::Panicked("this life was given up while its thread hung".into()));
        }
        self.cell.frame_arrived(unit.received, unit.data.len());
        self.cell.frames.lost_packets.add(u64::from(unit.lost_packets));
        let measured = self.meter.note(&unit);
        if unit.key || self.video.is_none() {
            let video = source.video()?;
            if video != self.video || measured {
                self.video = video;
                self.publish_facts();
            }
        } else if measured {
            self.publish_facts();
        }
        let given_up = self.backlog.push(unit);
        self.skip(SkipReason::Lagging, given_up.units);
        Ok(())
    }

    fn work(&mut self, unit: &AccessUnit) -> Result<(), Fault> {
        self.units_since_picture += 1;
        match self.pacer.judge(unit, self.meter.expected_interval(unit.received)) {
            Verdict::Skip(reason) => self.skip(reason, 1),
            Verdict::DecodeAlone => match decode_alone(&unit.data) {
                Ok(picture) => {
                    self.cell.frames.decoded.one();
                    self.saw_picture(unit.received);
                    self.publish(unit.received, picture, Some(unit.data.clone()));
                }
                Err(error) => self.failed(error)?,
            },
            Verdict::Decode => self.decode(unit)?,
        }
        if !self.pacer.keeps_decoder() {
            self.decoder = None;
        }
        Ok(())
    }

    fn decode(&mut self, unit: &AccessUnit) -> Result<(), Fault> {
        let mut decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            None => match Decoder::new() {
                Ok(decoder) => decoder,
                Err(error) => return self.failed(error),
            },
        };
        let sample = match decoder.decode(unit) {
            Ok(shown) => shown.map(|s| (s.captured, self.pacer.wants(s.captured).then(|| s.to_picture()))),
            Err(error) => return self.failed(error),
        };
        self.decoder = Some(decoder);
        self.cell.frames.decoded.one();
        if let Some((captured, picture)) = sample {
            self.saw_picture(captured);
            if let Some(picture) = picture {
                self.publish(captured, picture, None);
            }
        }
        Ok(())
    }

    fn saw_picture(&mut self, at: Moment) {
        if self.last_picture == self.began {
            (self.output.first_picture)(at);
        }
        self.last_picture = at;
        self.units_since_picture = 0;
        self.failures = 0;
    }

    fn failed(&mut self, error: DecodeError) -> Result<(), Fault> {
        self.cell.frames.failed.one();
        self.decoder = None;
        self.pacer.broke();
        self.failures += 1;
        tracing::debug!(camera = %self.settings.id, %error, "decoding failed, waiting for the next key frame");
        if self.failures >= Self::MAX_FAILURES {
            return Err(Fault::Decode { times: self.failures, last: error });
        }
        Ok(())
    }

    fn publish(&mut self, captured: Moment, picture: I420, coded: Option<bytes::Bytes>) {
        self.pacer.sampled(captured);
        self.sequence += 1;
        let origin =
            Origin { camera: self.settings.id.clone(), generation: self.generation, sequence: self.sequence, captured };
        self.cell.frames.published.one();
        match self.output.slot.put(Frame { origin, picture, coded }) {
            Some(_older) => self.cell.frames.superseded.one(),
            None => (self.output.ticket)(&self.output.slot),
        }
    }

    /// A stream that can never be joined must say so, not stay silent for ever.
    fn check_for_key_frames(&self, now: Moment) -> Result<(), Fault> {
        let waited = now.since(&self.last_picture);
        // Samples may be rarer than the time-out; then the camera is given two of them.
        let patience = self.settings.key_frame_timeout.max(self.settings.every * 2 + Duration::from_secs(1));
        if waited > patience {
            return Err(Fault::NoKeyFrame { waited, units: self.units_since_picture });
        }
        Ok(())
    }

    fn skip(&self, reason: SkipReason, units: u64) {
        self.cell.frames.skipped(reason).add(units);
    }

    fn publish_facts(&self) {
        self.cell.set_stream(self.video.as_ref().map(|video| StreamFacts {
            codec: video.codec.clone(),
            width: video.width,
            height: video.height,
            fps: self.meter.fps(),
            bitrate: self.meter.bitrate(),
            key_frame_interval_s: self.meter.key_frame_interval().map(|i| i.as_secs_f32()),
        }));
    }
}
