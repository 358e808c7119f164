//! Invariant 10, on the real process: killed at any moment, with a receiver that fails, nothing recorded is lost, and no
//! picture that was written down.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use lookout::{
    events::{Event, EventFilter, EventKind, OutboxError, Reader},
    simulate::Mount,
};
use serde_json::Value;

use crate::support::{
    Cameras, Config, Lookout, Receiver,
    cameras::blinking,
    receiver::{Answer, Received, SECRET},
};

/// Not random by the clock, so that a failure can be run again.
const SEED: u64 = 0x10CA_11E5;
const KILLS: usize = 50;

/// Events by their id.
type Recorded = BTreeMap<String, Event>;

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
        .sink("hook", &receiver)
        .without_budget();
    // Told with their pictures; or at once, with the pictures behind them.
    let deadlines = ["10s", "0s"].map(|deadline| format!("{}[snapshots]\ndeadline = \"{deadline}\"\n", config.text()));
    let mut lookout = Lookout::prepare(config.text());
    let mut pictures = Pictures::default();

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
        lookout.write_config(&deadlines[kill % 2]);
        lookout.spawn();
        // From before the first frame to well into the deliveries.
        std::thread::sleep(Duration::from_millis(random.u64(100..2600)));
        lookout.kill();
        pictures.take_stock(&lookout);
    }

    receiver.come_up();
    receiver.always(Answer::Status(200));
    // No more visits; what waits is due after its pause at the latest.
    lookout.write_config(Config::new().sink("hook", &receiver).without_budget().text());
    lookout.run();
    let recorded = |it: &Lookout| recorded(it).expect("the database can be read");
    lookout.wait("every visit's end, everything told, and an empty spool", |it| {
        let (recorded, told) = (recorded(it), accepted(&receiver.received()));
        // Without cameras, the visits that were open end, and nothing is left that could be recorded later.
        let of_kind = |kind| recorded.values().filter(|event| event.kind == kind).count();
        let has_ended = of_kind(EventKind::VisitStarted) == of_kind(EventKind::VisitEnded);
        has_ended && spooled(it).is_empty() && recorded.keys().all(|id| told.contains_key(id))
    });

    let (received, recorded) = (receiver.received(), recorded(&lookout));
    assert!(recorded.len() >= KILLS, "too few events to show anything: {}", recorded.len());
    assert!(received.iter().all(|r| r.authentic == Some(true)), "every request was signed");
    assert_same_again(&received);
    let told = accepted(&received);
    let (told_ids, recorded_ids): (BTreeSet<_>, BTreeSet<_>) = (told.keys().collect(), recorded.keys().collect());
    let apart: Vec<_> = told_ids.symmetric_difference(&recorded_ids).collect();
    assert!(apart.is_empty(), "what is told is what is on disk, each under one id; but for {apart:?}");
    assert_paired(&recorded);
    let shown = pictures.assert_told(&recorded, &told);
    let of_kind = |kind| recorded.values().filter(|event| event.kind == kind).count();
    let (starts, behind) = (of_kind(EventKind::VisitStarted), of_kind(EventKind::SnapshotStored));
    let (events, requests, cut_off) = (recorded.len(), received.len(), pictures.cut_off.len());
    println!("{KILLS} kills, {events} events, {requests} requests");
    println!("{shown} with pictures, {behind} of these behind them; {cut_off} of {starts} starts cut off");
}

/// What came of the pictures so far, as it lies on the disk after each kill.
#[derive(Default)]
struct Pictures {
    /// Events of which a picture lay in the spool: it may not be lost any more.
    spooled: BTreeSet<String>,
    /// Starts of visits that were written down, but whose pictures were not yet when the process ended. They have none.
    cut_off: BTreeSet<String>,
    known: BTreeSet<String>,
}

impl Pictures {
    fn take_stock(&mut self, lookout: &Lookout) {
        let spooled = spooled(lookout);
        let recorded = recorded(lookout).unwrap_or_else(|error| {
            // Only an end before the tables were made leaves none.
            assert!(self.known.is_empty(), "the database cannot be read any more: {error}");
            Recorded::new()
        });
        for (id, event) in recorded {
            let is_new = self.known.insert(id.clone());
            let is_start = event.kind == EventKind::VisitStarted;
            if is_new && is_start && event.data.snapshot.is_none() && !spooled.contains(&id) {
                self.cut_off.insert(id);
            }
        }
        self.spooled.extend(spooled);
    }

