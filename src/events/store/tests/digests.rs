use std::{collections::HashMap, sync::Arc};

use super::*;
use crate::events::{DigestFacts, DigestGroup};

fn budgeted(name: &str, per_camera: u32, total: u32) -> Addressee {
    Addressee { budget: Some(Budget { per_camera, total }), ..Addressee::of_everything(name) }
}

fn digest(store: &mut Store, sink: &str) -> DigestFacts {
    let seq = store.digest(sink, Timestamp::now()).expect("written").expect("something is gathered");
    let (found, event) = reader(store).after(seq - 1, 1).expect("readable").remove(0);
    assert_eq!((found, event.kind, event.lane()), (seq, EventKind::Digest, ""));
    event.data.digest.expect("a digest's facts")
}

fn states(store: &Store, sink: &str) -> Vec<DeliveryState> {
    let filter = DeliveryFilter { sink: Some(sink.into()), ..DeliveryFilter::default() };
    let mut states: Vec<_> =
        reader(store).deliveries(&filter).expect("readable").iter().map(|delivery| delivery.state).collect();
    states.reverse();
    states
}

use DeliveryState::{Delivered, Digested, Gathered, Pending};

#[test]
fn what_is_over_the_budget_is_gathered_and_told_by_one_digest_with_exact_counts() {
    let folder = temporary();
    let mut store = open(folder.path());
    let mut sinks = to(vec![budgeted(SINK, 2, 3), Addressee::of_everything("file")]);
    let begin: Timestamp = "2026-05-01T10:00:00Z".parse().expect("a time");
    let cameras = ["a", "a", "a", "b", "b", "c", "a", "c", "b", "a"];
    let events: Vec<Event> =
        cameras.iter().zip(0..).map(|(c, s)| sample::at(c, begin + i64::from(s).seconds())).collect();
    let recorded = record_to(&mut store, &mut sinks, &events);
    assert_eq!(recorded.gathered, HashMap::from([(Arc::from(SINK), 7)]));
    assert_eq!(states(&store, "file"), [Pending; 10], "other sinks are unharmed");
    assert_eq!(tally(&store), (3, 0), "what is gathered does not wait");
    assert!(store.gathered_since(SINK).expect("readable").is_some());
    assert_eq!(store.gathered_since("file").expect("readable"), None);

    let group = |camera: &str, events| DigestGroup {
        camera: Some(camera.parse().expect("an id")),
        kind: EventKind::VisitStarted,
        events,
    };
    let expected = DigestFacts {
        from: begin + 2.seconds(),
        to: begin + 9.seconds(),
        events: 7,
        groups: vec![group("a", 3), group("b", 2), group("c", 2)],
        others: 0,
    };
    assert_eq!(digest(&mut store, SINK), expected);
    let told = [Pending, Pending, Digested, Pending];
    assert_eq!(states(&store, SINK), [&told[..], &[Digested; 6], &[Pending]].concat());
    assert_eq!(states(&store, "file").len(), 10, "a digest is for its sink alone");
    assert_eq!(store.gathered_since(SINK).expect("readable"), None);
    assert_eq!(store.digest(SINK, Timestamp::now()).expect("readable"), None, "once");
    let due = due(&mut store);
    assert_eq!(due.len(), 3, "one of a, one of b and the digest: {due:?}");
    let listed = reader(&store).deliveries(&DeliveryFilter { state: Some(Digested), limit: 1, ..Default::default() });
    assert_eq!(listed.expect("readable")[0].digest, Some(due[2].event.id));
}

#[test]
fn a_digest_shows_so_many_groups_and_counts_the_others() {
    let folder = temporary();
    let mut store = open(folder.path());
    let mut sinks = to(vec![budgeted(SINK, 0, 0)]);
    let names: Vec<String> = (0..130).map(|n| format!("camera-{n:03}")).collect();
    let mut events: Vec<Event> = names.iter().map(|name| sample::started(name)).collect();
    events.extend(names[120..].iter().map(|name| sample::started(name)));
    record_to(&mut store, &mut sinks, &events);
    let facts = digest(&mut store, SINK);
    assert_eq!((facts.events, facts.groups.len(), facts.others), (140, DigestFacts::SHOWN, 30));
    assert!(facts.groups[..10].iter().all(|group| group.events == 2), "the most first");
    assert_eq!(facts.groups.iter().map(|group| group.events).sum::<u64>() + facts.others, facts.events);
}

#[test]
fn an_end_follows_its_start() {
    let folder = temporary();
    let mut store = open(folder.path());
    let mut sinks = to(vec![budgeted(SINK, 5, 1)]);
    let [told, gathered, earlier] = ["a", "b", "c"].map(sample::started);
    record_to(&mut store, &mut sinks, &[told.clone(), earlier.clone()]);
    digest(&mut store, SINK);
    record_to(&mut store, &mut sinks, &[gathered.clone(), sample::ended(&told), sample::ended(&gathered)]);
    // Gathered in an earlier digest: like anything else, and the budget is used up.
    record_to(&mut store, &mut sinks, &[sample::ended(&earlier)]);
    let down = sample::down("d", Timestamp::now());
    let long = sample::started("e");
    record_to(&mut store, &mut sinks, &[down, sample::up("d"), long.clone()]);
    let expected = [
        Pending,  // the start of a
        Digested, // that of c
        Pending,  // the first digest
        Gathered, // the start of b
        Pending,  // the end of a, over the budget: the receiver has it open
        Gathered, // the end of b
        Gathered, // that of c
        Gathered, // the outage of d
        Gathered, // its end
        Gathered, // the start of e
    ];
    assert_eq!(states(&store, SINK), expected);
    // A minute later there is room, and its start was in the digest before.
    let later = Moment::now().after(Duration::from_secs(61));
    digest(&mut store, SINK);
    let recorded = store.record(&at_once(&[sample::ended(&long)]), &mut sinks, later).expect("recorded");
    assert_eq!(recorded.gathered, HashMap::new());
}

