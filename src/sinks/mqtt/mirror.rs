use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use serde_json::json;

use super::{
    discovery::{self, Entity},
    topics::{Retained, Topics},
};
use crate::{
    status::{CameraCell, CameraState},
    words::{CameraId, Reason},
};

/// What a camera shows at the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) state: CameraState,
    pub(super) since: jiff::Timestamp,
    pub(super) reason: Option<(Reason, String)>,
    /// Whether a visit is open.
    pub(super) occupied: bool,
    /// People in the newest sample.
    pub(super) people: i64,
}

/// Keeps the retained topics as the board is: it knows what they show, and what of it is still to be published.
#[derive(Debug)]
pub(super) struct Mirror {
    topics: Topics,
    entities: Vec<Entity>,
    shown: BTreeMap<CameraId, Facts>,
    /// Cameras that were removed: their topics are to be forgotten, and again by a broker that did not hear it.
    gone: BTreeSet<CameraId>,
    /// Cameras that the broker has kept the state of; whose they are is not known yet.
    remembered: BTreeSet<CameraId>,
    queue: VecDeque<(CameraId, Part)>,
    /// Descriptions that wait until they may be published.
    withheld: Vec<(CameraId, Part)>,
    /// All that is in one of the two.
    queued: BTreeSet<(CameraId, Part)>,
}

/// One topic of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Config(Entity),
    State,
    Attributes,
    Person,
    Count,
    /// Published by others; only forgotten here.
    Snapshot,
}

impl Mirror {
    /// Removed cameras that are remembered.
    const GONE_AT_MOST: usize = 1024;
    /// Descriptions that wait; further ones are forgotten.
    const WITHHELD_AT_MOST: usize = 16 << 10;

    /// A mirror that shows nothing. `entities` are those that Home Assistant is told of.
    pub(super) fn new(topics: Topics, entities: Vec<Entity>) -> Self {
        Self {
            topics,
            entities,
            shown: BTreeMap::new(),
            gone: BTreeSet::new(),
            remembered: BTreeSet::new(),
            queue: VecDeque::new(),
            withheld: Vec::new(),
            queued: BTreeSet::new(),
        }
    }

    /// Looks at the board: what changed is to be published.
    pub(super) fn look(&mut self, board: BTreeMap<CameraId, Facts>) {
        let mut parts = Vec::new();
        for (id, facts) in &board {
            self.gone.remove(id);
            match self.shown.get(id) {
                None => parts.extend(self.parts().map(|part| (id.clone(), part))),
                Some(shown) => parts.extend(self.changed(shown, facts).map(|part| (id.clone(), part))),
            }
        }
        for id in self.shown.keys().filter(|id| !board.contains_key(*id)) {
            parts.extend(self.parts().chain([Part::Snapshot]).map(|part| (id.clone(), part)));
            if self.gone.len() < Self::GONE_AT_MOST {
                self.gone.insert(id.clone());
            }
        }
        self.shown = board;
        parts.into_iter().for_each(|part| self.enqueue(part));
    }

    /// The broker has kept a state of this camera.
    pub(super) fn remembers(&mut self, id: CameraId) {
        if !self.shown.contains_key(&id) && self.remembered.len() < Self::GONE_AT_MOST {
            self.remembered.insert(id);
        }
    }

    /// All cameras of this sink hang on the board that was looked at last: what the broker has kept of others is to be
    /// forgotten. They were removed while nobody told it.
    pub(super) fn forget_strangers(&mut self) {
        for id in std::mem::take(&mut self.remembered) {
            if self.shown.contains_key(&id) {
                continue;
            }
            // Also what was once discovered and is not today.
            let configs = Entity::ALL.into_iter().map(Part::Config);
            let parts: Vec<_> = configs.chain(self.parts()).chain([Part::Snapshot]).collect();
            parts.into_iter().for_each(|part| self.enqueue((id.clone(), part)));
        }
    }

