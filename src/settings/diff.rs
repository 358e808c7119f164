use std::collections::BTreeMap;

use super::{Camera, Settings, Snapshots};
use crate::words::CameraId;

/// What a reload has to do. The cameras come in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Cameras that are new.
    pub added: Vec<CameraId>,
    /// Cameras that are gone.
    pub removed: Vec<CameraId>,
    /// Cameras that need a new life: address, credentials, transport, pace, deadlines, retries or `enabled` changed.
    pub restart: Vec<CameraId>,
    /// Cameras whose scene must be told: name, zones or visit rules changed. Such a camera may be in `restart` as well.
    pub reconfigure: Vec<CameraId>,
    /// Whether a sink came, went or changed.
    pub sinks_changed: bool,
    /// Keys that changed but take effect only when the process starts anew.
    pub needs_restart: Vec<&'static str>,
}

impl Changes {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What lies between two settings. The order of cameras does not matter, the order of sinks does.
pub fn changes(old: &Settings, new: &Settings) -> Changes {
    let (before, after) = (by_id(old), by_id(new));
    let only_in = |some: &BTreeMap<&CameraId, &Camera>, others: &BTreeMap<&CameraId, &Camera>| {
        let missing = |id: &&&CameraId| !others.contains_key(**id);
        some.keys().filter(missing).map(|id| (*id).clone()).collect()
    };
    let changed = |by: fn(&Camera, &Camera) -> bool| {
        after
            .iter()
            .filter(|(id, camera)| before.get(*id).is_some_and(|old| by(old, camera)))
            .map(|(id, _)| (*id).clone())
            .collect()
    };
    Changes {
        added: only_in(&after, &before),
        removed: only_in(&before, &after),
        restart: changed(needs_new_life),
        reconfigure: changed(concerns_scene),
        sinks_changed: old.sinks != new.sinks,
        needs_restart: needs_restart(old, new),
    }
}

fn by_id(settings: &Settings) -> BTreeMap<&CameraId, &Camera> {
    settings.cameras.iter().map(|camera| (&camera.id, camera)).collect()
}

fn concerns_scene(old: &Camera, new: &Camera) -> bool {
    old.name != new.name || old.zones != new.zones || old.visits != new.visits || old.evidence != new.evidence
}

/// Everything else: a field that is added later restarts the camera until somebody decides otherwise.
pub fn needs_new_life(old: &Camera, new: &Camera) -> bool {
    let with_the_same_scene = Camera {
        name: old.name.clone(),
        zones: old.zones.clone(),
        visits: old.visits.clone(),
        evidence: old.evidence.clone(),
        relay: old.relay.clone(),
        ..new.clone()
    };
    *old != with_the_same_scene
}

fn needs_restart(old: &Settings, new: &Settings) -> Vec<&'static str> {
    let (server, storage, detector) = (&old.server, &old.storage, &old.detector);
    let snapshots = |changed: fn(&Snapshots, &Snapshots) -> bool| match (&old.snapshots, &new.snapshots) {
        (Some(old), Some(new)) => changed(old, new),
        _ => false,
    };
    let store = snapshots(|old, new| old.store != new.store) || old.snapshots.is_some() != new.snapshots.is_some();
    [
        ("server.bind", server.bind != new.server.bind),
        ("server.auth", server.auth != new.server.auth),
        ("server.cors", server.cors != new.server.cors),
        ("server.hosts", server.hosts != new.server.hosts),
        ("server.proxies", server.proxies != new.server.proxies),
        ("storage.path", storage.path != new.storage.path),
        ("storage.keep", storage.keep != new.storage.keep),
        ("storage.max_bytes", storage.max_bytes != new.storage.max_bytes),
        ("detector.model", detector.model != new.detector.model),
        ("detector.labels", detector.labels != new.detector.labels),
        ("detector.min_score", detector.min_score != new.detector.min_score),
        ("detector.max_overlap", detector.max_overlap != new.detector.max_overlap),
        ("detector.workers", detector.workers != new.detector.workers),
        ("snapshots.store", store),
        ("snapshots.key", snapshots(|old, new| old.key != new.key)),
        ("snapshots.public_url", snapshots(|old, new| old.public_url != new.public_url)),
        ("snapshots.quality", snapshots(|old, new| old.quality != new.quality)),
        ("snapshots.annotate", snapshots(|old, new| old.annotate != new.annotate)),
        ("snapshots.concurrency", snapshots(|old, new| old.concurrency != new.concurrency)),
        ("snapshots.deadline", snapshots(|old, new| old.deadline != new.deadline)),
        ("snapshots.timeout", snapshots(|old, new| old.timeout != new.timeout)),
        ("snapshots.max_retries", snapshots(|old, new| old.max_retries != new.max_retries)),
        ("snapshots.spool_bytes", snapshots(|old, new| old.spool_bytes != new.spool_bytes)),
        ("live.max_relays", old.live.max_relays != new.live.max_relays),
        ("live.max_viewers", old.live.max_viewers != new.live.max_viewers),
    ]
    .into_iter()
    .filter_map(|(key, changed)| changed.then_some(key))
    .collect()
}

