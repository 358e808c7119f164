use std::sync::Arc;

use minijinja::Environment;

use super::super::{
    super::{Template, quantity::quoted, raw},
    Check, both,
};

const MOST_BYTES: usize = 64 << 10;

impl Check<'_> {
    /// Compiles what is written, so that a fault of syntax is found now and not at the first event.
    pub(super) fn template(&mut self, path: &str, raw: raw::Template) -> Template {
        let at = |key: &str| format!("{path}.{key}");
        let (key, body) = match (raw.body, raw.body_file) {
            (Some(_), Some(_)) => {
                self.problem(&at("body_file"), both("body"));
                ("body", None)
            }
            (Some(body), None) => ("body", Some(body)),
            (None, Some(file)) => ("body_file", self.secret_file(&at("body_file"), &file)),
            (None, None) => {
                self.problem(&at("body"), "missing: the text to send, with {{ ... }} where facts of the event go");
                ("body", None)
            }
        };
        let body = body.unwrap_or_default();
        let engine = Environment::new();
        if body.len() > MOST_BYTES {
            self.problem(&at(key), format!("larger than {MOST_BYTES} bytes"));
        } else if let Err(error) = engine.template_from_str(&body) {
            self.problem(&at(key), explain(&error));
        }
        if let Some(text) = &raw.accepted_if {
            if text.trim().is_empty() || text.len() > MOST_BYTES {
                self.problem(&at("accepted_if"), "must be an expression, such as \"answer.errcode == 0\"");
            } else if let Err(error) = engine.compile_expression(text) {
                self.problem(&at("accepted_if"), explain(&error));
            }
        }
        let content_type = raw.content_type.unwrap_or_else(|| "application/json".to_owned());
        if !is_media_type(&content_type) {
            let text = format!("{} is no content type: write one such as \"application/json\"", quoted(&content_type));
            self.problem(&at("content_type"), text);
        }
        let text = |text: String| Arc::<str>::from(text);
        Template { body: text(body), content_type: text(content_type), accepted_if: raw.accepted_if.map(text) }
    }
}

/// Where and what, without repeating words of the template, which may be a token.
fn explain(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    let detail = match error.detail() {
        Some(detail) if detail.starts_with("unknown statement ") => ": unknown statement".to_owned(),
        Some(detail) if !detail.starts_with("block '") => format!(": {detail}"),
        _ => String::new(),
    };
    format!("cannot be read{line}{detail}")
}

/// RFC 9110, section 8.3.1: `type/subtype`, perhaps with parameters.
fn is_media_type(text: &str) -> bool {
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let visible = text.len() <= 200 && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    visible && essence.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub))
}
