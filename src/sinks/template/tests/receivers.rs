//! Bodies for well-known receivers, as their public documentation has them.

use super::*;

const SLACK: &str = include_str!("../../../../tests/fixtures/templates/slack.json.jinja");
const TELEGRAM: &str = include_str!("../../../../tests/fixtures/templates/telegram.json.jinja");
const DINGTALK: &str = include_str!("../../../../tests/fixtures/templates/dingtalk.json.jinja");
const WECOM: &str = include_str!("../../../../tests/fixtures/templates/wecom.json.jinja");

pub(super) fn text<'a>(value: &'a serde_json::Value, pointer: &str) -> &'a str {
    let text = value.pointer(pointer).and_then(|value| value.as_str());
    text.unwrap_or_else(|| panic!("no text at {pointer}: {value}"))
}

/// Renders it for an event of each kind, with a plain name of the camera, a nasty one and a long one.
fn for_all(template: &str, check: impl Fn(&Event, &serde_json::Value)) {
    for name in ["The door", NASTY, &"门".repeat(2000)] {
        for event in one_of_each() {
            let event = named(event, name);
            check(&event, &rendered_json(template, &event));
        }
    }
}

fn url(event: &Event) -> Option<&str> {
    event.data.snapshot.as_ref().map(|snapshot| snapshot.url.as_str())
}

#[test]
fn slack() {
    for_all(SLACK, |event, body| {
        assert_eq!(text(body, "/text"), entities(&headline(event)));
        let title = text(body, "/blocks/0/text/text");
        assert!(!title.is_empty() && title.chars().count() <= 150 && headline(event).starts_with(title));
        assert_eq!((text(body, "/blocks/0/type"), text(body, "/blocks/0/text/type")), ("header", "plain_text"));
        let blocks = body["blocks"].as_array().expect("blocks");
        assert_eq!(blocks.len(), if url(event).is_some() { 3 } else { 2 });
        if let Some(url) = url(event) {
            assert_eq!(text(body, "/blocks/1/text/text"), format!("<{}|Picture>", entities(url)));
        }
        let last = blocks.last().expect("blocks");
        assert!(text(last, "/elements/0/text").ends_with(&format!("`{}`", event.id)));
    });
}

#[test]
fn telegram() {
    for_all(TELEGRAM, |event, body| {
        assert_eq!((text(body, "/chat_id"), text(body, "/parse_mode")), ("-1001234567890", "HTML"));
        assert_eq!(body["disable_notification"], event.kind != EventKind::VisitStarted);
        let shown = text(body, "/text");
        let title: String = headline(event).chars().take(1000).collect();
        assert!(shown.starts_with(&format!("<b>{}</b>\n2", entities(&title))), "{shown}");
        assert!(shown.chars().count() <= 4096);
        let link = url(event).map(|url| format!("\n<a href=\"{}\">Picture</a>", entities(url)));
        assert!(shown.ends_with(&link.unwrap_or_default()), "{shown}");
        assert_eq!(shown.contains("<a href"), url(event).is_some());
    });
}

#[test]
fn dingtalk() {
    for_all(DINGTALK, |event, body| {
        assert_eq!((text(body, "/msgtype"), &body["at"]["isAtAll"]), ("markdown", &json!(false)));
        assert!(headline(event).starts_with(text(body, "/markdown/title")));
        assert!(text(body, "/markdown/text").starts_with(&format!("#### {}\n\n2", headline(event))));
        let picture = url(event).map(|url| format!("![]({url})")).unwrap_or_default();
        assert!(text(body, "/markdown/text").ends_with(&picture));
    });
}

#[test]
fn wecom() {
    for_all(WECOM, |event, body| {
        assert_eq!(text(body, "/msgtype"), "markdown");
        let content = text(body, "/markdown/content");
        let title: String = headline(event).chars().take(500).collect();
        assert!(content.starts_with(&format!("**{title}**\n> 2")), "{content}");
        assert!(content.len() <= 4096);
        assert_eq!(content.contains("[图片]("), url(event).is_some());
    });
}
