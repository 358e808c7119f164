use std::{future::poll_fn, sync::Arc, task::Poll};

use tokio::time::timeout;

use super::{DecodeError, Decoder, Fault, Meter, Pacer, Source, Verdict, Video, burst::Bursts, decode_alone};
use crate::{
    media::{AccessUnit, Backlog, BurstOrder, Frame, I420, Latest, Origin},
    settings,
    status::{CameraCell, LeftOut, SkipReason, SoundFacts, StreamFacts},
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
    bursts: Bursts,
    decoder: Option<Decoder>,
    sequence: u64,
    /// Whether a picture has come out yet.
    seen_picture: bool,
    /// Since when a key frame is needed and does not come.
    waiting_since: Option<Moment>,
    /// Units that came while waiting for one.
    waited_units: u64,
    /// Failed attempts to decode since the last picture.
    failures: u32,
    /// Since when the decoder takes everything and shows nothing.
    fruitless_since: Option<Moment>,
    video: Option<Video>,
    sound: Option<SoundFacts>,
    /// Sound is taken along.
    is_heard: bool,
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
    /// Where orders for further frames are put.
    pub(super) orders: Arc<Latest<BurstOrder>>,
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
        output.orders.take(); // for a life of the past
        let (pacer, meter) = (Pacer::new(settings.every), Meter::with_hint(cell.key_frame_hint()));
        Self {
            settings,
            cell,
            generation,
            output,
            backlog: Backlog::default(),
            meter,
            pacer,
            bursts: Bursts::default(),
            decoder: None,
            sequence: 0,
            seen_picture: false,
            waiting_since: Some(Moment::now()),
            waited_units: 0,
            failures: 0,
            fruitless_since: None,
            video: None,
            sound: None,
            is_heard: false,
            in_hand: false,
        }
    }

    /// Lives on `source` until something ends it.
    pub(super) async fn run(&mut self, source: &mut dyn Source) -> Fault {
        match self.work_on(source).await {
            Err(fault) => {
                self.judge_sound(&fault);
                fault
            }
            Ok(never) => match never {},
        }
    }

    /// One packet of sound that cannot be read may end the pictures, too. Whether it did shows in the next life, which goes
    /// without: where that ends likewise, the sound was not to blame.
    fn judge_sound(&self, fault: &Fault) {
        if matches!(fault, Fault::Protocol(_)) && self.counts().is_ok() {
            self.cell.suspect_sound(self.is_heard.then(Moment::now));
        }
    }

    /// Closes the account: what still waits was received and will not be decoded.
    fn close_account(&mut self) {
        let left = std::mem::take(&mut self.backlog).len();
        self.skip(SkipReason::Lagging, left as u64);
        self.cell.frames.failed.add(u64::from(std::mem::take(&mut self.in_hand)));
        if self.cell.generation() == self.generation {
            self.cell.set_waiting_units(0);
            self.cell.feed.interrupt();
        }
    }

    async fn work_on(&mut self, source: &mut dyn Source) -> Result<std::convert::Infallible, Fault> {
        self.counts()?; // it may have hung while it connected
        let patience = self.settings.stall_timeout;
        let (reorder, heard) = (source.video()?.and_then(|video| video.reorder), source.heard());
        self.cell.feed.begin(reorder, heard.as_ref().and_then(|heard| heard.format.clone()));
        self.is_heard = heard.as_ref().is_some_and(|heard| heard.format.is_some());
        self.sound = heard.map(|heard| heard.facts);
        let suspected = self.settings.sound && self.cell.sound_is_suspected(Moment::now());
        if let Some(sound) = self.sound.as_mut().filter(|sound| suspected && sound.left_out == Some(LeftOut::Settings))
        {
            sound.left_out = Some(LeftOut::Damaged);
        }
        loop {
            let next = poll_fn(|context| source.poll_unit(context));
            let unit = timeout(patience, next).await.map_err(|_| Fault::Stalled(patience))??;
            let received = unit.received;
            self.take_in(unit, source)?;
            self.take_in_what_is_there(source).await?;
            self.check_for_key_frames(received)?;
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

    /// Whether this life still counts.
    fn counts(&self) -> Result<(), Fault> {
        match self.cell.generation() == self.generation {
            true => Ok(()),
            false => Err(Fault::Panicked("this life was given up while its thread hung".into())),
        }
    }

    fn take_in(&mut self, unit: AccessUnit, source: &mut dyn Source) -> Result<(), Fault> {
        self.counts()?;
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
        self.cell.feed.push(&unit);
        source.take_sound().into_iter().for_each(|sound| self.cell.feed.push_sound(sound));
        let received = unit.received;
        let given_up = self.backlog.push(unit);
        self.skip(SkipReason::Lagging, given_up);
        if given_up > 0 && self.backlog.is_empty() {
            self.wait_for_key_frame(received);
        }
        Ok(())
    }

    fn work(&mut self, unit: &AccessUnit) -> Result<(), Fault> {
        if let Some(order) = self.output.orders.take() {
            let origin = self.origin(order.around);
            self.bursts.begin(order, unit.received, &self.cell.feed, origin);
        }
        self.pacer.want_every_picture(self.bursts.under_way(unit.received));
        match self.pacer.judge(unit, self.meter.expected_interval(unit.received)) {
            Verdict::Skip(reason) => {
                self.skip(reason, 1);
                if reason == SkipReason::AwaitingKeyFrame {
                    self.wait_for_key_frame(unit.received);
                } else {
                    self.waiting_since = None;
                }
            }
            Verdict::DecodeAlone => match decode_alone(&unit.data) {
                Ok(picture) => {
                    self.cell.frames.decoded.one();
                    self.saw_picture(unit.received);
                    self.publish(unit.received, picture, Some(unit.data.clone()));
                }
                Err(error) => self.failed(error, unit.received)?,
            },
            Verdict::Decode => self.decode(unit)?,
        }
        if !self.pacer.keeps_decoder() {
            (self.decoder, self.fruitless_since) = (None, None);
        }
        Ok(())
    }

    fn decode(&mut self, unit: &AccessUnit) -> Result<(), Fault> {
        let mut decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            None => match Decoder::new() {
                Ok(decoder) => decoder,
                Err(error) => return self.failed(error, unit.received),
            },
        };
        let shown = match decoder.decode(unit) {
            Ok(shown) => shown.map(|shown| {
                let captured = shown.captured;
                let sample = self.pacer.wants(captured).then(|| shown.to_picture());
                (captured, sample, self.bursts.want(captured).then(|| shown.to_picture()))
            }),
            Err(error) => return self.failed(error, unit.received),
        };
        self.decoder = Some(decoder);
        self.cell.frames.decoded.one();
        let Some((captured, sample, further)) = shown else { return self.nothing_came_out(unit.received) };
        self.saw_picture(captured);
        if let Some(picture) = sample {
            self.publish(captured, picture, None);
        }
        if let Some(picture) = further {
            self.bursts.give(&Arc::new(Frame { origin: self.origin(captured), picture, coded: None }));
        }
        Ok(())
    }

    /// Pictures may leave the decoder late, as they refer to later ones, but not for ever.
    fn nothing_came_out(&mut self, now: Moment) -> Result<(), Fault> {
        let since = *self.fruitless_since.get_or_insert(now);
        let waited = now.since(&since);
        if waited <= self.settings.key_frame_timeout {
            return Ok(());
        }
        Err(Fault::NoPicture(waited))
    }

    fn saw_picture(&mut self, at: Moment) {
        if !std::mem::replace(&mut self.seen_picture, true) {
            (self.output.first_picture)(at);
        }
        (self.waiting_since, self.fruitless_since) = (None, None);
        self.failures = 0;
    }

    fn wait_for_key_frame(&mut self, now: Moment) {
        if self.waiting_since.is_none() {
            self.waiting_since = Some(now);
            self.waited_units = 0;
        }
        self.waited_units += 1;
    }

    fn failed(&mut self, error: DecodeError, now: Moment) -> Result<(), Fault> {
        self.wait_for_key_frame(now);
        self.cell.frames.failed.one();
        (self.decoder, self.fruitless_since) = (None, None);
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
        let origin = self.origin(captured);
        self.cell.frames.published.one();
        match self.output.slot.put(Frame { origin, picture, coded }) {
            Some(_older) => self.cell.frames.superseded.one(),
            None => (self.output.ticket)(&self.output.slot),
        }
    }

    fn origin(&self, captured: Moment) -> Origin {
        Origin { camera: self.settings.id.clone(), generation: self.generation, sequence: self.sequence, captured }
    }

    /// A stream that can never be joined must say so, not stay silent for ever.
    fn check_for_key_frames(&self, now: Moment) -> Result<(), Fault> {
        let waited = self.waiting_since.map(|since| now.since(&since)).unwrap_or_default();
        if waited <= self.settings.key_frame_timeout {
            return Ok(());
        }
        // One came, so the next life may begin with one: then it decodes on from there instead of waiting for the next.
        if let Some(interval) = self.meter.since_key_frame(now) {
            self.cell.hint_key_frames(interval);
        }
        Err(Fault::NoKeyFrame { waited, units: self.waited_units })
    }

    fn skip(&self, reason: SkipReason, units: u64) {
        self.cell.frames.skipped(reason).add(units);
    }

    fn publish_facts(&self) {
        if self.cell.generation() != self.generation {
            return;
        }
        self.cell.set_stream(self.video.as_ref().map(|video| StreamFacts {
            codec: video.codec.clone(),
            width: video.width,
            height: video.height,
            fps: self.meter.fps(),
            bitrate: self.meter.bitrate(),
            key_frame_interval_s: self.meter.key_frame_interval().map(|i| i.as_secs_f32()),
            sound: self.sound.clone(),
        }));
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.close_account();
    }
}
