use super::*;

struct Bench {
    uplink: Uplink,
    now: Instant,
    event: EventId,
}

/// From half a second to a minute.
const BACKOFF: Backoff = Backoff { floor: Duration::from_millis(250), ceiling: Duration::from_secs(60) };

impl Bench {
    fn new(pictures: u32, concurrency: usize, max_retries: u32) -> Self {
        let (now, event) = (Instant::now(), EventId::fresh());
        let mut uplink = Uplink::new(UplinkTerms { concurrency, max_retries, backoff: BACKOFF });
        for n in 0..pictures {
            uplink.add(Parcel::new(event, n, now + Duration::from_secs(10)));
        }
        Self { uplink, now, event }
    }

    /// A store that seems to be away, as the only picture has failed.
    fn of_a_suspect(concurrency: usize) -> Self {
        let mut bench = Self::new(1, concurrency, 30);
        while !bench.uplink.is_away() {
            bench.now += Duration::from_secs(60);
            let suspect = bench.next().expect("it is due");
            assert_eq!(bench.fail(suspect, Blame::StoreAway), Verdict::Again);
        }
        assert_eq!(bench.next(), None, "it waits");
        bench
    }

    fn add(&mut self, n: u32) {
        self.uplink.add(Parcel::new(self.event, n, self.now + Duration::from_secs(10)));
    }

    fn next(&mut self) -> Option<Parcel> {
        self.uplink.next(self.now)
    }

    fn fail(&mut self, parcel: Parcel, blame: Blame) -> Verdict {
        self.uplink.failed(parcel, blame, self.now, 1.0)
    }

    fn sleep(&mut self) {
        let pause = self.uplink.pause(self.now).expect("something waits");
        self.now += pause;
    }
}

#[test]
fn they_go_in_order_and_never_more_at_once_than_allowed() {
    let mut bench = Bench::new(5, 3, 30);
    let begun: Vec<u32> = std::iter::from_fn(|| bench.next()).map(|p| p.n).collect();
    assert_eq!((begun, bench.uplink.in_flight(), bench.uplink.waiting()), (vec![0, 1, 2], 3, 2));
    assert!(!bench.uplink.stored());
    assert_eq!(bench.next().map(|p| p.n), Some(3));
}

#[test]
fn a_refused_picture_rests_and_is_given_up_after_so_many_refusals() {
    let mut bench = Bench::new(1, 8, 3);
    for (wait, verdict) in [(0.5, Verdict::Again), (1.0, Verdict::Again), (0.0, Verdict::GivenUp)] {
        let parcel = bench.next().expect("it is due");
        assert_eq!(bench.fail(parcel, Blame::Attempt), verdict);
        if verdict == Verdict::Again {
            assert_eq!(bench.next(), None, "it rests");
            assert_eq!(bench.uplink.pause(bench.now), Some(Duration::from_secs_f64(wait)));
            bench.sleep();
        }
    }
    assert_eq!((bench.uplink.waiting(), bench.uplink.in_flight()), (0, 0));
}

#[test]
fn an_outage_of_hours_loses_nothing_and_one_at_a_time_finds_out() {
    let mut bench = Bench::new(50, 64, 3);
    let flying: Vec<_> = std::iter::from_fn(|| bench.next()).collect();
    assert_eq!(flying.len(), 50);
    for parcel in flying {
        assert_eq!(bench.fail(parcel, Blame::StoreAway), Verdict::Again);
    }
    assert_eq!(bench.next(), None, "all wait");
    let begin = bench.now;
    let mut probes = 0;
    while bench.now - begin < Duration::from_secs(3 * 3600) {
        bench.sleep();
        let probe = bench.next().expect("a probe");
        assert_eq!(bench.next(), None, "one at a time");
        assert_eq!(bench.fail(probe, Blame::StoreAway), Verdict::Again);
        probes += 1;
    }
    assert!((180..200).contains(&probes), "once a minute: {probes}");
    bench.sleep();
    bench.next().expect("a probe");
    assert!(bench.uplink.stored(), "the outage ends");
    let rest: Vec<_> = std::iter::from_fn(|| bench.next()).collect();
    assert_eq!(rest.len(), 49, "none is lost and all go at once");
}

