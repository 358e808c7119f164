use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context as Poller, Poll},
    time::Duration,
};

use actix::{Actor, Addr, Context, Handler};
use actix_rt::{Arbiter, System};
use bytes::Bytes;
use futures::{FutureExt, future::LocalBoxFuture};
use parking_lot::Mutex;

use super::{ApplyCameras, RestartCamera, Shutdown, Supervisor, Terms, Workshop};
use crate::{
    camera::{Connect, Fault, Source, Video},
    events::{CameraForgotten, Record, Secure},
    media::{AccessUnit, BurstFrame, Detected, FrameReady},
    scene::EvidenceRoom,
    settings,
    status::{Board, CameraState},
    testing,
    words::{Backoff, Detection, EventId, Moment, Reason, Rect},
};

/// What a scripted camera does in one life.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Script {
    /// Sends a frame ten times a second.
    Stream,
    /// The same, and panics at the fifth.
    Panic,
    /// Panics while connecting.
    PanicConnecting,
    /// Hangs its thread for as long as the flag is set.
    Hang,
    /// Cannot be connected to.
    Refuse,
}

/// Ten key frames a second of grey.
struct Scripted {
    script: Script,
    sent: usize,
    next: std::pin::Pin<Box<tokio::time::Sleep>>,
    key_frame: Bytes,
    hang: Arc<AtomicUsize>,
}

impl Source for Scripted {
    fn poll_unit(&mut self, poller: &mut Poller<'_>) -> Poll<Result<AccessUnit, Fault>> {
        std::task::ready!(self.next.as_mut().poll(poller));
        self.next = Box::pin(tokio::time::sleep(Duration::from_millis(100)));
        self.sent += 1;
        if self.sent == 5 {
            match self.script {
                Script::Panic => panic!("the script says so"),
                // A thread in a library that never returns; the test lets it go at its end.
                Script::Hang => {
                    while self.hang.load(SeqCst) > 0 {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                }
                _ => {}
            }
        }
        Poll::Ready(Ok(AccessUnit {
            data: self.key_frame.clone(),
            timestamp: self.sent as i64 * 9000,
            received: Moment::now(),
            key: true,
            disposable: false,
            lost_packets: 0,
        }))
    }

    fn video(&self) -> Result<Option<Video>, Fault> {
        Ok(None)
    }

    fn close(self: Box<Self>) -> LocalBoxFuture<'static, ()> {
        async {}.boxed_local()
    }
}

/// Takes tickets; answers them or, as a pool that hangs would, does not.
struct Detectors {
    answers: bool,
    seen: Arc<Mutex<Vec<Detection>>>,
}

impl Actor for Detectors {
    type Context = Context<Self>;
}

impl Handler<FrameReady> for Detectors {
    type Result = ();

    fn handle(&mut self, ticket: FrameReady, _: &mut Self::Context) {
        if let Some(frame) = self.answers.then(|| ticket.slot.take()).flatten() {
            let seen = Ok(self.seen.lock().clone());
            ticket.reply.do_send(Detected { frame: Arc::new(frame), seen, at: Moment::now() });
        }
    }
}

#[derive(Default)]
struct Events(Arc<Mutex<Vec<&'static str>>>);

impl Actor for Events {
    type Context = Context<Self>;
}

impl Handler<Record> for Events {
    type Result = ();

    fn handle(&mut self, Record { event, .. }: Record, _: &mut Self::Context) {
        self.0.lock().push(event.kind.as_str());
    }
}

impl Handler<CameraForgotten> for Events {
    type Result = ();

    fn handle(&mut self, CameraForgotten(_): CameraForgotten, _: &mut Self::Context) {
        self.0.lock().push("forgotten");
    }
}

/// Keeps what scenes and cameras give to the room of pictures.
#[derive(Default)]
struct Album {
    secured: Arc<Mutex<Vec<Secure>>>,
    bursts: Arc<Mutex<Vec<(EventId, Moment)>>>,
}

impl Actor for Album {
    type Context = Context<Self>;
}

impl Handler<Secure> for Album {
    type Result = ();

    fn handle(&mut self, secure: Secure, _: &mut Self::Context) {
        self.secured.lock().push(secure);
    }
}

impl Handler<BurstFrame> for Album {
    type Result = ();

    fn handle(&mut self, BurstFrame { event, frame }: BurstFrame, _: &mut Self::Context) {
        self.bursts.lock().push((event, frame.origin.captured));
    }
}

struct House {
    seen: Arc<Mutex<Vec<Detection>>>,
    secured: Arc<Mutex<Vec<Secure>>>,
    bursts: Arc<Mutex<Vec<(EventId, Moment)>>>,
    /// The kinds of events, and `forgotten` for each camera that is.
    told: Arc<Mutex<Vec<&'static str>>>,
    board: Arc<Board>,
    supervisor: Addr<Supervisor>,
    hang: Arc<AtomicUsize>,
    cameras: Vec<settings::Camera>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.hang.store(0, SeqCst);
    }
}

