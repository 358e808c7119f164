use super::*;

#[test]
fn due_is_in_order_one_of_each_camera_and_none_of_the_busy() {
    let folder = temporary();
    let mut store = open(folder.path());
    let cameras = ["a", "b", "a", "c", "b", "d"];
    let events = cameras.map(sample::started);
    record(&mut store, &events);
    assert_eq!(due_ids(&mut store), [0, 1, 3, 5].map(|i: usize| events[i].id));
    let (a, b) = ("a".into(), "b".into());
    let wanted = Wanted { sink: SINK, now: Timestamp::now(), limit: 1, busy: &[a, b], untried_only: false };
    let free = store.due(wanted).expect("readable");
    assert_eq!(free[0].event.id, events[3].id);
    assert_eq!(free.len(), 1, "the limit");
    for delivery in due(&mut store) {
        acknowledge(&mut store, delivery.seq);
    }
    assert_eq!(due_ids(&mut store), [events[2].id, events[4].id]);
}

#[test]
fn a_postponed_delivery_waits_and_is_hastened_when_the_receiver_is_back() {
    let folder = temporary();
    let mut store = open(folder.path());
    record(&mut store, &["a", "b"].map(sample::started));
    let now = Timestamp::now();
    let [first, second] = [0, 1].map(|i| due(&mut store)[i].clone());
    let until = now + 2.hours();
    store.postpone(SINK, first.seq, until, "no answer").expect("written");
    assert_eq!(due_ids(&mut store), [second.event.id]);
    assert_eq!(store.next_retry_at(SINK, now).expect("readable"), Some(until));
    let later = due_to(&mut store, SINK, until);
    assert_eq!(later.len(), 2);
    assert_eq!(later[1].attempts, 1, "{later:?}");

    store.acknowledge(SINK, second.seq, now, true).expect("written");
    assert_eq!(due_ids(&mut store), [first.event.id]);
    assert_eq!(store.next_retry_at(SINK, now).expect("readable"), None);
}

#[test]
fn what_was_postponed_beyond_any_pause_is_due_when_the_clock_went_back() {
    let folder = temporary();
    let mut store = open(folder.path());
    record(&mut store, &["a", "b"].map(sample::started));
    let now = Timestamp::now();
    let deliveries = due(&mut store);
    for (delivery, hours) in deliveries.iter().zip([20, 24 * 365]) {
        let until = now + hours.hours();
        store.postpone(SINK, delivery.seq, until, "x").expect("written");
    }
    let forgiven = store.forgive_clock(SINK, now + 27.hours());
    assert_eq!(forgiven.expect("written"), 1);
    assert_eq!(due_ids(&mut store), [deliveries[1].event.id]);
}

#[test]
fn dead_letters_are_kept_and_tried_anew_on_request() {
    let folder = temporary();
    let mut store = open(folder.path());
    let events = ["a", "b"].map(sample::started);
    record(&mut store, &events);
    for delivery in due(&mut store) {
        store.bury(SINK, delivery.seq, "answered 500").expect("written");
    }
    assert_eq!(due(&mut store), []);
    assert_eq!(tally(&store), (0, 2));
    let reader = Reader::open(store.file()).expect("readable");
    let dead = reader.dead_letters(10).expect("readable");
    assert_eq!(dead.len(), 2);
    assert_eq!(dead[0].last_error.as_deref(), Some("answered 500"));
    assert_eq!((&*dead[0].sink, dead[0].attempts), (SINK, 1));

    let one = store.retry(Some(SINK), Some(events[1].id));
    assert_eq!(one.expect("written"), 1);
    assert_eq!(due_ids(&mut store), [events[1].id]);
    assert_eq!(due(&mut store)[0].attempts, 0);
    let elsewhere = store.retry(Some("elsewhere"), None);
    assert_eq!(elsewhere.expect("written"), 0);
    assert_eq!(store.retry(None, None).expect("written"), 1);
    assert_eq!(tally(&store), (2, 0));
}

