use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::Arc,
};

use url::Url;

use super::super::{
    super::{Secret, Webhook, problems::below, raw},
    Check, MINUTE, SECOND,
};

/// Bytes of a signing key, as Standard Webhooks asks for.
const KEY_BYTES: RangeInclusive<usize> = 24..=64;
const MOST_HEADERS: usize = 32;
const HEADER_BYTES: usize = 8 << 10;
/// Headers that say what the request is; another value would make it another request.
const OUR_HEADERS: [&str; 7] =
    ["content-type", "content-length", "transfer-encoding", "connection", "host", "expect", "upgrade"];

impl Check<'_> {
    pub(super) fn webhook(&mut self, path: &str, raw: raw::Sink) -> Option<Webhook> {
        let at = |key: &str| format!("{path}.{key}");
        let url = self.webhook_url(&at("url"), raw.url.as_deref());
        let secret = self.secret(path, "secret", raw.secret, raw.secret_file);
        if let Some(problem) = secret.as_deref().and_then(unfit_key) {
            self.problem(&at("secret"), problem);
        }
        let timeout = raw.timeout.unwrap_or_else(|| "10s".into());
        let timeout = self.duration(&at("timeout"), &timeout, SECOND..=5 * MINUTE);
        let ca_file = self.ca_file(path, raw.ca_file);
        let headers = self.headers(&at("headers"), raw.headers.unwrap_or_default());
        let template = raw.template.map(|template| self.template(&at("template"), template));
        Some(Webhook { url: url?, secret: secret.map(Secret::new), timeout, ca_file, headers, template })
    }

    fn headers(&mut self, path: &str, raw: BTreeMap<String, String>) -> Vec<(Arc<str>, Secret)> {
        if raw.len() > MOST_HEADERS {
            self.problem(path, format!("at most {MOST_HEADERS} headers"));
            return Vec::new();
        }
        let mut seen = BTreeSet::new();
        for (name, value) in &raw {
            let at = below(path, name);
            if let Some(problem) = unfit_header(name, value) {
                self.problem(&at, problem);
            } else if !seen.insert(name.to_ascii_lowercase()) {
                self.problem(&at, "comes twice: upper and lower case make no difference in the name of a header");
            }
        }
        raw.into_iter().map(|(name, value)| (name.into(), Secret::new(value))).collect()
    }

    /// The problem never repeats the URL, which may carry a token.
    fn webhook_url(&mut self, path: &str, text: Option<&str>) -> Option<Url> {
        const FORM: &str = "write https://HOST[:PORT]/PATH, or http://...";
        let problem = match text.map(Url::parse) {
            None => format!("missing: {FORM}"),
            Some(Err(error)) => format!("is no URL ({error}): {FORM}"),
            Some(Ok(url)) if !matches!(url.scheme(), "http" | "https") => {
                format!("only http and https are spoken: {FORM}")
            }
            Some(Ok(url)) => return Some(url),
        };
        self.problem(path, problem);
        None
    }
}

/// Why a text is no signing key of Standard Webhooks (`whsec_` and the base64 of 24 to 64 bytes).
fn unfit_key(text: &str) -> Option<&'static str> {
    const FORM: &str = "must be \"whsec_\" and the base64 of 24 to 64 random bytes: make one with \"echo whsec_$(openssl rand -base64 32)\"";
    let Some(base64) = text.strip_prefix("whsec_") else {
        return Some(FORM);
    };
    // Asked of the crate that will sign with it, so that both agree on what base64 is.
    if standardwebhooks::Webhook::new(text).is_err() {
        return Some(FORM);
    }
    let bytes = base64.trim_end_matches('=').len() * 6 / 8;
    (!KEY_BYTES.contains(&bytes)).then_some(FORM)
}

/// Why a header cannot be sent. The value, which may be a token, is not repeated.
fn unfit_header(name: &str, value: &str) -> Option<String> {
    // RFC 9110, section 5.6.2: a token.
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let lower = name.to_ascii_lowercase();
    if name.is_empty() || name.len() > 100 || !name.bytes().all(is_token) {
        return Some("is no name of a header: use letters, digits and '-'".to_owned());
    }
    if lower == "content-type" {
        return Some("is set by Lookout: for a body of its own kind write content_type in [sinks.template]".to_owned());
    }
    if lower.starts_with("webhook-") || OUR_HEADERS.contains(&lower.as_str()) {
        return Some("is set by Lookout: remove it".to_owned());
    }
    if value.len() > HEADER_BYTES {
        return Some(format!("its value is larger than {HEADER_BYTES} bytes"));
    }
    let visible = value.bytes().all(|b| b.is_ascii_graphic() || b == b' ' || b == b'\t');
    (!visible || value.trim() != value || value.is_empty())
        .then(|| "its value must be visible ASCII characters on one line, without spaces around them".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signing_key_has_24_to_64_bytes() {
        let key = |fours: usize| format!("whsec_{}", "QUJD".repeat(fours));
        assert_eq!(unfit_key(&key(8)), None, "24 bytes");
        assert_eq!(unfit_key(&key(21)), None, "63 bytes");
        assert_eq!(unfit_key(&format!("{}QQ==", key(21))), None, "64 bytes");
        assert!(unfit_key(&format!("{}QUI=", key(21))).is_some(), "65 bytes");
        assert!(unfit_key(&format!("{}QUI=", key(7))).is_some(), "23 bytes");
        for bad in ["", "whsec_", &key(8)[6..], &format!("{}*", key(8)), &format!("{}QQ", key(8))] {
            assert!(unfit_key(bad).is_some(), "{bad}");
        }
    }
}
