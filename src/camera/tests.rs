mod bursts;

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix::{Actor, Addr};
use bytes::Bytes;
use futures::{FutureExt, future::LocalBoxFuture};
use openh264::{
    encoder::{Encoder, EncoderConfig, FrameType, IntraFramePeriod},
    formats::YUVBuffer,
};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::{
    life::{Life, Output},
    *,
};
use crate::{
    media::{AccessUnit, BurstFrame, BurstOrder, Frame, Latest, SoundFormat},
    settings,
    status::{CameraCell, LeftOut, SkipReason, SoundFacts},
    testing::soon,
    words::{EventId, Moment},
};

/// A camera that does as it is told: yields the units, then `last` (or stays silent).
struct Scripted {
    units: VecDeque<AccessUnit>,
    last: Option<Fault>,
    /// Units handed out before the reader has to come back: one at a time is a camera that is read as it sends.
    one_at_a_time: bool,
    rested: bool,
}

impl Source for Scripted {
    fn poll_unit(&mut self, context: &mut Context<'_>) -> Poll<Result<AccessUnit, Fault>> {
        if self.one_at_a_time && !self.rested {
            self.rested = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.rested = false;
        match (self.units.pop_front(), &self.last) {
            (Some(unit), _) => Poll::Ready(Ok(unit)),
            (None, Some(fault)) => Poll::Ready(Err(fault.clone())),
            (None, None) => Poll::Pending,
        }
    }

    fn video(&self) -> Result<Option<Video>, Fault> {
        Ok(Some(video()))
    }

    fn close(self: Box<Self>) -> LocalBoxFuture<'static, ()> {
        async {}.boxed_local()
    }
}

/// A camera that sends at a pace of its own, whatever the reader does; then it falls silent.
struct Sending(mpsc::Receiver<AccessUnit>);

impl Source for Sending {
    fn poll_unit(&mut self, context: &mut Context<'_>) -> Poll<Result<AccessUnit, Fault>> {
        match self.0.poll_recv(context) {
            Poll::Ready(Some(unit)) => Poll::Ready(Ok(unit)),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn video(&self) -> Result<Option<Video>, Fault> {
        Ok(Some(video()))
    }

    fn close(self: Box<Self>) -> LocalBoxFuture<'static, ()> {
        async {}.boxed_local()
    }
}

fn video() -> Video {
    Video { codec: "avc1.42C01F".into(), width: 64, height: 48, reorder: Some(0) }
}

/// Encodes `count` frames of a moving ramp, 10 per second, a key frame every `gop`.
fn encode(count: usize, gop: u32, began: Moment) -> Vec<AccessUnit> {
    let config = EncoderConfig::new().intra_frame_period(IntraFramePeriod::from_num_frames(gop));
    let mut encoder = Encoder::with_api_config(openh264::OpenH264API::from_source(), config).expect("an encoder");
    (0..count)
        .map(|i| {
            let planes: Vec<u8> = (0..64 * 48 * 3 / 2).map(|p| ((p * 3 + i * 5) % 200) as u8).collect();
            let stream = encoder.encode(&YUVBuffer::from_vec(planes, 64, 48)).expect("it can be encoded");
            let key = matches!(stream.frame_type(), FrameType::IDR);
            AccessUnit {
                data: Bytes::from(stream.to_vec()),
                timestamp: i as i64 * 9000,
                received: began.after(Duration::from_millis(i as u64 * 100)),
                key,
                disposable: false,
                lost_packets: 0,
            }
        })
        .collect()
}

struct Stage {
    cell: Arc<CameraCell>,
    life: Option<Life>,
    tickets: Arc<Mutex<Vec<u64>>>,
    orders: Arc<Latest<BurstOrder>>,
    began: Moment,
}

fn camera() -> settings::Camera {
    settings::camera_at("rtsp://127.0.0.1/x", None, None, settings::Transport::Tcp).expect("a URL")
}

/// A new life on the same cell and with the same settings.
fn restaged(stage: &Stage) -> Life {
    let output = Output {
        slot: Arc::default(),
        ticket: Box::new(|slot| drop(slot.take())),
        first_picture: Box::new(|_| {}),
        orders: Arc::default(),
    };
    Life::new(Arc::new(camera()), Arc::clone(&stage.cell), stage.cell.begin_life(), output)
}

/// A life whose frames are taken at once, and noted by when they were captured.
fn stage(every: Duration) -> Stage {
    stage_with(every, Arc::default())
}

/// The same, that finds `orders`.
fn stage_with(every: Duration, orders: Arc<Latest<BurstOrder>>) -> Stage {
    stage_where(every, orders, || {})
}

/// The same, where `meanwhile` happens while a frame is worked on: the life is not back from it yet.
fn stage_where(every: Duration, orders: Arc<Latest<BurstOrder>>, mut meanwhile: impl FnMut() + 'static) -> Stage {
    let camera = settings::Camera { every, stall_timeout: Duration::from_secs(5), ..camera() };
    let cell = Arc::new(CameraCell::new(camera.id.clone(), camera.name.clone(), camera.url.to_string()));
    let generation = cell.begin_life();
    let tickets = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&tickets);
    let output = Output {
        slot: Arc::default(),
        ticket: Box::new(move |slot: &Arc<Latest<Frame>>| {
            noted
                .lock()
                .push(slot.take().expect("a frame with its ticket").origin.captured.wall.as_millisecond() as u64);
            meanwhile();
        }),
        first_picture: Box::new(|_| {}),
        orders: Arc::clone(&orders),
    };
    let life = Life::new(Arc::new(camera), Arc::clone(&cell), generation, output);
    Stage { cell, life: Some(life), tickets, orders, began: Moment::now() }
}

