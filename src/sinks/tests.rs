//! What the tests of this room share, and the tests of couriers against sinks made for the purpose.

mod ending;
mod pauses;

#[path = "../../tests/support/receiver.rs"]
pub(crate) mod receiver;

use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use actix::{Actor, Addr};
use futures::FutureExt;
use parking_lot::Mutex;

use super::*;
use crate::{
    events::{
        Addressee, ApplySinks, Fault, Flush, Inject, Outbox, Reader, Record, Retry, Settle, Settlement, Store, Wake,
        sample,
    },
    settings::Storage,
    status::Board,
    words::EventId,
};

/// An outbox on a temporary folder.
pub(crate) struct House {
    pub(crate) outbox: Addr<Outbox>,
    pub(crate) reader: Reader,
    _folder: tempfile::TempDir,
}

impl House {
    pub(crate) fn with(sinks: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let storage = Storage { path: folder.path().to_owned(), keep: Duration::from_secs(3600), max_bytes: 1 << 30 };
        let store = Store::open(&storage).expect("a sound folder");
        let reader = Reader::open(store.file()).expect("readable");
        let sinks = sinks.iter().map(|name| Addressee::of_everything(name)).collect();
        let outbox = Outbox::start(store, storage, sinks, Arc::new(Board::default()));
        Self { outbox, reader, _folder: folder }
    }

    pub(crate) fn record(&self, cameras: &[&str]) -> Vec<EventId> {
        let events: Vec<Event> = cameras.iter().map(|c| sample::started(c)).collect();
        let ids = events.iter().map(|e| e.id).collect();
        for event in events {
            self.outbox.do_send(Record::now(event));
        }
        ids
    }

    pub(crate) fn courier(&self, name: &str, sink: impl Sink, schedule: &[u64]) -> (Addr<Courier>, Arc<SinkCell>) {
        let cell = Arc::new(SinkCell::new(name.into(), "a test".into()));
        let pauses: Vec<_> = schedule.iter().map(|&ms| Duration::from_millis(ms)).collect();
        let terms = Terms { schedule: Schedule::new(pauses) };
        let courier = Courier::new(Arc::new(sink), Arc::clone(&cell), self.outbox.clone(), terms);
        (courier.start(), cell)
    }
}

pub(crate) use crate::testing::until;

type Script = dyn Fn(usize, &Event) -> BoxFuture<'static, Outcome> + Send + Sync;

/// A sink that does what the test says and keeps the account.
#[derive(Clone)]
struct Scripted {
    script: Arc<Script>,
    attempts: Arc<Mutex<Vec<EventId>>>,
    deadline: Duration,
}

impl Scripted {
    /// `script` is given how many attempts there were before, and the event.
    fn new(script: impl Fn(usize, &Event) -> BoxFuture<'static, Outcome> + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), attempts: Arc::default(), deadline: Duration::from_secs(60) }
    }

    fn attempts(&self) -> Vec<EventId> {
        self.attempts.lock().clone()
    }
}

impl Sink for Scripted {
    fn deliver(&self, event: &Event) -> BoxFuture<'static, Outcome> {
        let before = {
            let mut attempts = self.attempts.lock();
            attempts.push(event.id);
            attempts.len() - 1
        };
        (self.script)(before, event)
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }
}

fn now(outcome: Outcome) -> BoxFuture<'static, Outcome> {
    futures::future::ready(outcome).boxed()
}

fn refused() -> Outcome {
    Outcome::Refused { error: "no".into(), retry_after: None, blames_event: false }
}

#[actix::test]
async fn everything_is_told_once_when_nothing_fails() {
    let house = House::with(&["s"]);
    let sink = Scripted::new(|_, _| now(Outcome::Accepted));
    let (_courier, cell) = house.courier("s", sink.clone(), &[0]);
    let mut told = house.record(&["a", "b", "a", "c"]);
    until("the first", || cell.delivered.get() == 4).await;
    told.extend(house.record(&["a", "a", "a"]));
    until("the rest", || cell.delivered.get() == 7).await;
    until("the account", || cell.pending.get() == 0).await;
    let attempts = sink.attempts();
    assert_eq!(attempts.len(), 7);
    assert_eq!(attempts.into_iter().collect::<HashSet<_>>(), told.into_iter().collect());
    assert!(cell.latency.quantiles().is_some());
}

