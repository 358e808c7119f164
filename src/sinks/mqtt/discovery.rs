//! Descriptions by which Home Assistant finds the cameras: one device each, with four entities
//! (<https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery>, single component payloads, which every version
//! since 2023.8 takes).

use serde_json::{Value, json};

use super::topics::Topics;
use crate::words::CameraId;

/// Something of a camera that Home Assistant shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entity {
    /// Whether somebody is there.
    Person,
    /// How many are there.
    Count,
    /// Whether the camera streams.
    Connection,
    /// The picture of the newest visit.
    Snapshot,
}

impl Entity {
    pub(super) const ALL: [Self; 4] = [Self::Person, Self::Count, Self::Connection, Self::Snapshot];

    /// The kind of entity, as discovery topics call it.
    pub(super) fn component(self) -> &'static str {
        match self {
            Self::Person | Self::Connection => "binary_sensor",
            Self::Count => "sensor",
            Self::Snapshot => "image",
        }
    }

    /// Its name in ids.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Count => "count",
            Self::Connection => "connection",
            Self::Snapshot => "snapshot",
        }
    }
}

/// The description of one entity of the camera that people call `name`.
pub(super) fn config(topics: &Topics, camera: &CameraId, name: &str, entity: Entity) -> Value {
    let mut config = match entity {
        Entity::Person => json!({
            "name": "Person",
            "device_class": "occupancy",
            "state_topic": topics.person(camera),
            "payload_on": "ON",
            "payload_off": "OFF",
        }),
        Entity::Count => json!({
            "name": "People",
            "icon": "mdi:account-group",
            "state_class": "measurement",
            "state_topic": topics.count(camera),
        }),
        Entity::Connection => json!({
            "name": "Connection",
            "device_class": "connectivity",
            "entity_category": "diagnostic",
            "state_topic": topics.state(camera),
            "value_template": "{{ 'ON' if value == 'streaming' else 'OFF' }}",
            "payload_on": "ON",
            "payload_off": "OFF",
            "json_attributes_topic": topics.attributes(camera),
        }),
        Entity::Snapshot => json!({
            "name": "Snapshot",
            "image_topic": topics.snapshot(camera),
            "content_type": "image/jpeg",
        }),
    };
    config["unique_id"] = topics.unique_id(camera, entity).into();
    config["availability"] = availability(topics, camera, entity);
    config["availability_mode"] = "all".into();
    config["device"] = json!({
        "identifiers": [topics.device_id(camera)],
        "name": name,
        "manufacturer": "Lookout",
        "model": "Camera",
        "sw_version": env!("CARGO_PKG_VERSION"),
    });
    config["origin"] = json!({ "name": "Lookout", "sw_version": env!("CARGO_PKG_VERSION") });
    config
}

fn availability(topics: &Topics, camera: &CameraId, entity: Entity) -> Value {
    let lookout = json!({
        "topic": topics.available(),
        "payload_available": Topics::ONLINE,
        "payload_not_available": Topics::OFFLINE,
    });
    match entity {
        // A camera that sees nothing does not say that nobody is there.
        Entity::Person | Entity::Count => json!([lookout, {
            "topic": topics.state(camera),
            "value_template": "{{ 'online' if value == 'streaming' else 'offline' }}",
            "payload_available": Topics::ONLINE,
            "payload_not_available": Topics::OFFLINE,
        }]),
        Entity::Connection | Entity::Snapshot => json!([lookout]),
    }
}