fn skipped(cell: &CameraCell) -> u64 {
    SkipReason::ALL.iter().map(|reason| cell.frames.skipped(*reason).get()).sum()
}

/// Plays the units to the life, and drops it, which closes its account.
async fn play(stage: &mut Stage, units: Vec<AccessUnit>, one_at_a_time: bool) -> Fault {
    let mut source = Scripted { units: units.into(), last: Some(Fault::Ended), one_at_a_time, rested: false };
    watch(stage, &mut source).await
}

/// Lives on the source, and drops the life, which closes its account.
async fn watch(stage: &mut Stage, source: &mut dyn Source) -> Fault {
    let mut life = stage.life.take().expect("not taken yet");
    life.run(source).await
}

fn assert_accounted(cell: &CameraCell, units: u64) {
    let frames = &cell.frames;
    assert_eq!(frames.received.get(), units);
    assert_eq!(frames.received.get(), frames.decoded.get() + skipped(cell) + frames.failed.get(), "{frames:?}");
}

#[tokio::test]
async fn invariant_4_every_unit_is_accounted_for_while_everything_is_decoded() {
    let mut stage = stage(Duration::from_millis(100));
    let units = encode(60, 20, stage.began);
    assert_eq!(play(&mut stage, units, true).await, Fault::Ended);
    assert_accounted(&stage.cell, 60);
    assert_eq!(stage.cell.frames.decoded.get(), 60);
    assert!(stage.cell.frames.published.get() >= 55, "ten samples a second of ten frames a second");
}

#[tokio::test]
async fn key_frames_alone_are_decoded_and_kept_compressed() {
    let mut stage = stage(Duration::from_secs(2));
    let units = encode(60, 10, stage.began);
    play(&mut stage, units, true).await;
    assert_accounted(&stage.cell, 60);
    assert_eq!(stage.cell.frames.decoded.get(), 3, "at 0, 2 and 4 s: {:?}", stage.cell.frames);
}

#[tokio::test(start_paused = true)]
async fn invariant_3_a_camera_that_lags_jumps_to_the_newest_key_frame() {
    let began = Moment::now();
    let mut units = encode(86, 20, began).into_iter();
    let (camera, sent) = mpsc::channel(86);
    let mut send = move |n| units.by_ref().take(n).for_each(|unit| camera.try_send(unit).expect("there is room"));
    send(1);
    // The work on frame 0 is so slow that the camera sends 45 more meanwhile, that on the next one 40 more.
    let mut slow = VecDeque::from([45, 40]);
    let meanwhile = move || slow.pop_front().into_iter().for_each(&mut send);
    let mut stage = stage_where(Duration::from_millis(100), Arc::default(), meanwhile);
    let fault = watch(&mut stage, &mut Sending(sent)).await;
    assert_eq!(fault, Fault::Stalled(Duration::from_secs(5)), "when all is done");

    // Key frames are 0, 20, 40, 60 and 80; each time the newest that was sent is next, and from the last one on nothing
    // is passed over.
    let began = began.wall.as_millisecond() as u64;
    let published: Vec<u64> = stage.tickets.lock().iter().map(|at| at - began).collect();
    assert_eq!(published, [0, 4000, 8000, 8100, 8200, 8300, 8400, 8500]);
    assert_eq!(stage.cell.frames.skipped(SkipReason::Lagging).get(), 39 + 39, "1 to 39 and 41 to 79");
    assert_eq!(stage.cell.frames.decoded.get(), 8);
    assert_accounted(&stage.cell, 86);
}