    /// Every start of a visit, and whatever had a picture in the spool, was told with pictures that exist, or these were
    /// told behind it. How many events that were.
    fn assert_told(&self, recorded: &Recorded, told: &BTreeMap<String, Told>) -> usize {
        let mut behind: BTreeMap<&str, &Told> = BTreeMap::new();
        for told in told.values() {
            if let Some(event) = told.body["data"]["event"].as_str() {
                let twice = behind.insert(event, told);
                assert!(twice.is_none(), "the pictures of {event} were told of in two events");
            }
        }
        let must = |id: &str, event: &Event| {
            let is_start = event.kind == EventKind::VisitStarted && !self.cut_off.contains(id);
            is_start || self.spooled.contains(id) || event.data.snapshot.is_some()
        };
        let is_bare = |event: &Event| event.kind != EventKind::SnapshotStored;
        let mut shown = 0;
        for (id, event) in recorded.iter().filter(|(id, event)| is_bare(event) && must(id, event)) {
            let with = told[id].pictures();
            let later = behind.get(id.as_str()).map_or_else(Vec::new, |later| {
                assert!(later.place > told[id].place, "{id} was told after its pictures");
                later.pictures()
            });
            assert!(!with.is_empty() || !later.is_empty(), "nobody was told of the pictures of {id}, {event:?}");
            for url in with.iter().chain(&later) {
                let path = url.strip_prefix("file://").unwrap_or_else(|| panic!("{url} is no file"));
                let picture = fs::read(path).unwrap_or_else(|e| panic!("{id}: {url}: {e}"));
                assert_eq!(picture[..2], [0xff, 0xd8], "{url} is a JPEG");
            }
            shown += 1;
        }
        assert!(shown >= KILLS / 2, "too few pictures to show anything: {shown}");
        shown
    }
}

/// An event as the receiver acknowledged it: what it keeps under this id.
struct Told {
    /// The last body, as one that is told again may have grown by its pictures.
    body: Value,
    /// Which of all requests was the first one of this id.
    place: usize,
}

impl Told {
    fn pictures(&self) -> Vec<String> {
        let frames = self.body["data"]["snapshot"]["frames"].as_array().into_iter().flatten();
        frames.map(|frame| frame["url"].as_str().expect("a URL").to_owned()).collect()
    }
}

/// What a receiver has that keeps each id once.
fn accepted(received: &[Received]) -> BTreeMap<String, Told> {
    let mut told = BTreeMap::<String, Told>::new();
    for (place, request) in received.iter().enumerate().filter(|(_, r)| r.answered == Some(200)) {
        let first = told.get(request.id()).map_or(place, |told| told.place);
        told.insert(request.id().to_owned(), Told { body: request.json(), place: first });
    }
    told
}

/// What is told again is told in the same words; pictures may have come meanwhile, and then stay as they are.
fn assert_same_again(received: &[Received]) {
    let mut bodies: BTreeMap<&str, Value> = BTreeMap::new();
    for request in received {
        let (id, mut body) = (request.id(), request.json());
        let Some(first) = bodies.get_mut(id) else {
            bodies.insert(id, body);
            continue;
        };
        let (had, has) = (first["data"]["snapshot"].take(), body["data"]["snapshot"].take());
        assert_eq!(*first, body, "{id} was told again with another body");
        assert!(had.is_null() || had == has, "{id} was told again with other pictures: {had} {has}");
        first["data"]["snapshot"] = has;
    }
}

/// Per camera, starts and ends of visits alternate through all the restarts.
fn assert_paired(recorded: &Recorded) {
    let mut by_camera: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let is_one = |event: &&Event| matches!(event.kind, EventKind::VisitStarted | EventKind::VisitEnded);
    for event in recorded.values().filter(is_one) {
        by_camera.entry(event.lane().to_owned()).or_default().push(event.kind.as_str());
    }
    assert!(!by_camera.is_empty());
    for (camera, kinds) in by_camera {
        let expected = ["lookout.visit.started", "lookout.visit.ended"].into_iter().cycle();
        assert!(kinds.iter().zip(expected).all(|(kind, expected)| *kind == expected), "{camera}: {kinds:?}");
        assert_eq!(kinds.len() % 2, 0, "{camera}: every start has its end");
    }
}

/// The events of which a whole picture lies in the spool.
fn spooled(lookout: &Lookout) -> BTreeSet<String> {
    let groups = fs::read_dir(lookout.folder().join("data/spool")).into_iter().flatten().flatten();
    let has_picture = |group: &fs::DirEntry| {
        let files = fs::read_dir(group.path()).into_iter().flatten().flatten();
        files.map(|file| file.path()).any(|path| path.extension().is_some_and(|it| it == "jpg"))
    };
    groups.filter(has_picture).map(|group| group.file_name().to_string_lossy().into_owned()).collect()
}

fn recorded(lookout: &Lookout) -> Result<Recorded, OutboxError> {
    let reader = Reader::open(&lookout.folder().join("data/lookout.db"))?;
    let (mut all, mut before) = (Recorded::new(), None);
    loop {
        let page = reader.list(&EventFilter { before, ..EventFilter::default() })?;
        let Some(oldest) = page.iter().map(|e| e.time).min() else { return Ok(all) };
        let size = all.len();
        all.extend(page.into_iter().map(|e| (e.id.to_string(), e)));
        if all.len() == size {
            return Ok(all);
        }
        before = Some(oldest);
    }
}
