//! The frame that proves an event, and its way to the room that keeps it.

use std::sync::Mutex;

use actix::{Actor, Context, Handler};

use super::*;
use crate::{
    events::{EventKind, Record, Secure},
    media::{BurstFrame, BurstOrder, Latest},
    scene::{EvidenceRoom, Scene},
    status::{CameraCell, Picture},
    words::EventId,
};

/// Somebody of this height, at `x`.
fn tall(x: f32, height: f32) -> Detection {
    Detection { label: "person".into(), score: 0.8, area: Rect::from_edges(x - 0.05, 0.8 - height, x + 0.05, 0.8) }
}

impl Story {
    fn see_tall(&mut self, s: f64, people: &[(f32, f32)]) {
        let people = people.iter().map(|(x, height)| tall(*x, *height)).collect();
        let findings = self.core.observe(&detected(self.generation, self.at(s), Ok(people)));
        self.hear(findings);
    }
}

#[test]
fn a_start_is_proved_by_the_frame_that_decided_and_an_end_by_the_best_one() {
    let mut story = Story::of(&camera());
    for (s, height) in (0..6).zip([0.2, 0.3, 0.5, 0.7, 0.4, 0.1]) {
        story.see_tall(f64::from(s), &[(0.5, height)]);
    }
    story.see_each_second(6..20, &[]);
    assert_eq!(story.lines(), ["visit.started - 0", "visit.ended - 0-5"]);
    assert_eq!(story.proofs, [Some(1.0), Some(3.0)]);
}

#[test]
fn where_the_best_frame_opened_the_visit_the_end_has_none() {
    let mut story = Story::of(&camera());
    story.see_each_second(0..10, &[0.5]);
    story.see_each_second(10..30, &[]);
    assert_eq!(story.proofs, [Some(1.0), None]);
}

#[test]
fn a_visit_that_was_open_before_a_restart_is_proved_by_what_was_seen_since() {
    for seen in [true, false] {
        let mut story = Story::of(&camera());
        let visit = crate::events::VisitFacts {
            id: crate::words::VisitId::fresh(),
            started_at: story.start.wall,
            ended_at: None,
            peak_count: 1,
        };
        let open = crate::events::OpenVisit { camera: camera().id, zone: None, label: Some("person".into()), visit };
        let unfinished = crate::events::Unfinished { visits: vec![open], ..Default::default() };
        let at = story.at(10.0);
        let findings = story.core.resume(&unfinished, at);
        story.hear(findings);
        story.come_back(11.0);
        story.see_each_second(12..14, if seen { &[0.5] } else { &[] });
        story.see_each_second(14..40, &[]);
        assert_eq!(story.proofs, [seen.then_some(12.0)]);
    }
}

#[test]
fn each_zone_has_its_own_best_frame_and_who_only_sits_there_makes_none() {
    let mut settings = camera();
    settings.zones = vec![zone("gate", 0.0, 0.3), zone("yard", 0.5, 0.9)];
    settings.visits.stationary = Duration::from_secs(3600);
    let mut story = Story::of(&settings);
    // Somebody sits in the yard, close to the camera, is lost, and found again.
    (0..30).for_each(|s| story.see_tall(f64::from(s), &[(0.6, 0.7)]));
    (30..50).for_each(|s| story.see_tall(f64::from(s), &[]));
    for (s, height) in (50..56).zip([0.1, 0.1, 0.2, 0.3, 0.2, 0.1]) {
        story.see_tall(f64::from(s), &[(0.6, 0.7), (0.8, height), (0.1, 0.4 - height)]);
    }
    (56..80).for_each(|s| story.see_tall(f64::from(s), &[(0.6, 0.7)]));
    let told: Vec<_> = story.lines().into_iter().zip(story.proofs.clone()).skip(2).collect();
    let expected = [
        ("visit.started gate 50", Some(51.0)),
        ("visit.started yard 50", Some(51.0)),
        ("visit.ended gate 50-55", None),
        ("visit.ended yard 50-55", Some(53.0)),
    ];
    assert_eq!(told, expected.map(|(line, proof)| (line.to_owned(), proof)));
}

/// An outbox and a room for pictures in one, which write down what comes in the order in which it comes.
struct Recorder(Arc<Mutex<Vec<Came>>>);

#[derive(Debug)]
enum Came {
    Record(EventKind, EventId, Option<Duration>),
    Secure(Secure),
    Burst,
}

impl Actor for Recorder {
    type Context = Context<Self>;
}

