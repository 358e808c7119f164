mod pictures;
mod storms;

use std::path::Path;

use actix::Handler;

use super::{upkeep::Retain, *};
use crate::{
    events::{Event, EventFilter, Reader, sample, store::faults::Fault},
    status::SinkCell,
    testing::{soon, until},
    words::EventId,
};

const SINK: &str = "office";

/// Makes the disk of the outbox fail.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Inject(pub(crate) Fault);

impl Handler<Inject> for Outbox {
    type Result = ();

    fn handle(&mut self, Inject(fault): Inject, _: &mut Self::Context) {
        self.store.inject(fault);
    }
}

/// Lets the outbox look after clocks that were set back, at this time.
#[derive(Message)]
#[rtype(result = "()")]
struct ItIs(Timestamp);

impl Handler<ItIs> for Outbox {
    type Result = ();

    fn handle(&mut self, ItIs(now): ItIs, _: &mut Self::Context) {
        self.forgive_clock(Moment { wall: now, ..Moment::now() }).expect("written");
    }
}

/// A courier that looks, when it is woken, with its own eyes into the database.
struct Onlooker {
    reader: Reader,
    cell: Arc<SinkCell>,
    seen: tokio::sync::mpsc::Sender<(i64, Vec<EventId>)>,
}

impl Actor for Onlooker {
    type Context = Context<Self>;
}

impl Handler<Wake> for Onlooker {
    type Result = ();

    fn handle(&mut self, _: Wake, _: &mut Self::Context) {
        let pending = self.cell.pending.get();
        let found = self.reader.list(&EventFilter::default()).expect("readable");
        let ids = found.iter().rev().map(|e| e.id).collect();
        self.seen.try_send((pending, ids)).expect("the test looks");
    }
}

fn start(folder: &Path) -> (Addr<Outbox>, Arc<Board>, Reader) {
    start_with(folder, vec![Addressee::of_everything(SINK)])
}

fn start_with(folder: &Path, sinks: Vec<Addressee>) -> (Addr<Outbox>, Arc<Board>, Reader) {
    let storage = Storage { path: folder.to_owned(), keep: Duration::from_secs(3600), max_bytes: 1 << 30 };
    let store = Store::open(&storage).expect("a sound folder");
    let reader = Reader::open(store.file()).expect("readable");
    let board = Arc::new(Board::default());
    let outbox = Outbox::start(store, storage, sinks, Arc::clone(&board));
    (outbox, board, reader)
}

fn recorded(reader: &Reader) -> Vec<EventId> {
    let found = reader.list(&EventFilter::default()).expect("readable");
    found.iter().rev().map(|e| e.id).collect()
}

fn record(outbox: &Addr<Outbox>, cameras: &[&str]) -> Vec<EventId> {
    let events: Vec<Event> = cameras.iter().map(|c| sample::started(c)).collect();
    let ids = events.iter().map(|e| e.id).collect();
    for event in events {
        outbox.do_send(Record::now(event));
    }
    ids
}

async fn claim(outbox: &Addr<Outbox>, sink: &str) -> Claimed {
    let claim = Claim { sink: sink.into(), busy: Vec::new(), limit: 100, untried_only: false };
    let claimed = outbox.send(claim).await.expect("the outbox lives");
    claimed.expect("readable")
}

async fn settle(outbox: &Addr<Outbox>, seq: i64, settlement: Settlement) {
    settle_of(outbox, SINK, seq, settlement).await;
}

async fn settle_of(outbox: &Addr<Outbox>, sink: &str, seq: i64, settlement: Settlement) {
    let settle = Settle { sink: sink.into(), seq, settlement };
    let settled = outbox.send(settle).await.expect("the outbox lives");
    settled.expect("written");
}

fn ids(claimed: &Claimed) -> Vec<EventId> {
    claimed.deliveries.iter().map(|d| d.event.id).collect()
}

