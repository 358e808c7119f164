//! One camera's stream: which unit comes next, when, and in which packets.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::{
    Clip, Fault, SimulateError, Unit,
    camera::{Camera, Live, Position},
    clip::{CLOCK, duration},
    nal,
    packetize::Packetizer,
    sound::Sound,
};
use crate::words::Moment;

/// Beyond this the stream gives up catching up with its clock, as after a suspended machine.
const MAX_LATE: Duration = Duration::from_secs(1);

/// Time between sender reports.
const REPORT_EVERY: i64 = 5 * CLOCK;

/// What `Fault::SizeChange` changes to.
static OTHER_SIZE: LazyLock<Result<Arc<Clip>, SimulateError>> =
    LazyLock::new(|| Clip::synthetic(320, 240, 15, 2, 15).map(Arc::new));

/// Plays a camera's clip for ever.
pub(super) async fn play(camera: Arc<Camera>) {
    let mut feed = Feed::new(camera.clip(), camera.mount.start_at);
    let mut paused = camera.paused.subscribe();
    let mut begun = Instant::now();
    camera.publish([], feed.position());
    loop {
        if *paused.borrow_and_update() {
            let held = Instant::now();
            if paused.wait_for(|paused| !paused).await.is_err() {
                return;
            }
            begun += held.elapsed();
        }
        let due = begun + duration(feed.due());
        sleep_until(due).await;
        if due.elapsed() > MAX_LATE {
            begun += due.elapsed();
        }
        let live = feed.next(&camera.clip(), camera.fault(), camera.is_watched(), Moment::now());
        camera.publish(live, feed.position());
    }
}

/// The endless stream made of a clip: continuous timestamps and sequence numbers across laps, faults included.
struct Feed {
    clip: Arc<Clip>,
    index: usize,
    /// Stream time at which this lap of the clip began; below 0 if the first lap began in the middle.
    lap: i64,
    /// What RTP timestamps are ahead of stream time.
    offset: u32,
    packetizer: Packetizer,
    units: u64,
    packets: u64,
    report_due: i64,
    sound: Sound,
}

impl Feed {
    fn new(clip: Arc<Clip>, start_at: Duration) -> Self {
        let start = i64::try_from(start_at.as_millis()).unwrap_or(0) * CLOCK / 1000 % clip.duration;
        let index = clip.units.partition_point(|unit| unit.decode_time < start) % clip.units.len();
        Self {
            lap: -clip.units[index].decode_time,
            clip,
            index,
            offset: fastrand::u32(..),
            packetizer: Packetizer::new(fastrand::u32(1..), fastrand::u16(..)),
            units: 0,
            packets: 0,
            report_due: 0,
            sound: Sound::new(),
        }
    }

    fn unit(&self) -> &Unit {
        &self.clip.units[self.index]
    }

    /// When the next unit is to be sent, in ticks since the stream began.
    fn due(&self) -> i64 {
        self.lap + self.unit().decode_time
    }

    fn timestamp(&self, stream_time: i64) -> u32 {
        self.offset.wrapping_add(stream_time as u32)
    }

    fn position(&self) -> Position {
        Position {
            ssrc: self.packetizer.ssrc,
            sequence: self.packetizer.sequence,
            timestamp: self.timestamp(self.due() + self.unit().presentation_offset),
        }
    }

    /// What is sent now; packets are made only if somebody is there to get them.
    fn next(&mut self, clip: &Arc<Clip>, fault: Option<Fault>, watched: bool, now: Moment) -> Vec<Live> {
        self.choose_clip(clip, fault);
        let recurs = |every: u64| self.units > 0 && self.units.is_multiple_of(every.max(1));
        match fault {
            Some(Fault::SequenceJump(n)) if recurs(n) => {
                self.packetizer.sequence = self.packetizer.sequence.wrapping_add(1000);
            }
            Some(Fault::TimestampJump(n)) if recurs(n) => {
                self.offset = self.offset.wrapping_add(3600 * CLOCK as u32);
            }
            Some(Fault::NewSsrc(n)) if recurs(n) => {
                self.packetizer = Packetizer::new(fastrand::u32(1..), fastrand::u16(..));
            }
            _ => {}
        }
        let mut live = Vec::with_capacity(2);
        if let Some(Fault::DamagedSound(n)) = fault {
            let due = self.due();
            live.extend(std::iter::from_fn(|| self.sound.next(due, n)).map(|packets| Live::Sound(Arc::new(packets))));
        }
        let left_out = fault == Some(Fault::NoKeyFrame) && self.unit().key;
        if watched && !left_out {
            if fault == Some(Fault::MarkedDelimiters) {
                live.push(self.delimiter());
            }
            live.push(self.packetize(fault));
            if self.due() >= self.report_due {
                self.report_due = self.due() + REPORT_EVERY;
                live.push(Live::Report(self.packetizer.report(now, self.timestamp(self.due()))));
            }
        }
        self.units += 1;
        self.advance();
        live
    }

    fn packetize(&mut self, fault: Option<Fault>) -> Live {
        let unit = &self.clip.units[self.index];
        let timestamp = self.timestamp(self.due() + unit.presentation_offset);
        let packets = &mut self.packets;
        let is_lost = || {
            *packets += 1;
            matches!(fault, Some(Fault::PacketLoss(n)) if packets.is_multiple_of(n.max(1)))
        };
        let packets = match fault {
            Some(Fault::GarbageNal(n)) if self.units.is_multiple_of(n.max(1)) => {
                let garbage: Vec<Bytes> = self.clip.nals(unit).map(garble).collect();
                self.packetizer.packetize(garbage.iter(), timestamp, is_lost)
            }
            _ => self.packetizer.packetize(self.clip.nals(unit), timestamp, is_lost),
        };
        Live::Unit { packets: Arc::new(packets), key: unit.key }
    }

    fn delimiter(&mut self) -> Live {
        let (delimiter, key) = ([Bytes::from_static(&nal::ANY_DELIMITER)], self.unit().key);
        let timestamp = self.timestamp(self.due() + self.unit().presentation_offset);
        Live::Unit { packets: Arc::new(self.packetizer.packetize(delimiter.iter(), timestamp, || false)), key }
    }

    fn choose_clip(&mut self, clip: &Arc<Clip>, fault: Option<Fault>) {
        let other_size = matches!(fault, Some(Fault::SizeChange(n)) if (self.units / n.max(1)) % 2 == 1);
        let wanted = if other_size { OTHER_SIZE.as_ref().unwrap_or(clip) } else { clip };
        if !Arc::ptr_eq(&self.clip, wanted) {
            self.lap = self.due();
            self.clip = wanted.clone();
            self.index = 0;
        }
    }

    fn advance(&mut self) {
        self.index += 1;
        if self.index == self.clip.units.len() {
            self.index = 0;
            self.lap += self.clip.duration;
        }
    }
}

/// Random bytes behind the header of a slice; other NAL units as they are.
fn garble(nal: &Bytes) -> Bytes {
    if !nal::is_slice(nal) {
        return nal.clone();
    }
    let mut garbage = vec![nal[0]; nal.len()];
    fastrand::fill(&mut garbage[1..]);
    garbage.into()
}
