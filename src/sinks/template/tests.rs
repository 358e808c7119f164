use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    events::{DigestFacts, DigestGroup, Snapshot, StoredFrame, sample},
    words::CameraId,
};

mod examples;
mod receivers;

const NASTY: &str = "A \"quoted\" \\ back\\slash,\na line, a\ttab, <b>&</b>, {{ braces }}, \u{1} and 大门 🚪";

fn template(content_type: &str, body: &str) -> settings::Template {
    settings::Template { body: body.into(), content_type: content_type.into(), accepted_if: None }
}

fn json_format(body: &str) -> Format {
    Format::new(&template("application/json", body)).expect("a sound template")
}

fn named(mut event: Event, name: &str) -> Event {
    if let Some(camera) = &mut event.data.camera {
        camera.name = name.into();
    }
    event
}

fn rendered(content_type: &str, body: &str, event: &Event) -> String {
    let format = Format::new(&template(content_type, body)).expect("a sound template");
    String::from_utf8(format.body(event, "/lookout/test").expect("a body")).expect("UTF-8")
}

fn rendered_json(body: &str, event: &Event) -> serde_json::Value {
    serde_json::from_str(&rendered("application/json", body, event)).expect("JSON")
}

/// An event of each kind, with all that such an event can have.
fn one_of_each() -> Vec<Event> {
    let started = sample::started("door");
    let frame =
        |n: u32| StoredFrame { url: format!("https://s.example/{n}.jpg?a=1&b=\"2\""), captured_at: started.time };
    let mut with_pictures = sample::started("door");
    let snapshot = Snapshot { url: frame(1).url, frames: vec![frame(1), frame(2)] };
    with_pictures.data.snapshot = Some(snapshot.clone());
    with_pictures.data.zone = Some(NASTY.into());
    let mut stored = sample::up("door");
    stored.kind = EventKind::SnapshotStored;
    stored.data.event = Some(started.id);
    stored.data.snapshot = Some(snapshot);
    let camera: CameraId = "door".parse().expect("an id");
    let group = DigestGroup { camera: Some(camera), kind: EventKind::VisitStarted, events: 41 };
    let groups = vec![group; DigestFacts::SHOWN];
    let digest = DigestFacts { from: started.time, to: started.time, events: 4200, groups, others: 100 };
    let digest = Event {
        id: EventId::fresh(),
        kind: EventKind::Digest,
        time: started.time,
        data: Subject { digest: Some(digest), ..Subject::of_no_camera() },
    };
    let down = sample::down("door", started.time);
    let all = vec![sample::ended(&started), started, with_pictures, down, sample::up("door"), stored, digest];
    assert!(EventKind::ALL.iter().all(|&kind| all.iter().any(|event| event.kind == kind)));
    all
}

#[test]
fn whatever_stands_between_quotes_is_right() {
    let event = named(sample::started("door"), NASTY);
    let body = r#"{"text": "{{ headline }}!", "name": "{{ data.camera.name }}", "whole": {{ data.camera.name|tojson }},
        "upper": "{{ data.camera.name|upper }}", "again": "{{ data.camera.name|e }}", "count": {{ data.count }},
        "list": "{{ data.detections }}", "facts": {{ data.detections|tojson }}, "yes": {{ data.count == 1 }},
        "score": {{ data.detections[0].score }}, "source": "{{ source }}", "type": "{{ type }}"}"#;
    let given = rendered_json(body, &event);
    let detections = json!([{ "score": 0.75, "box": [0.25, 0.5, 0.125, 0.25], "track": null }]);
    assert_eq!(given["text"], format!("a person at {NASTY}!"));
    for key in ["name", "whole", "again"] {
        assert_eq!(given[key], NASTY, "{key}");
    }
    assert_eq!(given["upper"], NASTY.to_uppercase());
    assert_eq!(given["facts"], detections);
    let list: serde_json::Value = serde_json::from_str(given["list"].as_str().expect("a text")).expect("JSON");
    assert_eq!(list, detections);
    assert_eq!((&given["count"], &given["yes"], &given["score"]), (&json!(1), &json!(true), &json!(0.75)));
    assert_eq!((&given["source"], &given["type"]), (&json!("/lookout/test"), &json!("lookout.visit.started")));
}

proptest! {
    #[test]
    fn no_name_breaks_the_json(name in any::<String>()) {
        let event = named(sample::started("door"), &name);
        let given = rendered_json(r#"{"a": "{{ data.camera.name }}", "b": {{ data.camera.name|tojson }}}"#, &event);
        prop_assert_eq!(&given["a"], &name);
        prop_assert_eq!(&given["b"], &name);
    }
}

#[test]
fn what_an_event_does_not_have_is_empty() {
    let body = r#"{"zone": "{{ data.zone }}", "url": "{{ data.snapshot.url }}", "deep": "{{ data.a.b.c.d }}",
        "count": {{ data.count|tojson }}, "ended": "{{ data.visit.ended_at|local("UTC") }}",
        "any": "{% for d in data.detections %}x{% endfor %}{% if data.snapshot.url %}y{% endif %}"}"#;
    let given = rendered_json(body, &sample::up("door"));
    let expected = json!({ "zone": "", "url": "", "deep": "", "count": null, "ended": "", "any": "" });
    assert_eq!(given, expected);
}