/// Cameras by name, each with the scripts of its lives; the last one is repeated.
fn house(scripts: &[(&str, &[Script])], answers: bool, hang_timeout: Duration, max_retries: u32) -> House {
    let planes = openh264::formats::YUVBuffer::from_vec(vec![128; 64 * 48 * 3 / 2], 64, 48);
    let key_frame = Bytes::from(
        openh264::encoder::Encoder::new().expect("an encoder").encode(&planes).expect("it can be encoded").to_vec(),
    );
    let hang = Arc::new(AtomicUsize::new(1));
    let queues: std::collections::BTreeMap<String, Mutex<VecDeque<Script>>> =
        scripts.iter().map(|(name, s)| ((*name).to_owned(), Mutex::new(s.iter().copied().collect()))).collect();
    let held = Arc::clone(&hang);
    let connect: Connect = Arc::new(move |camera| {
        let mut queue = queues[camera.id.as_str()].lock();
        let script = if queue.len() > 1 { queue.pop_front().expect("more than one") } else { queue[0] };
        let (key_frame, hang) = (key_frame.clone(), Arc::clone(&held));
        async move {
            match script {
                Script::Refuse => Err(Fault::Refused),
                Script::PanicConnecting => panic!("the script says so"),
                _ => {
                    let next = Box::pin(tokio::time::sleep(Duration::ZERO));
                    Ok(Box::new(Scripted { script, sent: 0, next, key_frame, hang }) as Box<dyn Source>)
                }
            }
        }
        .boxed_local()
    });
    let board = Arc::new(Board::default());
    let seen = Arc::<Mutex<Vec<Detection>>>::default();
    let album = Album::default();
    let (secured, bursts) = (Arc::clone(&album.secured), Arc::clone(&album.bursts));
    let album = album.start();
    let evidence =
        EvidenceRoom { keep: album.clone().recipient(), bursts: album.recipient(), hold: Duration::from_secs(10) };
    let backoff = Backoff { floor: Duration::from_millis(1), ceiling: Duration::from_millis(20) };
    let told = Arc::<Mutex<Vec<&'static str>>>::default();
    let outbox = Events(Arc::clone(&told)).start();
    let supervisor = Supervisor::new(Workshop {
        connect,
        detectors: Detectors { answers, seen: Arc::clone(&seen) }.start().recipient(),
        outbox: outbox.clone().recipient(),
        forgotten: outbox.recipient(),
        evidence: Some(evidence),
        scenes: Arbiter::new().handle(),
        board: Arc::clone(&board),
        unfinished: Default::default(),
        terms: Terms { backoff, ..Terms::default() },
        hang_timeout,
    })
    .start();
    let camera = |(name, _): &(&str, &[Script])| {
        let camera = settings::camera_at("rtsp://127.0.0.1/x", None, None, settings::Transport::Tcp).expect("a URL");
        settings::Camera { id: name.parse().expect("an id"), every: Duration::from_millis(50), max_retries, ..camera }
    };
    let cameras: Vec<_> = scripts.iter().map(camera).collect();
    supervisor.do_send(ApplyCameras(cameras.clone()));
    House { seen, secured, bursts, told, board, supervisor, hang, cameras }
}

impl House {
    async fn until(&self, what: &str, holds: impl Fn(&Board) -> bool) {
        let cameras = || self.board.cameras();
        let states = || cameras().iter().map(|c| (c.id.clone(), c.state(), c.lives.get())).collect::<Vec<_>>();
        testing::come(|| format!("{what}: {:?}", states()), || holds(&self.board).then_some(())).await;
    }
}

fn run(test: impl Future<Output = ()>) {
    System::new().block_on(test);
}

fn detected(board: &Board, id: &str) -> u64 {
    board.camera(id).map_or(0, |c| c.frames.detected.get())
}