#[actix::test]
async fn a_camera_is_told_in_order_and_a_few_at_once() {
    let house = House::with(&["s"]);
    let open: Arc<Mutex<Vec<String>>> = Arc::default();
    let (most, order) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(vec![])));
    let sink = {
        let (most, order) = (Arc::clone(&most), Arc::clone(&order));
        Scripted::new(move |_, event| {
            let (open, most, order) = (open.clone(), most.clone(), order.clone());
            let (camera, id) = (event.lane().to_owned(), event.id);
            async move {
                {
                    let mut open = open.lock();
                    assert!(!open.contains(&camera), "two of {camera} at once");
                    open.push(camera.clone());
                    most.fetch_max(open.len(), SeqCst);
                }
                tokio::time::sleep(Duration::from_millis(fastrand::u64(0..4))).await;
                open.lock().retain(|c| *c != camera);
                order.lock().push((camera, id));
                Outcome::Accepted
            }
            .boxed()
        })
    };
    let cameras: Vec<&str> = (0..120).map(|i| ["a", "b", "c", "d", "e", "f"][i % 6]).collect();
    let told = house.record(&cameras);
    let (_courier, cell) = house.courier("s", sink, &[0]);
    until("all", || cell.delivered.get() == 120).await;
    assert_eq!(cell.failures.get(), 0, "{:?}", cell.state());
    assert_eq!(most.load(SeqCst), Courier::IN_FLIGHT);
    let order = order.lock();
    for camera in ["a", "f"] {
        let arrived: Vec<EventId> = order.iter().filter(|o| o.0 == camera).map(|o| o.1).collect();
        let recorded: Vec<EventId> = (0..120).filter(|&i| cameras[i] == camera).map(|i| told[i]).collect();
        assert_eq!(arrived, recorded, "{camera}");
    }
}

#[actix::test]
async fn invariant_7_a_panic_in_a_sink_is_a_failed_attempt() {
    let house = House::with(&["s"]);
    let sink = Scripted::new(|before, _| match before {
        0 => panic!("before the future"),
        1 => async { panic!("in the future") }.boxed(),
        _ => now(Outcome::Accepted),
    });
    let (_courier, cell) = house.courier("s", sink.clone(), &[0, 1, 1, 1]);
    let told = house.record(&["a"]);
    until("delivered", || cell.delivered.get() == 1).await;
    assert_eq!(sink.attempts(), [told[0]; 3], "under one id");
    assert_eq!(cell.failures.get(), 2);
}

#[actix::test]
async fn invariant_9_a_hang_in_a_sink_ends_at_the_deadline() {
    let house = House::with(&["s"]);
    let mut sink = Scripted::new(|before, _| match before {
        0 => futures::future::pending().boxed(),
        _ => now(Outcome::Accepted),
    });
    sink.deadline = Duration::from_millis(20);
    let (_courier, cell) = house.courier("s", sink, &[0, 1]);
    house.record(&["a"]);
    until("delivered", || cell.delivered.get() == 1).await;
    assert_eq!(cell.failures.get(), 1);
}

#[actix::test]
async fn invariant_11_a_hanging_sink_delays_only_itself() {
    let house = House::with(&["stuck", "well"]);
    let hang = Scripted::new(|_, _| futures::future::pending().boxed());
    let well = Scripted::new(|_, _| now(Outcome::Accepted));
    let (_stuck, stuck_cell) = house.courier("stuck", hang.clone(), &[0]);
    let (_well, well_cell) = house.courier("well", well, &[0]);
    house.record(&["a", "b", "c", "d", "e", "f"].repeat(20));
    until("the other sink", || well_cell.delivered.get() == 120).await;
    until("the hang", || hang.attempts().len() == Courier::IN_FLIGHT).await;
    assert_eq!(stuck_cell.delivered.get(), 0);
    until("the account", || stuck_cell.pending.get() == 120).await;
}

#[actix::test]
async fn after_the_schedule_it_is_a_dead_letter_and_can_be_retried() {
    let house = House::with(&["s"]);
    let healed = Arc::new(AtomicUsize::new(0));
    let sink = {
        let healed = Arc::clone(&healed);
        Scripted::new(move |_, _| match healed.load(SeqCst) {
            0 => now(refused()),
            _ => now(Outcome::Accepted),
        })
    };
    let (_courier, cell) = house.courier("s", sink.clone(), &[0, 1, 1, 1, 1]);
    let told = house.record(&["a"]);
    until("given up", || cell.dead.get() == 1).await;
    assert_eq!(sink.attempts(), [told[0]; 5]);
    assert_eq!((cell.pending.get(), cell.failures.get()), (0, 5));
    assert_eq!(cell.state().last_error.as_deref(), Some("no"));
    let dead = house.reader.dead_letters(10).expect("readable");
    assert_eq!((dead[0].event.id, dead[0].attempts), (told[0], 5));

    healed.store(1, SeqCst);
    let retry = Retry::default();
    let retried = house.outbox.send(retry).await.expect("the outbox lives");
    assert_eq!(retried.expect("written"), 1);
    until("delivered", || cell.delivered.get() == 1).await;
    until("the account", || cell.dead.get() == 0).await;
    assert_eq!(cell.state().last_error, None);
}

