use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use actix::{Actor, Addr, Context, Handler};

use super::*;
use crate::{
    events::{EventKind, Record},
    scene::{CameraLost, CameraRemoved, CameraStopped, CameraStreaming, Configure, Scene},
    status::{CameraCell, Picture},
};

/// An outbox that only remembers.
struct Outbox(Arc<Mutex<Vec<Event>>>);

impl Actor for Outbox {
    type Context = Context<Self>;
}

impl Handler<Record> for Outbox {
    type Result = ();

    fn handle(&mut self, Record { event, .. }: Record, _: &mut Self::Context) {
        self.0.lock().expect("no panic holds it").push(event);
    }
}

struct Stage {
    scene: Addr<Scene>,
    cell: Arc<CameraCell>,
    told: Arc<Mutex<Vec<Event>>>,
    outbox: Addr<Outbox>,
    start: Moment,
}

impl Stage {
    fn new(dress: impl FnOnce(Scene) -> Scene) -> Self {
        let settings = camera();
        let cell = Arc::new(CameraCell::new(settings.id.clone(), settings.name.clone(), String::new()));
        let told = Arc::default();
        let outbox = Outbox(Arc::clone(&told)).start();
        let core = Story::of(&settings).core;
        let scene = Scene::new(core, cell.clone(), outbox.clone().recipient());
        Self { scene: dress(scene).start(), cell, told, outbox, start: Moment::now() }
    }

    async fn see(&self, s: u64, seen: Result<Vec<Detection>, Arc<str>>) {
        self.send(detected(1, self.start.after(Duration::from_secs(s)), seen)).await;
    }

    async fn send(&self, detected: Detected) {
        self.scene.send(detected).await.expect("the scene lives");
    }

    /// What was told so far: a message behind the events shows that they have arrived.
    async fn told(&self) -> Vec<EventKind> {
        self.outbox.send(Flush).await.expect("the outbox lives");
        self.told.lock().expect("no panic holds it").iter().map(|e| e.kind).collect()
    }
}

#[derive(actix::Message)]
#[rtype(result = "()")]
struct Flush;

impl Handler<Flush> for Outbox {
    type Result = ();

    fn handle(&mut self, _: Flush, _: &mut Self::Context) {}
}

#[actix::test]
async fn it_tells_the_outbox_and_shows_the_cell() {
    let stage = Stage::new(|scene| scene);
    stage.see(0, Ok(vec![person(0.5)])).await;
    stage.see(1, Ok(vec![person(0.5), person(0.7)])).await;
    assert_eq!(stage.told().await, [EventKind::VisitStarted]);
    assert_eq!(stage.cell.people.get(), 2);
    assert_eq!(stage.cell.frames.detected.get(), 2);
    assert_eq!(stage.cell.latency.quantiles().map(|q| q.p50), Some(0.5));
    let shown = stage.cell.last_seen().expect("a picture");
    assert!(matches!(shown.picture, Picture::Decoded(_)));
    assert_eq!((shown.captured, shown.detections.len()), (stage.start.after(Duration::from_secs(1)), 2));

    let mut coded = detected(1, stage.start.after(Duration::from_secs(2)), Ok(vec![]));
    Arc::get_mut(&mut coded.frame).expect("not shared yet").coded = Some(vec![1, 2, 3].into());
    stage.send(coded).await;
    let shown = stage.cell.last_seen().expect("a picture");
    assert!(matches!(shown.picture, Picture::Coded(unit) if *unit == [1, 2, 3]));
}

#[actix::test]
async fn invariant_4_each_answer_counts_as_detected() {
    let stage = Stage::new(|scene| scene);
    stage.see(5, Ok(vec![])).await;
    stage.see(6, Err("the model failed".into())).await;
    stage.see(3, Ok(vec![person(0.5)])).await;
    stage.send(detected(0, stage.start.after(Duration::from_secs(9)), Ok(vec![]))).await;
    assert_eq!(stage.cell.frames.detected.get(), 4);
    assert_eq!(stage.cell.detection_failures.get(), 1);
    assert_eq!(stage.cell.latency.quantiles().map(|q| q.p50), Some(0.5));
    let shown = stage.cell.last_seen().expect("a picture").captured;
    assert_eq!(
        shown,
        stage.start.after(Duration::from_secs(5)),
        "what failed, came late or is of an older life is not shown"
    );
}

#[actix::test]
async fn invariant_7_a_panic_costs_one_sample_and_no_visit() {
    let calls = Arc::new(AtomicU32::new(0));
    let stage = Stage::new(|scene| {
        scene.with_hook(Box::new(move |_| {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            assert!(call != 2 && call != 3, "injected");
        }))
    });
    for s in 0..6 {
        stage.see(s, Ok(vec![person(0.5)])).await;
    }
    assert_eq!(stage.cell.detection_failures.get(), 2);
    assert_eq!(stage.cell.frames.detected.get(), 6);
    for s in 6..20 {
        stage.see(s, Ok(vec![])).await;
    }
    assert_eq!(stage.told().await, [EventKind::VisitStarted, EventKind::VisitEnded]);
    let told = stage.told.lock().expect("no panic holds it");
    let visit = told[1].data.visit.as_ref().expect("a visit");
    assert_eq!(visit.ended_at, Some(stage.start.after(Duration::from_secs(5)).wall));
}

#[actix::test]
async fn it_hears_of_the_camera_and_of_settings() {
    let stage = Stage::new(|scene| scene);
    let at = |s| stage.start.after(Duration::from_secs(s));
    stage.see(0, Ok(vec![person(0.5)])).await;
    stage.see(1, Ok(vec![person(0.5)])).await;
    let lost =
        CameraLost { generation: Generation(1), reason: Reason::Refused, message: "nobody listens".into(), at: at(2) };
    stage.scene.send(lost).await.expect("the scene lives");
    assert_eq!(stage.cell.people.get(), 0);
    let streaming = |generation, s| CameraStreaming { generation: Generation(generation), at: at(s) };
    stage.scene.send(streaming(2, 90)).await.expect("the scene lives");
    assert_eq!(stage.told().await, [EventKind::VisitStarted, EventKind::CameraDown, EventKind::CameraUp]);
    let mut settings = camera();
    settings.zones = vec![zone("gate", 0.0, 0.3)];
    stage.scene.send(Configure(settings)).await.expect("the scene lives");
    let stopped = CameraStopped { generation: Generation(2), at: at(95) };
    stage.scene.send(stopped).await.expect("the scene lives");
    stage.scene.send(streaming(3, 900)).await.expect("the scene lives");
    assert_eq!(stage.told().await[3..], [EventKind::VisitEnded]);
}

#[actix::test]
async fn a_removed_camera_leaves_no_visit_open() {
    let stage = Stage::new(|scene| scene);
    stage.see(0, Ok(vec![person(0.5)])).await;
    stage.see(1, Ok(vec![person(0.5)])).await;
    stage.scene.send(CameraRemoved).await.expect("the scene lives");
    assert_eq!(stage.told().await, [EventKind::VisitStarted, EventKind::VisitEnded]);
    assert!(stage.scene.send(CameraRemoved).await.is_err(), "the scene ended");
}
