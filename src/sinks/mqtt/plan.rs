use std::{sync::Arc, time::Duration};

use rumqttc::{AsyncClient, EventLoop, LastWill, MqttOptions, NetworkOptions, QoS, TlsConfiguration, Transport};

use super::{
    flight::Flight,
    life::{FOR_EVENTS, LARGEST_PICTURE},
    topics::Topics,
};
use crate::{
    settings,
    sinks::{SinkError, tls},
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
    /// The least time before the next connection is tried.
    pub(super) least: Duration,
    /// The most.
    pub(super) most: Duration,
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
        let host = settings.host.trim_matches(['[', ']']);
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let mut options = MqttOptions::new(&*settings.client_id, host, settings.port);
        options
            .set_clean_session(true)
            .set_keep_alive(KEEP_ALIVE)
            .set_inflight(PACKET_IDS)
            .set_max_packet_size(LARGEST_INCOMING, 2 * LARGEST_PICTURE)
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
        Self { least: Duration::from_millis(500), most: Duration::from_secs(30), renewals: Duration::from_secs(5) }
    }
}

impl Pace {
    /// The pause after so many failures in a row, with full jitter; `chance` is 0 to 1.
    pub(super) fn pause(&self, failures: u32, chance: f64) -> Duration {
        let ceiling = self.least.saturating_mul(1 << failures.min(16)).min(self.most);
        ceiling.mul_f64(chance.clamp(0.0, 1.0)).max(self.least)
    }
}

/// Where the broker is, for people.
pub(super) fn target(settings: &settings::Mqtt) -> String {
    let scheme = if settings.tls { "mqtts" } else { "mqtt" };
    format!("{scheme}://{}:{}", settings.host, settings.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_to_its_end_with_jitter_and_never_vanishes() {
        let pace = Pace::default();
        let most: Vec<u64> = (1..=8).map(|failures| pace.pause(failures, 1.0).as_millis() as u64).collect();
        assert_eq!(most, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(pace.pause(u32::MAX, 1.0), Duration::from_secs(30));
        assert_eq!(pace.pause(8, 0.5), Duration::from_secs(15));
        assert_eq!(pace.pause(8, 0.0), Duration::from_millis(500));
    }
}
