use std::collections::BTreeMap;

use super::*;
use crate::events::{Attached, Snapshot, StoredFrame, store::pictures::Attachment};

fn pictures(of: &Event) -> Snapshot {
    let frame = |n: u8| StoredFrame { url: format!("https://store/{}/{n}.jpg", of.id), captured_at: of.time };
    Snapshot { url: frame(1).url, frames: vec![frame(0), frame(1)] }
}

fn record_held(store: &mut Store, to: &mut Addressees, event: &Event, until: Timestamp) {
    let held = Unwritten { event: event.clone(), held_until: Some(until) };
    assert_eq!(store.record(&[held], to, Moment::now()).expect("recorded").new, 1);
}

fn attach(store: &mut Store, to: &mut Addressees, event: &Event) -> Attachment {
    store.attach(event.id, &pictures(event), to, Timestamp::now()).expect("written")
}

fn in_an_hour() -> Timestamp {
    Timestamp::now() + 1.hour()
}

/// A house in which an event waits for its pictures for an hour.
fn waiting() -> (tempfile::TempDir, Store, Event) {
    let folder = temporary();
    let mut store = open(folder.path());
    let event = sample::started("door");
    record_held(&mut store, &mut to_all(&[SINK, "phone"]), &event, in_an_hour());
    (folder, store, event)
}

#[test]
fn an_event_is_on_disk_at_once_and_told_when_its_pictures_are_there() {
    let (_folder, mut store, event) = waiting();
    assert_eq!(store.get(event.id).expect("readable").as_ref(), Some(&event));
    assert_eq!(due_ids(&mut store), []);
    assert_eq!(tally(&store), (1, 0), "it waits");
    let attached = attach(&mut store, &mut to_all(&[SINK, "phone"]), &event);
    assert_eq!(attached, Attachment { attached: Attached::InTime, stored: None });
    let told = due(&mut store);
    assert_eq!(ids(&told), [event.id]);
    assert_eq!(told[0].event.data.snapshot, Some(pictures(&event)), "with its pictures, in their order");
    assert_eq!(store.get(event.id).expect("readable").as_ref(), Some(&told[0].event), "and so it is listed");
}

#[test]
fn an_event_of_which_no_pictures_come_is_told_when_its_hold_has_passed_or_is_ended() {
    let folder = temporary();
    let mut store = open(folder.path());
    let [patient, released] = ["door", "yard"].map(sample::started);
    let until = in_an_hour();
    record_held(&mut store, &mut to_all(&[SINK]), &patient, until);
    record_held(&mut store, &mut to_all(&[SINK]), &released, until + 1.hour());
    let now = Timestamp::now();
    assert_eq!(store.next_hold_end(SINK, now).expect("readable"), Some(until), "a courier knows when to come back");
    assert_eq!(store.release(released.id).expect("written"), 1);
    assert_eq!(due_ids(&mut store), [released.id]);
    assert_eq!(due_to(&mut store, SINK, until - 1.nanosecond()).len(), 1);
    assert_eq!(ids(&due_to(&mut store, SINK, until)), [patient.id, released.id]);
}

#[test]
fn nothing_but_its_pictures_or_its_time_ends_a_hold() {
    let (_folder, mut store, event) = waiting();
    let other = sample::started("yard");
    record(&mut store, std::slice::from_ref(&other));
    store.probe(SINK).expect("written");
    let delivery = due(&mut store).remove(0);
    store.acknowledge(SINK, delivery.seq, Timestamp::now(), true).expect("hastened");
    let now = Timestamp::now();
    store.forgive_clock(SINK, now).expect("written");
    assert_eq!(store.forgive_holds(now + 2.hours()).expect("written"), 0);
    assert_eq!(due(&mut store), []);
    let untried_only = Wanted { sink: SINK, now, limit: 9, busy: &[], untried_only: true };
    assert_eq!(store.due(untried_only).expect("readable"), []);
    // No hold is as long as this one: the clock was set back.
    assert_eq!(store.forgive_holds(now + 1.minute()).expect("written"), 2, "of both sinks");
    assert_eq!(due_ids(&mut store), [event.id]);
}

#[test]
fn a_lane_waits_behind_what_is_held_and_other_lanes_do_not() {
    let folder = temporary();
    let mut store = open(folder.path());
    let before = sample::started("door");
    let held = sample::started("door");
    let after = [sample::ended(&held), sample::started("door")];
    let elsewhere = sample::started("yard");
    record(&mut store, std::slice::from_ref(&before));
    record_held(&mut store, &mut to_all(&[SINK]), &held, in_an_hour());
    record(&mut store, &[after[0].clone(), after[1].clone(), elsewhere.clone()]);
    let mut told = Vec::new();
    let mut tell = |store: &mut Store| {
        while let Some(delivery) = due(store).first() {
            acknowledge(store, delivery.seq);
            told.push(delivery.event.id);
        }
        told.clone()
    };
    assert_eq!(tell(&mut store), [before.id, elsewhere.id]);
    attach(&mut store, &mut to_all(&[SINK]), &held);
    let expected = [before.id, elsewhere.id, held.id, after[0].id, after[1].id];
    assert_eq!(tell(&mut store), expected);
}

