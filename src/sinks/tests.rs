//! What the tests of this room share, and the tests of couriers against sinks made for the purpose.

#[path = "../../tests/support/receiver.rs"]
pub(crate) mod receiver;

use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Instant,
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

/// Waits until it happened; fails the test if that takes too long.
pub(crate) async fn until(what: &str, happened: impl Fn() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < Duration::from_secs(30), "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

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
async fn a_drain_waits_for_what_is_in_flight_and_claims_no_more() {
    let house = House::with(&["s"]);
    let (release, released) = tokio::sync::watch::channel(false);
    let sink = Scripted::new(move |_, _| {
        let mut released = released.clone();
        async move {
            released.wait_for(|r| *r).await.expect("the test lives");
            Outcome::Accepted
        }
        .boxed()
    });
    let (courier, cell) = house.courier("s", sink.clone(), &[0]);
    house.record(&["a", "b", "c", "d", "e", "f"]);
    until("in flight", || sink.attempts().len() == Courier::IN_FLIGHT).await;
    let patient = courier.send(Drain { deadline: Duration::from_secs(30) });
    release.send_replace(true);
    assert_eq!(patient.await.expect("the courier lives"), 0);
    house.outbox.send(Flush).await.expect("the outbox lives");
    assert_eq!(sink.attempts().len(), Courier::IN_FLIGHT, "no new ones");
    assert_eq!((cell.delivered.get(), cell.pending.get()), (4, 2));
}

#[actix::test]
async fn what_a_drain_cannot_wait_for_is_cut_short_and_told_again_by_the_next() {
    let house = House::with(&["s"]);
    let aloft = Arc::new(());
    let sink = {
        let aloft = Arc::clone(&aloft);
        Scripted::new(move |_, _| {
            let aloft = Arc::clone(&aloft);
            async move {
                let _aloft = aloft;
                futures::future::pending().await
            }
            .boxed()
        })
    };
    let (courier, cell) = house.courier("s", sink.clone(), &[0]);
    house.record(&["a", "b", "c", "d", "e", "f"]);
    until("in flight", || sink.attempts().len() == Courier::IN_FLIGHT).await;
    assert_eq!(Arc::strong_count(&aloft), 2 + Courier::IN_FLIGHT);
    let cut = courier.send(Drain { deadline: Duration::from_millis(1) }).await.expect("the courier lives");
    assert_eq!(cut, Courier::IN_FLIGHT);
    // The answer comes when none of them runs any more: the next courier may tell the same events at once.
    assert_eq!(Arc::strong_count(&aloft), 2);
    assert_eq!((sink.attempts().len(), cell.failures.get()), (Courier::IN_FLIGHT, 0));
    let next = Scripted::new(|_, _| now(Outcome::Accepted));
    let (_next, cell) = house.courier("s", next, &[0]);
    until("all of it", || cell.delivered.get() == 6).await;
}

#[actix::test]
async fn a_sink_that_does_not_close_holds_up_no_drain() {
    /// Tells, but knows no end.
    struct Endless;

    impl Sink for Endless {
        fn deliver(&self, _: &Event) -> BoxFuture<'static, Outcome> {
            now(Outcome::Accepted)
        }

        fn close(&self) -> BoxFuture<'static, ()> {
            futures::future::pending().boxed()
        }
    }

    let house = House::with(&["s"]);
    let (courier, _) = house.courier("s", Endless, &[0]);
    tokio::time::pause();
    courier.send(Drain { deadline: Duration::ZERO }).await.expect("the courier lives");
}

#[actix::test]
async fn an_alert_of_the_last_moment_is_told_before_the_end() {
    let house = House::with(&["s"]);
    let sink = Scripted::new(|_, _| now(Outcome::Accepted));
    let (courier, cell) = house.courier("s", sink.clone(), &[0]);
    courier.send(Wake::News).await.expect("the courier lives");
    house.record(&["a"]);
    // The courier was woken before the answer, but has not been told yet what there is.
    house.outbox.send(Flush).await.expect("the outbox lives");
    let left = courier.send(Drain { deadline: Duration::from_secs(30) }).await.expect("the courier lives");
    assert_eq!((left, cell.delivered.get()), (0, 1));
}

/// Asks to be left alone for an hour.
fn asks_for_rest() -> Outcome {
    const HOUR: Duration = Duration::from_secs(3600);
    Outcome::Refused { error: "429".into(), retry_after: Some(HOUR), blames_event: false }
}

