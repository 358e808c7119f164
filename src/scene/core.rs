use std::{sync::Arc, time::Duration};

use super::{
    availability::Availability,
    report::{Decision, IdSource, Reporter},
    sight::Sight,
    tracker::Tracker,
    visits::{Change, Rules, Sample, Visits},
    zones::Area,
};
use crate::{
    events::{CameraRef, Event, Sighting, Unfinished},
    media::Detected,
    settings::Camera,
    words::{Detection, Generation, Moment, Reason},
};

/// The judgement of one camera's scene: what is detected goes in, what is worth telling comes out.
///
/// It knows no clock: every moment comes in. Cloning it is cheap (some kilobytes), so a caller can try a sample on a
/// clone and forget it.
#[derive(Debug, Clone)]
pub struct SceneCore {
    reporter: Reporter,
    rules: Rules,
    down_after: std::time::Duration,
    watches: Vec<Watch>,
    tracker: Option<Tracker>,
    sight: Sight,
    availability: Availability,
    /// The oldest life whose messages count.
    generation: Generation,
    people: u32,
}

/// An area and its visits.
#[derive(Debug, Clone)]
struct Watch {
    area: Area,
    visits: Visits,
    label: Option<Arc<str>>,
}

impl SceneCore {
    /// The scene of a camera of which nothing is known yet.
    pub fn new(camera: CameraRef, settings: &Camera) -> Self {
        Self::with_ids(camera, settings, IdSource::default())
    }

    /// The same, with chosen ids.
    pub fn with_ids(camera: CameraRef, settings: &Camera, ids: IdSource) -> Self {
        let mut core = Self {
            reporter: Reporter { camera, ids },
            rules: Rules::of(settings),
            down_after: settings.visits.down_after,
            watches: Vec::new(),
            tracker: None,
            sight: Sight::default(),
            availability: Availability::default(),
            generation: Generation::default(),
            people: 0,
        };
        core.configure(settings);
        core
    }

    /// Takes over changed settings. Open visits go on where their zone still exists, by its name; the others end.
    pub fn configure(&mut self, settings: &Camera) -> Vec<Event> {
        self.reporter.camera.name = settings.name.clone();
        self.rules = Rules::of(settings);
        self.down_after = settings.visits.down_after;
        self.tracker = (settings.every < Tracker::SLOWEST).then(|| self.tracker.take().unwrap_or_default());

        let mut before = std::mem::take(&mut self.watches);
        self.watches = Area::of(&settings.zones)
            .into_iter()
            .map(|area| {
                let same = before.iter().position(|w| w.area.name == area.name);
                match same.map(|index| before.swap_remove(index)) {
                    Some(watch) => Watch { area, ..watch },
                    None => Watch::new(area),
                }
            })
            .collect();
        let removed = before.iter_mut();
        removed.filter_map(|w| w.end(&self.reporter)).collect()
    }

    /// Takes up what of this camera was begun when the process last ended, `at` the moment it began anew. What is taken
    /// up waits for the camera as if the stream had just been lost.
    pub fn resume(&mut self, unfinished: &Unfinished, at: Moment) -> Vec<Event> {
        let id = self.reporter.camera.id.clone();
        let away = unfinished.alive_until.map(|until| at.wall.duration_since(until)).unwrap_or_default();
        let away = Duration::try_from(away).unwrap_or_default();
        let mut events = Vec::new();
        for open in unfinished.visits.iter().filter(|v| v.camera == id) {
            self.sight.resumed(at, away);
            let clock = self.sight.clock(at);
            let watch = self.watches.iter_mut().find(|w| w.area.name == open.zone);
            let refused = match watch {
                Some(watch) => watch.visits.resume(open.visit.clone(), clock).err(),
                None => Some(open.visit.clone()),
            };
            if let Some(mut visit) = refused {
                // Its zone is gone, so nothing will ever end it.
                visit.ended_at = Some(visit.started_at);
                let event = self.reporter.ended(visit, open.zone.clone(), None, None);
                events.push(event);
            }
        }
        for (_, since) in unfinished.down.iter().filter(|(camera, _)| *camera == id) {
            self.availability.resume(*since);
        }
        // Away for too long, and the next person is another visit.
        events.extend(self.tick(at));
        events
    }

    /// Whether a detection would be judged: it is of the camera's present life, newer than what was judged before.
    pub fn is_news(&self, detected: &Detected) -> bool {
        let origin = &detected.frame.origin;
        origin.generation >= self.generation && self.sight.is_new(origin.captured)
    }