#[test]
fn who_was_told_without_is_told_of_the_pictures_by_themselves_and_nobody_else_is() {
    let folder = temporary();
    let mut store = open(folder.path());
    let quiet = Filter { types: vec![EventKind::VisitStarted], ..Filter::default() };
    let mut sinks = vec![
        Addressee::of_everything("told"),
        Addressee::of_everything("tried"),
        Addressee::of_everything("not yet"),
        Addressee { filter: quiet, ..Addressee::of_everything("no pictures") },
    ];
    let event = sample::started("door");
    let until = Timestamp::now() - 1.second();
    record_held(&mut store, &mut to(sinks.clone()), &event, until);
    for sink in ["told", "tried", "no pictures"] {
        let delivery = due_to(&mut store, sink, Timestamp::now()).remove(0);
        assert_eq!(delivery.event.data.snapshot, None);
        match sink {
            // What failed may have arrived all the same.
            "tried" => store.postpone(sink, delivery.seq, Timestamp::now(), "no answer").expect("written"),
            _ => store.acknowledge(sink, delivery.seq, Timestamp::now(), false).expect("written"),
        }
    }
    sinks.push(Addressee::of_everything("new"));
    let mut now_are = to(sinks);
    let attached = attach(&mut store, &mut now_are, &event);
    assert_eq!((attached.attached, attached.stored.is_some()), (Attached::Late, true));

    let mut told = |sink: &str| -> Vec<(EventKind, Option<EventId>, bool)> {
        let mut told = Vec::new();
        while let Some(delivery) = due_to(&mut store, sink, Timestamp::now()).pop() {
            store.acknowledge(sink, delivery.seq, Timestamp::now(), false).expect("written");
            let data = &delivery.event.data;
            assert_eq!(
                (delivery.event.lane(), &data.visit, &data.label),
                ("door", &event.data.visit, &event.data.label)
            );
            told.push((delivery.event.kind, data.event, data.snapshot == Some(pictures(&event))));
        }
        told
    };
    let later = (EventKind::SnapshotStored, Some(event.id), true);
    let whole = (EventKind::VisitStarted, None, true);
    assert_eq!(told("told"), [later]);
    assert_eq!(told("tried"), [whole, later]);
    assert_eq!(told("not yet"), [whole]);
    assert_eq!(told("no pictures"), []);
    assert_eq!(told("new"), []);
}

#[test]
fn pictures_that_nobody_waited_for_any_more_are_late_for_whoever_was_tried() {
    let (_folder, mut store, event) = waiting();
    assert_eq!(store.release(event.id).expect("written"), 2);
    let delivery = due(&mut store).remove(0);
    store.postpone(SINK, delivery.seq, Timestamp::now(), "no answer").expect("written");
    let mut sinks = to_all(&[SINK, "phone"]);
    assert_eq!(attach(&mut store, &mut sinks, &event).attached, Attached::Late);
    assert_eq!(due_to(&mut store, "phone", Timestamp::now()).len(), 1);
    assert_eq!(store.tally("phone").expect("readable").pending, 1, "it was in time for the phone");
    assert_eq!(tally(&store), (2, 0));
}

#[test]
fn pictures_are_told_after_their_event_however_often_that_fails() {
    let (_folder, mut store, event) = waiting();
    let seq = due_to(&mut store, SINK, in_an_hour())[0].seq;
    let postpone = |store: &mut Store| store.postpone(SINK, seq, in_an_hour(), "no answer").expect("written");
    postpone(&mut store);
    let stored = attach(&mut store, &mut to_all(&[SINK, "phone"]), &event).stored.expect("a snapshot.stored event");
    // So many of one lane that each lane is asked for its first, and one of another.
    let crowd: Vec<Event> = (0..100).map(|_| sample::started("gate")).collect();
    record(&mut store, &crowd);
    let next = sample::started("door");
    record(&mut store, std::slice::from_ref(&next));
    assert_eq!(due_ids(&mut store), [crowd[0].id, next.id], "the lane goes on without the two");
    acknowledge(&mut store, stored + 101);
    assert_eq!(due_ids(&mut store), [crowd[0].id]);
    (1..=100).for_each(|place| acknowledge(&mut store, stored + place));
    assert_eq!(due_ids(&mut store), []);
    assert_eq!(store.probe(SINK).expect("written"), 1);
    assert_eq!(due_ids(&mut store), [event.id], "it is tried once more");
    postpone(&mut store);
    assert_eq!(due_ids(&mut store), []);
    // Told or given up: then the pictures may go.
    store.bury(SINK, seq, "no answer").expect("written");
    assert_eq!(due(&mut store).iter().map(|d| d.seq).collect::<Vec<_>>(), [stored]);
}