#[actix::test]
async fn a_success_that_was_on_its_way_does_not_end_the_rest_that_a_receiver_asked_for() {
    let house = House::with(&["s"]);
    let (release, released) = tokio::sync::watch::channel(false);
    let sink = Scripted::new(move |before, _| {
        let mut released = released.clone();
        match before {
            0..3 => now(asks_for_rest()),
            _ => async move {
                released.wait_for(|r| *r).await.expect("the test lives");
                Outcome::Accepted
            }
            .boxed(),
        }
    });
    house.record(&["a", "b", "c", "d"]);
    house.outbox.send(Flush).await.expect("the outbox lives");
    let (courier, cell) = house.courier("s", sink.clone(), &[0, 1]);
    until("three refusals", || cell.failures.get() == 3 && sink.attempts().len() == 4).await;
    house.record(&["e"]);
    release.send_replace(true);
    until("the fourth", || cell.delivered.get() == 1).await;
    until("the account", || cell.pending.get() == 4).await;
    // Whatever wakes it, it claims nothing.
    for _ in 0..20 {
        courier.send(Wake::News).await.expect("it lives");
        house.outbox.send(Flush).await.expect("the outbox lives");
    }
    assert_eq!(sink.attempts().len(), 4, "the receiver is left alone");
    let due = house.reader.deliveries(&Default::default()).expect("readable");
    assert_eq!(due.iter().filter(|d| d.next_attempt_at.is_some()).count(), 3, "and nothing was hastened: {due:?}");
}

#[actix::test]
async fn what_was_claimed_before_a_receiver_asked_for_rest_waits_as_well() {
    let house = House::with(&["s"]);
    let outbox = house.outbox.clone();
    let sink = Scripted::new(move |_, _| {
        let outbox = outbox.clone();
        async move {
            // The courier is woken and asks what is due; before it hears that, it hears this refusal.
            outbox.do_send(Record::now(sample::started("b")));
            outbox.send(Flush).await.expect("the outbox lives");
            asks_for_rest()
        }
        .boxed()
    });
    let (courier, cell) = house.courier("s", sink.clone(), &[0, 1]);
    house.record(&["a"]);
    until("the refusal", || cell.failures.get() == 1).await;
    for _ in 0..20 {
        courier.send(Wake::News).await.expect("it lives");
        house.outbox.send(Flush).await.expect("the outbox lives");
    }
    assert_eq!((sink.attempts().len(), cell.pending.get()), (1, 2));
}

#[actix::test]
async fn what_was_claimed_before_nobody_answered_is_only_what_never_failed() {
    const AN_HOUR: u64 = 3_600_000;
    let house = House::with(&["s"]);
    let (outbox, away) = (house.outbox.clone(), Outcome::Unreachable { error: "nobody".into() });
    let first: Arc<Mutex<Option<i64>>> = Arc::default();
    let sink = {
        let first = Arc::clone(&first);
        Scripted::new(move |before, _| {
            let (outbox, away, failed) = (outbox.clone(), away.clone(), *first.lock());
            match before {
                0 => now(refused()),
                1 => async move {
                    // What failed falls due, the courier is woken and asks what is; before it hears that, it hears that
                    // nobody answers.
                    let settlement = Settlement::Postponed { until: jiff::Timestamp::UNIX_EPOCH, error: "no".into() };
                    outbox.do_send(Settle { sink: "s".into(), seq: failed.expect("its place"), settlement });
                    outbox.do_send(Record::now(sample::started("c")));
                    outbox.send(Flush).await.expect("the outbox lives");
                    away
                }
                .boxed(),
                _ => now(away),
            }
        })
    };
    let (courier, cell) = house.courier("s", sink.clone(), &[0, AN_HOUR]);
    let failed = house.record(&["a"])[0];
    until("the failure", || cell.failures.get() == 1).await;
    first.lock().replace(house.reader.seq_of(failed).expect("readable").expect("there"));
    house.record(&["b"]);
    until("the outage", || sink.attempts().len() >= 3).await;
    for _ in 0..20 {
        courier.send(Wake::News).await.expect("it lives");
        house.outbox.send(Flush).await.expect("the outbox lives");
    }
    let attempts = sink.attempts();
    assert_eq!((attempts.len(), attempts.iter().filter(|id| **id == failed).count()), (3, 1), "{attempts:?}");
}

#[actix::test]
async fn a_hold_that_ends_is_told_though_nobody_answered_before() {
    const AN_HOUR: u64 = 3_600_000;
    let house = House::with(&["s"]);
    let away = || Outcome::Unreachable { error: "nobody".into() };
    let sink = Scripted::new(move |_, _| now(away()));
    let (_courier, cell) = house.courier("s", sink.clone(), &[0, AN_HOUR]);
    house.record(&["a"]);
    until("an outage", || cell.failures.get() == 1).await;
    let held = sample::started("b");
    house.outbox.do_send(Record { event: held.clone(), held_for: Some(Duration::from_millis(50)) });
    // The pause of who cannot be reached is longer than this waits.
    until("the alert", || sink.attempts().contains(&held.id)).await;
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