#[test]
fn invariant_7_a_panic_in_a_camera_costs_one_life_and_nobody_else_a_frame() {
    run(async {
        use Script::{Panic, PanicConnecting, Stream};
        let scripts: [(&str, &[Script]); 2] = [("bad", &[Panic, PanicConnecting, Panic, Stream]), ("good", &[Stream])];
        let house = house(&scripts, true, Duration::from_secs(20), 0);
        house
            .until("fourth life that streams", |b| {
                b.camera("bad").is_some_and(|c| c.lives.get() == 4) && detected(b, "bad") > 15
            })
            .await;
        let (bad, good) =
            (house.board.camera("bad").expect("it is watched"), house.board.camera("good").expect("it is watched"));
        assert_eq!(bad.faults_by(Reason::Panicked).get(), 3);
        assert_eq!(bad.state().state, CameraState::Streaming);
        assert_eq!((good.lives.get(), good.frames.failed.get()), (1, 0));
        assert!(good.frames.detected.get() >= 15);
    });
}

#[test]
fn invariant_7_a_thread_that_hangs_is_left_behind_and_replaced() {
    run(async {
        let house = house(&[("hung", &[Script::Hang, Script::Stream])], true, Duration::from_secs(3), 0);
        house
            .until("second life that streams", |b| {
                b.camera("hung").is_some_and(|c| c.lives.get() == 2) && detected(b, "hung") > 10
            })
            .await;
        let cell = house.board.camera("hung").expect("it is watched");
        assert_eq!((cell.abandoned.get(), cell.faults_by(Reason::Panicked).get()), (1, 1));
        // Invariant 8: when the old thread wakes, it counts no more.
        house.hang.store(0, SeqCst);
        let before = cell.frames.detected.get();
        house.until("more samples of the new life", |b| detected(b, "hung") > before + 10).await;
        assert_eq!((cell.lives.get(), cell.state().state), (2, CameraState::Streaming));
    });
}