#[test]
fn who_is_told_without_at_the_end_is_told_of_pictures_that_come_meanwhile() {
    let (_folder, mut store, event) = waiting();
    assert_eq!(store.release(event.id).expect("written"), 2);
    assert_eq!(due_ids(&mut store), [event.id], "on its way to the office, and not to the phone");
    let attached = attach(&mut store, &mut to_all(&[SINK, "phone"]), &event);
    assert_eq!((attached.attached, attached.stored.is_some()), (Attached::Late, true));
    acknowledge(&mut store, 1);
    let kinds = |due: Vec<Delivery>| due.iter().map(|d| d.event.kind).collect::<Vec<_>>();
    assert_eq!(kinds(due(&mut store)), [EventKind::SnapshotStored]);
    assert_eq!(kinds(due_to(&mut store, "phone", Timestamp::now())), [EventKind::VisitStarted]);
}

#[test]
fn pictures_that_wait_for_their_event_are_free_once_it_is_no_more() {
    let (_folder, mut store, event) = waiting();
    let seq = due_to(&mut store, SINK, in_an_hour())[0].seq;
    store.postpone(SINK, seq, in_an_hour(), "no answer").expect("written");
    let stored = attach(&mut store, &mut to_all(&[SINK, "phone"]), &event).stored.expect("a snapshot.stored event");
    assert_eq!(due(&mut store), []);
    store.conn.execute("DELETE FROM events WHERE seq = ?1", [seq]).expect("removed");
    assert_eq!(due(&mut store).iter().map(|d| d.seq).collect::<Vec<_>>(), [stored]);
}

#[test]
fn attaching_again_after_a_crash_changes_nothing() {
    let (folder, mut store, event) = waiting();
    let mut sinks = to_all(&[SINK, "phone"]);
    let delivery = due_to(&mut store, "phone", in_an_hour()).remove(0);
    assert_eq!(delivery.event.id, event.id, "the hold has passed for the phone, which is being told");
    let mut outcomes = Vec::new();
    for life in 0..3 {
        outcomes.push(attach(&mut store, &mut sinks, &event));
        let grave = folder.path().join(life.to_string());
        crash(&store, &grave);
        store = open(&grave);
    }
    let stored = Some(2);
    assert_eq!(outcomes[0], Attachment { attached: Attached::Late, stored });
    assert_eq!(outcomes[1..], [Attachment { attached: Attached::Late, stored: None }; 2]);
    let kinds: Vec<_> = reader(&store).after(0, 10).expect("readable").iter().map(|(_, e)| e.kind).collect();
    assert_eq!(kinds, [EventKind::VisitStarted, EventKind::SnapshotStored], "told of once");
    let other = Snapshot { url: "https://elsewhere/".into(), frames: Vec::new() };
    store.attach(event.id, &other, &mut sinks, Timestamp::now()).expect("written");
    let kept = store.get(event.id).expect("readable").expect("there");
    assert_eq!(kept.data.snapshot, Some(pictures(&event)));
}

#[test]
fn a_crash_between_the_holds_end_and_the_pictures_is_remembered() {
    let (folder, mut store, event) = waiting();
    assert_eq!(due_to(&mut store, SINK, in_an_hour()).len(), 1);
    let grave = folder.path().join("grave");
    crash(&store, &grave);
    let mut store = open(&grave);
    let attached = attach(&mut store, &mut to_all(&[SINK, "phone"]), &event);
    assert_eq!(attached.attached, Attached::Late, "the office was perhaps told");
    assert_eq!(ids(&due_to(&mut store, "phone", Timestamp::now())), [event.id], "the phone was not, and is in time");
}

#[test]
fn pictures_of_an_event_that_is_not_there_are_unknown() {
    let (_folder, mut store, _) = waiting();
    let stranger = sample::started("door");
    let attached = attach(&mut store, &mut to_all(&[SINK]), &stranger);
    assert_eq!(attached, Attachment { attached: Attached::Unknown, stored: None });
    assert_eq!(store.newest_seq().expect("readable"), 1);
}