#[test]
fn a_picture_that_alone_times_out_is_given_up_and_makes_nobody_wait() {
    let mut bench = Bench::new(1, 8, 5);
    let mut verdicts = Vec::new();
    for n in 1..=5 {
        let poison = bench.next().expect("it is due");
        assert_eq!(poison.n, 0);
        bench.uplink.add(Parcel::new(bench.event, n, bench.now + Duration::from_secs(10)));
        bench.next().expect("another one goes beside it");
        bench.uplink.stored();
        verdicts.push(bench.fail(poison, Blame::StoreAway));
        assert!(!bench.uplink.is_away(), "the store takes the others");
        if n < 5 {
            bench.sleep();
        }
    }
    assert_eq!(verdicts, [Verdict::Again, Verdict::Again, Verdict::Again, Verdict::Again, Verdict::GivenUp]);
}

#[test]
fn a_picture_that_fails_while_nothing_else_is_stored_is_not_to_blame() {
    let mut bench = Bench::new(1, 8, 2);
    for _ in 0..20 {
        let parcel = bench.next().expect("it is due");
        assert_eq!(bench.fail(parcel, Blame::StoreAway), Verdict::Again);
        bench.sleep();
    }
    assert!(bench.uplink.is_away());
}

#[test]
fn a_store_or_a_spool_that_serves_one_of_many_loses_none() {
    for blame in [Blame::StoreAway, Blame::Spool] {
        serves_one_of_many(blame);
    }
}

fn serves_one_of_many(blame: Blame) {
    let mut bench = Bench::new(40, 8, 3);
    let (mut stored, mut rounds) = (0, 0);
    while stored < 40 {
        let flying: Vec<_> = std::iter::from_fn(|| bench.next()).collect();
        for (at, parcel) in flying.into_iter().enumerate() {
            if at == 0 {
                bench.uplink.stored();
                stored += 1;
            } else {
                assert_eq!(bench.fail(parcel, blame), Verdict::Again, "{stored} are stored");
            }
        }
        rounds += 1;
        assert!(rounds < 1000, "{stored} are stored");
        if bench.uplink.pause(bench.now).is_some() {
            bench.sleep();
        }
    }
}

#[test]
fn a_blip_with_many_in_flight_costs_half_a_second_not_a_minute() {
    let mut bench = Bench::new(64, 64, 30);
    let flying: Vec<_> = std::iter::from_fn(|| bench.next()).collect();
    for parcel in flying {
        bench.fail(parcel, Blame::StoreAway);
    }
    assert_eq!(bench.uplink.pause(bench.now), Some(Duration::from_millis(500)));
}

#[test]
fn wrong_settings_are_asked_about_slowly_and_cost_no_picture() {
    let mut bench = Bench::new(2, 8, 2);
    let first = bench.next().expect("it is due");
    assert_eq!(bench.fail(first, Blame::Settings), Verdict::Again);
    assert_eq!(bench.next(), None);
    assert_eq!(bench.uplink.pause(bench.now), Some(Duration::from_secs(60)));
    for _ in 0..20 {
        bench.sleep();
        let probe = bench.next().expect("a probe");
        assert_eq!(bench.fail(probe, Blame::Settings), Verdict::Again);
    }
    assert_eq!(bench.uplink.waiting(), 2);
}

#[test]
fn a_picture_that_alone_is_forbidden_is_given_up_and_holds_up_no_other() {
    let mut bench = Bench::new(1, 8, 2);
    let odd = bench.next().expect("it is due");
    let id = odd.id();
    assert_eq!(bench.fail(odd, Blame::Settings), Verdict::Again);
    for n in 10..40 {
        bench.uplink.add(Parcel::new(bench.event, n, bench.now + Duration::from_secs(10)));
        bench.sleep();
        while let Some(parcel) = bench.next() {
            if parcel.id() != id {
                bench.uplink.stored();
            } else if bench.fail(parcel, Blame::Settings) == Verdict::GivenUp {
                return;
            }
        }
    }
    panic!("never given up");
}

