use url::Url;

use super::{
    super::{Filter, Secret, Sink, Way, Webhook, quantity::quoted, raw},
    Check, MINUTE, SECOND, not_a_file,
};

const MOST_SINKS: usize = 100;
/// Every type of sink that this build knows.
const TYPES: [&str; 1] = ["webhook"];
/// Bytes of a signing key, as Standard Webhooks asks for.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

impl Check<'_> {
    pub(super) fn sinks(&mut self, raw: Vec<raw::Sink>) -> Vec<Sink> {
        if raw.len() > MOST_SINKS {
            self.problem("sinks", format!("at most {MOST_SINKS} sinks"));
            return Vec::new();
        }
        let names = raw.iter().map(|sink| sink.name.as_deref().unwrap_or_default());
        self.unique("sinks", ".name", names);
        raw.into_iter().enumerate().filter_map(|(n, sink)| self.sink(&format!("sinks[{n}]"), sink)).collect()
    }

    fn sink(&mut self, path: &str, raw: raw::Sink) -> Option<Sink> {
        let at = |key: &str| format!("{path}.{key}");
        match &raw.name {
            Some(name) => self.name(&at("name"), name),
            None => self.problem(&at("name"), "missing: a name for status and metrics"),
        }
        let known = TYPES.map(quoted).join(", ");
        match raw.kind.as_deref() {
            Some(kind) if TYPES.contains(&kind) => {}
            Some(kind) => {
                let text = format!("{} is unknown; known: {known}", quoted(kind));
                self.problem(&at("type"), text);
            }
            None => self.problem(&at("type"), format!("missing; known: {known}")),
        }
        let url = self.webhook_url(&at("url"), raw.url.as_deref());
        let secret = self.secret(path, "secret", raw.secret, raw.secret_file);
        if let Some(problem) = secret.as_deref().and_then(unfit_key) {
            self.problem(&at("secret"), problem);
        }
        let timeout = self.duration(&at("timeout"), &raw.timeout, SECOND..=5 * MINUTE);
        let ca_file = raw.ca_file.map(|file| self.folder.join(file));
        if let Some(problem) = ca_file.as_deref().and_then(not_a_file) {
            self.problem(&at("ca_file"), problem);
        }
        Some(Sink {
            name: raw.name?.into(),
            filter: Filter::default(),
            budget: None,
            way: Way::Webhook(Webhook {
                url: url?,
                secret: secret.map(Secret::new),
                timeout,
                ca_file,
                headers: Vec::new(),
                template: None,
            }),
        })
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
