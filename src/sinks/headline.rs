use crate::events::{Event, EventKind};

/// The event in a few plain words: `a person at Front door`.
pub fn headline(event: &Event) -> String {
    let data = &event.data;
    let place = || match (&data.camera, &data.zone) {
        (Some(camera), Some(zone)) => format!("{} ({zone})", camera.name),
        (Some(camera), None) => camera.name.to_string(),
        (None, Some(zone)) => zone.to_string(),
        (None, None) => "an unknown place".to_owned(),
    };
    let label = data.label.as_deref().unwrap_or("person");
    match event.kind {
        EventKind::VisitStarted => format!("{} at {}", some(label, data.count.unwrap_or(1)), place()),
        EventKind::VisitEnded => format!("{} at {} any more", none(label), place()),
        EventKind::CameraDown => match &data.reason {
            Some(reason) => format!("{} is down: {}", place(), reason.message),
            None => format!("{} is down", place()),
        },
        EventKind::CameraUp => format!("{} is up again", place()),
        EventKind::SnapshotStored => match data.snapshot.as_ref().map_or(0, |snapshot| snapshot.frames.len()) {
            0 | 1 => format!("a picture of {}", place()),
            count => format!("{count} pictures of {}", place()),
        },
        EventKind::Digest => match data.digest.as_ref().map_or(0, |digest| digest.events) {
            1 => "1 more event".to_owned(),
            count => format!("{count} more events"),
        },
    }
}

fn some(label: &str, count: u32) -> String {
    match (label, count) {
        (label, 0 | 1) if label.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {label}"),
        (label, 0 | 1) => format!("a {label}"),
        ("person", count) => format!("{count} people"),
        (label, count) => format!("{count} × {label}"),
    }
}

fn none(label: &str) -> String {
    if label == "person" { "nobody".to_owned() } else { format!("no {label}") }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        events::{DigestFacts, Snapshot, StoredFrame, Subject, sample},
        words::EventId,
    };

    #[test]
    fn each_kind_is_said_in_plain_words() {
        let mut event = sample::started("door");
        assert_eq!(headline(&event), "a person at The door");
        event.data.count = Some(3);
        assert_eq!(headline(&event), "3 people at The door");
        event.data.zone = Some("the steps".into());
        assert_eq!(headline(&event), "3 people at The door (the steps)");
        event.data.label = Some("umbrella".into());
        assert_eq!(headline(&event), "3 × umbrella at The door (the steps)");
        event.data.count = Some(1);
        assert_eq!(headline(&event), "an umbrella at The door (the steps)");
        assert_eq!(headline(&sample::ended(&sample::started("door"))), "nobody at The door any more");
        let since = Timestamp::UNIX_EPOCH;
        assert_eq!(headline(&sample::down("door", since)), "The door is down: no route");
        assert_eq!(headline(&sample::up("door")), "The door is up again");
    }

    #[test]
    fn pictures_and_digests_are_counted() {
        let now = Timestamp::UNIX_EPOCH;
        let frame = StoredFrame { url: "https://s.example/1.jpg".into(), captured_at: now };
        let mut event = sample::up("door");
        event.kind = EventKind::SnapshotStored;
        event.data.snapshot = Some(Snapshot { url: frame.url.clone(), frames: vec![frame.clone()] });
        assert_eq!(headline(&event), "a picture of The door");
        event.data.snapshot = Some(Snapshot { url: frame.url.clone(), frames: vec![frame.clone(), frame] });
        assert_eq!(headline(&event), "2 pictures of The door");
        let digest = DigestFacts { from: now, to: now, events: 41, groups: Vec::new(), others: 0 };
        let data = Subject { digest: Some(digest), ..Subject::of_no_camera() };
        let event = Event { id: EventId::fresh(), kind: EventKind::Digest, time: now, data };
        assert_eq!(headline(&event), "41 more events");
    }
}
