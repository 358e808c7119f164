//! Invariant 10, on the real process: killed at any moment, with a receiver that fails, nothing recorded is lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use lookout::{
    events::{EventFilter, Reader},
    simulate::Mount,
};

use crate::support::{
    Cameras, Config, Lookout, Receiver,
    cameras::blinking,
    receiver::{Answer, Received, SECRET},
};

/// Not random by the clock, so that a failure can be run again.
const SEED: u64 = 0x10CA_11E5;
const KILLS: usize = 50;

#[test]
fn invariant_10_kill_9_at_any_moment_loses_nothing() {
    let mut random = fastrand::Rng::with_seed(SEED);
    let names: Vec<String> = (0..8).map(|i| format!("cam{i}")).collect();
    let clip = blinking(&[(1, true), (2, false)], 5);
    let mount = |(i, name): (usize, &String)| Mount {
        start_at: Duration::from_millis(370 * i as u64),
        ..Mount::new(name, clip.clone())
    };
    let cameras = Cameras::start(names.iter().enumerate().map(mount).collect());
    let mut receiver = Receiver::verifying(SECRET);
    let config = names
        .iter()
        .fold(Config::new(), |config, name| config.camera(name, &cameras.url(name)))
        .sink("hook", &receiver);
    let mut lookout = Lookout::prepare(config.text());

    for kill in 0..KILLS {
        match kill % 5 {
            1 => receiver.always(Answer::Status(500)),
            2 => receiver.always(Answer::Slow(Duration::from_millis(150), 200)),
            3 => receiver.go_down(),
            _ => {
                receiver.come_up();
                receiver.always(Answer::Status(200));
            }
        }
        lookout.spawn();
        // From before the first frame to well into the deliveries.
        std::thread::sleep(Duration::from_millis(random.u64(100..2600)));
        lookout.kill();
    }

    receiver.come_up();
    receiver.always(Answer::Status(200));
    // No more visits; what waits is due after its pause at the latest.
    lookout.write_config(Config::new().sink("hook", &receiver).text());
    let recorded = recorded(&lookout);
    lookout.run();
    let missing = |received: &[Received]| {
        let told: BTreeSet<&str> = received.iter().filter(|r| r.answered == Some(200)).map(Received::id).collect();
        recorded.keys().filter(|id| !told.contains(id.as_str())).count()
    };
    lookout.wait("everything told", |_| missing(&receiver.received()) == 0);

    // Without cameras, the visits that were open have ended meanwhile.
    lookout.wait("the ends of open visits", |it| it.get("/api/v1/status").json()["sinks"][0]["pending"] == 0);
    let (received, recorded) = (receiver.received(), self::recorded(&lookout));
    assert!(recorded.len() >= KILLS, "too few events to show anything: {}", recorded.len());
    assert!(received.iter().all(|r| r.authentic == Some(true)), "every request was signed");
    let mut bodies: BTreeMap<&str, &[u8]> = BTreeMap::new();
    for request in &received {
        assert!(recorded.contains_key(request.id()), "{} was told but is not on disk", request.id());
        let first = bodies.entry(request.id()).or_insert(&request.body);
        assert_eq!(*first, request.body, "{} was told again with another body", request.id());
    }
    assert_paired(&recorded);
    println!("{KILLS} kills, {} events, {} requests", recorded.len(), received.len());
}

/// Per camera, starts and ends of visits alternate through all the restarts.
fn assert_paired(recorded: &BTreeMap<String, lookout::events::Event>) {
    let mut by_camera: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for event in recorded.values().filter(|e| e.data.visit.is_some()) {
        by_camera.entry(event.lane().to_owned()).or_default().push(event.kind.as_str());
    }
    assert!(!by_camera.is_empty());
    for (camera, kinds) in by_camera {
        let expected = ["lookout.visit.started", "lookout.visit.ended"].into_iter().cycle();
        assert!(kinds.iter().zip(expected).all(|(kind, expected)| *kind == expected), "{camera}: {kinds:?}");
        assert_eq!(kinds.len() % 2, 0, "{camera}: every start has its end");
    }
}

fn recorded(lookout: &Lookout) -> BTreeMap<String, lookout::events::Event> {
    let reader = Reader::open(&lookout.folder().join("data/lookout.db")).expect("the database is there");
    let (mut all, mut before) = (BTreeMap::new(), None);
    loop {
        let page = reader.list(&EventFilter { before, ..EventFilter::default() }).expect("it can be read");
        let Some(oldest) = page.iter().map(|e| e.time).min() else { return all };
        let size = all.len();
        all.extend(page.into_iter().map(|e| (e.id.to_string(), e)));
        if all.len() == size {
            return all;
        }
        before = Some(oldest);
    }
}