impl Handler<Record> for Recorder {
    type Result = ();

    fn handle(&mut self, Record { event, held_for }: Record, _: &mut Self::Context) {
        self.0.lock().expect("no panic holds it").push(Came::Record(event.kind, event.id, held_for));
    }
}

impl Handler<Secure> for Recorder {
    type Result = ();

    fn handle(&mut self, secure: Secure, _: &mut Self::Context) {
        self.0.lock().expect("no panic holds it").push(Came::Secure(secure));
    }
}

impl Handler<BurstFrame> for Recorder {
    type Result = ();

    fn handle(&mut self, _: BurstFrame, _: &mut Self::Context) {
        self.0.lock().expect("no panic holds it").push(Came::Burst);
    }
}

const HOLD: Duration = Duration::from_secs(10);

struct Stage {
    scene: actix::Addr<Scene>,
    recorder: actix::Addr<Recorder>,
    came: Arc<Mutex<Vec<Came>>>,
    orders: Arc<Latest<BurstOrder>>,
    cell: Arc<CameraCell>,
    start: Moment,
}

impl Stage {
    fn new(settings: &Camera, develop: crate::scene::Develop) -> Self {
        let cell = Arc::new(CameraCell::new(settings.id.clone(), settings.name.clone(), String::new()));
        let came = Arc::default();
        let recorder = Recorder(Arc::clone(&came)).start();
        let room =
            EvidenceRoom { keep: recorder.clone().recipient(), bursts: recorder.clone().recipient(), hold: HOLD };
        let orders = Arc::default();
        let scene = Scene::new(Story::of(settings).core, Arc::clone(&cell), recorder.clone().recipient());
        let scene = scene.with_evidence(room, Arc::clone(&orders), develop).start();
        Self { scene, recorder, came, orders, cell, start: Moment::now() }
    }

    /// Somebody of this height, or nobody, in a key frame that was decoded alone.
    async fn see(&self, s: u64, people: &[(f32, f32)]) {
        let people = people.iter().map(|(x, height)| tall(*x, *height)).collect();
        let mut sample = detected(1, self.start.after(Duration::from_secs(s)), Ok(people));
        Arc::get_mut(&mut sample.frame).expect("not shared yet").coded = Some(vec![s as u8].into());
        self.scene.send(sample).await.expect("the scene lives");
    }

    async fn came(&self) -> Vec<Came> {
        let frame = detected(1, self.start, Ok(vec![])).frame;
        self.recorder.send(BurstFrame { event: EventId::fresh(), frame }).await.expect("the recorder lives");
        let mut came = std::mem::take(&mut *self.came.lock().expect("no panic holds it"));
        assert!(matches!(came.pop(), Some(Came::Burst)));
        came
    }
}

/// Pictures that say of which key frame they were made.
fn develop(key_frame: &[u8]) -> Option<I420> {
    I420::from_packed(4, 2, vec![key_frame[0]; 12])
}

#[actix::test]
async fn the_event_goes_first_then_its_pictures_then_the_order_for_more() {
    let mut settings = camera();
    settings.evidence = Evidence { frames: 4, every: Duration::from_millis(500) };
    let stage = Stage::new(&settings, develop);
    stage.see(0, &[(0.5, 0.2)]).await;
    stage.see(1, &[(0.5, 0.3)]).await;
    assert_eq!(stage.cell.open_visits.get(), 1);
    let came = stage.came().await;
    let [Came::Record(EventKind::VisitStarted, id, held), Came::Secure(secure)] = &came[..] else {
        panic!("{came:?}");
    };
    assert_eq!((*held, secure.event, &secure.camera), (Some(HOLD), *id, &settings.id));
    assert_eq!((secure.time, secure.awaited), (stage.start.wall, 3));
    assert_eq!(secure.patience, Duration::from_secs(1 + 5), "three frames, and a key frame before them");
    assert_eq!(secure.shots.len(), 1);
    assert_eq!(secure.shots[0].frame.origin.captured, stage.start.after(Duration::from_secs(1)));
    assert_eq!(secure.shots[0].detections[..], [tall(0.5, 0.3)]);
    let order = stage.orders.take().expect("an order");
    assert_eq!((order.event, order.frames, order.every), (*id, 3, Duration::from_millis(500)));

    // The end goes with the best frame, made of what was kept of it.
    stage.see(2, &[(0.5, 0.6)]).await;
    for s in 3..16 {
        stage.see(s, &[]).await;
    }
    assert_eq!(stage.cell.open_visits.get(), 0);
    let came = stage.came().await;
    let [Came::Record(EventKind::VisitEnded, id, held), Came::Secure(secure)] = &came[..] else {
        panic!("{came:?}");
    };
    assert_eq!((*held, secure.event, secure.awaited, secure.patience), (Some(HOLD), *id, 0, Duration::ZERO));
    let shot = &secure.shots[0];
    assert_eq!(shot.frame.picture.planes().0, [2; 8], "developed from the key frame at 2 s");
    assert_eq!(
        (shot.frame.origin.captured, &shot.detections[..]),
        (stage.start.after(Duration::from_secs(2)), &[tall(0.5, 0.6)][..])
    );
    assert!(stage.orders.take().is_none());
}