#[test]
fn where_too_many_threads_hang_none_is_begun_by_whatever_order() {
    run(async {
        let house = house(&[("hung", &[Script::Hang])], true, Duration::from_secs(1), 0);
        let failed = |b: &Board| b.camera("hung").is_some_and(|c| c.state().state == CameraState::Failed);
        house.until("given up", failed).await;
        let (cell, on) = (house.board.camera("hung").expect("it is watched"), house.cameras[0].clone());
        assert_eq!(cell.lives.get(), 5);
        let off = settings::Camera { enabled: false, ..on.clone() };
        house.supervisor.send(RestartCamera(on.id.clone())).await.expect("it lives");
        house.until("no life", failed).await;
        house.supervisor.send(ApplyCameras(vec![off])).await.expect("it lives");
        house.until("rest", |_| cell.state().state == CameraState::Stopped).await;
        house.supervisor.send(ApplyCameras(vec![on.clone()])).await.expect("it lives");
        house.until("no life", failed).await;
        assert_eq!(cell.lives.get(), 5);
        let why = cell.state().reason.expect("it says why").message;
        assert!(why.contains("5 of its threads hang"), "{why}");
        // When they are back there is room again.
        house.hang.store(0, SeqCst);
        while cell.lives.get() == 5 {
            house.supervisor.send(RestartCamera(on.id.clone())).await.expect("it lives");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        house.until("a life", |_| cell.state().state == CameraState::Streaming).await;
    });
}

#[test]
fn after_max_retries_a_camera_has_failed_and_stays_so() {
    run(async {
        let house = house(&[("dead", &[Script::Refuse])], true, Duration::from_secs(20), 3);
        house.until("failure", |b| b.camera("dead").is_some_and(|c| c.state().state == CameraState::Failed)).await;
        let cell = house.board.camera("dead").expect("it is watched");
        assert_eq!(cell.lives.get(), 4, "the first and three retries");
        assert_eq!(cell.state().reason.map(|r| r.code), Some(Reason::Refused));
        assert_eq!(cell.state().next_attempt_at, None);
        // Changed settings are a new chance.
        let changed = settings::Camera { max_retries: 1, ..house.cameras[0].clone() };
        house.supervisor.do_send(ApplyCameras(vec![changed]));
        house.until("two more lives", |_| cell.lives.get() == 6 && cell.state().state == CameraState::Failed).await;
    });
}

#[test]
fn what_earlier_lives_found_is_asked_anew_when_somebody_wants_it() {
    run(async {
        let house = house(&[("door", &[Script::Stream])], true, Duration::from_secs(20), 0);
        house.until("a life", |b| b.camera("door").is_some_and(|c| c.state().state == CameraState::Streaming)).await;
        let cell = house.board.camera("door").expect("it is watched");
        let suspect = || cell.suspect_sound(Some(Moment::now()));
        suspect();
        house.supervisor.send(RestartCamera(house.cameras[0].id.clone())).await.expect("it lives");
        assert!(!cell.sound_is_suspected(Moment::now()), "restarted by hand");
        suspect();
        let url = "rtsp://127.0.0.1/another".parse().expect("a URL");
        let other = settings::Camera { url, ..house.cameras[0].clone() };
        house.supervisor.send(ApplyCameras(vec![other])).await.expect("it lives");
        assert!(!cell.sound_is_suspected(Moment::now()), "another address");
    });
}

#[test]
fn a_camera_that_is_removed_is_forgotten_and_one_that_is_stopped_is_not() {
    run(async {
        let house = house(&[("door", &[Script::Stream])], true, Duration::from_secs(20), 0);
        house.until("a life", |b| b.camera("door").is_some_and(|c| c.state().state == CameraState::Streaming)).await;
        let off = settings::Camera { enabled: false, ..house.cameras[0].clone() };
        house.supervisor.send(ApplyCameras(vec![off])).await.expect("it lives");
        house.until("rest", |b| b.camera("door").is_some_and(|c| c.state().state == CameraState::Stopped)).await;
        let forgotten = || house.told.lock().iter().filter(|told| **told == "forgotten").count();
        assert_eq!(forgotten(), 0);
        house.supervisor.send(ApplyCameras(Vec::new())).await.expect("it lives");
        house.until("its end", |b| b.camera("door").is_none() && forgotten() == 1).await;
    });
}

#[test]
fn invariant_1_and_2_a_camera_does_not_wait_for_detectors_that_hang() {
    run(async {
        let house = house(&[("door", &[Script::Stream])], false, Duration::from_secs(20), 0);
        house.until("thirty frames", |b| b.camera("door").is_some_and(|c| c.frames.received.get() >= 30)).await;
        let cell = house.board.camera("door").expect("it is watched");
        let frames = &cell.frames;
        assert!(frames.published.get() >= 25, "it went on: {frames:?}");
        // The two are not read at one moment; that they come to differ by one is what counts.
        house.until("one frame that waits", |_| frames.published.get() == frames.superseded.get() + 1).await;
        assert_eq!(frames.skipped(crate::status::SkipReason::Lagging).get(), 0);
    });
}

#[test]
fn what_a_scene_orders_is_filled_by_whichever_life_there_is() {
    run(async {
        let house = house(&[("door", &[Script::Panic, Script::Stream])], true, Duration::from_secs(20), 0);
        let mut changed = house.cameras[0].clone();
        changed.evidence = settings::Evidence { frames: 4, every: Duration::from_millis(200) };
        changed.visits = settings::VisitRules { hits: 2, window: 2, ..changed.visits };
        house.supervisor.do_send(ApplyCameras(vec![changed]));
        house.until("second life", |b| b.camera("door").is_some_and(|c| c.lives.get() == 2)).await;
        let area = Rect { x: 0.4, y: 0.4, w: 0.2, h: 0.4 };
        house.seen.lock().push(Detection { label: "person".into(), score: 0.9, area });
        house.until("three further frames", |_| house.bursts.lock().len() >= 3).await;
        let secured = house.secured.lock().clone();
        let [secure] = &secured[..] else { panic!("{secured:?}") };
        assert_eq!((secure.shots.len(), secure.awaited), (1, 3));
        let bursts = house.bursts.lock().clone();
        assert!(bursts.iter().all(|(event, _)| *event == secure.event));
        assert!(secure.shots[0].frame.origin.captured.steady < bursts[0].1.steady);
        assert_eq!(house.board.camera("door").expect("it is watched").open_visits.get(), 1);
    });
}

#[test]
fn at_the_end_every_life_is_gone() {
    run(async {
        let scripts: Vec<(String, &[Script])> = (0..10).map(|i| (format!("cam{i}"), &[Script::Stream][..])).collect();
        let scripts: Vec<(&str, &[Script])> = scripts.iter().map(|(n, s)| (n.as_str(), *s)).collect();
        let house = house(&scripts, true, Duration::from_secs(20), 0);
        let all = |b: &Board, state| b.cameras().len() == 10 && b.cameras().iter().all(|c| c.state().state == state);
        house.until("ten streams", |b| all(b, CameraState::Streaming)).await;
        house.supervisor.send(Shutdown { deadline: Duration::from_secs(20) }).await.expect("it lives");
        assert!(all(&house.board, CameraState::Stopped));
        assert!(house.board.cameras().iter().all(|c| c.lives.get() == 1), "and none begins again");
    });
}