    /// Everything is to be published anew: the broker, or who listens there, may have forgotten it.
    pub(super) fn renew(&mut self) {
        let gone = self.gone.iter().flat_map(|id| self.parts().chain([Part::Snapshot]).map(move |part| (id, part)));
        let shown = self.shown.keys().flat_map(|id| self.parts().map(move |part| (id, part)));
        let all: Vec<_> = gone.chain(shown).map(|(id, part)| (id.clone(), part)).collect();
        all.into_iter().for_each(|part| self.enqueue(part));
    }

    /// The next message to publish, as the board was when it was looked at last. Where descriptions may not be published now,
    /// they wait.
    pub(super) fn next(&mut self, describing: bool) -> Option<Retained> {
        if describing {
            self.queue.extend(self.withheld.drain(..));
        }
        while let Some(next) = self.queue.pop_front() {
            let waits = !describing && matches!(next.1, Part::Config(_));
            if waits && self.withheld.len() < Self::WITHHELD_AT_MOST {
                self.withheld.push(next);
                continue;
            }
            self.queued.remove(&next);
            if waits {
                continue;
            }
            let (id, part) = next;
            if let Some(message) = self.message(&id, part) {
                return Some(message);
            }
        }
        None
    }

    /// What is to be published; each topic at most once, so that it is bounded by the cameras.
    fn enqueue(&mut self, part: (CameraId, Part)) {
        if self.queued.insert(part.clone()) {
            self.queue.push_back(part);
        }
    }

    fn parts(&self) -> impl Iterator<Item = Part> {
        let states = [Part::State, Part::Attributes, Part::Person, Part::Count];
        self.configs().chain(states)
    }

    fn configs(&self) -> impl Iterator<Item = Part> {
        let entities = if self.topics.discovers() { self.entities.as_slice() } else { &[] };
        entities.iter().map(|entity| Part::Config(*entity))
    }

    fn changed(&self, shown: &Facts, facts: &Facts) -> impl Iterator<Item = Part> {
        let configs: Vec<_> = if shown.name == facts.name { Vec::new() } else { self.configs().collect() };
        let why = |facts: &Facts| (facts.since, facts.reason.clone());
        let states = [
            (shown.state != facts.state, Part::State),
            (why(shown) != why(facts), Part::Attributes),
            (shown.occupied != facts.occupied, Part::Person),
            (shown.people != facts.people, Part::Count),
        ];
        configs.into_iter().chain(states.into_iter().filter_map(|(changed, part)| changed.then_some(part)))
    }

    fn message(&self, id: &CameraId, part: Part) -> Option<Retained> {
        let facts = self.shown.get(id);
        let topic = match part {
            Part::Config(entity) => self.topics.config(id, entity)?,
            Part::State => self.topics.state(id),
            Part::Attributes => self.topics.attributes(id),
            Part::Person => self.topics.person(id),
            Part::Count => self.topics.count(id),
            // It came back before its picture was forgotten.
            Part::Snapshot if facts.is_some() => return None,
            Part::Snapshot => self.topics.snapshot(id),
        };
        let payload = match facts {
            Some(facts) => self.payload(id, facts, part),
            None => Bytes::new(),
        };
        let describes = if let Part::Config(entity) = part { Some(entity) } else { None };
        Some(Retained { topic, payload, describes })
    }

    fn payload(&self, id: &CameraId, facts: &Facts, part: Part) -> Bytes {
        match part {
            Part::Config(entity) => discovery::config(&self.topics, id, &facts.name, entity).to_string().into(),
            Part::State => facts.state.code().into(),
            Part::Attributes => facts.attributes().into(),
            Part::Person => if facts.occupied { "ON" } else { "OFF" }.into(),
            Part::Count => facts.people.to_string().into(),
            Part::Snapshot => Bytes::new(),
        }
    }
}

impl Facts {
    pub(super) fn of(cell: &CameraCell) -> Self {
        let view = cell.state();
        Self {
            name: cell.label.lock().name.to_string(),
            state: view.state,
            since: view.since,
            reason: view.reason.map(|reason| (reason.code, reason.message)),
            occupied: cell.open_visits.get() > 0,
            people: cell.people.get(),
        }
    }

