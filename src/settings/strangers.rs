use std::collections::BTreeSet;

use super::{Camera, Sink, problems::Problems, quantity::quoted, tree::closest};
use crate::words::CameraId;

/// So many are told.
const TOLD: usize = 50;

/// What filters of sinks name and no camera has: a slip, or a camera that was removed or is still to be added. `cameras`
/// are all that there are, wherever they come from.
pub fn strangers(sinks: &[Sink], cameras: &[Camera]) -> Problems {
    let ids: BTreeSet<&str> = cameras.iter().map(|camera| camera.id.as_str()).collect();
    let zones: BTreeSet<&str> = cameras.iter().flat_map(|camera| &camera.zones).map(|zone| &*zone.name).collect();
    let named = sinks.iter().enumerate().flat_map(|(sink, it)| {
        let cameras = it.filter.cameras.iter().map(CameraId::as_str).enumerate();
        let cameras = cameras.map(move |(n, id)| (format!("sinks[{sink}].cameras[{n}]"), id, true));
        let zones = it.filter.zones.iter().map(|name| &**name).enumerate();
        cameras.chain(zones.map(move |(n, name)| (format!("sinks[{sink}].zones[{n}]"), name, false)))
    });
    let mut strangers = Problems::default();
    for (path, name, is_camera) in named {
        let (known, what, whose) = match is_camera {
            true => (&ids, "no camera has this id now", "cameras"),
            false => (&zones, "no camera has a zone of this name now", "zones"),
        };
        if known.contains(name) {
            continue;
        }
        if strangers.len() == TOLD {
            strangers.give_up();
            break;
        }
        let known: Vec<&str> = known.iter().copied().collect();
        strangers.add(&path, format!("{}: {what}; {}", quoted(name), hint(name, &known, whose)));
    }
    strangers
}

/// What may be meant by a name that is not known.
pub(super) fn hint(name: &str, known: &[&str], whose: &str) -> String {
    match closest(name, known.iter().copied()) {
        Some(close) => format!("did you mean \"{close}\"?"),
        None if known.is_empty() => format!("there are no {whose}"),
        None => format!("{whose}: {}", some_of(known)),
    }
}

fn some_of(known: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = known.iter().take(SHOWN).map(|text| quoted(text)).collect();
    let more = known.len().saturating_sub(SHOWN);
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Settings, load_from};
    use super::*;

    fn settings(filter: &str, cameras: &str) -> Settings {
        let sink = "[[sinks]]\nname = \"s\"\ntype = \"webhook\"\nurl = \"https://h/\"";
        load_from(&format!("{sink}\n{filter}\n{cameras}"), [], Path::new(".")).unwrap_or_else(|error| panic!("{error}"))
    }

    fn told(filter: &str, cameras: &str) -> String {
        let settings = settings(filter, cameras);
        strangers(&settings.sinks, &settings.cameras).to_string()
    }

    const DOOR: &str = "[[cameras]]\nid = \"door\"\nurl = \"rtsp://h/\"\n\
        [[cameras.zones]]\nname = \"gate\"\npolygon = [[0,0],[1,0],[1,1]]\n";

    #[test]
    fn what_no_camera_has_is_named_with_what_may_be_meant() {
        assert_eq!(told("cameras = [\"door\"]\nzones = [\"gate\"]", DOOR), "");
        assert_eq!(
            told("cameras = [\"door\", \"dor\"]\nzones = [\"lawn\"]", DOOR),
            "sinks[0].cameras[1]: \"dor\": no camera has this id now; did you mean \"door\"?\n\
             sinks[0].zones[0]: \"lawn\": no camera has a zone of this name now; zones: \"gate\""
        );
        assert_eq!(
            told("cameras = [\"yard\"]", ""),
            "sinks[0].cameras[0]: \"yard\": no camera has this id now; there are no cameras"
        );
    }

    #[test]
    fn cameras_from_elsewhere_are_none() {
        let file = settings("cameras = [\"yard\"]\nzones = [\"gate\"]", "");
        let mut cameras = settings("", DOOR).cameras;
        cameras[0].id = "yard".parse().expect("an id");
        assert!(strangers(&file.sinks, &cameras).is_empty());
    }

    #[test]
    fn there_is_a_bound() {
        let names = (0..200).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
        let told = told(&format!("cameras = [{names}]"), DOOR);
        assert_eq!(told.lines().count(), TOLD + 1);
        assert!(told.ends_with("and perhaps more"), "{told}");
    }
}