#[test]
fn an_outage_that_was_told_is_told_to_be_over() {
    let folder = temporary();
    let mut store = open(folder.path());
    let mut sinks = to(vec![budgeted(SINK, 1, 1)]);
    record_to(&mut store, &mut sinks, &[sample::down("a", Timestamp::now()), sample::started("a"), sample::up("a")]);
    assert_eq!(states(&store, SINK), [Pending, Gathered, Pending]);
}

#[test]
fn a_filtered_event_costs_no_budget_and_is_no_loss() {
    let folder = temporary();
    let mut store = open(folder.path());
    let filter = Filter { cameras: vec!["a".parse().expect("an id")], ..Filter::default() };
    let mut sinks = to(vec![Addressee { filter, ..budgeted(SINK, 2, 2) }]);
    let old = Timestamp::now() - 48.hours();
    let recorded = record_to(&mut store, &mut sinks, &["b", "b", "a", "b", "a"].map(|camera| sample::at(camera, old)));
    assert_eq!((recorded.new, recorded.gathered.len()), (5, 0));
    assert_eq!(states(&store, SINK), [Pending, Pending]);
    let short = Storage { keep: Duration::from_secs(3600), ..storage(folder.path()) };
    let retained = store.retain(&short, &names(&[SINK]), Timestamp::now()).expect("written");
    assert_eq!((retained.removed, retained.dropped), (5, 2));
}

#[test]
fn invariant_11_what_is_only_gathered_counts_as_dropped_and_what_a_digest_tells_does_not() {
    let folder = temporary();
    let mut store = open(folder.path());
    let mut sinks = to(vec![budgeted(SINK, 0, 0)]);
    let old = Timestamp::now() - 48.hours();
    let mut record = |store: &mut Store, camera| record_to(store, &mut sinks, &[sample::at(camera, old)]);
    record(&mut store, "a");
    digest(&mut store, SINK);
    record(&mut store, "b");
    let short = Storage { keep: Duration::from_secs(3600), ..storage(folder.path()) };
    let retained = store.retain(&short, &names(&[SINK]), Timestamp::now()).expect("written");
    assert_eq!(retained, Retained { removed: 2, dropped: 1, more: false });
    assert_eq!(store.gathered_since(SINK).expect("readable"), None);
    assert_eq!(due(&mut store).len(), 1, "the digest has the count");
    assert_eq!(tally(&store), (1, 0));
}

#[test]
fn a_crash_leaves_what_is_gathered_for_the_next_life_and_no_digest_twice() {
    let folder = temporary();
    let mut store = open(&folder.path().join("live"));
    let (mut gathered, mut counted) = (0, 0);
    let mut random = fastrand::Rng::with_seed(7);
    for life in 0..30 {
        let mut sinks = to(vec![budgeted(SINK, 1, 1)]);
        let events: Vec<Event> = (0..random.usize(1..9)).map(|_| sample::started("a")).collect();
        gathered += record_to(&mut store, &mut sinks, &events).gathered.values().sum::<u64>();
        if random.bool() {
            store.digest(SINK, Timestamp::now()).expect("written");
        }
        let grave = folder.path().join(life.to_string());
        crash(&store, &grave);
        store = open(&grave);
    }
    store.digest(SINK, Timestamp::now()).expect("written");
    for (_, event) in reader(&store).after(0, 1000).expect("readable") {
        counted += event.data.digest.map_or(0, |facts| facts.events);
    }
    assert!(gathered > 30);
    assert_eq!(counted, gathered, "each is counted once");
}

#[test]
fn what_a_dead_process_told_counts_against_the_budget() {
    let folder = temporary();
    let mut store = open(folder.path());
    let begin = Timestamp::now();
    let mut sinks = to(vec![budgeted(SINK, 2, 9)]);
    record_to(&mut store, &mut sinks, &["a", "b", "a", "a"].map(sample::started));
    digest(&mut store, SINK);
    let told = due(&mut store).remove(0);
    acknowledge(&mut store, told.seq);
    drop(store);
    let store = open(folder.path());
    let (minute, now) = (SignedDuration::from_secs(60), Timestamp::now());
    let lately = |now, at_most| store.told_lately(SINK, (minute, now), at_most).expect("readable");
    let told = lately(now, 100);
    assert_eq!(
        told.iter().map(|(camera, _)| &**camera).collect::<Vec<_>>(),
        ["a", "b", "a"],
        "no digest, nothing gathered"
    );
    assert!(told[0].1 >= begin);
    assert_eq!(lately(told[2].1 + minute, 100), []);
    assert_eq!(lately(now, 2), told[1..], "the newest");
    assert_eq!(
        lately(begin - 1.nanosecond(), 100),
        [],
        "the clock was set back since: that says nothing of this minute"
    );
    assert_eq!(states(&store, SINK)[0], Delivered);
}

#[test]
fn what_could_not_be_written_costs_no_budget() {
    let folder = temporary();
    let mut store = open(folder.path());
    let mut sinks = to(vec![budgeted(SINK, 3, 3)]);
    let events = ["a", "a", "a"].map(sample::started);
    store.inject(Fault::ReadOnly);
    for _ in 0..3 {
        store.record(&at_once(&events), &mut sinks, Moment::now()).expect_err("refused");
    }
    store.inject(Fault::None);
    assert_eq!(record_to(&mut store, &mut sinks, &events).gathered, HashMap::new());
}