#[actix::test]
async fn invariant_10_an_event_is_on_disk_before_a_courier_knows_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, board, _) = start(folder.path());
    let (seen, mut woken) = tokio::sync::mpsc::channel(1000);
    let reader = Reader::open(&folder.path().join(Store::FILE)).expect("readable");
    let cell = Arc::new(SinkCell::new(SINK.into(), "a test".into()));
    let onlooker = Onlooker { reader, cell: Arc::clone(&cell), seen };
    outbox.do_send(Subscribe { cell, wake: onlooker.start().recipient() });
    assert_eq!(woken.recv().await, Some((0, vec![])));
    let mut told = Vec::new();
    for _ in 0..20 {
        told.extend(record(&outbox, &["a", "b", "c"]));
        // A burst wakes once or more; whenever it wakes, what is counted is there to be read.
        loop {
            let patience = Duration::from_secs(30);
            let wake = tokio::time::timeout(patience, woken.recv()).await;
            let (pending, seen) = wake.expect("woken after the commit").expect("it lives");
            assert!(pending as usize <= seen.len(), "{pending} {seen:?}");
            if seen.len() == told.len() {
                assert_eq!(seen, told);
                break;
            }
        }
    }
    assert_eq!(board.outbox.recorded.get(), 60);
}

#[actix::test]
async fn invariant_10_progress_moves_only_by_an_acknowledgement() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, ..) = start(folder.path());
    let told = record(&outbox, &["a"]);
    outbox.send(Flush).await.expect("the outbox lives");
    for _ in 0..3 {
        let claimed = claim(&outbox, SINK).await;
        assert_eq!(ids(&claimed), told, "a claim alone changes nothing");
    }
    let seq = claim(&outbox, SINK).await.deliveries[0].seq;
    let until = Timestamp::now() + SignedDuration::from_hours(1);
    let postponed = Settlement::Postponed { until, error: "answered 500".into() };
    settle(&outbox, seq, postponed).await;
    let claimed = claim(&outbox, SINK).await;
    assert_eq!((ids(&claimed), claimed.next_retry_at), (vec![], Some(until)));
    let acknowledged = Settlement::Acknowledged { hasten: false };
    settle(&outbox, seq, acknowledged).await;
    assert_eq!(claim(&outbox, SINK).await, Claimed::default());
}

#[actix::test]
async fn dead_letters_are_retried_on_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, ..) = start(folder.path());
    let told = record(&outbox, &["a"]);
    outbox.send(Flush).await.expect("the outbox lives");
    let seq = claim(&outbox, SINK).await.deliveries[0].seq;
    let error = "answered 500".to_owned();
    settle(&outbox, seq, Settlement::Buried { error }).await;
    assert_eq!(ids(&claim(&outbox, SINK).await), []);
    let retry = Retry { event: Some(told[0]), ..Retry::default() };
    let retried = outbox.send(retry).await.expect("the outbox lives");
    assert_eq!(retried.expect("written"), 1);
    assert_eq!(ids(&claim(&outbox, SINK).await), told);
}

#[actix::test]
async fn events_wait_in_memory_while_the_disk_is_full_and_the_fault_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, board, reader) = start(folder.path());
    let mut told = record(&outbox, &["a"]);
    outbox.send(Flush).await.expect("the outbox lives");
    outbox.do_send(Inject(Fault::Full));
    // More than fits into the free room of the pages that are there already.
    told.extend(record(&outbox, &["b"; 200]));
    let unwritten = outbox.send(Flush).await.expect("the outbox lives");
    assert!(unwritten > 100, "{unwritten}");
    assert_eq!(recorded(&reader), told[..201 - unwritten]);
    let fault = board.outbox.fault.lock().clone().expect("a fault");
    assert!(fault.contains("is full"), "{fault}");
    assert_eq!(board.outbox.unwritten.get(), unwritten as i64);
    assert!(board.outbox.write_failures.get() > 0);

    outbox.do_send(Inject(Fault::None));
    until("written by itself", || recorded(&reader).len() == 201).await;
    assert_eq!(recorded(&reader), told, "in order");
    until("no fault", || board.outbox.fault.lock().is_none()).await;
    assert_eq!(board.outbox.unwritten.get(), 0);
    assert_eq!(board.outbox.dropped.get(), 0);
}