#[cfg(test)]
mod tests {
    use std::{
        net::SocketAddr,
        path::{Path, PathBuf},
        time::Duration,
    };

    use url::Url;

    use super::{super::*, *};
    use crate::words::Polygon;

    fn camera(id: &str) -> Camera {
        Camera {
            id: id.parse().expect("an id"),
            name: id.into(),
            url: Url::parse("rtsp://10.0.0.7/x").expect("a URL"),
            credentials: None,
            transport: Transport::Tcp,
            every: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(10),
            key_frame_timeout: Duration::from_secs(30),
            max_retries: 0,
            sound: true,
            relay: None,
            enabled: true,
            zones: Vec::new(),
            visits: VisitRules {
                hits: 2,
                window: 3,
                quiet: Duration::from_secs(10),
                blind: Duration::from_secs(60),
                down_after: Duration::from_secs(30),
                cooldown: Duration::ZERO,
                stationary: Duration::ZERO,
            },
            evidence: Evidence { frames: 1, every: Duration::from_millis(200) },
        }
    }

    fn settings() -> Settings {
        Settings {
            server: Server {
                bind: SocketAddr::from(([127, 0, 0, 1], 8080)),
                auth: Auth::Open,
                hosts: Vec::new(),
                cors: Vec::new(),
                proxies: Vec::new(),
            },
            storage: Storage { path: PathBuf::from("data"), keep: Duration::from_secs(60), max_bytes: 1 },
            detector: Detector {
                model: ModelSource::File("m.onnx".into()),
                labels: vec!["person".into()],
                min_score: None,
                max_overlap: 0.5,
                workers: 1,
            },
            cameras: vec![camera("a"), camera("b"), camera("c")],
            sinks: Vec::new(),
            snapshots: None,
            live: Live { max_viewers: 1, max_relays: 1 },
            control: Control { max_cameras: 1000, networks: Vec::new() },
            defaults: load_from("", Vec::new(), Path::new(".")).expect("nothing is wrong with nothing").defaults,
        }
    }

    fn snapshots() -> Snapshots {
        Snapshots {
            store: ObjectStore::Folder { path: "data/snapshots".into(), max_bytes: 1 },
            key: "{event}/{n}".into(),
            public_url: None,
            quality: 85,
            annotate: false,
            concurrency: 64,
            deadline: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            max_retries: 30,
            spool_bytes: 1,
        }
    }

    fn after(change: impl FnOnce(&mut Settings)) -> Changes {
        let mut new = settings();
        change(&mut new);
        changes(&settings(), &new)
    }

    fn ids(ids: &[CameraId]) -> Vec<&str> {
        ids.iter().map(CameraId::as_str).collect()
    }

    #[test]
    fn the_same_settings_in_another_order_change_nothing() {
        assert!(after(|new| new.cameras.reverse()).is_empty());
    }

    #[test]
    fn only_cameras_that_changed_restart() {
        let changes = after(|new| {
            new.cameras.remove(0);
            new.cameras[0].every = Duration::from_secs(2);
            new.cameras.push(camera("d"));
        });
        assert_eq!(ids(&changes.removed), ["a"]);
        assert_eq!(ids(&changes.added), ["d"]);
        assert_eq!(ids(&changes.restart), ["b"]);
        assert_eq!(ids(&changes.reconfigure), [""; 0]);
    }

