//! Bursts beside the samples.

use super::*;

/// Keeps the bursts that it is given: of each frame its event and when it was captured, in ms from the begin.
struct Album {
    began: Moment,
    frames: Arc<Mutex<Vec<(EventId, u64)>>>,
}

impl Actor for Album {
    type Context = actix::Context<Self>;
}

impl actix::Handler<BurstFrame> for Album {
    type Result = ();

    fn handle(&mut self, BurstFrame { event, frame }: BurstFrame, _: &mut Self::Context) {
        let at = frame.origin.captured.since(&self.began).as_millis() as u64;
        assert_eq!((frame.picture.width(), frame.picture.height()), (64, 48));
        self.frames.lock().push((event, at));
    }
}

struct Opened {
    album: Addr<Album>,
    frames: Arc<Mutex<Vec<(EventId, u64)>>>,
}

impl Opened {
    fn at(began: Moment) -> Self {
        let frames = Arc::default();
        Self { album: Album { began, frames: Arc::clone(&frames) }.start(), frames }
    }

    fn order(&self, event: EventId, frames: u32) -> BurstOrder {
        let around = Moment::now();
        BurstOrder {
            event,
            frames,
            before: 0,
            around,
            every: Duration::from_millis(200),
            reply: self.album.clone().recipient(),
        }
    }

    /// When the frames of an event were captured. What was sent to the album comes before the answer.
    async fn of(&self, event: EventId) -> Vec<u64> {
        self.album.send(BurstFrame { event: EventId::fresh(), frame: Arc::new(blank()) }).await.expect("it lives");
        self.frames.lock().iter().filter(|(of, _)| *of == event).map(|(_, at)| *at).collect()
    }
}

fn blank() -> Frame {
    let origin = crate::media::Origin {
        camera: "door".parse().expect("an id"),
        generation: Default::default(),
        sequence: 0,
        captured: Moment::now(),
    };
    Frame {
        origin,
        picture: crate::media::I420::from_packed(64, 48, vec![0; 64 * 48 * 3 / 2]).expect("planes of this size"),
        coded: None,
    }
}

/// Puts `orders` up at the units of these numbers, and plays; says when samples were taken, in ms from the begin.
async fn play_with_orders(
    stage: &mut Stage,
    units: Vec<AccessUnit>,
    mut orders: VecDeque<(u64, BurstOrder)>,
) -> Vec<u64> {
    let (slot, cell) = (Arc::clone(&stage.orders), Arc::clone(&stage.cell));
    let began = stage.began.wall.as_millisecond() as u64;
    let mut source = Ordering {
        inner: Scripted { units: units.into(), last: Some(Fault::Ended), one_at_a_time: true, rested: false },
        before: Box::new(move || {
            while orders.front().is_some_and(|(at, _)| *at < cell.frames.received.get()) {
                slot.put(orders.pop_front().expect("there is one").1);
            }
        }),
    };
    let mut life = stage.life.take().expect("not taken yet");
    assert_eq!(life.run(&mut source).await, Fault::Ended);
    drop(life);
    stage.tickets.lock().iter().map(|at| at - began).collect()
}

/// A camera beside which something happens before each unit.
struct Ordering {
    inner: Scripted,
    before: Box<dyn FnMut()>,
}

impl Source for Ordering {
    fn poll_unit(&mut self, context: &mut Context<'_>) -> Poll<Result<AccessUnit, Fault>> {
        (self.before)();
        self.inner.poll_unit(context)
    }

    fn video(&self) -> Result<Option<Video>, Fault> {
        self.inner.video()
    }

    fn close(self: Box<Self>) -> LocalBoxFuture<'static, ()> {
        async {}.boxed_local()
    }
}

