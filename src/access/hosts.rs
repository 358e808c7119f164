use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// Under which names the server answers.
///
/// A page from elsewhere can have its own name resolve to this machine's loopback and would then be of the same origin
/// as we are (DNS rebinding); its requests bear its name. Where people say who they are this gains nothing: its origin
/// has neither cookie nor token.
pub(super) struct Hosts {
    rule: Rule,
    named: Vec<Arc<str>>,
}

enum Rule {
    Any,
    /// Names of loopback.
    Loopback,
    /// Addresses: nobody can have an address resolve to another.
    Addresses,
}

impl Hosts {
    /// `open`: nobody needs to say who they are.
    pub(super) fn new(bind: SocketAddr, open: bool, named: Vec<Arc<str>>) -> Self {
        let rule = match (open, bind.ip().is_loopback()) {
            (true, true) => Rule::Loopback,
            // Names of a network are not ours to know, unless somebody told us.
            (true, false) if !named.is_empty() => Rule::Addresses,
            _ => Rule::Any,
        };
        Self { rule, named }
    }

    /// Whether to answer to this `Host`. Every browser sends one.
    pub(super) fn allow(&self, host: Option<&str>) -> bool {
        let Some(host) = host else { return true };
        let name = name_of(host);
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().map(|it| it.to_canonical());
        let follows_rule = match (&self.rule, address) {
            (Rule::Any, _) | (Rule::Addresses, Ok(_)) => true,
            (Rule::Addresses, Err(_)) => false,
            (Rule::Loopback, Ok(address)) => address.is_loopback(),
            (Rule::Loopback, Err(_)) => {
                let name = name.to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
        };
        follows_rule || self.is_named(host)
    }

    /// Whether the settings name the host of this `host[:port]`.
    pub(super) fn is_named(&self, host: &str) -> bool {
        let name = name_of(host).trim_start_matches('[').trim_end_matches(']');
        self.named.iter().any(|named| named.eq_ignore_ascii_case(name))
    }
}

/// Without port, and without the dot that ends a full name.
fn name_of(host: &str) -> &str {
    let is_port = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    // An IPv6 address has colons of its own, within brackets.
    let is_name = |text: &str| !text.contains(':') || text.ends_with(']');
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) && is_name(name) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(bind: &str, open: bool, named: &[&str]) -> Hosts {
        Hosts::new(bind.parse().expect("an address"), open, named.iter().map(|&name| name.into()).collect())
    }

    #[test]
    fn open_loopback_answers_to_its_own_names_and_those_that_were_named() {
        let hosts = hosts("127.0.0.1:8080", true, &["lookout.lan", "192.0.2.7", "fd00::7"]);
        for own in [
            "localhost",
            "LOCALHOST:8080",
            "localhost.:8080",
            "cam.localhost",
            "127.0.0.1:8080",
            "127.8.8.8",
            "[::1]:8080",
            "[::1]",
            "lookout.lan",
            "Lookout.LAN:80",
            "192.0.2.7:80",
            "[fd00::7]:80",
        ] {
            assert!(hosts.allow(Some(own)), "{own}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "evil-localhost",
            "127.0.0.1.evil.example:8080",
            "192.0.2.8",
            "[fd00::8]",
            "0.0.0.0:8080",
            "",
            "[",
            ":",
            "evil.example:8080:80",
        ] {
            assert!(!hosts.allow(Some(foreign)), "{foreign}");
        }
        assert!(hosts.allow(None), "no browser asks so");
    }

    #[test]
    fn where_people_say_who_they_are_every_name_will_do() {
        assert!(hosts("127.0.0.1:8080", false, &[]).allow(Some("lookout.example")));
        assert!(hosts("0.0.0.0:8080", true, &[]).allow(Some("nas.lan")), "its names are not known");
    }

    #[test]
    fn an_open_network_with_names_answers_to_these_and_to_addresses() {
        let hosts = hosts("0.0.0.0:8080", true, &["nas.lan"]);
        assert!(hosts.allow(Some("nas.lan:8080")) && hosts.allow(Some("192.0.2.7:8080")));
        assert!(!hosts.allow(Some("evil.example:8080")));
    }
}