#[actix::test]
async fn invariant_11_what_waits_in_memory_is_bounded_and_the_rest_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, board, reader) = start(folder.path());
    outbox.do_send(Inject(Fault::ReadOnly));
    let told = record(&outbox, &vec!["a"; Outbox::KEPT_AT_MOST + 7]);
    let unwritten = outbox.send(Flush).await.expect("the outbox lives");
    assert_eq!(unwritten, Outbox::KEPT_AT_MOST);
    assert_eq!(board.outbox.dropped.get(), 7);
    outbox.do_send(Inject(Fault::None));
    assert_eq!(outbox.send(Flush).await.expect("the outbox lives"), 0);
    assert_eq!(recorded(&reader).last(), told.last(), "the newest stay");
    assert!(reader.get(told[6]).expect("readable").is_none());
    assert!(reader.get(told[7]).expect("readable").is_some());
}

#[actix::test]
async fn a_sink_gets_what_is_recorded_after_it_appeared() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, ..) = start(folder.path());
    let first = record(&outbox, &["a"]);
    outbox.do_send(ApplySinks(vec![Addressee::of_everything("new")]));
    let second = record(&outbox, &["b"]);
    outbox.send(Flush).await.expect("the outbox lives");
    assert_eq!(ids(&claim(&outbox, "new").await), second);
    assert_eq!(ids(&claim(&outbox, SINK).await), [], "it is gone");
    outbox.do_send(ApplySinks(vec![Addressee::of_everything(SINK)]));
    assert_eq!(ids(&claim(&outbox, SINK).await), first, "and came back");
}

#[actix::test]
async fn old_events_go_and_those_not_told_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, board, reader) = start(folder.path());
    outbox.do_send(Record::now(sample::at("a", Timestamp::now() - SignedDuration::from_hours(2))));
    let fresh = record(&outbox, &["a"]);
    outbox.send(Flush).await.expect("the outbox lives");
    outbox.send(Retain).await.expect("the outbox lives");
    assert_eq!(recorded(&reader), fresh);
    assert_eq!(board.outbox.dropped.get(), 1);
    assert!(board.outbox.bytes.get() > 0);
}

#[actix::test]
async fn followers_are_let_know_of_each_commit_and_of_what_was_there_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, board, reader) = start(folder.path());
    let mut newest = board.outbox.newest.subscribe();
    let told = record(&outbox, &["a", "b", "c"]);
    outbox.send(Flush).await.expect("the outbox lives");
    assert_eq!(*newest.borrow_and_update(), 3);
    let seen: Vec<_> = reader.after(0, 10).expect("readable").into_iter().map(|(_, event)| event.id).collect();
    assert_eq!(seen, told);
    record(&outbox, &["a"]);
    soon("a commit", newest.changed()).await.expect("the board is there");
    assert_eq!(*newest.borrow_and_update(), 4);

    let again = tempfile::tempdir().expect("a folder");
    for file in ["lookout.db", "lookout.db-wal"] {
        std::fs::copy(folder.path().join(file), again.path().join(file)).expect("copied");
    }
    let (outbox, board, _) = start(again.path());
    outbox.send(Flush).await.expect("the outbox lives");
    assert_eq!(*board.outbox.newest.borrow(), 4, "before anything is recorded");
}

#[actix::test]
async fn a_burst_longer_than_memory_keeps_is_written_as_it_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, board, _) = start(folder.path());
    let many = Outbox::KEPT_AT_MOST + 1000;
    // All in the mailbox before the first commit.
    record(&outbox, &vec!["a"; many]);
    assert_eq!(outbox.send(Flush).await.expect("the outbox lives"), 0);
    assert_eq!((board.outbox.recorded.get(), board.outbox.dropped.get()), (many as u64, 0));
}
