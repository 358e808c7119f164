//! `[[sinks]]`: what all have in common; each type has a file of its own.

mod command;
mod file;
mod filter;
mod mqtt;
mod template;
mod webhook;

use std::{collections::HashMap, sync::Arc};

use super::{
    super::{Budget, Sink, Way, quantity::quoted, raw, tree::closest},
    Check, Owners,
};

const MOST_SINKS: usize = 100;
/// Events a minute; more would be no budget.
const MOST_EVENTS: u32 = 1_000_000;
/// Every type of sink that this build knows.
const TYPES: [&str; 4] = ["webhook", "mqtt", "command", "file"];
/// What belongs to some types alone.
const OWNERS: &Owners = &[
    ("url", &["webhook", "mqtt"]),
    ("secret", &["webhook"]),
    ("secret_file", &["webhook"]),
    ("headers", &["webhook"]),
    ("template", &["webhook"]),
    ("username", &["mqtt"]),
    ("password", &["mqtt"]),
    ("password_file", &["mqtt"]),
    ("client_id", &["mqtt"]),
    ("topic_prefix", &["mqtt"]),
    ("discovery", &["mqtt"]),
    ("discovery_prefix", &["mqtt"]),
    ("ca_file", &["webhook", "mqtt"]),
    ("timeout", &["webhook", "mqtt", "command"]),
    ("program", &["command"]),
    ("arguments", &["command"]),
    ("path", &["file"]),
    ("max_bytes", &["file"]),
    ("keep", &["file"]),
];

impl Check<'_> {
    pub(super) fn sinks(&mut self, raw: Vec<raw::Sink>, reported: &[Arc<str>]) -> Vec<Sink> {
        if raw.len() > MOST_SINKS {
            self.problem("sinks", format!("at most {MOST_SINKS} sinks"));
            return Vec::new();
        }
        let names = raw.iter().map(|sink| sink.name.as_deref().unwrap_or_default());
        self.unique("sinks", ".name", names);
        let sinks: Vec<(usize, Sink)> = raw
            .into_iter()
            .enumerate()
            .filter_map(|(n, sink)| Some((n, self.sink(&format!("sinks[{n}]"), sink, reported)?)))
            .collect();
        self.sharing(&sinks);
        sinks.into_iter().map(|(_, sink)| sink).collect()
    }

    fn sink(&mut self, path: &str, raw: raw::Sink, reported: &[Arc<str>]) -> Option<Sink> {
        let at = |key: &str| format!("{path}.{key}");
        match &raw.name {
            Some(name) => self.name(&at("name"), name),
            None => self.problem(&at("name"), "missing: a name for status and metrics"),
        }
        let kind = self.kind(&at("type"), raw.kind.as_deref());
        if let Some(kind) = kind {
            self.foreign(path, &raw, OWNERS, kind, |of| {
                let types: Vec<String> = of.iter().map(|kind| format!("type = {}", quoted(kind))).collect();
                format!("is for {}: remove it here", types.join(" or "))
            });
        }
        let mut raw = raw;
        let name = raw.name.take();
        let filter = self.filter(path, &mut raw, reported);
        let budget = self.budget(&at("budget"), raw.budget.take(), kind?);
        let way = match kind? {
            "webhook" => Way::Webhook(self.webhook(path, raw)?),
            "mqtt" => Way::Mqtt(self.mqtt(path, raw)?),
            "command" => Way::Command(self.command(path, raw)?),
            _ => Way::File(self.file(path, raw)?),
        };
        Some(Sink { name: name?.into(), filter, budget, way })
    }

    fn kind(&mut self, path: &str, kind: Option<&str>) -> Option<&'static str> {
        let known = TYPES.map(quoted).join(", ");
        match kind {
            Some(kind) => {
                let found = TYPES.into_iter().find(|known| *known == kind);
                if found.is_none() {
                    let text = match closest(kind, TYPES) {
                        Some(close) => format!("{} is unknown; did you mean \"{close}\"?", quoted(kind)),
                        None => format!("{} is unknown; known: {known}", quoted(kind)),
                    };
                    self.problem(path, text);
                }
                found
            }
            None => {
                self.problem(path, format!("missing; known: {known}"));
                None
            }
        }
    }

    /// Who talks to people or runs something has a budget by default; a log and a broker take everything.
    fn budget(&mut self, path: &str, raw: Option<raw::Budget>, kind: &str) -> Option<Budget> {
        let (per_camera, total) = match kind {
            "webhook" | "command" => (30, 300),
            _ => (0, 0),
        };
        let raw = raw.unwrap_or_default();
        let mut events = |key: &str, written: Option<u64>, default: u64| match self.number(
            &format!("{path}.{key}"),
            written.unwrap_or(default),
            0..=MOST_EVENTS,
        ) {
            0 => u32::MAX,
            events => events,
        };
        let per_camera = events("per_camera", raw.per_camera, per_camera);
        let total = events("total", raw.total, total);
        (per_camera != u32::MAX || total != u32::MAX).then_some(Budget { per_camera, total })
    }

    /// What two sinks cannot have at the same time.
    fn sharing(&mut self, sinks: &[(usize, Sink)]) {
        let (mut files, mut clients, mut prefixes) = (HashMap::new(), HashMap::new(), HashMap::new());
        for (n, sink) in sinks {
            match &sink.way {
                Way::File(file) => {
                    if let Some(first) = files.insert(&file.path, n) {
                        let text = format!("is also sinks[{first}].path: each needs a file of its own");
                        self.problem(&format!("sinks[{n}].path"), text);
                    }
                }
                Way::Mqtt(mqtt) => {
                    if let Some(first) = clients.insert((&mqtt.host, mqtt.port, &mqtt.client_id), n) {
                        let text = format!(
                            "is also sinks[{first}].client_id at this broker, which would close one connection for \
                             the other: give each its own"
                        );
                        self.problem(&format!("sinks[{n}].client_id"), text);
                    }
                    if let Some(first) = prefixes.insert((&mqtt.host, mqtt.port, &mqtt.topic_prefix), n) {
                        let text = format!(
                            "is also sinks[{first}].topic_prefix at this broker, where each would say goodbye for \
                             the other: give each its own"
                        );
                        self.problem(&format!("sinks[{n}].topic_prefix"), text);
                    }
                }
                Way::Webhook(_) | Way::Command(_) => {}
            }
        }
    }
}
