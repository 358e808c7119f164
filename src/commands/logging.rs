use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt};

/// Logs to standard error: text on a terminal, JSON otherwise. `LOOKOUT_LOG` sets what is said, as in
/// `LOOKOUT_LOG=debug` or `LOOKOUT_LOG=lookout::camera=debug`; `usual` where it says nothing.
pub(super) fn start(usual: &str) {
    let wanted = std::env::var("LOOKOUT_LOG").ok();
    let wanted = wanted.as_deref().filter(|w| !w.is_empty()).unwrap_or(usual);
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|_| EnvFilter::new("info"));
    // Below these levels they print whole messages or addresses, credentials included.
    let filter = [
        "retina=error",
        "reqwest=info",
        "hyper=info",
        "hyper_util=info",
        "rustls=info",
        "tract=warn",
        "rumqttc=off", // prints whole packets at error; the MQTT sink says itself what is wrong
        "actix_server=warn",
    ]
    .iter()
    .fold(filter, |filter, limit| filter.add_directive(limit.parse().expect("a directive of ours is well-formed")));
    let builder = fmt().with_env_filter(filter).with_writer(stderr);
    // A second call, as in tests, leaves the first in place.
    let _ = if stderr().is_terminal() {
        builder.with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
}
