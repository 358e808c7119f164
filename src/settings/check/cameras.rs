use std::sync::Arc;

use super::{
    super::{Camera, CameraDefaults, Evidence, RelayTarget, Transport, Zone, quantity::quoted, raw},
    Check, HOUR, MILLISECOND, MINUTE, SECOND, address,
    credentials::Written,
};
use crate::words::{CameraId, Point, Polygon};

pub(super) const MOST_CAMERAS: usize = 1000;
const MOST_ZONES: usize = 64;
const MOST_CORNERS: usize = 256;

impl Check<'_> {
    pub(super) fn cameras(&mut self, raw: Vec<raw::Camera>, common: &CameraDefaults) -> Vec<Camera> {
        if raw.len() > MOST_CAMERAS {
            // Not looked at one by one: the list itself is the problem.
            self.problem("cameras", format!("{} cameras: at most {MOST_CAMERAS} in one process", raw.len()));
            return Vec::new();
        }
        for (n, camera) in raw.iter().enumerate() {
            if let Some(id) = &camera.id {
                self.problems.camera_is(n, id);
            }
        }
        let ids = raw.iter().map(|camera| camera.id.as_deref().unwrap_or_default());
        self.unique("cameras", ".id", ids);
        raw.into_iter()
            .enumerate()
            .filter_map(|(n, camera)| self.camera(&format!("cameras[{n}]"), camera, common))
            .collect()
    }

    fn camera(&mut self, path: &str, raw: raw::Camera, common: &CameraDefaults) -> Option<Camera> {
        let at = |key: &str| format!("{path}.{key}");
        let id = self.camera_id(&at("id"), raw.id.as_deref());
        if let Some(name) = &raw.name {
            self.name(&at("name"), name);
        }
        let address = match raw.url.as_deref() {
            Some(url) => address::read(url).map_err(|problem| self.problem(&at("url"), problem)).ok(),
            None => {
                self.problem(&at("url"), "missing: write rtsp://HOST[:PORT]/PATH");
                None
            }
        };
        let (url, in_url) = match address {
            Some(address) => (Some(address.url), Some((address.username, address.password))),
            None => (None, None),
        };
        let written = Written { username: raw.username, password: raw.password, password_file: raw.password_file };
        let credentials = self.credentials(path, written, in_url);
        let transport = match raw.transport.as_str() {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            other => {
                let text = format!("{} is unknown: write \"tcp\" or \"udp\"", quoted(other));
                self.problem(&at("transport"), text);
                Transport::Tcp
            }
        };
        let timeouts = SECOND..=5 * MINUTE;
        let every = self.duration(&at("every"), &raw.every, 50 * MILLISECOND..=HOUR);
        let connect_timeout = self.duration(&at("connect_timeout"), &raw.connect_timeout, timeouts.clone());
        let stall_timeout = self.duration(&at("stall_timeout"), &raw.stall_timeout, timeouts.clone());
        let key_frame_timeout = self.duration(&at("key_frame_timeout"), &raw.key_frame_timeout, timeouts);
        let max_retries = u32::try_from(raw.max_retries).unwrap_or_else(|_| {
            self.problem(&at("max_retries"), "too many; 0 means for ever");
            0
        });
        let zones = self.zones(&at("zones"), raw.zones);
        let visits = match raw.visits {
            Some(own) => self.visits(&at("visits"), &merged(own, &common.visits)),
            None => common.rules.clone(),
        };
        let own = raw.evidence.unwrap_or_default();
        let evidence = Evidence {
            frames: own.frames.map_or(common.evidence.frames, |frames| self.frames(&at("evidence.frames"), frames)),
            every: own.every.map_or(common.evidence.every, |every| self.between(&at("evidence.every"), &every)),
        };
        let relay = match (raw.relay, &id) {
            (Some(target), Some(id)) => self.relay(&at("relay"), &target, id),
            _ => None,
        };
        let (id, url) = (id?, url?);
        Some(Camera {
            name: raw.name.map_or_else(|| Arc::from(id.as_str()), Arc::from),
            id,
            url,
            credentials,
            transport,
            every,
            connect_timeout,
            stall_timeout,
            key_frame_timeout,
            max_retries,
            sound: raw.sound,
            relay,
            enabled: raw.enabled,
            zones,
            visits,
            evidence,
        })
    }

    fn relay(&mut self, path: &str, target: &str, id: &CameraId) -> Option<RelayTarget> {
        let target = RelayTarget::read(&target.replace("{id}", id.as_str()));
        target.map_err(|problem| self.problem(path, problem.to_string())).ok()
    }

    fn camera_id(&mut self, path: &str, id: Option<&str>) -> Option<CameraId> {
        match id.map(str::parse) {
            Some(Ok(id)) => return Some(id),
            Some(Err(problem)) => self.problem(path, format!("{problem}")),
            None => self.problem(path, "missing: a short name for addresses and metrics, such as \"door\""),
        }
        None
    }

    fn zones(&mut self, path: &str, raw: Vec<raw::Zone>) -> Vec<Zone> {
        if raw.len() > MOST_ZONES {
            self.problem(path, format!("at most {MOST_ZONES} zones for one camera"));
            return Vec::new();
        }
        let names = raw.iter().map(|zone| zone.name.as_deref().unwrap_or_default());
        self.unique(path, ".name", names);
        raw.into_iter()
            .enumerate()
            .filter_map(|(n, zone)| {
                let at = format!("{path}[{n}]");
                match &zone.name {
                    Some(name) => self.name(&format!("{at}.name"), name),
                    None => self.problem(&format!("{at}.name"), "missing: a name for the events"),
                }
                let polygon = self.polygon(&format!("{at}.polygon"), zone.polygon)?;
                Some(Zone { name: zone.name?.into(), polygon })
            })
            .collect()
    }

    fn polygon(&mut self, path: &str, corners: Option<Vec<[f64; 2]>>) -> Option<Polygon> {
        let Some(corners) = corners else {
            self.problem(path, "missing: at least three corners [x, y], 0 to 1, from the top left");
            return None;
        };
        if !(3..=MOST_CORNERS).contains(&corners.len()) {
            let text = format!("{} corners: it takes 3 to {MOST_CORNERS}", corners.len());
            self.problem(path, text);
            return None;
        }
        for (n, corner) in corners.iter().enumerate() {
            if !corner.iter().all(|part| (0.0..=1.0).contains(part)) {
                self.problem(
                    &format!("{path}[{n}]"),
                    "outside of the picture: corners are parts of it, 0 to 1, not pixels",
                );
            }
        }
        let reported = (0..corners.len()).any(|n| self.problems.covers(&format!("{path}[{n}]")));
        if !reported && on_one_line(&corners) {
            self.problem(path, "encloses nothing: its corners lie on one line");
        }
        let point = |[x, y]: [f64; 2]| Point { x: x as f32, y: y as f32 };
        Some(Polygon(corners.into_iter().map(point).collect()))
    }
}

fn on_one_line(corners: &[[f64; 2]]) -> bool {
    let a = corners[0];
    let Some(b) = corners.iter().find(|corner| **corner != a) else {
        return true;
    };
    corners.iter().all(|c| {
        let twice_the_area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
        twice_the_area.abs() < 1e-9
    })
}

fn merged(own: raw::CameraVisits, common: &raw::Visits) -> raw::Visits {
    let common = common.clone();
    raw::Visits {
        hits: own.hits.unwrap_or(common.hits),
        window: own.window.unwrap_or(common.window),
        quiet: own.quiet.unwrap_or(common.quiet),
        blind: own.blind.unwrap_or(common.blind),
        down_after: own.down_after.unwrap_or(common.down_after),
        cooldown: own.cooldown.unwrap_or(common.cooldown),
        stationary: own.stationary.unwrap_or(common.stationary),
    }
}