#[tokio::test]
async fn invariant_5_nothing_is_published_between_a_damaged_unit_and_the_next_key_frame() {
    let mut stage = stage(Duration::from_millis(100));
    let mut units = encode(60, 20, stage.began);
    let intact_header = units[25].data.slice(..6);
    units[25].data = [&intact_header[..], &[0x5a; 200]].concat().into();
    let gap = units[25].received.wall.as_millisecond() as u64..units[40].received.wall.as_millisecond() as u64;
    play(&mut stage, units, true).await;
    assert_accounted(&stage.cell, 60);
    assert_eq!(stage.cell.frames.failed.get(), 1);
    let tickets = stage.tickets.lock();
    assert!(tickets.iter().all(|captured| !gap.contains(captured)), "{gap:?} {tickets:?}");
    assert!(tickets.iter().any(|captured| *captured >= gap.end), "and it went on from the key frame");
}

#[tokio::test]
async fn key_frames_that_do_not_decode_end_the_life_by_name() {
    let mut stage = stage(Duration::from_secs(1));
    let mut units = encode(60, 10, stage.began);
    for unit in &mut units {
        unit.data = Bytes::from_static(&[0, 0, 0, 1, 0x65, 0x5a, 0x5a, 0x5a, 0x5a]);
    }
    assert!(matches!(play(&mut stage, units, true).await, Fault::Decode { times: 3, .. }));
    assert_accounted(&stage.cell, stage.cell.frames.received.get());
}

#[tokio::test]
async fn a_stream_without_key_frames_ends_the_life_by_name() {
    let mut stage = stage(Duration::from_secs(1));
    let mut units = encode(1000, 1000, stage.began);
    units.remove(0);
    let Fault::NoKeyFrame { waited, units } = play(&mut stage, units, true).await else { panic!("another fault") };
    assert!(waited > Duration::from_secs(30) && units > 290, "{waited:?} {units}");
}

#[tokio::test]
async fn a_stream_of_which_no_picture_comes_any_more_ends_the_life_by_name() {
    let mut stage = stage(Duration::from_millis(100));
    let mut units = encode(10, 10, stage.began);
    // Delimiters of pictures (H.264, 7.3.2.4) and no pictures between them, for a minute.
    units.extend((10..610).map(|n: u32| AccessUnit {
        data: Bytes::from_static(&[0, 0, 0, 1, 0x09, 0xf0]),
        timestamp: i64::from(n) * 9000,
        received: stage.began.after(Duration::from_millis(u64::from(n) * 100)),
        key: false,
        disposable: false,
        lost_packets: 0,
    }));
    let fault = play(&mut stage, units, true).await;
    assert!(matches!(fault, Fault::NoPicture(waited) if waited > Duration::from_secs(30)), "{fault:?}");
    assert_eq!(stage.cell.frames.published.get(), 10);
}

#[tokio::test]
async fn a_backlog_that_broke_and_gets_no_key_frame_ends_the_life_by_name() {
    let mut stage = stage(Duration::from_millis(100));
    // One key frame, then more than the backlog holds, all at once, and none after.
    let units = encode(1500, 2000, stage.began);
    assert!(matches!(play(&mut stage, units, false).await, Fault::NoKeyFrame { .. }));
    assert_accounted(&stage.cell, stage.cell.frames.received.get());
}

