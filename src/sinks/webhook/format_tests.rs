//! Webhooks with headers, templates and conditions of the user's own.

use super::*;
use crate::{
    events::sample,
    settings::{Secret, Template},
    sinks::tests::receiver::{Answer, Receiver, SECRET},
};

fn settings(url: &str, body: &str, accepted_if: Option<&str>) -> settings::Webhook {
    let template = Template {
        body: body.into(),
        content_type: "application/json; charset=utf-8".into(),
        accepted_if: accepted_if.map(Into::into),
    };
    settings::Webhook {
        url: url.parse().expect("a URL"),
        secret: Some(Secret::new(SECRET)),
        timeout: Duration::from_secs(20),
        ca_file: None,
        headers: vec![("Authorization".into(), Secret::new("Bearer h3ader-t0ken"))],
        template: Some(template),
    }
}

fn webhook(settings: &settings::Webhook) -> Webhook {
    Webhook::new(&"chat".into(), settings, "/lookout/test").expect("sound settings")
}

const BODY: &str = r#"{"text": "{{ headline }}"}"#;

/// Error, and whether it blames the event.
async fn refusal(webhook: &Webhook) -> (String, bool) {
    match webhook.deliver(&sample::started("door")).await {
        Outcome::Refused { error, blames_event, .. } => (error, blames_event),
        other => panic!("not refused: {other:?}"),
    }
}

