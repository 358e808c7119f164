//! Receivers that want rest, or do not answer, and what was claimed before.

use super::*;

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