    /// What does not change while the state stays: Home Assistant writes each change down.
    fn attributes(&self) -> String {
        let (code, message) = self.reason.as_ref().map(|(code, message)| (code, message)).unzip();
        json!({ "reason": code, "message": message, "since": self.since }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTITIES: usize = Entity::ALL.len();

    fn mirror(discovery: Option<&str>) -> Mirror {
        let topics = Topics::new("lookout".into(), discovery.map(Into::into)).expect("sound prefixes");
        Mirror::new(topics, Entity::ALL.to_vec())
    }

    fn facts() -> Facts {
        Facts {
            name: "The door".into(),
            state: CameraState::Streaming,
            since: jiff::Timestamp::UNIX_EPOCH,
            reason: None,
            occupied: false,
            people: 0,
        }
    }

    fn board<const N: usize>(cameras: [(&str, Facts); N]) -> BTreeMap<CameraId, Facts> {
        cameras.map(|(id, facts)| (id.parse().expect("an id"), facts)).into()
    }

    /// What is to be published, as topic and text.
    fn rest(mirror: &mut Mirror) -> Vec<(String, String)> {
        let text = |payload: Bytes| String::from_utf8(payload.to_vec()).expect("UTF-8");
        std::iter::from_fn(|| mirror.next(true)).map(|m| (m.topic, text(m.payload))).collect()
    }

    fn said(messages: &[(String, String)]) -> Vec<(&str, &str)> {
        messages.iter().map(|(topic, text)| (topic.as_str(), text.as_str())).collect()
    }

    #[test]
    fn a_new_camera_is_published_whole_and_then_only_what_changed() {
        let mut mirror = mirror(None);
        mirror.look(board([("door", facts())]));
        let first = rest(&mut mirror);
        let attributes = r#"{"message":null,"reason":null,"since":"1970-01-01T00:00:00Z"}"#;
        assert_eq!(
            said(&first),
            [
                ("lookout/door/state", "streaming"),
                ("lookout/door/state/attributes", attributes),
                ("lookout/door/person", "OFF"),
                ("lookout/door/count", "0"),
            ]
        );
        mirror.look(board([("door", facts())]));
        assert_eq!(rest(&mut mirror), [], "nothing changed");

        mirror.look(board([("door", Facts { occupied: true, people: 2, ..facts() })]));
        assert_eq!(said(&rest(&mut mirror)), [("lookout/door/person", "ON"), ("lookout/door/count", "2")]);

        let since = jiff::Timestamp::from_second(60).expect("a time");
        let reason = Some((Reason::Unauthorized, "the password is wrong".into()));
        mirror.look(board([("door", Facts { state: CameraState::Waiting, since, reason, ..facts() })]));
        let attributes =
            r#"{"message":"the password is wrong","reason":"unauthorized","since":"1970-01-01T00:01:00Z"}"#;
        assert_eq!(
            said(&rest(&mut mirror)),
            [
                ("lookout/door/state", "waiting"),
                ("lookout/door/state/attributes", attributes),
                ("lookout/door/person", "OFF"),
                ("lookout/door/count", "0"),
            ]
        );
    }

    #[test]
    fn what_changes_twice_before_it_is_published_is_published_once_and_as_it_is_now() {
        let mut mirror = mirror(None);
        mirror.look(board([("door", facts())]));
        rest(&mut mirror);
        for people in 1..=1000 {
            mirror.look(board([("door", Facts { people, ..facts() })]));
        }
        assert_eq!(said(&rest(&mut mirror)), [("lookout/door/count", "1000")]);
    }

    #[test]
    fn a_removed_camera_is_forgotten_whole_and_again_at_a_broker_that_may_not_have_heard_it() {
        let mut mirror = mirror(Some("homeassistant"));
        mirror.look(board([("door", facts()), ("yard", facts())]));
        let published: BTreeSet<String> = rest(&mut mirror).into_iter().map(|(topic, _)| topic).collect();
        assert_eq!(published.len(), 2 * (4 + ENTITIES));

        mirror.look(board([("yard", facts())]));
        let cleared = rest(&mut mirror);
        assert!(cleared.iter().all(|(_, text)| text.is_empty()), "{cleared:?}");
        let topics: BTreeSet<String> = cleared.iter().map(|(topic, _)| topic.clone()).collect();
        let of_door = |topic: &&String| topic.contains("/door/") || topic.contains("-door-");
        let mut expected: BTreeSet<String> = published.iter().filter(of_door).cloned().collect();
        expected.insert("lookout/door/snapshot".into());
        assert_eq!(topics, expected);

        mirror.renew();
        let (gone, there): (Vec<_>, Vec<_>) = rest(&mut mirror).into_iter().partition(|(_, text)| text.is_empty());
        assert_eq!(gone.into_iter().map(|(topic, _)| topic).collect::<BTreeSet<_>>(), expected);
        assert_eq!(there.len(), 4 + ENTITIES, "the other one is published anew");

        mirror.look(board([("door", facts()), ("yard", facts())]));
        let back = rest(&mut mirror);
        assert!(back.iter().all(|(_, text)| !text.is_empty()), "it came back: {back:?}");
        mirror.renew();
        assert!(rest(&mut mirror).iter().all(|(_, text)| !text.is_empty()));
    }

    #[test]
    fn what_the_broker_kept_of_strangers_is_forgotten_and_nothing_of_ours() {
        let mut mirror = mirror(Some("homeassistant"));
        mirror.look(board([("door", facts())]));
        rest(&mut mirror);
        for id in ["door", "late", "yard"] {
            mirror.remembers(id.parse().expect("an id"));
        }
        mirror.look(board([("door", facts()), ("late", facts())]));
        assert!(rest(&mut mirror).iter().all(|(_, text)| !text.is_empty()), "who they are is not known yet");
        mirror.forget_strangers();
        let cleared = rest(&mut mirror);
        assert_eq!(cleared.len(), 5 + ENTITIES);
        for (topic, text) in cleared {
            assert!(text.is_empty() && (topic.contains("/yard/") || topic.contains("-yard-")), "{topic}: {text}");
        }
        mirror.forget_strangers();
        assert_eq!(rest(&mut mirror), [], "once");
        (0..5000).for_each(|n| mirror.remembers(format!("c{n}").parse().expect("an id")));
        assert_eq!(mirror.remembered.len(), Mirror::GONE_AT_MOST);
    }

    #[test]
    fn descriptions_that_may_not_be_published_wait_and_hold_nothing_up() {
        let mut mirror = mirror(Some("homeassistant"));
        mirror.look(board([("door", facts()), ("yard", facts())]));
        let others: Vec<_> = std::iter::from_fn(|| mirror.next(false)).collect();
        assert_eq!(others.len(), 2 * 4);
        assert!(others.iter().all(|message| message.describes.is_none()), "{others:?}");
        mirror.renew();
        mirror.look(board([("door", Facts { name: "The gate".into(), ..facts() })]));
        std::iter::from_fn(|| mirror.next(false)).for_each(drop);
        assert_eq!(mirror.withheld.len(), 2 * ENTITIES, "each once");
        let waited = rest(&mut mirror);
        assert_eq!(waited.len(), 2 * ENTITIES);
        for (topic, text) in waited {
            let expected = if topic.contains("-door-") { text.contains("The gate") } else { text.is_empty() };
            assert!(topic.ends_with("/config") && expected, "as it is now: {topic}: {text}");
        }
        assert!(mirror.queued.is_empty());
    }

    #[test]
    fn a_new_name_is_discovered_and_nothing_else() {
        let mut mirror = mirror(Some("homeassistant"));
        mirror.look(board([("door", facts())]));
        let first = rest(&mut mirror);
        assert!(first[..ENTITIES].iter().all(|(topic, _)| topic.ends_with("/config")), "configs first: {first:?}");
        mirror.look(board([("door", Facts { name: "The gate".into(), ..facts() })]));
        let renamed = rest(&mut mirror);
        assert_eq!(renamed.len(), ENTITIES);
        for (topic, text) in renamed {
            assert!(topic.ends_with("/config") && text.contains("The gate"), "{topic}: {text}");
        }
    }
}
