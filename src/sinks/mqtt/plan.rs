use std::{sync::Arc, time::Duration};

use rumqttc::{AsyncClient, EventLoop, LastWill, MqttOptions, NetworkOptions, QoS, TlsConfiguration, Transport};

use super::{allowance::Allowance, flight::Flight, life::FOR_EVENTS, topics::Topics};
use crate::{
    settings,
    sinks::{SinkError, tls},
    words::Backoff,
};

/// How to connect. It has no `Debug`: it holds the password.
pub(super) struct Plan {
    options: MqttOptions,
    target: String,
    pub(super) timeout: Duration,
    pub(super) pace: Pace,
}

/// How soon what may be asked for over and over is done again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Before the next connection is tried.
    pub(super) backoff: Backoff,
    /// The least time between two complete renewals because Home Assistant says that it started.
    pub(super) renewals: Duration,
}

/// A silent broker is found out within twice this.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The largest message that is taken from the broker: it has none for us but a short one.
const LARGEST_INCOMING: usize = 64 << 10;
/// Packet ids in use; so many that one that is not acknowledged is overdue long before they come round to it.
const PACKET_IDS: u16 = 1024;

impl Plan {
    pub(super) fn new(settings: &settings::Mqtt, topics: &Topics) -> Result<Self, SinkError> {
        // Bare also where it is an IPv6 address: a TLS server's name has no brackets, and the resolver needs none.
        let mut options = MqttOptions::new(&*settings.client_id, &*settings.host, settings.port);
        options
            .set_clean_session(true)
            .set_keep_alive(KEEP_ALIVE)
            .set_inflight(PACKET_IDS)
            .set_max_packet_size(LARGEST_INCOMING, 2 * Allowance::AT_MOST)
            .set_last_will(LastWill::new(topics.available(), Topics::OFFLINE, QoS::AtLeastOnce, true));
        if let Some(credentials) = &settings.credentials {
            options.set_credentials(&credentials.username, credentials.password.expose());
        }
        if settings.tls {
            let config = Arc::new(tls::client(settings.ca_file.as_deref())?);
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(config)));
        }
        let pace = Pace::default();
        Ok(Self { options, target: target(settings), timeout: settings.timeout, pace })
    }

    /// Scheme, host and port.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// A client that has not connected.
    pub(super) fn client(&self) -> (AsyncClient, EventLoop) {
        // A client of its own for each connection: an old one would send again what the outbox sees to.
        let requests = Flight::<()>::WINDOW + FOR_EVENTS;
        let (client, mut event_loop) = AsyncClient::new(self.options.clone(), requests);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(self.timeout.as_secs().max(1));
        event_loop.set_network_options(network);
        (client, event_loop)
    }
}

impl Default for Pace {
    fn default() -> Self {
        let backoff = Backoff { floor: Duration::from_millis(500), ceiling: Duration::from_secs(30) };
        Self { backoff, renewals: Duration::from_secs(5) }
    }
}

/// Where the broker is, for people.
pub(super) fn target(settings: &settings::Mqtt) -> String {
    let (scheme, host) = (if settings.tls { "mqtts" } else { "mqtt" }, &settings.host);
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_string() };
    format!("{scheme}://{host}:{}", settings.port)
}
