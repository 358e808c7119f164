use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The proxies that are believed about whom they ask for. Everybody else may write what they like.
pub(super) struct Proxies(Vec<IpNet>);

impl Proxies {
    pub(super) fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Who asks: the last one in the chain that is no proxy of ours.
    pub(super) fn client(&self, peer: IpAddr, forwarded_for: Option<&str>) -> IpAddr {
        let mut client = peer.to_canonical();
        for before in forwarded_for.unwrap_or_default().rsplit(',') {
            let known = self.are_trusted(client).then(|| address(before.trim())).flatten();
            let Some(address) = known else { break };
            client = address.to_canonical();
        }
        client
    }

    /// Whether it was asked by https.
    pub(super) fn says_https(&self, peer: IpAddr, forwarded_proto: Option<&str>) -> bool {
        let last = forwarded_proto.and_then(|protocols| protocols.rsplit(',').next());
        self.are_trusted(peer.to_canonical()) && last.is_some_and(|last| last.trim().eq_ignore_ascii_case("https"))
    }

    fn are_trusted(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Some proxies add the port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> Proxies {
        Proxies::new(["127.0.0.1/32", "10.0.0.0/8"].map(|text| text.parse().expect("a network")).into())
    }

    #[test]
    fn only_proxies_of_ours_are_believed_about_who_asks() {
        for (peer, forwarded_for, expected) in [
            ("192.0.2.1", Some("198.51.100.1"), "192.0.2.1"),
            ("127.0.0.1", None, "127.0.0.1"),
            ("127.0.0.1", Some(""), "127.0.0.1"),
            ("127.0.0.1", Some("198.51.100.1"), "198.51.100.1"),
            ("::ffff:127.0.0.1", Some("198.51.100.1"), "198.51.100.1"),
            // What the client itself wrote stands before what the proxy added.
            ("127.0.0.1", Some("203.0.113.9, 198.51.100.1"), "198.51.100.1"),
            ("127.0.0.1", Some("203.0.113.9, 198.51.100.1, 10.1.2.3"), "198.51.100.1"),
            ("127.0.0.1", Some("unknown, 10.1.2.3"), "10.1.2.3"),
            ("127.0.0.1", Some("198.51.100.1:4711"), "198.51.100.1"),
            ("127.0.0.1", Some("[2001:db8::1]:4711"), "2001:db8::1"),
            ("127.0.0.1", Some("[2001:db8::1]"), "2001:db8::1"),
        ] {
            let client = proxies().client(peer.parse().expect("an address"), forwarded_for);
            assert_eq!(client.to_string(), expected, "{peer} {forwarded_for:?}");
        }
    }

    #[test]
    fn only_proxies_of_ours_are_believed_about_https() {
        for (peer, proto, expected) in [
            ("127.0.0.1", Some("https"), true),
            ("127.0.0.1", Some("http, HTTPS"), true),
            ("127.0.0.1", Some("https, http"), false),
            ("127.0.0.1", None, false),
            ("192.0.2.1", Some("https"), false),
        ] {
            assert_eq!(proxies().says_https(peer.parse().expect("an address"), proto), expected, "{peer} {proto:?}");
        }
    }
}
