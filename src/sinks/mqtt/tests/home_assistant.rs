//! Discovery payloads against the fields that Home Assistant documents for each component, at
//! <https://www.home-assistant.io/integrations/binary_sensor.mqtt/>, `sensor.mqtt`, `image.mqtt` and `mqtt` (as of 2025).

use serde_json::Value;

use super::{
    super::{
        discovery::{Entity, config},
        topics::Topics,
    },
    *,
};

/// What a field holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Topic,
    /// One of these words.
    Word(&'static [&'static str]),
    Number,
    Truth,
    Template,
    Device,
    Origin,
    Availability,
}
use Kind::*;

type Fields = &'static [(&'static str, Kind)];

const ALL: Fields = &[
    ("availability", Availability),
    ("availability_mode", Word(&["all", "any", "latest"])),
    ("availability_template", Template),
    ("availability_topic", Topic),
    ("device", Device),
    ("enabled_by_default", Truth),
    ("encoding", Text),
    ("entity_category", Word(&["config", "diagnostic"])),
    ("entity_picture", Text),
    ("icon", Text),
    ("json_attributes_template", Template),
    ("json_attributes_topic", Topic),
    ("name", Text),
    ("object_id", Text),
    ("origin", Origin),
    ("qos", Number),
    ("unique_id", Text),
];

/// The component, what it has beside what all have, and what it cannot be without.
const COMPONENTS: &[(&str, Fields, &[&str])] = &[
    (
        "binary_sensor",
        &[
            ("device_class", Word(&["connectivity", "motion", "occupancy", "presence", "problem", "running"])),
            ("expire_after", Number),
            ("force_update", Truth),
            ("off_delay", Number),
            ("payload_off", Text),
            ("payload_on", Text),
            ("state_topic", Topic),
            ("value_template", Template),
        ],
        &["state_topic"],
    ),
    (
        "sensor",
        &[
            ("device_class", Word(&["duration", "enum", "timestamp"])),
            ("expire_after", Number),
            ("force_update", Truth),
            ("options", Text),
            ("state_class", Word(&["measurement", "total", "total_increasing"])),
            ("state_topic", Topic),
            ("suggested_display_precision", Number),
            ("unit_of_measurement", Text),
            ("value_template", Template),
        ],
        &["state_topic"],
    ),
    (
        "image",
        &[
            ("content_type", Word(&["image/jpeg", "image/png"])),
            ("image_encoding", Word(&["b64"])),
            ("image_topic", Topic),
            ("url_template", Template),
            ("url_topic", Topic),
        ],
        &["image_topic"],
    ),
];

const AVAILABILITY: Fields =
    &[("payload_available", Text), ("payload_not_available", Text), ("topic", Topic), ("value_template", Template)];

const DEVICE: &[&str] = &[
    "configuration_url",
    "connections",
    "hw_version",
    "identifiers",
    "manufacturer",
    "model",
    "model_id",
    "name",
    "serial_number",
    "suggested_area",
    "sw_version",
    "via_device",
];

fn fits(kind: Kind, value: &Value) -> bool {
    let text = value.as_str();
    let fields = |known: &[&str]| value.as_object().is_some_and(|map| map.keys().all(|k| known.contains(&k.as_str())));
    let filled = |field: &str| value[field].as_str().is_some_and(|text| !text.is_empty());
    match kind {
        Text => text.is_some_and(|text| !text.is_empty()),
        Topic => text.is_some_and(rumqttc::valid_topic),
        Word(words) => text.is_some_and(|text| words.contains(&text)),
        Number => value.is_u64(),
        Truth => value.is_boolean(),
        Template => text.is_some_and(|text| text.contains("{{") && text.contains("}}")),
        // "At least one of identifiers or connections must be present to identify the device."
        Device => fields(DEVICE) && filled("name") && value["identifiers"][0].is_string(),
        Origin => fields(&["name", "sw_version", "support_url"]) && filled("name"),
        Availability => value.as_array().is_some_and(|list| {
            let known =
                |entry: &Value| entry.as_object().is_some_and(|map| map.iter().all(|(k, v)| fit(AVAILABILITY, k, v)));
            !list.is_empty() && list.iter().all(|entry| known(entry) && entry["topic"].is_string())
        }),
    }
}

