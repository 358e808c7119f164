use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    Finding,
    availability::Availability,
    report::{IdSource, Reporter},
    sight::Sight,
    tracker::Tracker,
    visits::Rules,
    watch::{Look, News, Watch},
    zones::Area,
};
use crate::{
    events::{CameraRef, Unfinished},
    media::Detected,
    settings::{Camera, Evidence},
    words::{Detection, Generation, Moment, Reason},
};

/// The judgement of one camera's scene: what is detected goes in, what is worth telling comes out, and beside it the
/// frame that proves it.
///
/// It knows no clock: every moment comes in. Cloning it is cheap (some kilobytes; frames are shared), so a caller can
/// try a sample on a clone and forget it. Of each open visit it keeps at most one frame.
#[derive(Debug, Clone)]
pub struct SceneCore {
    reporter: Reporter,
    rules: Rules,
    down_after: Duration,
    evidence: Evidence,
    areas: Vec<Area>,
    /// One for each area and each label that was ever seen there, area by area.
    watches: Vec<Watch>,
    tracker: Option<Tracker>,
    sight: Sight,
    availability: Availability,
    /// The oldest life whose messages count.
    generation: Generation,
    people: u32,
    held_back: u64,
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
            evidence: settings.evidence.clone(),
            areas: Vec::new(),
            watches: Vec::new(),
            tracker: None,
            sight: Sight::default(),
            availability: Availability::default(),
            generation: Generation::default(),
            people: 0,
            held_back: 0,
        };
        core.configure(settings);
        core
    }

    /// Takes over changed settings. Open visits go on where their zone still exists, by its name; the others end.
    pub fn configure(&mut self, settings: &Camera) -> Vec<Finding> {
        self.reporter.camera.name = settings.name.clone();
        self.rules = Rules::of(settings);
        self.down_after = settings.visits.down_after;
        self.evidence = settings.evidence.clone();
        self.tracker = (settings.every < Tracker::SLOWEST).then(|| self.tracker.take().unwrap_or_default());

        self.areas = Area::of(&settings.zones);
        let mut before = std::mem::take(&mut self.watches);
        for area in &self.areas {
            let same = before.extract_if(.., |watch| watch.area.name == area.name);
            self.watches.extend(same.map(|watch| watch.redrawn(area.clone())));
        }
        let removed = before.iter_mut();
        removed.filter_map(|w| w.end(&self.rules, &self.reporter)).collect()
    }

    /// Who looks for a label in an area, from the first time on that it is seen there; nobody, where there is no such area.
    fn watch(&mut self, zone: Option<&str>, label: &Arc<str>) -> Option<&mut Watch> {
        let is_there = |watch: &Watch| watch.area.name.as_deref() == zone;
        let at = self.watches.iter().position(|watch| is_there(watch) && watch.label == *label);
        if let Some(at) = at {
            return self.watches.get_mut(at);
        }
        let place = |area: &Area| self.areas.iter().position(|it| it.name == area.name);
        let area = self.areas.iter().find(|area| area.name.as_deref() == zone)?;
        let at = self.watches.partition_point(|watch| place(&watch.area) <= place(area));
        self.watches.insert(at, Watch::new(area.clone(), Arc::clone(label)));
        self.watches.get_mut(at)
    }

    /// Takes up what of this camera was begun when the process last ended, `at` the moment it began anew. What is taken
    /// up waits for the camera as if the stream had just been lost.
    pub fn resume(&mut self, unfinished: &Unfinished, at: Moment) -> Vec<Finding> {
        let id = self.reporter.camera.id.clone();
        let away = unfinished.alive_until.map_or(Duration::ZERO, |until| away_since(until, at));
        let mut findings = Vec::new();
        for open in unfinished.visits.iter().filter(|v| v.camera == id) {
            self.sight.resumed(at, away);
            let clock = self.sight.clock(at);
            let watch = open.label.as_ref().and_then(|label| self.watch(open.zone.as_deref(), label));
            let refused = match watch {
                Some(watch) => watch.resume(open.visit.clone(), clock).err(),
                None => Some(open.visit.clone()),
            };
            if let Some(mut visit) = refused {
                // Its zone is gone, so nothing will ever end it.
                visit.ended_at = Some(visit.started_at);
                let event = self.reporter.ended(visit, open.zone.clone(), open.label.clone(), None);
                findings.push(event.into());
            }
        }
        for (_, since) in unfinished.down.iter().filter(|(camera, _)| *camera == id) {
            self.availability.resume(*since);
        }
        // Away for too long, and the next person is another visit.
        findings.extend(self.tick(at));
        findings
    }

    /// Whether a detection would be judged: it is of the camera's present life, newer than what was judged before.
    pub fn is_news(&self, detected: &Detected) -> bool {
        let origin = &detected.frame.origin;
        origin.generation >= self.generation && self.sight.is_new(origin.captured)
    }

    /// Judges a detection. One that failed is no sample; one that is no news changes nothing.
    pub fn observe(&mut self, detected: &Detected) -> Vec<Finding> {
        if !self.is_news(detected) {
            return Vec::new();
        }
        let origin = &detected.frame.origin;
        // A frame is proof that the camera streams, even where the word of it is still on its way.
        let mut findings = self.camera_streaming(origin.generation, origin.captured);
        let Ok(seen) = &detected.seen else {
            return findings;
        };
        let tracks = match &mut self.tracker {
            Some(tracker) => tracker.follow(seen, origin.captured.steady),
            None => vec![None; seen.len()],
        };
        self.sight.looked(origin.captured);
        let clock = self.sight.clock(origin.captured);
        let counts = |d: &&Detection| self.areas.iter().any(|area| area.holds(&d.area));
        self.people = u32::try_from(seen.iter().filter(counts).count()).unwrap_or(u32::MAX);
        self.watch_for(seen);
        let look = Look { detected, seen, tracks: &tracks, clock };
        for watch in &mut self.watches {
            match watch.look(&look, &self.rules, &self.reporter) {
                Some(News::Found(finding)) => findings.push(*finding),
                Some(News::HeldBack) => self.held_back += 1,
                None => {}
            }
        }
        findings
    }

    /// What is seen in an area for the first time is watched from here on; a model has few labels.
    fn watch_for(&mut self, seen: &[Detection]) {
        for found in seen {
            for n in 0..self.areas.len() {
                if self.areas[n].holds(&found.area) {
                    let zone = self.areas[n].name.clone();
                    let _ = self.watch(zone.as_deref(), &found.label);
                }
            }
        }
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
    pub fn camera_streaming(&mut self, generation: Generation, at: Moment) -> Vec<Finding> {
        if generation < self.generation {
            return Vec::new();
        }
        self.generation = generation;
        // What fell due in the dark is told first, so that it does not depend on when ticks come.
        let mut findings = self.tick(at);
        self.sight.returned(at);
        let told = self.availability.streaming();
        findings.extend(told.map(|since| self.reporter.up(since, at).into()));
        findings
    }

    /// Time passes: ends what was blind for too long, tells of a camera that is gone for too long.
    pub fn tick(&mut self, now: Moment) -> Vec<Finding> {
        let mut findings = Vec::new();
        let Rules { blind, quiet, .. } = self.rules;
        // A detector that fails for so long is as good as a camera that is gone.
        if self.sight.dark_for(now) > blind || self.sight.unjudged_for(now) > blind.max(quiet) {
            let watches = self.watches.iter_mut();
            findings.extend(watches.filter_map(|w| w.end_unseen(now.steady, &self.rules, &self.reporter)));
        }
        let due = self.availability.due(now, self.down_after);
        findings.extend(due.map(|outage| self.reporter.down(outage, now).into()));
        findings
    }

    /// The camera is removed: ends its visits, since nothing else will.
    pub fn close(&mut self) -> Vec<Finding> {
        self.people = 0;
        let watches = self.watches.iter_mut();
        watches.filter_map(|w| w.end(&self.rules, &self.reporter)).collect()
    }

    /// What the settings say of pictures around the start of a visit.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Visits that were not told when they would have started, so far: they fell into the cooldown, or nobody in them
    /// was new.
    pub fn held_back(&self) -> u64 {
        self.held_back
    }

    /// How many people the newest sample shows where they count; none while the camera is gone.
    pub fn people(&self) -> u32 {
        self.people
    }

    /// Visits that are open, in all zones.
    pub fn open_visits(&self) -> usize {
        self.watches.iter().filter(|w| w.is_open()).count()
    }
}

/// How long nobody looked. Where the end lies in the future, the clock was set back, and nobody knows: for too long.
fn away_since(until: Timestamp, at: Moment) -> Duration {
    const TOO_LONG: Duration = Duration::from_secs(366 * 24 * 3600);
    let away = at.wall.duration_since(until);
    if away < -Moment::CORRECTION { TOO_LONG } else { Duration::try_from(away).unwrap_or_default() }
}