#[actix::test]
async fn a_body_in_the_receivers_format_is_signed_all_the_same() {
    let receiver = Receiver::verifying(SECRET);
    let webhook = webhook(&settings(&receiver.url(), BODY, None));
    let mut event = sample::started("door");
    event.data.camera.as_mut().expect("a camera").name = "\"The\"\ndoor".into();
    assert_eq!(webhook.deliver(&event).await, Outcome::Accepted);
    let request = receiver.received().remove(0);
    assert_eq!(request.json(), serde_json::json!({ "text": "a person at \"The\"\ndoor" }));
    assert_eq!(request.authentic, Some(true));
    assert_eq!(request.id(), event.id.to_string());
    assert_eq!(request.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(request.headers["authorization"], "Bearer h3ader-t0ken");
}

#[actix::test]
async fn headers_of_ones_own_go_with_cloud_events_too() {
    let receiver = Receiver::start();
    let mut settings = settings(&receiver.url(), BODY, None);
    settings.template = None;
    settings.headers.push(("X-Site".into(), Secret::new("gatehouse")));
    assert_eq!(webhook(&settings).deliver(&sample::started("door")).await, Outcome::Accepted);
    let request = receiver.received().remove(0);
    assert_eq!(request.headers["authorization"], "Bearer h3ader-t0ken");
    assert_eq!(request.headers["x-site"], "gatehouse");
    assert_eq!(request.headers["content-type"], "application/cloudevents+json");
}

#[actix::test]
async fn a_rendering_error_blames_the_event_and_sends_nothing() {
    let receiver = Receiver::start();
    let webhook = webhook(&settings(&receiver.url(), "{\n\"a\": {{ data.camera.name + 1 }}}", None));
    let (error, blames_event) = refusal(&webhook).await;
    assert!(blames_event && error.starts_with("template, line 2: invalid operation"), "{error}");
    assert_eq!(receiver.received().len(), 0);
}

#[actix::test]
async fn an_answer_of_200_with_an_error_inside_is_a_refusal() {
    let receiver = Receiver::start();
    let webhook = webhook(&settings(&receiver.url(), BODY, Some("answer.errcode == 0")));
    let says = |text: &str| receiver.once([Answer::Says(200, text.to_owned())]);
    says(r#"{"errcode":0,"errmsg":"ok"}"#);
    assert_eq!(webhook.deliver(&sample::started("door")).await, Outcome::Accepted);
    says("{\"errcode\": 130101,\n\t\"errmsg\": \"send too fast\"}\u{1b}");
    let (error, blames_event) = refusal(&webhook).await;
    assert!(!blames_event);
    assert!(error.ends_with(r#"did not accept it: {"errcode": 130101, "errmsg": "send too fast"}"#), "{error}");
    says("thank you");
    assert!(refusal(&webhook).await.0.ends_with("did not accept it: thank you"), "what is no JSON is null");
    says(&format!(r#"{{"errcode":0,"padding":"{}"}}"#, "x".repeat(70 << 10)));
    let (error, _) = refusal(&webhook).await;
    assert!(error.ends_with("xxx…") && error.len() < 400, "more than the bound is not read, nor shown: {error}");
}

#[actix::test]
async fn what_a_chat_says_about_a_refusal_is_shown() {
    let receiver = Receiver::start();
    let webhook = webhook(&settings(&receiver.url(), BODY, Some("answer.ok")));
    receiver.once([Answer::Says(400, r#"{"ok":false,"description":"chat not found"}"#.to_owned())]);
    let (error, blames_event) = refusal(&webhook).await;
    assert!(blames_event && error.contains("400") && error.contains("chat not found"), "{error}");
    receiver.once([Answer::Status(410)]);
    assert_eq!(webhook.deliver(&sample::started("door")).await, Outcome::Gone);
}

#[actix::test]
async fn without_a_condition_the_status_alone_counts() {
    let receiver = Receiver::start();
    let webhook = webhook(&settings(&receiver.url(), BODY, None));
    receiver.once([Answer::Says(200, r#"{"errcode":1}"#.to_owned())]);
    assert_eq!(webhook.deliver(&sample::started("door")).await, Outcome::Accepted);
}

#[actix::test]
async fn invariant_13_what_an_answer_repeats_of_the_request_is_not_shown() {
    let receiver = Receiver::start();
    let url = format!("http://us3rname:pa55word@{}/bot123:t0ken/send%20it?k3y=valu3%21", receiver.address());
    let webhook = webhook(&settings(&url, BODY, Some("answer.ok")));
    let echo = format!("{url} 123:t0ken valu3! us3rname:pa55word Bearer h3ader-t0ken 'h3ader-t0ken' {SECRET}");
    for status in [200, 403] {
        receiver.once([Answer::Says(status, echo.clone())]);
        let (error, _) = refusal(&webhook).await;
        assert!(error.contains("***"), "{error}");
        for secret in ["us3rname", "pa55word", "t0ken", "valu3", "h3ader", "whsec_bG9va291"] {
            assert!(!error.contains(secret), "{secret}: {error}");
        }
    }
}

#[actix::test]
async fn invariant_13_nor_is_a_token_of_the_body_or_what_basic_authentication_makes_of_a_password() {
    let receiver = Receiver::start();
    let url = format!("http://us3r:p%3A%20w@{}/", receiver.address());
    let body = r#"{"chat":{{ data.camera|tojson }},"token":"b0dy-t0ken-123","link":"https://h.example/?k=l1nk-t0ken-456&x=1"}"#;
    let webhook = webhook(&settings(&url, body, Some("answer.ok")));
    // base64("us3r:p: w")
    let basic = "dXMzcjpwOiB3";
    let echo =
        format!("authorization: Basic {basic}; the key l1nk-t0ken-456 and the token b0dy-t0ken-123 are not known");
    for status in [200, 403] {
        receiver.once([Answer::Says(status, echo.clone())]);
        let (error, _) = refusal(&webhook).await;
        assert!(error.contains("the token *** are not known"), "{error}");
        for secret in [basic, "l1nk-t0ken", "b0dy-t0ken"] {
            assert!(!error.contains(secret), "{secret}: {error}");
        }
    }
}

#[test]
fn a_template_that_cannot_work_is_named_with_its_sink() {
    let settings = settings("https://h.example/", "\n{{ headline|shout }}", None);
    let error = Webhook::new(&"chat".into(), &settings, "/lookout").err().expect("refused").to_string();
    assert!(error.contains("sink chat") && error.contains("line 2") && error.contains("shout"), "{error}");
    let mut settings = self::settings("https://h.example/", BODY, None);
    settings.template.as_mut().expect("a template").content_type = "application/json\n".into();
    let error = Webhook::new(&"chat".into(), &settings, "/lookout").err().expect("refused").to_string();
    assert!(error.contains("content type"), "{error}");
}

#[test]
fn a_header_that_cannot_be_set_is_named_with_its_sink() {
    let mut settings = settings("https://h.example/", BODY, None);
    settings.headers.push(("webhook-signature".into(), Secret::new("s3cret")));
    let error = Webhook::new(&"chat".into(), &settings, "/lookout").err().expect("refused").to_string();
    assert!(error.contains("sink chat") && error.contains("webhook-signature") && !error.contains("s3cret"), "{error}");
}
