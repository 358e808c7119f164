use std::sync::Arc;

use jiff::tz::{self, TimeZone, TimeZoneDatabase};

use super::super::{
    super::{Filter, quantity::quoted, raw, strangers::hint, tree::closest, weekly::parse_span},
    Check,
};
use crate::words::{CameraId, EventKind, Weekly};

const MOST_ENTRIES: usize = 1000;
const MOST_SPANS: usize = 100;
const ZONE_FORM: &str = "write the name of a place in the IANA database, such as \"Europe/Berlin\" or \"UTC\"";

impl Check<'_> {
    /// Takes what it reads out of `raw`; `reported` is what the detector is asked for. Whether there are such cameras and
    /// zones is not looked at: they come and go while it runs.
    pub(super) fn filter(&mut self, path: &str, raw: &mut raw::Sink, reported: &[Arc<str>]) -> Filter {
        let at = |key: &str| format!("{path}.{key}");
        let when = self.when(path, raw.when.as_deref().unwrap_or_default(), raw.time_zone.as_deref());
        let cameras = raw.cameras.take().unwrap_or_default();
        let zones = raw.zones.take().unwrap_or_default();
        let types = raw.types.take().unwrap_or_default();
        let labels = raw.labels.take().unwrap_or_default();
        for (key, list) in [("cameras", &cameras), ("zones", &zones), ("types", &types), ("labels", &labels)] {
            if list.len() > MOST_ENTRIES {
                self.problem(&at(key), format!("at most {MOST_ENTRIES} entries"));
                return Filter::default();
            }
            self.unique(&at(key), "", list.iter().map(String::as_str));
        }
        for (n, zone) in zones.iter().enumerate() {
            self.name(&format!("{path}.zones[{n}]"), zone);
        }
        if !self.problems.covers("detector.labels") {
            self.among(&at("labels"), &labels, reported);
        }
        let texts = |list: Vec<String>| list.into_iter().map(Arc::from).collect();
        Filter {
            cameras: self.ids(&at("cameras"), &cameras),
            zones: texts(zones),
            types: self.kinds(&at("types"), &types),
            labels: texts(labels),
            when,
        }
    }

    fn ids(&mut self, path: &str, texts: &[String]) -> Vec<CameraId> {
        let id = |(n, text): (usize, &String)| {
            text.parse().map_err(|problem| self.problem(&format!("{path}[{n}]"), format!("{problem}"))).ok()
        };
        texts.iter().enumerate().filter_map(id).collect()
    }

    /// Each label must be one that is reported; what is not would let nothing pass.
    fn among(&mut self, path: &str, labels: &[String], reported: &[Arc<str>]) {
        let known: Vec<&str> = reported.iter().map(AsRef::as_ref).collect();
        for (n, label) in labels.iter().enumerate().filter(|(_, label)| !known.contains(&label.as_str())) {
            let text = format!("{}: is never reported; {}", quoted(label), hint(label, &known, "detector.labels"));
            self.problem(&format!("{path}[{n}]"), text);
        }
    }

    fn kinds(&mut self, path: &str, types: &[String]) -> Vec<EventKind> {
        let known = EventKind::ALL.map(EventKind::as_str);
        let mut kinds = Vec::new();
        for (n, text) in types.iter().enumerate() {
            if let Some(kind) = EventKind::ALL.into_iter().find(|kind| kind.as_str() == text) {
                kinds.push(kind);
                continue;
            }
            let whole = format!("lookout.{text}");
            let hint = match known.into_iter().find(|name| *name == whole).or_else(|| closest(text, known)) {
                Some(close) => format!("did you mean \"{close}\"?"),
                None => format!("known: {}", known.join(", ")),
            };
            self.problem(&format!("{path}[{n}]"), format!("{} is no type of event; {hint}", quoted(text)));
        }
        kinds
    }

    fn when(&mut self, path: &str, when: &[String], time_zone: Option<&str>) -> Option<Weekly> {
        let zone_at = format!("{path}.time_zone");
        let zone = match time_zone {
            Some(name) => time_zone_of(name).map_err(|problem| self.problem(&zone_at, problem)).ok(),
            None => {
                if !when.is_empty() {
                    self.problem(&zone_at, format!("missing: whose clocks does `when` mean? {ZONE_FORM}"));
                }
                None
            }
        };
        if when.len() > MOST_SPANS {
            self.problem(&format!("{path}.when"), format!("at most {MOST_SPANS} entries"));
            return None;
        }
        let mut spans = Vec::new();
        for (n, text) in when.iter().enumerate() {
            match parse_span(text) {
                Ok(span) => spans.push(span),
                Err(problem) => self.problem(&format!("{path}.when[{n}]"), problem),
            }
        }
        zone.filter(|_| !spans.is_empty()).map(|zone| Weekly { zone, spans })
    }
}

/// From the system's database, which may be newer, or else from the one in this program.
fn time_zone_of(name: &str) -> Result<TimeZone, String> {
    let bundled = TimeZoneDatabase::bundled();
    let found = tz::db().get(name).or_else(|_| bundled.get(name));
    found.map_err(|_| {
        let names: Vec<String> = bundled.available().map(|name| name.to_string()).collect();
        match closest(name, names.iter().map(String::as_str)) {
            Some(close) => format!("{} is no time zone; did you mean \"{close}\"?", quoted(name)),
            None => format!("{} is no time zone: {ZONE_FORM}", quoted(name)),
        }
    })
}
