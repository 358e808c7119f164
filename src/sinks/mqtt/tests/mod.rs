//! What these tests share. Where they want a real broker, it is mosquitto, from Debian's package of that name.

mod home_assistant;
mod mosquitto;
mod peer;
mod scripted;
mod unbearable;
mod with_mosquitto;

use super::{plan::Pace, *};
use crate::{
    status::{Board, CameraCell},
    words::{Backoff, CameraId},
};

const PASSWORD: &str = "hunter2-of-the-broker";

/// How to reach a broker on this machine.
fn settings(port: u16) -> settings::Mqtt {
    settings::Mqtt {
        host: "127.0.0.1".into(),
        port,
        tls: false,
        credentials: None,
        client_id: "lookout-test".into(),
        topic_prefix: "lookout".into(),
        discovery: None,
        timeout: Duration::from_secs(20),
        ca_file: None,
    }
}

fn surroundings() -> Surroundings {
    Surroundings::of_no_cameras()
}

/// A sink that has not begun and, once it has, does not wait long before it connects again.
#[expect(clippy::needless_pass_by_value, reason = "tests make it on the spot")]
fn prepared(settings: settings::Mqtt, surroundings: &Surroundings) -> (Mqtt, Arc<SinkCell>) {
    let cell = Arc::new(SinkCell::new("mqtt".into(), Mqtt::target(&settings)));
    let sink = settings::Sink {
        name: "mqtt".into(),
        filter: settings::Filter::default(),
        budget: None,
        way: settings::Way::Mqtt(settings.clone()),
    };
    let mqtt = Mqtt::new(&sink, &settings, &cell, surroundings).expect("sound settings");
    if let Work::Prepared(lives) = &mut *mqtt.work.lock() {
        let ms = Duration::from_millis;
        lives.plan.pace = Pace { backoff: Backoff { floor: ms(5), ceiling: ms(50) }, renewals: ms(5) };
    }
    (mqtt, cell)
}

fn begun(settings: settings::Mqtt, surroundings: &Surroundings) -> (Mqtt, Arc<SinkCell>) {
    let (sink, cell) = prepared(settings, surroundings);
    sink.begin();
    (sink, cell)
}

fn camera(id: &str) -> CameraId {
    id.parse().expect("an id")
}

/// Hangs up the cell of a camera.
fn hang_up(board: &Board, id: &str) -> Arc<CameraCell> {
    let cell = Arc::new(CameraCell::new(camera(id), format!("The {id}").into(), "rtsp://camera/".into()));
    board.add_camera(Arc::clone(&cell));
    cell
}

fn delivery(sink: &Mqtt, event: &Event) -> JoinHandle<Outcome> {
    tokio::spawn(sink.deliver(event))
}

async fn outcome(delivery: JoinHandle<Outcome>) -> Outcome {
    timeout(peer::PATIENCE, delivery).await.expect("it ends").expect("no panic")
}

fn hasty(port: u16) -> settings::Mqtt {
    settings::Mqtt { timeout: Duration::from_millis(300), ..settings(port) }
}

fn error(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { error, .. } | Outcome::Unreachable { error } => error,
        other => panic!("it did not fail: {other:?}"),
    }
}

fn at_home(port: u16) -> settings::Mqtt {
    settings::Mqtt { discovery: Some("homeassistant".into()), ..settings(port) }
}
