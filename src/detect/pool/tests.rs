use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use actix::{Context, Recipient};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::{
    detect::{Act, Script, ScriptedDetector},
    media::{Frame, Latest, Origin},
    words::{Generation, Rect},
};

/// Passes answers on to the test.
struct Listener(Sender<Detected>);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<Detected> for Listener {
    type Result = ();

    fn handle(&mut self, answer: Detected, _: &mut Self::Context) {
        self.0.try_send(answer).expect("the test listens");
    }
}

/// A camera's side: publishes frames as the contract says and counts them.
struct Side {
    slot: Arc<Latest<Frame>>,
    reply: Recipient<Detected>,
    answers: Receiver<Detected>,
    published: u64,
    superseded: u64,
}

impl Side {
    fn new() -> Self {
        let (sender, answers) = channel(1000);
        Self { slot: Arc::default(), reply: Listener(sender).start().recipient(), answers, published: 0, superseded: 0 }
    }

    fn publish(&mut self, pool: &Addr<Worker>) {
        self.published += 1;
        let frame = Frame {
            origin: Origin {
                camera: "door".parse().expect("an id"),
                generation: Generation(1),
                sequence: self.published,
                captured: Moment::now(),
            },
            picture: I420::from_packed(2, 2, vec![128; 6]).expect("six bytes"),
            coded: None,
        };
        match self.slot.put(frame) {
            Some(_) => self.superseded += 1,
            None => pool.do_send(FrameReady { slot: Arc::clone(&self.slot), reply: self.reply.clone() }),
        }
    }

    async fn answer(&mut self) -> Detected {
        tokio::time::timeout(Duration::from_secs(20), self.answers.recv())
            .await
            .expect("every frame that is taken is answered")
            .expect("the listener lives")
    }
}

fn pool(workers: usize, script: &Script) -> (Addr<Worker>, Arc<Board>) {
    let board = Arc::new(Board::default());
    let script = script.clone();
    let build = move || Ok(Box::new(ScriptedDetector(script.clone())) as Box<dyn Detector>);
    (start(workers, Arc::clone(&board), build), board)
}

fn person() -> Detection {
    Detection { label: "person".into(), score: 0.9, area: Rect::from_edges(0.1, 0.1, 0.2, 0.4) }
}

#[actix::test]
async fn what_is_seen_is_told_with_the_frame() {
    let script = Script::default();
    script.add(Act::See(vec![person()]));
    let (pool, board) = pool(1, &script);
    let mut camera = Side::new();
    camera.publish(&pool);
    let answer = camera.answer().await;
    assert_eq!(answer.seen, Ok(vec![person()]));
    assert_eq!(answer.frame.origin.sequence, 1);
    let cell = &board.detector;
    assert_eq!((cell.detections.get(), cell.failures.get()), (1, 0));
    assert_eq!((cell.workers.get(), cell.busy.get()), (1, 0));
    assert!(cell.inference.quantiles().is_some());
}

#[actix::test]
async fn invariant_7_more_panics_and_failures_than_threads_cost_one_detection_each() {
    let script = Script::default();
    for _ in 0..5 {
        script.add(Act::Panic);
        script.add(Act::Fail);
    }
    let (pool, board) = pool(2, &script);
    let mut camera = Side::new();
    for i in 0..10 {
        camera.publish(&pool);
        let fault = camera.answer().await.seen.expect_err("on command");
        let wanted = ["the detector panicked: panicked on command", "failed on command"][i % 2];
        assert_eq!(&*fault, wanted);
    }
    // And the pool goes on.
    script.add(Act::See(vec![person()]));
    camera.publish(&pool);
    assert_eq!(camera.answer().await.seen, Ok(vec![person()]));
    let cell = &board.detector;
    assert_eq!((cell.detections.get(), cell.failures.get()), (11, 10));
    assert_eq!(cell.busy.get(), 0);
}

#[actix::test]
async fn invariant_7_every_thread_of_the_pool_is_back_after_its_panic() {
    let board = Arc::new(Board::default());
    let script = Script::default();
    for _ in 0..9 {
        script.add(Act::Panic);
    }
    // After the panics, a picture is done only once three workers look at pictures at the same time.
    let together = Arc::new(std::sync::Barrier::new(3));
    struct Meeting(Arc<std::sync::Barrier>, ScriptedDetector);
    impl Detector for Meeting {
        fn detect(&mut self, picture: &I420) -> Result<Vec<Detection>, DetectError> {
            self.1.detect(picture)?;
            self.0.wait();
            Ok(Vec::new())
        }
    }
    let build = move || {
        let detector = Meeting(Arc::clone(&together), ScriptedDetector(script.clone()));
        Ok(Box::new(detector) as Box<dyn Detector>)
    };
    let pool = start(3, Arc::clone(&board), build);
    let mut cameras = [Side::new(), Side::new(), Side::new()];
    for round in 0..4 {
        for camera in &mut cameras {
            camera.publish(&pool);
        }
        for camera in &mut cameras {
            assert_eq!(camera.answer().await.seen.is_ok(), round == 3);
        }
    }
    assert_eq!(board.detector.workers.get(), 3);
}

#[actix::test]
async fn a_factory_that_panics_costs_one_detection() {
    let calls = AtomicU64::new(0);
    let build = move || {
        assert!(calls.fetch_add(1, Relaxed) > 0, "not yet");
        Ok(Box::new(ScriptedDetector::default()) as Box<dyn Detector>)
    };
    let pool = start(1, Arc::default(), build);
    let mut camera = Side::new();
    camera.publish(&pool);
    let fault = camera.answer().await.seen.expect_err("the first call");
    assert_eq!(&*fault, "the detector panicked: not yet");
    camera.publish(&pool);
    assert_eq!(camera.answer().await.seen, Ok(vec![]));
}

#[actix::test]
async fn invariant_4_published_is_detected_and_superseded_and_in_flight() {
    let script = Script::default();
    for i in 0..40 {
        script.add(match i % 4 {
            0 => Act::Sleep(Duration::from_millis(2)),
            1 => Act::Panic,
            2 => Act::Fail,
            _ => Act::See(vec![person()]),
        });
    }
    let (pool, board) = pool(2, &script);
    let mut camera = Side::new();
    let mut detected = 0;
    for _ in 0..500 {
        camera.publish(&pool);
        tokio::task::yield_now().await;
        while camera.answers.try_recv().is_ok() {
            detected += 1;
        }
    }
    // The last frame is never superseded, so its answer ends the account.
    while detected + camera.superseded < camera.published {
        camera.answer().await;
        detected += 1;
    }
    assert_eq!(camera.published, detected + camera.superseded);
    assert_eq!(board.detector.detections.get(), detected);
    assert!(camera.slot.take().is_none(), "nothing is in flight");
}

#[actix::test]
async fn invariant_2_the_worker_takes_the_newest_frame_and_an_empty_slot_is_no_work() {
    let (pool, board) = pool(1, &Script::default());
    let mut camera = Side::new();
    // The arbiter of this test passes tickets on only once the test waits.
    camera.publish(&pool);
    camera.publish(&pool);
    camera.publish(&pool);
    let empty = FrameReady { slot: Arc::default(), reply: camera.reply.clone() };
    pool.do_send(empty);
    assert_eq!(camera.answer().await.frame.origin.sequence, 3);
    camera.publish(&pool);
    assert_eq!(camera.answer().await.frame.origin.sequence, 4);
    assert_eq!(board.detector.detections.get(), 2);
}