#[test]
fn what_was_stored_before_settings_became_wrong_gives_no_picture_up() {
    let mut bench = Bench::new(2, 8, 3);
    let [_, mut waits] = [bench.next().expect("it is due"), bench.next().expect("so is this")];
    bench.uplink.stored();
    for _ in 0..40 {
        assert_eq!(bench.fail(waits, Blame::Settings), Verdict::Again);
        bench.sleep();
        waits = bench.next().expect("it is tried again");
    }
}

#[test]
fn nothing_wakes_while_all_hands_are_full() {
    let mut bench = Bench::new(2, 1, 30);
    let first = bench.next().expect("it is due");
    assert_eq!(bench.fail(first, Blame::Attempt), Verdict::Again);
    assert!(bench.next().is_some(), "the other one is in flight now");
    bench.now += Duration::from_secs(60);
    assert_eq!(bench.next(), None);
    assert_eq!(bench.uplink.pause(bench.now), None);
    bench.uplink.stored();
    assert_eq!(bench.uplink.pause(bench.now), Some(Duration::ZERO));
}

#[test]
fn pictures_that_an_event_waits_for_go_before_those_that_are_late() {
    let mut bench = Bench::new(3, 1, 30);
    bench.now += Duration::from_secs(11);
    bench.uplink.add(Parcel::new(bench.event, 9, bench.now + Duration::from_secs(10)));
    let mut order = Vec::new();
    while let Some(parcel) = bench.next() {
        order.push(parcel.n);
        bench.uplink.stored();
    }
    assert_eq!(order, [9, 0, 1, 2]);
}

#[test]
fn a_picture_that_alone_fails_does_not_make_the_next_one_wait() {
    let mut bench = Bench::of_a_suspect(8);
    bench.add(1);
    bench.add(2);
    assert_eq!(bench.next().map(|parcel| parcel.n), Some(1), "it is asked at once");
    assert_eq!(bench.next(), None, "one is enough to know");
    assert!(bench.uplink.stored(), "there was no outage");
    assert_eq!(bench.next().map(|parcel| parcel.n), Some(2));
}

#[test]
fn where_another_picture_fails_too_the_store_is_away_and_asked_no_sooner() {
    let mut bench = Bench::of_a_suspect(8);
    for n in 1..5 {
        bench.add(n);
    }
    let another = bench.next().expect("it is asked at once");
    bench.fail(another, Blame::StoreAway);
    assert!(bench.uplink.is_away());
    assert_eq!(bench.next(), None, "all wait together");
    bench.sleep();
    bench.next().expect("a probe");
    assert_eq!(bench.next(), None, "one at a time");
}

#[test]
fn nobody_waits_for_a_suspect_in_flight_but_where_one_at_a_time_is_allowed() {
    for concurrency in [2, 1] {
        let mut bench = Bench::of_a_suspect(concurrency);
        bench.sleep();
        let suspect = bench.next().expect("it is due");
        bench.add(1);
        let beside = bench.next();
        assert_eq!(beside.is_some(), concurrency > 1);
        bench.fail(suspect, Blame::StoreAway);
        let next = beside.or_else(|| bench.next());
        assert_eq!(next.map(|parcel| parcel.n), Some(1), "{concurrency} at once");
    }
}

#[test]
fn wrong_settings_are_nobodys_fault_and_nobody_else_is_asked_sooner() {
    let mut bench = Bench::of_a_suspect(8);
    bench.sleep();
    let suspect = bench.next().expect("it is due");
    bench.fail(suspect, Blame::Settings);
    bench.add(1);
    assert_eq!(bench.next(), None);
}