#[actix::test]
async fn an_event_without_a_picture_waits_for_none() {
    let stage = Stage::new(&camera(), |_| None);
    stage.see(0, &[(0.5, 0.3)]).await;
    stage.see(1, &[(0.5, 0.3)]).await;
    let came = stage.came().await;
    assert!(matches!(&came[..], [Came::Record(_, _, Some(_)), Came::Secure(_)]), "{came:?}");
    assert!(stage.orders.take().is_none(), "one frame is enough");
    // A better one that does not decode again.
    stage.see(2, &[(0.5, 0.6)]).await;
    for s in 3..16 {
        stage.see(s, &[]).await;
    }
    let came = stage.came().await;
    assert!(matches!(&came[..], [Came::Record(EventKind::VisitEnded, _, None)]), "{came:?}");
}

#[actix::test]
async fn of_visits_that_start_with_one_sample_the_first_gets_the_burst() {
    let mut settings = camera();
    settings.evidence.frames = 3;
    settings.zones = vec![zone("gate", 0.0, 0.3), zone("yard", 0.2, 0.9)];
    let stage = Stage::new(&settings, |_| panic!("injected"));
    stage.see(0, &[(0.25, 0.3)]).await;
    stage.see(1, &[(0.25, 0.3)]).await;
    let came = stage.came().await;
    let [_, Came::Secure(gate), _, Came::Secure(yard)] = &came[..] else { panic!("{came:?}") };
    assert_eq!((gate.awaited, yard.awaited), (2, 0));
    assert_eq!(stage.orders.take().map(|order| order.event), Some(gate.event));
    // A decoder that panics costs a picture, not the scene.
    stage.see(2, &[(0.25, 0.6)]).await;
    for s in 3..16 {
        stage.see(s, &[]).await;
    }
    let came = stage.came().await;
    assert!(matches!(&came[..], [Came::Record(_, _, None), Came::Record(_, _, None)]), "{came:?}");
}

#[test]
fn of_a_key_frame_camera_only_its_bytes_are_kept() {
    let mut story = Story::of(&camera());
    let mut found = Vec::new();
    for (s, height) in (0..20).zip([0.2, 0.3, 0.5].into_iter().chain([0.0; 17])) {
        let people = if height > 0.0 { vec![tall(0.5, height)] } else { vec![] };
        let mut sample = detected(1, story.at(f64::from(s)), Ok(people));
        Arc::get_mut(&mut sample.frame).expect("not shared yet").coded = Some(vec![s as u8].into());
        found.extend(story.core.observe(&sample));
    }
    let pictures: Vec<_> = found.into_iter().map(|f| f.proof.expect("a proof").picture).collect();
    assert!(matches!(&pictures[..], [Picture::Decoded(_), Picture::Coded(bytes)] if **bytes == [2]), "{pictures:?}");
}

#[actix::test]
async fn an_event_does_not_wait_for_a_burst_that_cannot_be_there_in_time() {
    let burst = async |frames, every_ms| {
        let mut settings = camera();
        settings.evidence = Evidence { frames, every: Duration::from_millis(every_ms) };
        let stage = Stage::new(&settings, develop);
        stage.see(0, &[(0.5, 0.2)]).await;
        stage.see(1, &[(0.5, 0.3)]).await;
        let came = stage.came().await;
        let [Came::Record(_, _, held), Came::Secure(secure)] = &came[..] else { panic!("{came:?}") };
        (held.expect("held"), secure.patience)
    };
    // HOLD is ten seconds: five for the frames, of which three are left for a camera that is slow, and two for storing.
    assert_eq!(burst(6, 1000).await, (HOLD, Duration::from_secs(8)));
    assert_eq!(burst(20, 1000).await, (Duration::ZERO, Duration::from_secs(18 + 5)));
}
