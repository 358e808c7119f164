use std::sync::Arc;

use bytes::Bytes;

use super::discovery::Entity;
use crate::words::CameraId;

/// The names of the topics.
#[derive(Debug, Clone)]
pub(super) struct Topics {
    prefix: Arc<str>,
    discovery: Option<Arc<str>>,
}

/// A message that the broker keeps for whoever comes later; an empty one makes it forget the topic (MQTT 3.1.1, section
/// 3.3.1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Retained {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    /// The entity that it describes to Home Assistant, if it does.
    pub(super) describes: Option<Entity>,
}

impl Topics {
    pub(super) const ONLINE: &str = "online";
    pub(super) const OFFLINE: &str = "offline";

    /// Topics under `prefix`, and where Home Assistant looks, under `discovery`.
    pub(super) fn new(prefix: Arc<str>, discovery: Option<Arc<str>>) -> Result<Self, String> {
        for name in [Some(&prefix), discovery.as_ref()].into_iter().flatten() {
            let fits = !name.is_empty()
                && name.len() <= 256
                && !name.contains(['+', '#'])
                && !name.contains(char::is_control)
                && !name.starts_with(['/', '$'])
                && !name.ends_with('/');
            if !fits {
                return Err(format!("{name:?} cannot begin a topic: no '+', '#' or '$', and no '/' at either end"));
            }
        }
        Ok(Self { prefix, discovery })
    }

    /// Whether Lookout is there.
    pub(super) fn available(&self) -> String {
        format!("{}/available", self.prefix)
    }

    /// Events as they happen.
    pub(super) fn events(&self) -> String {
        format!("{}/events", self.prefix)
    }

    /// Where a camera stands.
    pub(super) fn state(&self, camera: &CameraId) -> String {
        format!("{}/{camera}/state", self.prefix)
    }

    /// Where all cameras stand, for who subscribes.
    pub(super) fn states(&self) -> String {
        format!("{}/+/state", self.prefix)
    }

    /// The camera whose state `topic` tells, if it tells one's.
    pub(super) fn camera_of_state(&self, topic: &str) -> Option<CameraId> {
        topic.strip_prefix(&*self.prefix)?.strip_prefix('/')?.strip_suffix("/state")?.parse().ok()
    }

    /// Why it stands there.
    pub(super) fn attributes(&self, camera: &CameraId) -> String {
        format!("{}/{camera}/state/attributes", self.prefix)
    }

    /// Whether a visit is open.
    pub(super) fn person(&self, camera: &CameraId) -> String {
        format!("{}/{camera}/person", self.prefix)
    }

    /// People in the newest sample.
    pub(super) fn count(&self, camera: &CameraId) -> String {
        format!("{}/{camera}/count", self.prefix)
    }

    /// The picture of the newest visit.
    pub(super) fn snapshot(&self, camera: &CameraId) -> String {
        format!("{}/{camera}/snapshot", self.prefix)
    }

    /// Whether cameras are to be discovered.
    pub(super) fn discovers(&self) -> bool {
        self.discovery.is_some()
    }

    /// Where Home Assistant looks for the description of an entity.
    pub(super) fn config(&self, camera: &CameraId, entity: Entity) -> Option<String> {
        let discovery = self.discovery.as_ref()?;
        Some(format!("{discovery}/{}/{}/config", entity.component(), self.unique_id(camera, entity)))
    }

    /// Where Home Assistant says that it has started: its own default, and the same below another prefix.
    pub(super) fn births(&self) -> Vec<String> {
        let Some(discovery) = &self.discovery else {
            return Vec::new();
        };
        let mut births = vec!["homeassistant/status".to_owned(), format!("{discovery}/status")];
        births.dedup();
        births
    }

    /// What is listened to: where Home Assistant says that it has started, what the broker has kept of cameras, and what is
    /// said there of Lookout itself.
    pub(super) fn heard(&self) -> Vec<String> {
        let mut heard = self.births();
        heard.extend([self.states(), self.available()]);
        heard
    }

    /// Names the device in Home Assistant. Two Lookouts at one broker differ in their prefix, so it is part of it.
    pub(super) fn device_id(&self, camera: &CameraId) -> String {
        format!("{}-{}", escaped(&self.prefix), escaped(camera.as_str()))
    }

    /// Names the entity in Home Assistant and in its discovery topic, where only letters, digits, '_' and '-' may stand.
    pub(super) fn unique_id(&self, camera: &CameraId, entity: Entity) -> String {
        format!("{}-{}", self.device_id(camera), entity.name())
    }
}

/// `text` in letters, digits and '_' alone: any other byte as '_' and two hexadecimal digits, '_' itself included, so that
/// no two texts become the same.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("_{byte:02x}"));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn topics(prefix: &str) -> Topics {
        Topics::new(prefix.into(), Some("homeassistant".into())).expect("sound prefixes")
    }

    #[test]
    fn ids_are_safe_and_none_collides() {
        let cameras = ["a.b", "a-b", "a_b", "a", "b", "a_2db", "a-person", "A"];
        let mut ids = BTreeSet::new();
        for prefix in ["lookout", "a", "site/a", "site-a", "é"] {
            for camera in cameras {
                for entity in Entity::ALL {
                    let id = topics(prefix).unique_id(&camera.parse().expect("an id"), entity);
                    assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)), "{id}");
                    assert!(ids.insert(id.clone()), "twice: {id}");
                }
            }
        }
        let door = "front.door".parse().expect("an id");
        assert_eq!(topics("lookout").unique_id(&door, Entity::Person), "lookout-front_2edoor-person", "it stays");
    }

    #[test]
    fn a_prefix_that_makes_no_topic_is_refused() {
        for wrong in ["", "a/+/b", "#", "a\0b", "/a", "a/", "$SYS"] {
            assert!(Topics::new(wrong.into(), None).is_err(), "{wrong:?}");
            assert!(Topics::new("a".into(), Some(wrong.into())).is_err(), "{wrong:?}");
        }
        Topics::new("site/north/lookout".into(), None).expect("levels");
    }

    #[test]
    fn the_camera_of_a_state_is_read_from_its_topic() {
        let topics = topics("site/lookout");
        for id in ["door", "front.door"] {
            let id: CameraId = id.parse().expect("an id");
            assert_eq!(topics.camera_of_state(&topics.state(&id)), Some(id));
        }
        for other in ["site/lookout/available", "lookout/door/state", "site/lookout/a/b/state", "site/lookout//state"] {
            assert_eq!(topics.camera_of_state(other), None, "{other}");
        }
    }

    #[test]
    fn births_are_listened_to_where_home_assistant_says_them() {
        assert_eq!(topics("lookout").births(), ["homeassistant/status"]);
        let other = Topics::new("lookout".into(), Some("ha".into())).expect("sound");
        assert_eq!(other.births(), ["homeassistant/status", "ha/status"]);
        assert!(Topics::new("lookout".into(), None).expect("sound").births().is_empty());
    }
}