#[actix::test]
async fn a_burst_is_filled_beside_the_samples_which_keep_their_pace_and_their_accounts() {
    for (every_ms, gop, first) in [(100, 20, 2_500), (1000, 10, 3_000)] {
        // Ten a second; where only key frames are decoded, the next one is at 3 s.
        let mut undisturbed = stage(Duration::from_millis(every_ms));
        let units = encode(80, gop, undisturbed.began);
        let expected = play_with_orders(&mut undisturbed, units, VecDeque::new()).await;

        let mut stage = stage(Duration::from_millis(every_ms));
        let (opened, event) = (Opened::at(stage.began), EventId::fresh());
        let units = encode(80, gop, stage.began);
        let orders = [(25, opened.order(event, 5))].into();
        let samples = play_with_orders(&mut stage, units, orders).await;
        let near = |at: Vec<u64>| at.into_iter().map(|ms| (ms + 50) / 100).collect::<Vec<_>>();
        assert_eq!(near(samples), near(expected), "one sample every {every_ms} ms");
        assert_eq!(opened.of(event).await, (0..5).map(|n| first + n * 200).collect::<Vec<_>>());

        // Invariant 4: burst frames are decoded, and not published.
        assert_accounted(&stage.cell, 80);
        let (frames, before) = (&stage.cell.frames, &undisturbed.cell.frames);
        assert_eq!(frames.published.get(), before.published.get());
        let more = frames.decoded.get() - before.decoded.get();
        assert!(more <= if every_ms == 1000 { 9 } else { 0 }, "{more} more were decoded, for 800 ms");
    }
}

#[actix::test]
async fn several_bursts_are_filled_side_by_side_and_an_old_order_is_not_taken_up() {
    let began = Moment::now();
    let (opened, orders) = (Opened::at(began), Arc::<Latest<BurstOrder>>::default());
    let [one, two, old] = [EventId::fresh(), EventId::fresh(), EventId::fresh()];
    orders.put(opened.order(old, 3));
    let mut stage = Stage { began, ..stage_with(Duration::from_millis(100), orders) };
    let units = encode(60, 20, began);
    let orders = [(20, opened.order(one, 4)), (23, opened.order(two, 3))].into();
    play_with_orders(&mut stage, units, orders).await;
    assert_eq!(opened.of(one).await, [2000, 2200, 2400, 2600]);
    assert_eq!(opened.of(two).await, [2300, 2500, 2700]);
    assert_eq!(opened.of(old).await, [0; 0]);
}

#[actix::test]
async fn invariant_5_a_burst_shows_nothing_between_damage_and_the_next_key_frame_and_is_given_up_in_time() {
    let mut stage = stage(Duration::from_secs(1));
    let (opened, event, late) = (Opened::at(stage.began), EventId::fresh(), EventId::fresh());
    let mut units = encode(200, 10, stage.began);
    units[33].lost_packets = 2;
    // From 9 s on there is no clean key frame for longer than an order may take.
    (90..180).for_each(|n| units[n].lost_packets = u16::from(n % 10 == 0));
    let orders = [(25, opened.order(event, 4)), (85, opened.order(late, 20))].into();
    play_with_orders(&mut stage, units, orders).await;
    assert_eq!(opened.of(event).await, [3000, 3200, 4000, 4200]);
    assert_eq!(opened.of(late).await, [0; 0]);
    assert_accounted(&stage.cell, 200);
}

#[actix::test]
async fn a_burst_has_its_first_half_out_of_the_past_as_far_as_that_is_kept() {
    let mut stage = stage(Duration::from_secs(1));
    stage.cell.feed.keep(Duration::from_secs(3));
    let (opened, began) = (Opened::at(stage.began), stage.began);
    let [usual, early] = [EventId::fresh(), EventId::fresh()];
    let order = |event, around: u64| {
        let around = began.after(Duration::from_millis(around));
        BurstOrder { before: 3, around, ..opened.order(event, 6) }
    };
    // Key frames once a second. At 300 ms little of the past is there: frames that come take its place.
    let orders = [(4, order(early, 300)), (55, order(usual, 5000))].into();
    play_with_orders(&mut stage, encode(90, 10, began), orders).await;
    let six = async |event| loop {
        let mut frames = opened.of(event).await;
        if frames.len() >= 6 {
            frames.sort_unstable();
            return frames;
        }
        tokio::task::yield_now().await; // the past is developed on another thread
    };
    let all = async |event| soon("six frames", six(event)).await;
    assert_eq!(all(usual).await, [4400, 4600, 4800, 6000, 6200, 6400]);
    assert_eq!(all(early).await, [100, 1000, 1200, 1400, 1600, 1800]);
    assert_accounted(&stage.cell, 90);
}