    #[test]
    fn what_concerns_the_scene_alone_restarts_no_life() {
        let scene: [fn(&mut Camera); 6] = [
            |camera| camera.name = "Door".into(),
            |camera| camera.visits.hits = 1,
            |camera| camera.visits.cooldown = Duration::from_secs(60),
            |camera| camera.visits.stationary = Duration::from_secs(60),
            |camera| camera.evidence.frames = 10,
            |camera| {
                camera.zones.push(Zone { name: "z".into(), polygon: Polygon(Vec::new()) });
            },
        ];
        for change in scene {
            let changes = after(|new| change(&mut new.cameras[1]));
            assert_eq!(ids(&changes.reconfigure), ["b"]);
            assert_eq!(ids(&changes.restart), [""; 0]);
        }
        let life: [fn(&mut Camera); 5] = [
            |camera| camera.url.set_path("y"),
            |camera| camera.enabled = false,
            |camera| camera.transport = Transport::Udp,
            |camera| camera.max_retries = 1,
            |camera| {
                camera.credentials = Some(Credentials { username: "u".into(), password: Secret::new("p") });
            },
        ];
        for change in life {
            let changes = after(|new| change(&mut new.cameras[1]));
            assert_eq!(ids(&changes.restart), ["b"]);
            assert_eq!(ids(&changes.reconfigure), [""; 0]);
        }
    }

    #[test]
    fn a_change_of_the_snapshots_needs_a_restart() {
        type Change = fn(&mut Snapshots);
        let with = |change: Change| {
            let mut new = Settings { snapshots: Some(snapshots()), ..settings() };
            let old = new.clone();
            change(new.snapshots.as_mut().expect("there are some"));
            changes(&old, &new)
        };
        assert!(with(|_| {}).is_empty());
        let all: [(Change, &str); 10] = [
            (|it| it.store = ObjectStore::Folder { path: "data/snapshots".into(), max_bytes: 2 }, "store"),
            (|it| it.key = "{n}/{event}".into(), "key"),
            (|it| it.public_url = Url::parse("https://h/").ok(), "public_url"),
            (|it| it.quality = 1, "quality"),
            (|it| it.annotate = true, "annotate"),
            (|it| it.concurrency = 1, "concurrency"),
            (|it| it.deadline = Duration::ZERO, "deadline"),
            (|it| it.timeout = Duration::ZERO, "timeout"),
            (|it| it.max_retries = 1, "max_retries"),
            (|it| it.spool_bytes = 2, "spool_bytes"),
        ];
        for (change, key) in all {
            let changes = with(change);
            assert_eq!(changes.needs_restart, [format!("snapshots.{key}")]);
            assert!(!changes.sinks_changed && changes.restart.is_empty() && changes.reconfigure.is_empty());
        }
        let (off, on) = (settings(), Settings { snapshots: Some(snapshots()), ..settings() });
        assert_eq!(changes(&off, &on).needs_restart, ["snapshots.store"]);
        assert_eq!(changes(&on, &off).needs_restart, ["snapshots.store"]);
    }

    #[test]
    fn the_process_is_named_where_it_must_start_anew() {
        let changes = after(|new| {
            new.server.bind = SocketAddr::from(([127, 0, 0, 1], 1));
            new.server.hosts.push("lookout.lan".into());
            new.server.proxies.push("127.0.0.1/32".parse().expect("a network"));
            new.storage.path = PathBuf::from("x");
            new.detector.model = ModelSource::Embedded;
        });
        assert_eq!(
            changes.needs_restart,
            ["server.bind", "server.hosts", "server.proxies", "storage.path", "detector.model"]
        );
        assert!(!changes.sinks_changed);
        let changes = after(|new| {
            let file = File { path: "events.jsonl".into(), max_bytes: 1, keep: 1 };
            let (filter, way) = (Filter::default(), Way::File(file));
            new.sinks.push(Sink { name: "w".into(), filter, budget: None, way });
        });
        assert!(changes.sinks_changed && changes.needs_restart.is_empty());
    }
}