fn fit(known: &[(&str, Kind)], field: &str, value: &Value) -> bool {
    known.iter().any(|(name, kind)| *name == field && fits(*kind, value))
}

/// What is wrong with a description.
fn faults(component: &str, config: &Value) -> Vec<String> {
    let Some((_, own, required)) = COMPONENTS.iter().find(|(name, ..)| *name == component) else {
        return vec![format!("no component: {component}")];
    };
    let known: Vec<_> = ALL.iter().chain(*own).copied().collect();
    let fields = config.as_object().expect("an object");
    let unknown = fields.iter().filter(|(k, v)| !fit(&known, k, v)).map(|(k, v)| format!("undocumented: {k} = {v}"));
    // Without unique_id and device it would belong to no device and could not be changed in Home Assistant.
    let needed = required.iter().chain(&["unique_id", "device", "origin"]);
    let missing = needed.filter(|field| !fields.contains_key(**field)).map(|field| format!("missing: {field}"));
    // "Must not be used together with `availability_topic`."
    let both = fields.contains_key("availability") && fields.contains_key("availability_topic");
    unknown.chain(missing).chain(both.then(|| "both kinds of availability".to_owned())).collect()
}

fn topics() -> Topics {
    Topics::new("site/lookout".into(), Some("homeassistant".into())).expect("sound prefixes")
}

#[test]
fn every_description_holds_what_is_documented_and_nothing_else() {
    for id in ["door", "front.door", "a-b_c.D"] {
        for entity in Entity::ALL {
            let config = config(&topics(), &camera(id), "The door", entity);
            assert_eq!(faults(entity.component(), &config), [""; 0], "{entity:?}: {config:#}");
        }
    }
}

#[test]
fn the_table_finds_faults() {
    let sound = config(&topics(), &camera("door"), "The door", Entity::Person);
    let spoilt = |field: &str, value: Value| {
        let mut config = sound.clone();
        config[field] = value;
        faults("binary_sensor", &config).len()
    };
    assert_eq!(spoilt("device_class", "crowd".into()), 1);
    assert_eq!(spoilt("state_topc", "a/b".into()), 1);
    assert_eq!(spoilt("state_topic", "a/#".into()), 1);
    assert_eq!(spoilt("device", serde_json::json!({ "name": "The door" })), 1);
    assert_eq!(spoilt("availability_topic", "a/b".into()), 1);
    assert_eq!(faults("sensor", &sound).len(), 3, "payloads and class of another component");
    assert_eq!(faults("image", &serde_json::json!({})).len(), 4, "what must be there");
}

#[test]
fn discovery_topics_are_of_the_documented_form_and_topics_are_those_that_are_published() {
    let (topics, id) = (topics(), camera("front.door"));
    let mut unique = std::collections::BTreeSet::new();
    for entity in Entity::ALL {
        let topic = topics.config(&id, entity).expect("discovery is on");
        let levels: Vec<_> = topic.split('/').collect();
        let ["homeassistant", component, object, "config"] = levels[..] else { panic!("{topic}") };
        assert_eq!(component, entity.component());
        assert!(object.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)), "{object}");
        let config = config(&topics, &id, "The door", entity);
        assert_eq!(config["unique_id"], object, "best practice, as documented");
        assert!(unique.insert(object.to_owned()));
        assert_eq!(config["device"]["identifiers"][0], topics.device_id(&id));
        assert_eq!(config["availability"][0]["topic"], "site/lookout/available");
        assert_eq!(config["availability"][0]["payload_available"], "online");
        assert_eq!(config["availability"][0]["payload_not_available"], "offline");
    }
    let config = |entity| config(&topics, &id, "The door", entity);
    let person = config(Entity::Person);
    assert_eq!(person["state_topic"], "site/lookout/front.door/person");
    assert_eq!((&person["payload_on"], &person["payload_off"]), (&"ON".into(), &"OFF".into()));
    assert_eq!(person["device_class"], "occupancy");
    assert_eq!(person["device"]["name"], "The door");
    assert_eq!(config(Entity::Count)["state_topic"], "site/lookout/front.door/count");
    assert_eq!(config(Entity::Connection)["device_class"], "connectivity");
    assert_eq!(config(Entity::Connection)["state_topic"], "site/lookout/front.door/state");
    assert_eq!(config(Entity::Snapshot)["image_topic"], "site/lookout/front.door/snapshot");
}