#[tokio::test]
async fn a_camera_with_rare_key_frames_is_decoded_through_from_its_second_life_on() {
    // A key frame a minute, the first at once; the first life waits for the second in vain and leaves word.
    let mut first = stage(Duration::from_secs(1));
    let (units, cell) = (encode(1200, 600, first.began), Arc::clone(&first.cell));
    assert!(matches!(play(&mut first, units.clone(), true).await, Fault::NoKeyFrame { .. }));
    assert!(cell.key_frame_hint() > Some(Duration::from_secs(20)), "{:?}", cell.key_frame_hint());

    let mut second = stage(Duration::from_secs(1));
    second.cell.hint_key_frames(cell.key_frame_hint().expect("the first left word"));
    second.life = Some(restaged(&second));
    assert_eq!(play(&mut second, units, true).await, Fault::Ended);
    assert!(second.cell.frames.published.get() >= 110, "one a second for two minutes: {:?}", second.cell.frames);
}

/// A camera with sound, taken along or not.
struct Sounding(Scripted, Heard);

impl Source for Sounding {
    fn poll_unit(&mut self, context: &mut Context<'_>) -> Poll<Result<AccessUnit, Fault>> {
        self.0.poll_unit(context)
    }

    fn video(&self) -> Result<Option<Video>, Fault> {
        self.0.video()
    }

    fn heard(&self) -> Option<Heard> {
        Some(self.1.clone())
    }

    fn close(self: Box<Self>) -> LocalBoxFuture<'static, ()> {
        async {}.boxed_local()
    }
}

fn sounding(units: Vec<AccessUnit>, last: Fault, left_out: Option<LeftOut>) -> Sounding {
    let format = SoundFormat { config: Bytes::from_static(&[0x15, 0x88]), sample_rate: 8000, channels: 1 };
    let facts = SoundFacts { codec: "AAC".into(), sample_rate: 8000, left_out };
    let heard = Heard { facts, format: left_out.is_none().then(|| Arc::new(format)) };
    Sounding(Scripted { units: units.into(), last: Some(last), one_at_a_time: true, rested: false }, heard)
}

#[tokio::test]
async fn sound_that_cannot_be_read_costs_one_life_and_no_more() {
    let mut stage = stage(Duration::from_secs(1));
    let (units, damage) = (encode(30, 10, stage.began), Fault::Protocol("mark must be set".into()));
    let left_out = |stage: &Stage| stage.cell.stream().and_then(|stream| stream.sound).and_then(|sound| sound.left_out);

    let fault = watch(&mut stage, &mut sounding(units.clone(), damage.clone(), None)).await;
    assert_eq!((fault, left_out(&stage)), (damage.clone(), None));
    assert!(stage.cell.sound_is_suspected(Moment::now()));
    let settings = Arc::new(settings::Camera { sound: true, ..camera() });
    assert!(!actor::to_connect(&settings, &stage.cell).sound, "the next life goes without");

    stage.life = Some(restaged(&stage));
    let without = Some(LeftOut::Settings);
    assert_eq!(watch(&mut stage, &mut sounding(units.clone(), Fault::Ended, without)).await, Fault::Ended);
    assert_eq!(left_out(&stage), Some(LeftOut::Damaged), "and says why");
    assert!(stage.cell.sound_is_suspected(Moment::now()), "those after it, too");
    let tomorrow = Moment::now().after(Duration::from_secs(24 * 3600));
    assert!(!stage.cell.sound_is_suspected(tomorrow), "it may have been the line");

    stage.life = Some(restaged(&stage));
    watch(&mut stage, &mut sounding(units, damage, without)).await;
    assert!(actor::to_connect(&settings, &stage.cell).sound, "it was not the sound");
}

#[tokio::test(start_paused = true)]
async fn invariant_9_silence_ends_the_life_at_its_deadline() {
    let mut stage = stage(Duration::from_secs(1));
    let mut source =
        Scripted { units: encode(5, 5, stage.began).into(), last: None, one_at_a_time: true, rested: false };
    let began = tokio::time::Instant::now();
    assert_eq!(
        stage.life.as_mut().expect("not taken yet").run(&mut source).await,
        Fault::Stalled(Duration::from_secs(5))
    );
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn invariant_8_a_life_of_the_past_publishes_nothing() {
    let mut stage = stage(Duration::from_millis(100));
    let units = encode(20, 10, stage.began);
    stage.cell.begin_life();
    assert!(matches!(play(&mut stage, units, true).await, Fault::Panicked(_)));
    assert_eq!(stage.cell.frames.published.get(), 0);
}