#[test]
fn each_content_type_has_its_escaping() {
    let event = named(sample::started("door"), "a & <b> \"c\"");
    let name = "{{ data.camera.name }}";
    assert_eq!(rendered("text/plain", name, &event), "a & <b> \"c\"");
    assert_eq!(rendered("text/html", name, &event), "a &amp; &lt;b&gt; &quot;c&quot;");
    let form = rendered("application/x-www-form-urlencoded", "text={{ data.camera.name }}&n={{ data.count }}", &event);
    assert_eq!(form, "text=a%20%26%20%3Cb%3E%20%22c%22&n=1");
    let left_alone = rendered(
        "application/json",
        "\"{{ '\\\\n'|safe }}{% autoescape false %}\\{{ 'n' }}{% endautoescape %}\"",
        &event,
    );
    assert_eq!(left_alone, "\"\\n\\n\"", "who says so gets it as it is");
}

#[test]
fn times_are_shown_as_the_clocks_of_a_zone_do() {
    let event = sample::at("door", "2026-07-01T22:30:05.25Z".parse().expect("a time"));
    let show = |body: &str| rendered("text/plain", body, &event);
    assert_eq!(show("{{ time|local('Europe/Berlin') }}"), "2026-07-02 00:30:05");
    assert_eq!(show("{{ time|local('Asia/Shanghai', format='%d.%m. %H:%M %Z') }}"), "02.07. 06:30 CST");
    assert_eq!(show("{{ data.visit.ended_at|local('UTC') }}"), "");
}

#[test]
fn a_template_that_cannot_work_is_refused_at_once() {
    for (body, expected) in [
        ("{\n\"a\": {{ data.camera.name }\n}", "template, line 2: syntax error"),
        ("\n\n{{ headline|shout }}", "template, line 3: unknown filter: filter shout is unknown"),
        ("{{ shout() }}", "template, line 1: unknown function"),
        ("{% if headline is loud %}{% endif %}", "template, line 1: unknown test"),
        ("\n{{ time|local('Mars/Base') }}", "template, line 2: invalid operation: there is no time zone \"Mars/Base\""),
        ("{% include 'other' %}", "template, line 1: syntax error"),
    ] {
        let error = Format::new(&template("application/json", body)).expect_err(body);
        assert!(error.starts_with(expected), "{body}: {error}");
    }
    for (condition, expected) in [
        ("answer.", "condition accepted_if, line 1: syntax error"),
        ("answer|shout", "condition accepted_if, line 1: unknown filter"),
    ] {
        let template = settings::Template { accepted_if: Some(condition.into()), ..template("application/json", "{}") };
        let error = Format::new(&template).expect_err(condition);
        assert!(error.starts_with(expected), "{condition}: {error}");
    }
}

#[test]
fn an_error_names_line_and_problem() {
    let event = named(sample::started("door"), NASTY);
    for (body, expected) in [
        ("{\n\n\"a\": \"{{ data.camera.name + 1 }}\"}", "template, line 3: invalid operation"),
        ("\n{{ headline|local('UTC') }}", "template, line 2: invalid operation: what is given to local is no time"),
        ("{{ time|local('UTC', format='%!') }}", "template, line 1: invalid operation: the format \"%!\" is wrong"),
        ("{\"a\":\n{{ headline }}}", "what the template gives is not JSON: expected value at line 2 column 1"),
        ("{{ data.nothing }}", "what the template gives is not JSON: EOF"),
    ] {
        let error = json_format(body).body(&event, "").expect_err(body);
        assert!(error.starts_with(expected), "{body}: {error}");
        assert!(error.chars().count() < 400 && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_template_has_bounds() {
    let event = sample::started("door");
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    let large = "\"{% for a in range(300) %}{{ 'xxxxxxxxxx' * 100 }}{% endfor %}\"";
    for (body, expected) in
        [(endless, "template, line 1: it takes too many steps"), (large, "the body is larger than 256 KiB")]
    {
        let error = json_format(body).body(&event, "").expect_err(body);
        assert!(error.starts_with(expected), "{error}");
    }
    let as_large_as_can_be = "\"{{ 'x' * 262142 }}\"";
    assert_eq!(rendered("application/json", as_large_as_can_be, &event).len(), Format::BODY_AT_MOST);
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(Format::new(&template("text/plain", &deep)).is_err(), "no stack is deep enough");
    let within_itself = "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}";
    assert!(json_format(within_itself).body(&event, "").is_err());
}

#[test]
fn a_condition_judges_the_answer() {
    let accepts = |condition: &str, answer: &str| {
        let condition = Some(condition.into());
        let template = settings::Template { accepted_if: condition, ..template("application/json", "{}") };
        Format::new(&template).expect("sound").accepts(answer.as_bytes())
    };
    assert_eq!(accepts("answer.errcode == 0", r#"{"errcode":0,"errmsg":"ok"}"#), Ok(true));
    assert_eq!(accepts("answer.errcode == 0", r#"{"errcode":310000,"errmsg":"no"}"#), Ok(false));
    assert_eq!(accepts("answer.errcode == 0", "{}"), Ok(false));
    assert_eq!(accepts("answer.errcode == 0", "not JSON"), Ok(false));
    assert_eq!(accepts("answer is none", "not JSON"), Ok(true));
    assert_eq!(accepts("answer.ok", r#"{"ok":true}"#), Ok(true));
    assert_eq!(accepts("answer.ok", r#"{"ok":false}"#), Ok(false));
    assert_eq!(accepts("answer[0].status in ['queued', 'sent']", r#"[{"status":"sent"}]"#), Ok(true));
    let error = accepts("answer.count > 'x' + 1", "{}").expect_err("no condition");
    assert!(error.starts_with("condition accepted_if, line 1: invalid operation"), "{error}");
}