#[test]
fn a_lone_picture_that_fails_calls_for_a_witness_at_every_second_failure_who_is_heard_once() {
    let mut bench = Bench::new(1, 8, 30);
    assert!(!bench.uplink.lacks_witness(), "nothing has failed");
    for failures in 1..=2 {
        let poison = bench.next().expect("it is due");
        assert!(!bench.uplink.lacks_witness(), "nothing waits");
        assert_eq!(bench.fail(poison, Blame::StoreAway), Verdict::Again);
        assert_eq!(bench.uplink.lacks_witness(), failures % 2 == 0);
        if bench.uplink.lacks_witness() {
            bench.uplink.add(Parcel::witness(bench.event, 7, bench.now));
            assert!(!bench.uplink.lacks_witness(), "it is called");
            let witness = bench.next().expect("it is heard");
            assert!(witness.is_witness && witness.n == 7);
            assert_eq!(bench.fail(witness, Blame::StoreAway), Verdict::GivenUp);
            assert_eq!(bench.uplink.waiting(), 1, "it does not come again");
        }
        bench.sleep();
    }
    assert!(bench.uplink.is_away(), "both have failed");
}

#[test]
fn a_spool_that_fails_neither_ends_nor_begins_an_outage() {
    let mut bench = Bench::new(2, 8, 30);
    for blame in [Blame::StoreAway, Blame::Spool, Blame::StoreAway, Blame::Spool, Blame::StoreAway] {
        assert!(!bench.uplink.is_away());
        bench.now += Duration::from_secs(60);
        let parcel = bench.next().expect("it is due");
        assert_eq!(bench.fail(parcel, blame), Verdict::Again);
    }
    assert!(bench.uplink.is_away(), "three times in a row the store was asked in vain");
    let mut bench = Bench::new(3, 8, 30);
    for _ in 0..3 {
        let parcel = bench.next().expect("it is due");
        assert_eq!(bench.fail(parcel, Blame::StoreAway), Verdict::Again);
    }
    bench.now += Duration::from_secs(60);
    let probe = bench.next().expect("a probe");
    assert_eq!(bench.fail(probe, Blame::Spool), Verdict::Again);
    assert!(bench.uplink.is_away(), "it has not been to the store");
    let probe = bench.next().expect("another one, at once");
    assert_eq!(bench.next(), None, "one at a time");
    bench.fail(probe, Blame::StoreAway);
    assert!(bench.uplink.pause(bench.now).is_some_and(|pause| pause > Duration::ZERO));
}

#[test]
fn a_picture_that_cannot_be_read_is_no_probe_before_it_has_rested() {
    let mut bench = Bench::of_a_suspect(8);
    for failures in 4..8 {
        bench.sleep();
        let probe = bench.next().expect("it is due");
        assert_eq!(bench.fail(probe, Blame::Spool), Verdict::Again);
        assert_eq!(bench.next(), None, "it rests");
        assert_eq!(bench.uplink.pause(bench.now), Some(BACKOFF.wait(failures, 1.0)));
    }
    assert!(bench.uplink.is_away());
}

#[test]
fn a_spool_that_fails_for_hours_costs_no_picture_and_is_asked_ever_less() {
    let mut bench = Bench::new(20, 8, 2);
    let (begin, mut attempts) = (bench.now, 0);
    while bench.now - begin < Duration::from_secs(3 * 3600) {
        while let Some(parcel) = bench.next() {
            assert_eq!(bench.fail(parcel, Blame::Spool), Verdict::Again);
            attempts += 1;
        }
        assert!(!bench.uplink.is_away());
        bench.sleep();
    }
    assert!(bench.uplink.is_spool_unreadable());
    assert!((20 * 180..20 * 200).contains(&attempts), "each once a minute: {attempts}");
    bench.sleep();
    let read = bench.next().expect("it is due");
    bench.fail(read, Blame::StoreAway);
    assert_eq!((bench.uplink.is_spool_unreadable(), bench.uplink.waiting()), (false, 20), "whatever the store says");
}

#[test]
fn a_picture_that_alone_cannot_be_read_is_given_up_while_others_get_through() {
    let mut bench = Bench::new(1, 8, 3);
    let mut verdicts = Vec::new();
    for n in 1..=3 {
        let damaged = bench.next().expect("it is due");
        assert_eq!(damaged.n, 0);
        bench.add(n);
        bench.next().expect("another one goes beside it");
        bench.uplink.stored();
        verdicts.push(bench.fail(damaged, Blame::Spool));
        bench.now += Duration::from_secs(60);
    }
    assert_eq!(verdicts, [Verdict::Again, Verdict::Again, Verdict::GivenUp]);
}
