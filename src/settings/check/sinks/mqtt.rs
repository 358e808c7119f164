use std::{env, fs, sync::Arc};

use url::{Host, Url};

use super::super::{
    super::{Mqtt, raw},
    Check, MINUTE, SECOND, address,
    credentials::{InUrl, Written},
};

const FORM: &str = "write mqtt://HOST[:PORT], or mqtts://HOST[:PORT] for TLS";

struct Broker {
    host: Arc<str>,
    port: u16,
    tls: bool,
    credentials: InUrl,
}

impl Check<'_> {
    pub(super) fn mqtt(&mut self, path: &str, raw: raw::Sink) -> Option<Mqtt> {
        let at = |key: &str| format!("{path}.{key}");
        let broker = match raw.url.as_deref().map(broker) {
            Some(Ok(broker)) => Some(broker),
            Some(Err(problem)) => {
                self.problem(&at("url"), problem);
                None
            }
            None => {
                self.problem(&at("url"), format!("missing: {FORM}"));
                None
            }
        };
        let written = Written { username: raw.username, password: raw.password, password_file: raw.password_file };
        let in_url = broker.as_ref().map(|broker| broker.credentials.clone());
        let credentials = self.credentials(path, written, in_url);
        let client_id = raw.client_id.unwrap_or_else(default_client_id);
        if client_id.is_empty() || client_id.len() > 128 || client_id.chars().any(char::is_control) {
            self.problem(&at("client_id"), "must be 1 to 128 bytes on one line");
        }
        let topic_prefix = self.topic(&at("topic_prefix"), raw.topic_prefix, "lookout");
        let discovery_prefix = self.topic(&at("discovery_prefix"), raw.discovery_prefix, "homeassistant");
        let timeout = raw.timeout.unwrap_or_else(|| "10s".into());
        let timeout = self.duration(&at("timeout"), &timeout, SECOND..=5 * MINUTE);
        let ca_file = self.ca_file(path, raw.ca_file);
        let Broker { host, port, tls, .. } = broker?;
        if ca_file.is_some() && !tls {
            self.problem(&at("ca_file"), "is of no use without TLS: write mqtts:// in the url, or remove it");
        }
        Some(Mqtt {
            host,
            port,
            tls,
            credentials,
            client_id: client_id.into(),
            topic_prefix,
            discovery: raw.discovery.unwrap_or(true).then_some(discovery_prefix),
            timeout,
            ca_file,
        })
    }

    /// MQTT 3.1.1, section 4.7: what a topic to publish to may look like.
    fn topic(&mut self, path: &str, written: Option<String>, default: &str) -> Arc<str> {
        let topic = written.unwrap_or_else(|| default.to_owned());
        let problem = if topic.is_empty() || topic.len() > 200 {
            Some("must be 1 to 200 bytes")
        } else if topic.contains(['+', '#']) {
            Some("\"+\" and \"#\" are for those who subscribe: a topic to publish to has no wildcards")
        } else if topic.split('/').any(str::is_empty) {
            Some("must neither start nor end with \"/\", and have no \"//\": Lookout adds those between the parts")
        } else if topic.starts_with('$') {
            Some("topics that start with \"$\" belong to the broker")
        } else if topic.chars().any(|c| c.is_control() || c.is_whitespace()) {
            Some("must have no spaces")
        } else {
            None
        };
        if let Some(problem) = problem {
            self.problem(path, problem);
        }
        topic.into()
    }
}

/// Reads `mqtt[s]://[user[:password]@]host[:port]`. The problem never repeats any part of the text.
fn broker(text: &str) -> Result<Broker, String> {
    let mut url = Url::parse(text).map_err(|error| format!("is no URL ({error}): {FORM}"))?;
    let tls = match url.scheme() {
        "mqtt" => false,
        "mqtts" => true,
        "tcp" => return Err("write mqtt:// instead of tcp://".to_owned()),
        "ssl" | "tls" => return Err("write mqtts://, which means TLS".to_owned()),
        "ws" | "wss" => return Err(format!("MQTT over WebSocket is not spoken: {FORM}")),
        _ => return Err(format!("only mqtt and mqtts are spoken: {FORM}")),
    };
    let host: Arc<str> = match url.host() {
        None | Some(Host::Domain("")) => return Err(format!("names no host: {FORM}")),
        Some(Host::Domain(name)) => name.into(),
        Some(Host::Ipv4(address)) => address.to_string().into(),
        Some(Host::Ipv6(address)) => address.to_string().into(),
    };
    if url.port() == Some(0) {
        return Err("nothing listens on port 0".to_owned());
    }
    let credentials = address::take_credentials(&mut url)?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("nothing belongs behind the host: {FORM}; topics start with topic_prefix"));
    }
    Ok(Broker { host, port: url.port().unwrap_or(if tls { 8883 } else { 1883 }), tls, credentials })
}

/// A broker knows one connection by each id, so two machines need two.
fn default_client_id() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| env::var("HOSTNAME")).unwrap_or_default();
    let fits = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    let name: String = name.trim().chars().filter(fits).take(64).collect();
    if name.is_empty() { "lookout".to_owned() } else { format!("lookout-{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_read_from_its_url() {
        let read = |text: &str| {
            let Broker { host, port, tls, credentials } = broker(text).expect(text);
            (host.to_string(), port, tls, credentials)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("mqtt://broker.local"), ("broker.local".into(), 1883, false, (None, None)));
        assert_eq!(read("mqtts://[fe80::1]/"), ("fe80::1".into(), 8883, true, (None, None)));
        let with = read("mqtt://us%40er:p%3Aw@10.0.0.2:1884");
        assert_eq!(with, ("10.0.0.2".into(), 1884, false, (some("us@er"), some("p:w"))));
    }

    #[test]
    fn invariant_13_a_problem_repeats_nothing_of_the_brokers_url() {
        for (text, expected) in [
            ("hunter2", "is no URL"),
            ("mqtt://a:hunter2@", ""),
            ("mqtt:///hunter2", "no host"),
            ("http://a:hunter2@h", "only mqtt"),
            ("tcp://a:hunter2@h", "mqtt://"),
            ("ssl://a:hunter2@h", "mqtts://"),
            ("wss://a:hunter2@h", "WebSocket"),
            ("mqtt://a:hunter2@h:0", "port 0"),
            ("mqtt://a:hunter2@h/lookout", "topic_prefix"),
            ("mqtt://a:1/hunter2@h", "behind the host"),
            ("mqtt://h?hunter2", "behind the host"),
        ] {
            let problem = broker(text).err().expect(text);
            assert!(problem.contains(expected), "{text}: {problem}");
            assert!(!problem.contains("hunter2"), "{text}: {problem}");
        }
    }

    #[test]
    fn the_default_client_id_can_be_sent() {
        let id = default_client_id();
        assert!(id.starts_with("lookout") && id.len() <= 72 && id.is_ascii(), "{id}");
    }
}