#[test]
fn a_new_sink_begins_with_what_comes_and_one_that_is_gone_keeps_its_own() {
    let folder = temporary();
    let mut store = open(folder.path());
    let now = Timestamp::now();
    let events = ["a", "b"].map(sample::started);
    record_to(&mut store, &mut to_all(&["old"]), &events[..1]);
    record_to(&mut store, &mut to_all(&["new"]), &events[1..]);
    assert_eq!(ids(&due_to(&mut store, "new", now)), [events[1].id]);
    assert_eq!(ids(&due_to(&mut store, "old", now)), [events[0].id]);
}

#[test]
fn an_event_that_cannot_be_read_back_holds_up_nothing() {
    let folder = temporary();
    let mut store = open(folder.path());
    let events = ["a", "b"].map(sample::started);
    record(&mut store, &events);
    store.conn.execute("UPDATE events SET body = '{' WHERE camera = 'a'", []).expect("written");
    assert_eq!(due_ids(&mut store), [events[1].id]);
    assert_eq!(tally(&store), (1, 1));
    let listed = store.list(&EventFilter::default()).expect("readable");
    assert_eq!(listed.len(), 1);
}

/// What `lanes` promises, in the plainest words: all that is due in order, then the first of each free lane.
fn plainly(conn: &Connection, wanted: Wanted<'_>) -> Vec<i64> {
    let mut rows = conn
        .prepare(
            "SELECT seq, camera FROM deliveries d WHERE sink = ?1 AND state = 'pending' AND next_attempt_at <= ?2
               AND NOT EXISTS (SELECT 1 FROM deliveries h WHERE h.sink = d.sink AND h.camera = d.camera AND h.seq <= d.seq
                               AND h.state = 'pending' AND h.held_until > ?3)
             ORDER BY next_attempt_at, seq",
        )
        .expect("readable");
    let up_to = if wanted.untried_only { 0 } else { nanos(wanted.now) };
    let rows = rows.query_map(rusqlite::params![wanted.sink, up_to, nanos(wanted.now)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    });
    let (mut lanes, mut chosen) = (BTreeSet::new(), Vec::new());
    for row in rows.expect("readable") {
        let (seq, lane) = row.expect("readable");
        if wanted.busy.iter().all(|busy| **busy != *lane) && lanes.insert(lane) {
            chosen.push(seq);
        }
    }
    chosen.truncate(wanted.limit);
    chosen
}

#[test]
fn what_is_due_of_long_backlogs_is_what_a_plain_look_finds() {
    let folder = temporary();
    let mut store = open(folder.path());
    let mut random = fastrand::Rng::with_seed(4);
    let now = Timestamp::now();
    let lanes = ["a", "b", "c", "d", "e", "f"];
    let mut beyond_the_glance = 0;
    for round in 0..25 {
        // Storms of one camera, so that the first of another is far behind.
        let stormy = random.choice(lanes).expect("one");
        let batch: Vec<Unwritten> = (0..random.usize(0..90))
            .map(|_| {
                let camera = if random.u8(0..8) == 0 { random.choice(lanes).expect("one") } else { stormy };
                let held = (random.u8(0..60) == 0).then(|| now + random.i64(-30..90).seconds());
                Unwritten { event: sample::started(camera), held_until: held }
            })
            .collect();
        store.record(&batch, &mut to_all(&[SINK, "other"]), Moment::now()).expect("recorded");
        for _ in 0..6 {
            let busy: Vec<_> = lanes.iter().filter(|_| random.bool()).map(|&lane| lane.into()).collect();
            let wanted =
                Wanted { sink: SINK, now, limit: random.usize(1..5), busy: &busy, untried_only: random.u8(0..4) == 0 };
            let expected = plainly(&store.conn, wanted);
            let found = lanes::due_seqs(&store.conn, &wanted).expect("readable");
            assert_eq!(found, expected, "round {round}: {wanted:?}");
            let backlog = store.tally(SINK).expect("readable").pending;
            beyond_the_glance += usize::from(backlog > 64 && found.len() < wanted.limit);
            for seq in found {
                match random.u8(0..4) {
                    0 => {
                        let until = now + random.i64(-20..20).seconds();
                        store.postpone(SINK, seq, until, "x").expect("written");
                    }
                    1 => store.bury(SINK, seq, "x").expect("written"),
                    2 => {}
                    _ => acknowledge(&mut store, seq),
                }
            }
        }
    }
    assert!(beyond_the_glance > 10, "{beyond_the_glance}");
}
