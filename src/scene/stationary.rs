use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::visits::Rules;
use crate::words::{Detection, Rect};

/// Who stays in one place, so that a detector which loses and finds them again does not make them somebody new.
///
/// The rule:
/// - While a visit is open, it is noted where people are. A place is where boxes overlap its mean by at least `SAME`
///   (intersection over union).
/// - When the visit ends, those places become known in which somebody was seen for at least the quiet time, and was seen
///   last not before anybody was seen elsewhere: who may have walked away from their place has left it.
/// - Whoever appears in a known place within the stationary time is nobody new, and renews it. One place is one person's:
///   a second one in it is new, and so is whoever is seen beside it, also the same person once they walk.
/// - Where nobody looked for so long that one may have gone and another come, no place is known any more.
///
/// In doubt somebody is new: an alert too many is a nuisance, a missed one is a failure.
#[derive(Debug, Clone, Default)]
pub(super) struct Stationary {
    known: Vec<Place>,
    /// Places of the open visit.
    noted: Vec<Place>,
    /// When, in the open visit, somebody was last seen who had not been in their place for long.
    walked: Option<Instant>,
    /// The last look, by both clocks.
    looked: Option<Looked>,
}

/// When a sample was looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looked {
    /// When it was captured.
    pub(super) at: Instant,
    /// The same on the clock that stands still while the camera is gone.
    pub(super) clock: Instant,
}

#[derive(Debug, Clone)]
struct Place {
    label: Arc<str>,
    /// The mean of the boxes that were seen there: it does not follow somebody who walks away slowly.
    area: Rect,
    boxes: u16,
    since: Instant,
    seen: Instant,
}

/// Boxes that overlap by so much are the same place.
const SAME: f32 = 0.5;
/// Places at once; what comes beyond is new whenever it is seen.
const MOST: usize = 64;

impl Stationary {
    /// The camera is looked at again. Where since the look before it streamed unseen for longer than
    /// `Rules::LONGEST_UNSEEN`, or was gone for longer than `blind`, whoever is seen now may be somebody else.
    pub(super) fn looked(&mut self, now: Looked, blind: Duration) {
        let Some(before) = self.looked.replace(now) else { return };
        let unseen = now.clock.saturating_duration_since(before.clock);
        let gone = now.at.saturating_duration_since(before.at).saturating_sub(unseen);
        if unseen > Rules::LONGEST_UNSEEN || gone > blind {
            self.forget();
        }
    }

    /// No place is known any more, and what was noted of the open visit counts for nothing.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.noted.clear();
        self.walked = None;
    }

    /// Those of `people`, seen at `at`, who are in no known place; the places of the others are renewed.
    pub(super) fn newcomers<'a>(
        &mut self,
        people: &[&'a Detection],
        at: Instant,
        stationary: Duration,
    ) -> Vec<&'a Detection> {
        self.known.retain(|place| at.saturating_duration_since(place.seen) <= stationary && !stationary.is_zero());
        let known = meet(&mut self.known, people, at);
        people.iter().zip(known).filter(|(_, known)| !known).map(|(person, _)| *person).collect()
    }

    /// Notes where the newcomers of an open visit are.
    pub(super) fn note(&mut self, newcomers: &[&Detection], at: Instant, quiet: Duration) {
        if newcomers.is_empty() {
            return;
        }
        self.noted.retain(|place| at.saturating_duration_since(place.seen) <= quiet);
        let met = meet(&mut self.noted, newcomers, at);
        for (person, _) in newcomers.iter().zip(met).filter(|(_, met)| !met) {
            if self.noted.len() < MOST {
                self.noted.push(Place::of(person, at));
            }
        }
        let stands = |place: &&Place| place.seen == at && place.stood() >= quiet;
        if self.noted.iter().filter(stands).count() < newcomers.len() {
            self.walked = Some(at);
        }
    }

    /// The visit ended: where somebody stayed to its end is known from now on.
    pub(super) fn settle(&mut self, quiet: Duration) {
        let walked = self.walked.take();
        let stayed = |place: &Place| place.stood() >= quiet && walked.is_none_or(|walked| place.seen >= walked);
        self.known.extend(self.noted.drain(..).filter(stayed));
        self.known.sort_by_key(|place| std::cmp::Reverse(place.seen));
        self.known.truncate(MOST);
    }
}

