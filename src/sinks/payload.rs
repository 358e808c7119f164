use serde::Serialize;

use crate::{
    events::{Event, EventKind, Subject},
    words::{CameraId, EventId},
};

/// An event in the structured JSON format of CloudEvents 1.0, sections 2 and 3 of its JSON format.
#[derive(Debug, Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: EventId,
    source: &'a str,
    r#type: EventKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a CameraId>,
    time: jiff::Timestamp,
    datacontenttype: &'static str,
    data: &'a Subject,
}

/// The body of a report: `event` as a CloudEvents 1.0 structured JSON document. `source` is a URI reference that names
/// this installation, as in `/lookout/gatehouse`; with the id it makes the event unique in the world.
pub fn cloud_event(event: &Event, source: &str) -> Vec<u8> {
    let document = CloudEvent {
        specversion: "1.0",
        id: event.id,
        source,
        r#type: event.kind,
        subject: event.camera(),
        time: event.time,
        datacontenttype: "application/json",
        data: &event.data,
    };
    serde_json::to_vec(&document).expect("an event has text keys only, so it is always JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::sample;

    #[test]
    fn the_body_is_what_the_contract_says() {
        let event = sample::started("door");
        let body = cloud_event(&event, "/lookout/gatehouse");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let visit = event.data.visit.as_ref().expect("a visit");
        let expected = serde_json::json!({
            "specversion": "1.0",
            "id": event.id.to_string(),
            "source": "/lookout/gatehouse",
            "type": "lookout.visit.started",
            "subject": "door",
            "time": event.time.to_string(),
            "datacontenttype": "application/json",
            "data": {
                "camera": { "id": "door", "name": "The door" },
                "visit": {
                    "id": visit.id.to_string(),
                    "started_at": visit.started_at.to_string(),
                    "ended_at": null,
                    "peak_count": 1,
                },
                "zone": null,
                "label": "person",
                "count": 1,
                "detections": [{ "score": 0.75, "box": [0.25, 0.5, 0.125, 0.25], "track": null }],
                "frame": {
                    "captured_at": event.time.to_string(),
                    "sequence": 7,
                    "width": 1280,
                    "height": 720,
                },
                "snapshot": null,
                "latency_s": 0.5,
            },
        });
        assert_eq!(body, expected);
    }
}
