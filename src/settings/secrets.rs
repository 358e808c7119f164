use std::fmt;

use url::Url;

use super::{Camera, Command, Template, Webhook};

/// A text that must not be seen: it prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// User name and password.
#[derive(Debug, Clone, PartialEq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// What may be shown of a webhook's URL: scheme, host and port. Many receivers carry a token in path or query.
pub fn masked_webhook_url(url: &Url) -> String {
    let host = url.host_str().unwrap_or("");
    match url.port() {
        Some(port) => format!("{}://{host}:{port}/…", url.scheme()),
        None => format!("{}://{host}/…", url.scheme()),
    }
}

/// What may be shown of a camera's URL: all but credentials. Some recorders want them in the path or the query
/// (`/user=admin&password=...`); those values become `***`, and the URL that connects keeps them.
pub fn masked_camera_url(url: &Url) -> String {
    let host = url.host_str().unwrap_or("");
    let mut text = match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    };
    let behind_host = &url[url::Position::BeforePath..];
    for piece in behind_host.split_inclusive(['/', '?', '&', ';', '#']) {
        let end = piece.trim_end_matches(['/', '?', '&', ';', '#']).len();
        let (piece, separator) = piece.split_at(end);
        // Recorders write whole lists into one piece: `user=admin_password=...`. From the first sensitive word on,
        // nothing is shown.
        let secret_from = piece.match_indices('=').find(|(at, _)| is_sensitive(&piece[..*at]) && at + 1 < piece.len());
        match secret_from {
            Some((at, _)) => {
                text.push_str(&piece[..at]);
                text.push_str("=***");
            }
            None => text.push_str(piece),
        }
        text.push_str(separator);
    }
    text
}

fn is_sensitive(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["pass", "pwd", "psw", "token", "secret", "auth", "key", "sign", "user"].iter().any(|word| key.contains(word))
        || matches!(key.as_str(), "p" | "pw" | "u" | "usr")
}

// `Url`, bodies and arguments print whole, so these are written out.

impl fmt::Debug for Camera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            name,
            url,
            credentials,
            transport,
            every,
            connect_timeout,
            stall_timeout,
            key_frame_timeout,
            max_retries,
            sound,
            relay,
            enabled,
            zones,
            visits,
            evidence,
        } = self;
        f.debug_struct("Camera")
            .field("id", id)
            .field("name", name)
            .field("url", &masked_camera_url(url))
            .field("credentials", credentials)
            .field("transport", transport)
            .field("every", every)
            .field("connect_timeout", connect_timeout)
            .field("stall_timeout", stall_timeout)
            .field("key_frame_timeout", key_frame_timeout)
            .field("max_retries", max_retries)
            .field("sound", sound)
            .field("relay", relay)
            .field("enabled", enabled)
            .field("zones", zones)
            .field("visits", visits)
            .field("evidence", evidence)
            .finish()
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, secret, timeout, ca_file, headers, template } = self;
        f.debug_struct("Webhook")
            .field("url", &masked_webhook_url(url))
            .field("secret", secret)
            .field("timeout", timeout)
            .field("ca_file", ca_file)
            .field("headers", headers)
            .field("template", template)
            .finish()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { body, content_type, accepted_if } = self;
        f.debug_struct("Template")
            .field("body", &format_args!("*** ({} bytes)", body.len()))
            .field("content_type", content_type)
            .field("accepted_if", accepted_if)
            .finish()
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, arguments, timeout, withheld } = self;
        f.debug_struct("Command")
            .field("program", program)
            .field("arguments", &format_args!("*** ({})", arguments.len()))
            .field("timeout", timeout)
            .field("withheld", withheld)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_13_what_is_shown_of_a_url() {
        let url = |text: &str| Url::parse(text).expect("a URL");
        for (whole, shown) in [
            ("https://u:p@hooks.example:8443/T0/tok?x=y#z", "https://hooks.example:8443/…"),
            ("http://[::1]/tok", "http://[::1]/…"),
        ] {
            assert_eq!(masked_webhook_url(&url(whole)), shown);
        }
        for (whole, shown) in [
            ("rtsp://u:p@10.0.0.7:8554/Streaming/101", "rtsp://10.0.0.7:8554/Streaming/101"),
            ("rtsp://h", "rtsp://h"),
            (
                "rtsp://h/user=admin&password=hunter2&channel=1&stream=0.sdp?",
                "rtsp://h/user=***&password=***&channel=1&stream=0.sdp?",
            ),
            ("rtsp://h/live?token=hunter2/x&subtype=1", "rtsp://h/live?token=***/x&subtype=1"),
            ("rtsp://h/channel=1_stream=0_user=admin_password=hunter2.sdp", "rtsp://h/channel=1_stream=0_user=***"),
        ] {
            assert_eq!(masked_camera_url(&url(whole)), shown);
        }
    }
}