impl Place {
    fn of(person: &Detection, at: Instant) -> Self {
        Self { label: Arc::clone(&person.label), area: person.area, boxes: 1, since: at, seen: at }
    }

    fn stood(&self) -> Duration {
        self.seen.saturating_duration_since(self.since)
    }

    fn meet(&mut self, area: &Rect, at: Instant) {
        self.seen = at;
        self.boxes = self.boxes.saturating_add(1);
        let share = 1.0 / f32::from(self.boxes);
        let mix = |mean: f32, new: f32| mean + (new - mean) * share;
        let Rect { x, y, w, h } = self.area;
        self.area = Rect { x: mix(x, area.x), y: mix(y, area.y), w: mix(w, area.w), h: mix(h, area.h) };
    }
}

/// Joins places and people, one to one, the best overlap first. Says for each of the people whether they have a place.
fn meet(places: &mut [Place], people: &[&Detection], at: Instant) -> Vec<bool> {
    let mut pairs = Vec::new();
    for (p, place) in places.iter().enumerate() {
        for (n, person) in people.iter().enumerate().filter(|(_, person)| person.label == place.label) {
            let overlap = place.area.iou(&person.area);
            if overlap >= SAME {
                pairs.push((overlap, p, n));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut taken, mut met) = (vec![false; places.len()], vec![false; people.len()]);
    for (_, p, n) in pairs {
        if !taken[p] && !met[n] {
            (taken[p], met[n]) = (true, true);
            places[p].meet(&people[n].area, at);
        }
    }
    met
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_secs(10);
    const HOUR: Duration = Duration::from_secs(3600);

    fn person(x: f32) -> Detection {
        Detection { label: "person".into(), score: 0.8, area: Rect { x, y: 0.4, w: 0.1, h: 0.4 } }
    }

    struct Seats {
        stationary: Stationary,
        start: Instant,
    }

    impl Seats {
        fn new() -> Self {
            Self { stationary: Stationary::default(), start: Instant::now() }
        }

        fn at(&self, s: f32) -> Instant {
            self.start + Duration::from_secs_f32(s)
        }

        /// Somebody at each of `xs` at `s` seconds, in an open visit.
        fn visit(&mut self, s: f32, xs: &[f32]) {
            let (at, people) = (self.at(s), xs.iter().map(|x| person(*x)).collect::<Vec<_>>());
            let people: Vec<_> = people.iter().collect();
            let fresh = self.stationary.newcomers(&people, at, HOUR);
            self.stationary.note(&fresh, at, QUIET);
        }

        fn end(&mut self) {
            self.stationary.settle(QUIET);
        }

        /// How many of those at `xs` are new.
        fn fresh(&mut self, s: f32, xs: &[f32]) -> usize {
            let (at, people) = (self.at(s), xs.iter().map(|x| person(*x)).collect::<Vec<_>>());
            self.stationary.newcomers(&people.iter().collect::<Vec<_>>(), at, HOUR).len()
        }
    }

    fn sat(xs: &[f32]) -> Seats {
        let mut seats = Seats::new();
        for s in 0..12_u8 {
            seats.visit(f32::from(s), xs);
        }
        seats.end();
        seats
    }

    #[test]
    fn who_sat_to_the_end_is_nobody_new_for_as_long_as_was_said() {
        assert_eq!(sat(&[0.5]).fresh(30.0, &[0.5]), 0);
        assert_eq!(sat(&[0.5]).fresh(30.0, &[0.52]), 0, "moved a little");
        assert_eq!(sat(&[0.5]).fresh(11.0 + 3600.0, &[0.5]), 0);
        assert_eq!(sat(&[0.5]).fresh(11.1 + 3600.0, &[0.5]), 1, "an hour after they were seen");
        let mut renewed = sat(&[0.5]);
        assert_eq!(renewed.fresh(3000.0, &[0.5]), 0);
        assert_eq!(renewed.fresh(6000.0, &[0.5]), 0, "each time that they are seen it begins anew");
    }

    #[test]
    fn somebody_else_and_the_same_one_walking_are_new() {
        assert_eq!(sat(&[0.5]).fresh(30.0, &[0.5, 0.62]), 1, "beside them");
        assert_eq!(sat(&[0.5]).fresh(30.0, &[0.5, 0.51]), 1, "in the same place as they are");
        assert_eq!(sat(&[0.5]).fresh(30.0, &[0.56]), 1, "half a width further");
        let mut dog = person(0.5);
        dog.label = "dog".into();
        let mut seats = sat(&[0.5]);
        let at = seats.at(30.0);
        assert_eq!(seats.stationary.newcomers(&[&dog], at, HOUR).len(), 1);
    }

    #[test]
    fn a_slow_walker_does_not_take_their_place_along() {
        let mut seats = sat(&[0.5]);
        let fresh: Vec<_> =
            (0..40_u8).map(|n| seats.fresh(20.0 + f32::from(n) / 10.0, &[0.5 + 0.005 * f32::from(n)])).collect();
        let noticed = fresh.iter().position(|n| *n == 1).expect("they are noticed");
        assert!(noticed <= 16 && fresh[noticed..].iter().all(|n| *n == 1), "{fresh:?}");
    }

    #[test]
    fn who_stopped_for_a_moment_or_walked_away_has_no_place() {
        let mut passing = Seats::new();
        (0..9_u8).for_each(|s| passing.visit(f32::from(s), &[0.5]));
        passing.end();
        assert_eq!(passing.fresh(30.0, &[0.5]), 1, "shorter than the quiet time");

        let mut left = Seats::new();
        (0..20_u8).for_each(|s| left.visit(f32::from(s), &[0.5]));
        left.visit(20.0, &[0.65]);
        left.visit(21.0, &[0.8]);
        left.end();
        assert_eq!(left.fresh(30.0, &[0.5]), 1, "the next one at the bell");

        let mut interrupted = Seats::new();
        interrupted.visit(0.0, &[0.5, 0.1]);
        (1..20_u8).for_each(|s| interrupted.visit(f32::from(s), &[0.1]));
        interrupted.visit(20.0, &[0.5, 0.1]);
        interrupted.end();
        assert_eq!(interrupted.fresh(30.0, &[0.5]), 1, "two who stood there one after the other");
    }

    #[test]
    fn several_who_sit_are_known_also_where_they_are_lost_one_by_one() {
        let mut seats = Seats::new();
        (0..20_u8).for_each(|s| seats.visit(f32::from(s), &[0.2, 0.5]));
        (20..24_u8).for_each(|s| seats.visit(f32::from(s), &[0.5]));
        seats.end();
        assert_eq!(seats.fresh(40.0, &[0.2, 0.5]), 0);
    }

    #[test]
    fn zero_turns_it_off_and_places_are_bounded() {
        let mut seats = sat(&[0.5]);
        let at = seats.at(12.0);
        assert_eq!(seats.stationary.newcomers(&[&person(0.5)], at, Duration::ZERO).len(), 1);
        let crowd: Vec<f32> = (0..200_u8).map(f32::from).collect();
        let crowded = sat(&crowd);
        assert!(crowded.stationary.known.len() <= MOST);
        assert_eq!(sat(&[f32::NAN]).fresh(30.0, &[f32::NAN]), 1, "survived");
    }
}
