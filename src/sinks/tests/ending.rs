//! What becomes of deliveries when their courier ends.

use super::*;

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