#[actix::test]
async fn when_the_receiver_is_back_what_was_postponed_goes_out_at_once() {
    const AN_HOUR: u64 = 3_600_000;
    let house = House::with(&["s"]);
    let sink = Scripted::new(|before, _| match before {
        0..5 => now(refused()),
        _ => now(Outcome::Accepted),
    });
    let (_courier, cell) = house.courier("s", sink, &[0, AN_HOUR]);
    house.record(&["a", "b", "c", "d", "e"]);
    until("the outage", || cell.failures.get() == 5).await;
    house.record(&["f"]);
    until("all of it", || cell.delivered.get() == 6).await;
    assert_eq!(cell.failures.get(), 5);
}

#[actix::test]
async fn after_a_single_failure_the_schedule_stays() {
    const AN_HOUR: u64 = 3_600_000;
    let house = House::with(&["s"]);
    let sink = Scripted::new(|before, _| match before {
        1 => now(refused()),
        _ => now(Outcome::Accepted),
    });
    let (_courier, cell) = house.courier("s", sink, &[0, AN_HOUR]);
    house.record(&["z"]);
    until("the first", || cell.delivered.get() == 1).await;
    house.record(&["a"]);
    until("the failure", || cell.failures.get() == 1).await;
    for (told, camera) in [(2, "b"), (3, "c")] {
        house.record(&[camera]);
        until("the next", || cell.delivered.get() == told).await;
        until("the account", || cell.pending.get() == 1).await;
    }
}

#[actix::test]
async fn events_that_nobody_wants_do_not_hasten_one_another() {
    const AN_HOUR: u64 = 3_600_000;
    let house = House::with(&["s"]);
    let unwanted = || Outcome::Refused { error: "400".into(), retry_after: None, blames_event: true };
    let sink = Scripted::new(move |before, _| now(if before < 5 { unwanted() } else { Outcome::Accepted }));
    let (_courier, cell) = house.courier("s", sink.clone(), &[0, AN_HOUR]);
    house.record(&["a", "b", "c", "d", "e"]);
    until("five failures", || cell.failures.get() == 5).await;
    house.record(&["f"]);
    until("the good one", || cell.delivered.get() == 1).await;
    until("the account", || cell.pending.get() == 5).await;
    house.record(&["g"]);
    until("the next good one", || cell.delivered.get() == 2).await;
    assert_eq!(sink.attempts().len(), 7, "the unwanted ones wait for their time");
}

#[actix::test]
async fn gone_disables_the_sink_until_it_is_wanted_again_and_loses_nothing() {
    let house = House::with(&["s"]);
    let sink = Scripted::new(|before, _| match before {
        0 | 1 => now(Outcome::Gone),
        _ => now(Outcome::Accepted),
    });
    let (courier, cell) = house.courier("s", sink.clone(), &[0]);
    let mut told = house.record(&["a"]);
    until("disabled", || cell.state().disabled).await;
    told.extend(house.record(&["a", "a"]));
    until("the account", || cell.pending.get() == 3).await;
    assert_eq!(sink.attempts().len(), 1, "no more attempts");
    let of_another = Retry { sink: Some("another".into()), event: None };
    let without_dead_letters = Retry { sink: None, event: Some(told[0]) };
    for retry in [of_another, without_dead_letters] {
        assert_eq!(house.outbox.send(retry).await.expect("it lives").expect("it can be written"), 0);
        courier.send(Wake::News).await.expect("it has seen every wake so far");
        assert!(cell.state().disabled, "nobody meant this sink");
    }

    let retry = Retry { sink: Some("s".into()), event: None };
    house.outbox.send(retry).await.expect("it lives").expect("it can be written");
    until("tried in vain", || sink.attempts().len() == 2 && cell.state().disabled).await;
    house.outbox.do_send(ApplySinks(vec![Addressee::of_everything("s")]));
    until("all of it", || cell.delivered.get() == 3).await;
    assert!(!cell.state().disabled);
    let tried: HashSet<_> = sink.attempts().into_iter().collect();
    assert_eq!(tried, told.into_iter().collect());
}

#[actix::test]
async fn an_end_that_cannot_be_written_down_is_not_delivered_over_and_over() {
    let house = House::with(&["s"]);
    let outbox = house.outbox.clone();
    let sink = Scripted::new(move |_, _| {
        outbox.do_send(Inject(Fault::ReadOnly));
        now(Outcome::Accepted)
    });
    let (_courier, cell) = house.courier("s", sink.clone(), &[0]);
    house.record(&["a"]);
    until("told", || cell.delivered.get() == 1).await;
    for _ in 0..100 {
        house.outbox.send(Flush).await.expect("the outbox lives");
    }
    house.outbox.do_send(Inject(Fault::None));
    until("the account", || cell.pending.get() == 0).await;
    assert_eq!(sink.attempts().len(), 1);
}
