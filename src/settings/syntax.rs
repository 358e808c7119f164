use std::{fmt, ops::Range};

use super::problems::printable;

/// Where the file stops being TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Line and column, from 1, where they are known.
    pub place: Option<(usize, usize)>,
    /// What was expected.
    pub message: String,
    /// The line, without what could be a secret.
    pub line: String,
}

/// Keys whose values may be repeated in an error. All others may hold a secret.
const HARMLESS: &[&str] = &[
    "bind",
    "hosts",
    "proxies",
    "role",
    "path",
    "keep",
    "max_bytes",
    "model",
    "labels",
    "min_score",
    "max_overlap",
    "workers",
    "id",
    "name",
    "transport",
    "every",
    "connect_timeout",
    "stall_timeout",
    "key_frame_timeout",
    "max_retries",
    "sound",
    "enabled",
    "polygon",
    "hits",
    "window",
    "quiet",
    "blind",
    "down_after",
    "cooldown",
    "stationary",
    "frames",
    "type",
    "timeout",
    "types",
    "when",
    "time_zone",
    "per_camera",
    "total",
    "topic_prefix",
    "discovery",
    "discovery_prefix",
    "program",
    "content_type",
    "region",
    "path_style",
    "allow_http",
    "quality",
    "annotate",
    "concurrency",
    "deadline",
    "spool_bytes",
];

const NAMES: &[&str] = &[
    "url",
    "username",
    "password",
    "password_file",
    "secret",
    "secret_file",
    "tokens",
    "tokens_file",
    "token",
    "token_file",
    "users",
    "password_hash",
    "auth",
    "ca_file",
    "headers",
    "body",
    "body_file",
    "accepted_if",
    "client_id",
    "arguments",
    "store",
    "key",
    "endpoint",
    "public_url",
    "access_key_id",
    "secret_access_key",
    "secret_access_key_file",
    "service_account_file",
    "account",
    "access_key",
    "access_key_file",
];

impl SyntaxError {
    pub(super) fn at(text: &str, span: Option<Range<usize>>, message: &str) -> Self {
        let Some(span) = span else {
            return Self::nowhere(message);
        };
        let mut offset = span.start.min(text.len());
        // A break that came too early is reported behind it; what the user must look at is the line before.
        if offset == text.len() && text.ends_with('\n') {
            offset -= 1;
        }
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let line = text[start..].lines().next().unwrap_or("");
        Self {
            place: Some((text[..start].matches('\n').count() + 1, text[start..offset].chars().count() + 1)),
            message: message.to_owned(),
            line: shown(line),
        }
    }

    pub(super) fn nowhere(message: &str) -> Self {
        Self { place: None, message: message.to_owned(), line: String::new() }
    }
}

/// The line as far as it cannot hold a secret: a section's header, a harmless key with its value, the name of a key.
fn shown(line: &str) -> String {
    let line = line.trim();
    let short = |text: &str| printable(&text.chars().take(120).collect::<String>());
    if line.starts_with('[') && line.bytes().all(|b| b.is_ascii_alphanumeric() || b"[]._-".contains(&b)) {
        return short(line);
    }
    let word = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(line, |end| &line[..end]);
    let behind = line[word.len()..].trim_start();
    if HARMLESS.contains(&word) && behind.strip_prefix('=').is_some_and(is_one_plain_value) {
        return short(line);
    }
    match (HARMLESS.contains(&word) || NAMES.contains(&word), behind) {
        (true, "") => word.to_owned(),
        (true, behind) if behind.starts_with('=') => format!("{word} = ***"),
        (true, _) => format!("{word} ***"),
        (false, _) => "***".to_owned(),
    }
}

/// Whether it is one value and nothing else: what stands behind it, or in what looks like it, may be a secret.
fn is_one_plain_value(text: &str) -> bool {
    let value = text.trim().trim_start_matches('[').trim_end_matches(']');
    let is_quote = |c: char| c == '"' || c == '\'';
    let is_one_text = match value.matches(is_quote).count() {
        0 => false,
        // One of them was forgotten; where the text ends, nobody knows.
        1 => return (value.starts_with(is_quote) || value.ends_with(is_quote)) && is_one_plain_word(value),
        2 => value.starts_with(is_quote) && value.ends_with(is_quote),
        _ => return false,
    };
    if is_one_text { is_plain(value) } else { is_one_plain_word(value) && !value.contains(is_quote) }
}

fn is_one_plain_word(value: &str) -> bool {
    is_plain(value) && !value.contains(char::is_whitespace)
}

fn is_plain(value: &str) -> bool {
    !value.contains([',', '#', '@', '$', '=', '\\']) && !value.contains("//")
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => {
                write!(f, "line {line}, column {column}: {}\n  {line} | {}", printable(&self.message), self.line)
            }
            None => f.write_str(&printable(&self.message)),
        }
    }
}

impl std::error::Error for SyntaxError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_shown_without_secrets() {
        for (line, expected) in [
            ("[[cameras]", "[[cameras]"),
            ("bind = 127.0.0.1:8080", "bind = 127.0.0.1:8080"),
            ("every 4s", "every ***"),
            ("every = 4s", "every = 4s"),
            ("name = \"The front door\"", "name = \"The front door\""),
            ("name = \"door", "name = \"door"),
            ("labels = [\"person\"", "labels = [\"person\""),
            ("id: \"door\", url: \"rtsp://admin:hunter2@10.0.0.7/x\"", "id ***"),
            ("id = \"door\", password", "id = ***"),
            ("name = \"door\" password \"hunter2\"", "name = ***"),
            ("name = \"door\" hunter2", "name = ***"),
            ("name = \"door\"hunter2", "name = ***"),
            ("name = door\"hunter2\"", "name = ***"),
            ("name = \"door password hunter2", "name = ***"),
            ("name = door password hunter2", "name = ***"),
            ("name = \"door\\\" hunter2\"", "name = ***"),
            ("every = 4s  # pw hunter2", "every = ***"),
            ("every = 4s#hunter2", "every = ***"),
            ("path = rtsp://admin:hunter2@10.0.0.7/x", "path = ***"),
            ("path = https://hooks.example/hunter2", "path = ***"),
            ("password = hunter2", "password = ***"),
            ("password hunter2", "password ***"),
            ("url = rtsp://a:hunter2@h/", "url = ***"),
            ("  \"hunter2", "***"),
            ("hunter2", "***"),
            ("id = \"a\" password = \"hunter2\"", "id = ***"),
            ("cameras = [{id = 1, password = hunter2}]", "***"),
            ("cameras = [\"rtsp://a:hunter2@h/\"", "***"),
            ("headers = { key = \"hunter2\" ", "headers = ***"),
            ("password_hash = $argon2id$hunter2", "password_hash = ***"),
            ("token = hunter2", "token = ***"),
            ("secret_access_key = hunter2", "secret_access_key = ***"),
            ("store = https://a:hunter2@h/", "store = ***"),
            ("[hunter2 = \"x\"", "***"),
        ] {
            assert_eq!(shown(line), expected);
        }
    }

    #[test]
    fn line_and_column_count_from_one() {
        let text = "a = 1\nbind = üx\n";
        let at = text.find('x').expect("it is there");
        let error = SyntaxError::at(text, Some(at..at + 1), "no");
        assert_eq!(error.place, Some((2, 9)));
        assert_eq!(error.line, "bind = üx");
        assert_eq!(SyntaxError::at("", Some(0..0), "no").place, Some((1, 1)));
        assert_eq!(SyntaxError::at("ü", Some(1..9), "no").place, Some((1, 1)));
    }
}
