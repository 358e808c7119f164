use super::*;
use crate::events::{Attach, Attached, EventKind, Release, Snapshot};

const HOUR: Duration = Duration::from_secs(3600);

fn hold(outbox: &Addr<Outbox>, event: &Event, held_for: Duration) {
    outbox.do_send(Record { event: event.clone(), held_for: Some(held_for) });
}

async fn attach(outbox: &Addr<Outbox>, event: &Event) -> Result<Attached, OutboxError> {
    let snapshot = Snapshot { url: format!("https://store/{}/0.jpg", event.id), frames: Vec::new() };
    outbox.send(Attach { event: event.id, snapshot }).await.expect("the outbox lives")
}

#[actix::test]
async fn a_held_event_is_told_with_its_pictures_as_soon_as_they_are_attached() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, board, reader) = start(folder.path());
    let event = sample::started("a");
    let before = Timestamp::now();
    hold(&outbox, &event, HOUR);
    outbox.send(Flush).await.expect("the outbox lives");
    assert_eq!(recorded(&reader), [event.id], "it is on disk");
    let claimed = claim(&outbox, SINK).await;
    assert_eq!(ids(&claimed), []);
    assert!(
        claimed.next_hold_end.is_some_and(|at| at >= before + HOUR && at <= Timestamp::now() + HOUR),
        "{claimed:?}"
    );
    assert_eq!(attach(&outbox, &event).await.expect("written"), Attached::InTime);
    let claimed = claim(&outbox, SINK).await;
    assert!(claimed.deliveries[0].event.data.snapshot.is_some());
    assert_eq!(board.outbox.recorded.get(), 1);
}

#[actix::test]
async fn couriers_are_woken_when_a_hold_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, ..) = start(folder.path());
    let (seen, mut woken) = tokio::sync::mpsc::channel(1000);
    let reader = Reader::open(&folder.path().join(Store::FILE)).expect("readable");
    let cell = Arc::new(SinkCell::new(SINK.into(), "a test".into()));
    let onlooker = Onlooker { reader, cell: Arc::clone(&cell), seen }.start();
    outbox.do_send(Subscribe { cell, wake: onlooker.clone().recipient() });
    let events = ["a", "b"].map(sample::started);
    for event in &events {
        hold(&outbox, event, HOUR);
    }
    outbox.send(Flush).await.expect("the outbox lives");
    onlooker.send(Wake::News).await.expect("it has seen every wake so far");
    while woken.try_recv().is_ok() {}
    outbox.do_send(Release(events[0].id));
    soon("released", woken.recv()).await.expect("it lives");
    assert_eq!(ids(&claim(&outbox, SINK).await), [events[0].id]);
    attach(&outbox, &events[1]).await.expect("written");
    soon("attached", woken.recv()).await.expect("it lives");
    assert_eq!(ids(&claim(&outbox, SINK).await).len(), 2);
}

#[actix::test]
async fn pictures_that_come_too_late_are_told_by_themselves() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, board, reader) = start(folder.path());
    let event = sample::started("a");
    hold(&outbox, &event, Duration::ZERO);
    outbox.send(Flush).await.expect("the outbox lives");
    assert_eq!(ids(&claim(&outbox, SINK).await), [event.id]);
    assert_eq!(attach(&outbox, &event).await.expect("written"), Attached::Late, "it is being told");
    assert_eq!(*board.outbox.newest.borrow(), 2);
    let (_, stored) = reader.after(1, 1).expect("readable").remove(0);
    assert_eq!((stored.kind, stored.data.event), (EventKind::SnapshotStored, Some(event.id)));
    assert_eq!(board.outbox.recorded.get(), 2);
}

#[actix::test]
async fn pictures_of_an_event_that_cannot_be_written_wait_for_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, board, _) = start(folder.path());
    outbox.do_send(Inject(Fault::ReadOnly));
    let [event, released] = ["a", "b"].map(sample::started);
    hold(&outbox, &event, HOUR);
    hold(&outbox, &released, HOUR);
    attach(&outbox, &event).await.expect_err("to be sent again");
    outbox.do_send(Release(released.id));
    assert!(board.outbox.write_failures.get() > 0);
    outbox.do_send(Inject(Fault::None));
    assert_eq!(attach(&outbox, &event).await.expect("written"), Attached::InTime);
    assert_eq!(ids(&claim(&outbox, SINK).await), [event.id, released.id]);
    assert_eq!(attach(&outbox, &sample::started("c")).await.expect("readable"), Attached::Unknown);
}

#[actix::test]
async fn a_clock_that_was_set_back_by_less_than_an_hour_holds_up_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, ..) = start(folder.path());
    let event = sample::started("a");
    hold(&outbox, &event, Duration::from_secs(60));
    outbox.send(Flush).await.expect("the outbox lives");
    let now = Timestamp::now();
    outbox.send(ItIs(now - Duration::from_secs(1))).await.expect("the outbox lives");
    assert_eq!(ids(&claim(&outbox, SINK).await), [], "the clock was corrected");
    outbox.send(ItIs(now - Duration::from_secs(600))).await.expect("the outbox lives");
    assert_eq!(ids(&claim(&outbox, SINK).await), [event.id]);
}

#[actix::test]
async fn what_was_postponed_before_the_clock_was_set_back_is_due() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, ..) = start(folder.path());
    let event = sample::started("a");
    outbox.send(Record::now(event.clone())).await.expect("the outbox lives");
    outbox.send(Flush).await.expect("the outbox lives");
    let now = Timestamp::now();
    let seq = claim(&outbox, SINK).await.deliveries[0].seq;
    let settlement = Settlement::Postponed { until: now + Duration::from_secs(60), error: "no answer".into() };
    let settle = Settle { sink: SINK.into(), seq, settlement };
    outbox.send(settle).await.expect("the outbox lives").expect("written");
    outbox.send(ItIs(now - Duration::from_secs(1))).await.expect("the outbox lives");
    assert_eq!(ids(&claim(&outbox, SINK).await), [], "the clock was corrected");
    outbox.send(ItIs(now - Duration::from_secs(7200))).await.expect("the outbox lives");
    assert_eq!(ids(&claim(&outbox, SINK).await), [event.id], "nobody knows when a minute is over");
}

#[actix::test]
async fn no_event_is_held_for_longer_than_an_hour() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outbox, ..) = start(folder.path());
    hold(&outbox, &sample::started("a"), Duration::MAX);
    outbox.send(Flush).await.expect("the outbox lives");
    let due = claim(&outbox, SINK).await.next_hold_end.expect("held");
    assert!(due <= Timestamp::now() + Outbox::HELD_AT_MOST);
}