    /// Judges a detection. One that failed is no sample; one that is no news changes nothing.
    pub fn observe(&mut self, detected: &Detected) -> Vec<Event> {
        if !self.is_news(detected) {
            return Vec::new();
        }
        let origin = &detected.frame.origin;
        // A frame is proof that the camera streams, even where the word of it is still on its way.
        let mut events = self.camera_streaming(origin.generation, origin.captured);
        let Ok(seen) = &detected.seen else {
            return events;
        };
        let tracks = match &mut self.tracker {
            Some(tracker) => tracker.follow(seen, origin.captured.steady),
            None => vec![None; seen.len()],
        };
        self.sight.looked(origin.captured);
        let clock = self.sight.clock(origin.captured);
        let counts = |d: &&Detection| self.watches.iter().any(|w| w.area.holds(&d.area));
        self.people = u32::try_from(seen.iter().filter(counts).count()).unwrap_or(u32::MAX);
        for watch in &mut self.watches {
            let (inside, label) = watch.inside(seen, &tracks);
            let sample = Sample {
                captured: origin.captured.wall,
                clock,
                count: u32::try_from(inside.len()).unwrap_or(u32::MAX),
            };
            let ids = &self.reporter.ids;
            let change = watch.visits.judge(sample, &self.rules, || ids.visit());
            let decision = Decision { detected, inside };
            let zone = watch.area.name.clone();
            events.extend(change.map(|change| match change {
                Change::Started(visit) => {
                    watch.label = label.clone();
                    self.reporter.started(visit, zone, label, decision)
                }
                Change::Ended(visit) => {
                    let label = watch.label.take();
                    self.reporter.ended(visit, zone, label, Some(decision))
                }
            }));
        }
        events
    }

    /// A life of the camera ended with a fault: until it streams again nothing can be seen.
    pub fn camera_lost(&mut self, generation: Generation, at: Moment, reason: Reason, message: String) {
        if generation < self.generation {
            return;
        }
        self.leave(generation, at);
        self.availability.lost(at, reason, message);
    }

    /// The user stopped the camera, whose last life was `generation`: nothing can be seen, and that is no fault.
    pub fn camera_stopped(&mut self, generation: Generation, at: Moment) {
        if generation.next() < self.generation {
            return;
        }
        self.leave(generation, at);
        self.availability.stopped();
    }

    fn leave(&mut self, generation: Generation, at: Moment) {
        // What a life that is over still has on its way no longer counts.
        self.generation = self.generation.max(generation.next());
        self.sight.lost(at);
        self.people = 0;
    }

    /// The camera streams.
    pub fn camera_streaming(&mut self, generation: Generation, at: Moment) -> Vec<Event> {
        if generation < self.generation {
            return Vec::new();
        }
        self.generation = generation;
        // What fell due in the dark is told first, so that it does not depend on when ticks come.
        let mut events = self.tick(at);
        self.sight.returned(at);
        let told = self.availability.streaming();
        events.extend(told.map(|since| self.reporter.up(since, at)));
        events
    }

    /// Time passes: ends what was blind for too long, tells of a camera that is gone for too long.
    pub fn tick(&mut self, now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        let Rules { blind, quiet, .. } = self.rules;
        // A detector that fails for so long is as good as a camera that is gone.
        if self.sight.dark_for(now) > blind || self.sight.unjudged_for(now) > blind.max(quiet) {
            let watches = self.watches.iter_mut();
            events.extend(watches.filter_map(|w| w.end(&self.reporter)));
        }
        let due = self.availability.due(now, self.down_after);
        events.extend(due.map(|outage| self.reporter.down(outage, now)));
        events
    }

    /// The camera is removed: ends its visits, since nothing else will.
    pub fn close(&mut self) -> Vec<Event> {
        self.people = 0;
        let watches = self.watches.iter_mut();
        watches.filter_map(|w| w.end(&self.reporter)).collect()
    }

    /// How many people the newest sample shows where they count; none while the camera is gone.
    pub fn people(&self) -> u32 {
        self.people
    }

    /// Visits that are open, in all zones.
    pub fn open_visits(&self) -> usize {
        self.watches.iter().filter(|w| w.visits.is_open()).count()
    }
}

impl Watch {
    fn new(area: Area) -> Self {
        Self { area, visits: Visits::default(), label: None }
    }

    /// Who is in the area, and the label of the surest of them.
    fn inside(&self, seen: &[Detection], tracks: &[Option<u64>]) -> (Vec<Sighting>, Option<Arc<str>>) {
        let inside = || {
            let all = seen.iter().zip(tracks);
            all.filter(|(detection, _)| self.area.holds(&detection.area))
        };
        let sightings =
            inside().map(|(detection, track)| Sighting { score: detection.score, area: detection.area, track: *track });
        let surest = inside().max_by(|(a, _), (b, _)| a.score.total_cmp(&b.score));
        (sightings.collect(), surest.map(|(detection, _)| detection.label.clone()))
    }

    /// Ends the open visit without a sample that shows that nobody is there.
    fn end(&mut self, reporter: &Reporter) -> Option<Event> {
        let visit = self.visits.end()?;
        Some(reporter.ended(visit, self.area.name.clone(), self.label.take(), None))
    }
}