#[test]
fn holds_begin_anew_after_a_restart_where_pictures_are_on_their_way_and_end_elsewhere() {
    let folder = temporary();
    let mut store = open(&folder.path().join("live"));
    let cameras = ["lasting", "passed", "tried", "given up"];
    let events = cameras.map(|camera| sample::started(&camera.replace(' ', "-")));
    let now = Timestamp::now();
    for (event, until) in events.iter().zip([now + 1.hour(), now - 1.second(), now - 1.second(), now + 1.hour()]) {
        record_held(&mut store, &mut to_all(&[SINK]), event, until);
    }
    let busy = ["lasting".into(), "passed".into(), "given-up".into()];
    let wanted = Wanted { sink: SINK, now, limit: 9, busy: &busy, untried_only: false };
    assert_eq!(ids(&store.due(wanted).expect("readable")), [events[2].id]);
    let grave = folder.path().join("grave");
    crash(&store, &grave);

    let mut store = open(&grave);
    let (until, pause) = (now + 10.seconds(), SignedDuration::from_secs(10));
    let held = store.renew_holds(&[events[0].id, events[1].id, events[2].id, EventId::fresh()], now, pause);
    assert_eq!(held.expect("written"), BTreeMap::from([(events[0].id, until), (events[1].id, until)]));
    assert_eq!(store.renewed_for(), pause, "a set clock is found out by it");
    assert_eq!(due_ids(&mut store), [events[2].id, events[3].id]);
    assert_eq!(store.next_hold_end(SINK, now).expect("readable"), Some(until));
    for event in &events[..2] {
        let attached = attach(&mut store, &mut to_all(&[SINK]), event);
        assert_eq!(attached.attached, Attached::InTime);
    }
    assert_eq!(due(&mut store).len(), 4);
}

#[test]
fn pictures_that_one_process_left_alone_are_told_by_the_next() {
    let (_folder, mut store, event) = waiting();
    let now = Timestamp::now();
    // No pictures are wanted now ...
    assert_eq!(store.renew_holds(&[], now, SignedDuration::ZERO).expect("written"), BTreeMap::new());
    assert_eq!(ids(&due_to(&mut store, SINK, now)), [event.id], "told without them");
    // ... and then they are again, while the receiver of before is still being told.
    let pause = SignedDuration::from_secs(10);
    let held = store.renew_holds(&[event.id], now, pause).expect("written");
    assert_eq!(held, BTreeMap::from([(event.id, now + pause)]), "for whom was not told");
    let attached = attach(&mut store, &mut to_all(&[SINK, "phone"]), &event);
    assert_eq!(attached.attached, Attached::Late);
    assert!(attached.stored.is_some(), "a snapshot.stored event follows");
}

#[test]
fn a_process_that_crashes_in_a_loop_holds_an_event_for_twice_as_long_at_most() {
    let (folder, mut store, event) = waiting();
    let (begun, pause) = (Timestamp::now(), SignedDuration::from_secs(1000));
    let mut ends = Vec::new();
    for life in 0..6 {
        let grave = folder.path().join(life.to_string());
        crash(&store, &grave);
        store = open(&grave);
        let now = begun + SignedDuration::from_secs(400 * life);
        let held = store.renew_holds(&[event.id], now, pause).expect("written");
        ends.extend(held.get(&event.id).copied());
        assert_eq!(due_to(&mut store, SINK, now).is_empty(), life < 5, "2000 s are over with the sixth life");
    }
    assert_eq!(ends[..3], [1000, 1400, 1800].map(|seconds| begun + SignedDuration::from_secs(seconds)));
    assert!(ends.len() == 5 && ends.iter().all(|end| *end <= begun + 2 * pause), "{ends:?} after {begun}");
}

#[test]
fn a_clock_that_was_set_back_before_the_restart_renews_no_hold() {
    let (_folder, mut store, event) = waiting();
    let (now, pause) = (Timestamp::now(), SignedDuration::from_secs(10));
    let corrected = now - 3.seconds();
    let held = store.renew_holds(&[event.id], corrected, pause).expect("written");
    assert_eq!(held, BTreeMap::from([(event.id, corrected + pause)]), "the clock was only corrected");
    let set_back = now - 1.hour();
    assert_eq!(store.renew_holds(&[event.id], set_back, pause).expect("written"), BTreeMap::new());
    assert_eq!(ids(&due_to(&mut store, SINK, set_back)), [event.id]);
}

#[test]
fn a_full_disk_refuses_the_pictures_whole() {
    let (_folder, mut store, event) = waiting();
    store.inject(Fault::ReadOnly);
    let mut sinks = to_all(&[SINK]);
    store.attach(event.id, &pictures(&event), &mut sinks, Timestamp::now()).expect_err("refused");
    // The house is not silenced either: what is due is told, though that cannot be noted.
    assert_eq!(due_to(&mut store, SINK, in_an_hour()).len(), 1);
    store.inject(Fault::None);
    assert_eq!(store.get(event.id).expect("readable"), Some(event.clone()));
    assert_eq!(attach(&mut store, &mut sinks, &event).attached, Attached::InTime);
}
