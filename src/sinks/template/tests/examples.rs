//! The bodies in `config/examples`: what each receiver documents of its messages holds for every event that there is.

use std::path::Path;

use super::{receivers::text, *};
use crate::settings::{Way, load_from};

/// What the variables in the examples stand for.
const VARIABLE: &str = "-1001234567890";

fn template(name: &str) -> settings::Template {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples");
    let file = std::fs::read_to_string(folder.join(format!("{name}.toml"))).expect("it is part of the project");
    let variables = ["DOOR_PASSWORD", "SLACK_HOOK", "TELEGRAM_TOKEN", "TELEGRAM_CHAT", "DINGTALK_TOKEN", "WECOM_KEY"];
    let variables = variables.map(|name| (name.into(), VARIABLE.into()));
    let mut sinks = load_from(&file, variables, &folder).expect("sound settings").sinks;
    match sinks.remove(0).way {
        Way::Webhook(webhook) => webhook.template.expect("a body of its own"),
        other => panic!("no webhook: {other:?}"),
    }
}

/// Renders it for an event of each kind, with a plain name of the camera, a nasty one and the longest. The picture's address
/// is given where there is one.
fn for_all(name: &str, check: impl Fn(&Event, Option<&str>, &serde_json::Value)) {
    let format = Format::new(&template(name)).expect("a sound template");
    assert_eq!(format.content_type(), "application/json");
    let mut with_picture = 0;
    for camera in ["The door", NASTY, &"门".repeat(100)] {
        for event in one_of_each() {
            let event = named(event, camera);
            let url = event.data.snapshot.as_ref().map(|snapshot| snapshot.url.as_str());
            with_picture += usize::from(url.is_some());
            let body = format.body(&event, "/lookout/test").expect("a body");
            check(&event, url, &serde_json::from_slice(&body).expect("JSON"));
        }
    }
    assert_eq!(with_picture, 6);
}

fn accepts(name: &str, answer: &str) -> bool {
    let format = Format::new(&template(name)).expect("a sound template");
    format.accepts(answer.as_bytes()).expect("a sound condition")
}

/// `text` beside `blocks`, <https://docs.slack.dev/reference/block-kit/blocks>.
#[test]
fn slack() {
    for_all("slack", |event, url, body| {
        let title = entities(&headline(event));
        assert_eq!(text(body, "/text"), title);
        let kinds = [text(body, "/blocks/0/type"), text(body, "/blocks/0/text/type")];
        assert_eq!(kinds, ["section", "mrkdwn"]);
        assert!(text(body, "/blocks/0/text/text").starts_with(&format!("*{title}*\n2")));
        let blocks = body["blocks"].as_array().expect("blocks");
        assert_eq!(blocks.len(), 1 + usize::from(url.is_some()));
        if let Some(url) = url {
            assert_eq!((text(body, "/blocks/1/type"), text(body, "/blocks/1/image_url")), ("image", url));
            assert_eq!(text(body, "/blocks/1/alt_text"), headline(event));
        }
    });
}

/// `chat_id` and `text` of 1 to 4096 characters, <https://core.telegram.org/bots/api#sendmessage>.
#[test]
fn telegram() {
    for_all("telegram", |event, url, body| {
        assert_eq!(text(body, "/chat_id"), VARIABLE);
        assert_eq!(body.get("parse_mode"), None, "nothing in the text is markup");
        let shown = text(body, "/text");
        assert!(shown.starts_with(&format!("{}, 2", headline(event))) && shown.chars().count() <= 4096, "{shown}");
        assert_eq!(shown.split_once("\nhttps").is_some(), url.is_some());
        assert!(url.is_none_or(|url| shown.ends_with(&format!("\n{url}"))), "{shown}");
    });
    assert!(accepts("telegram", r#"{"ok": true, "result": {}}"#));
    assert!(!accepts("telegram", r#"{"ok": false, "error_code": 400}"#));
}

/// `markdown` with `title` and `text`, <https://open.dingtalk.com/document/robots/custom-robot-access>. The keyword that
/// the robot is set to stands in it.
#[test]
fn dingtalk() {
    for_all("dingtalk", |event, url, body| {
        assert_eq!(text(body, "/msgtype"), "markdown");
        assert_eq!(text(body, "/markdown/title"), format!("Lookout: {}", headline(event)));
        let shown = text(body, "/markdown/text");
        assert!(shown.starts_with(&format!("#### Lookout: {}\n\n2", headline(event))), "{shown}");
        assert_eq!(shown.contains("![]("), url.is_some());
        assert!(url.is_none_or(|url| shown.ends_with(&format!("![]({url})"))), "{shown}");
    });
    assert!(accepts("dingtalk", r#"{"errcode": 0, "errmsg": "ok"}"#));
    assert!(!accepts("dingtalk", r#"{"errcode": 310000, "errmsg": "keywords not in content"}"#));
}

/// `markdown` with `content` of at most 4096 bytes, <https://developer.work.weixin.qq.com/document/path/91770>.
#[test]
fn wecom() {
    for_all("wecom", |event, url, body| {
        assert_eq!(text(body, "/msgtype"), "markdown");
        let content = text(body, "/markdown/content");
        assert!(content.starts_with(&format!("**{}**\n> 2", headline(event))) && content.len() <= 4096, "{content}");
        assert!(url.is_none_or(|url| content.ends_with(&format!("\n> [picture]({url})"))), "{content}");
    });
    assert!(accepts("wecom", r#"{"errcode": 0, "errmsg": "ok"}"#));
    assert!(!accepts("wecom", r#"{"errcode": 93000, "errmsg": "invalid webhook url"}"#));
}
