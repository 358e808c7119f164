mod server;
mod sink;
mod snapshots;

use super::{
    Camera, Credentials, Settings, Transport, VisitRules, Zone,
    quantity::{show_duration, show_size},
    raw,
    secrets::masked_camera_url,
};

pub(super) const MASK: &str = "***";

/// The settings as they take effect, defaults included, in the form of the file. Secrets are `***`.
pub fn show(settings: &Settings) -> String {
    toml::to_string(&written(settings))
        .unwrap_or_else(|error| format!("# the settings cannot be written as TOML: {error}\n"))
}

fn written(settings: &Settings) -> raw::File {
    let Settings { server, storage, detector, cameras, sinks, snapshots, live, control, defaults } = settings;
    raw::File {
        server: self::server::written(server),
        storage: raw::Storage {
            path: storage.path.display().to_string(),
            keep: raw::DurationText(show_duration(storage.keep)),
            max_bytes: raw::SizeText(show_size(storage.max_bytes)),
        },
        detector: raw::Detector {
            model: detector.model.to_string(),
            labels: detector.labels.iter().map(ToString::to_string).collect(),
            min_score: detector.min_score.map(decimal),
            max_overlap: decimal(detector.max_overlap),
            workers: detector.workers as u64,
        },
        visits: defaults.visits.clone(),
        cameras: cameras.iter().map(camera).collect(),
        sinks: sinks.iter().map(sink::written).collect(),
        snapshots: raw::Snapshots {
            frames: defaults.evidence.frames.into(),
            every: raw::DurationText(show_duration(defaults.evidence.every)),
            ..snapshots::written(snapshots.as_ref())
        },
        live: raw::Live { max_viewers: live.max_viewers as u64, max_relays: live.max_relays as u64 },
        control: raw::Control {
            max_cameras: control.max_cameras as u64,
            networks: control.networks.iter().map(ToString::to_string).collect(),
        },
    }
}

pub(super) fn camera(camera: &Camera) -> raw::Camera {
    let (username, password) = credentials(camera.credentials.as_ref());
    raw::Camera {
        id: Some(camera.id.to_string()),
        name: Some(camera.name.to_string()),
        url: Some(masked_camera_url(&camera.url)),
        username,
        password,
        password_file: None,
        transport: match camera.transport {
            Transport::Tcp => "tcp".to_owned(),
            Transport::Udp => "udp".to_owned(),
        },
        every: raw::DurationText(show_duration(camera.every)),
        connect_timeout: raw::DurationText(show_duration(camera.connect_timeout)),
        stall_timeout: raw::DurationText(show_duration(camera.stall_timeout)),
        key_frame_timeout: raw::DurationText(show_duration(camera.key_frame_timeout)),
        max_retries: camera.max_retries.into(),
        sound: camera.sound,
        relay: camera.relay.as_ref().map(|target| target.shown().replace('…', MASK)),
        enabled: camera.enabled,
        visits: Some(visits(&camera.visits)),
        evidence: Some(raw::Evidence {
            frames: Some(camera.evidence.frames.into()),
            every: Some(raw::DurationText(show_duration(camera.evidence.every))),
        }),
        zones: camera.zones.iter().map(zone).collect(),
    }
}

fn visits(rules: &VisitRules) -> raw::CameraVisits {
    raw::CameraVisits {
        hits: Some(rules.hits.into()),
        window: Some(rules.window.into()),
        quiet: Some(raw::DurationText(show_duration(rules.quiet))),
        blind: Some(raw::DurationText(show_duration(rules.blind))),
        down_after: Some(raw::DurationText(show_duration(rules.down_after))),
        cooldown: Some(raw::DurationText(show_duration(rules.cooldown))),
        stationary: Some(raw::DurationText(show_duration(rules.stationary))),
    }
}

fn credentials(credentials: Option<&Credentials>) -> (Option<String>, Option<String>) {
    (credentials.map(|known| known.username.clone()), credentials.map(|_| MASK.to_owned()))
}

fn zone(zone: &Zone) -> raw::Zone {
    let corner = |point: &crate::words::Point| [decimal(point.x), decimal(point.y)];
    raw::Zone { name: Some(zone.name.to_string()), polygon: Some(zone.polygon.0.iter().map(corner).collect()) }
}

/// As it was written: 0.45, not the 0.44999998807907104 that it is as an `f32`.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}
