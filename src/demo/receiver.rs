//! A webhook receiver as a user would write one: it checks the signature of each delivery before it believes it.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
};

use actix_rt::task::JoinHandle;
use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{Bytes, Data, PayloadConfig, post},
};
use jiff::Timestamp;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook as Signer};
use subtle::ConstantTimeEq;
use tokio::sync::mpsc;

use super::DemoError;
use crate::{events::Event, settings::Secret, status::Counter};

/// An event that was delivered with the right signature.
#[derive(Debug)]
pub(super) struct Delivery {
    /// What was told.
    pub(super) event: Event,
    /// When.
    pub(super) arrived: Timestamp,
}

/// What came.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// With the right signature.
    pub(super) verified: Counter,
    /// Without: not believed, not answered with success.
    pub(super) refused: Counter,
    /// Believed, but more than could be shown.
    pub(super) not_shown: Counter,
}

/// The receiver at work.
pub(super) struct Receiver {
    address: SocketAddr,
    tally: Arc<Tally>,
    handle: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
}

/// A report is some kilobytes.
const MOST_BYTES: usize = 256 << 10;
/// A signature older or younger than this may be a replay (Standard Webhooks, "Verifying webhook authenticity").
const TOLERANCE_S: i64 = 300;

struct Desk {
    signer: Signer,
    tell: mpsc::Sender<Delivery>,
    tally: Arc<Tally>,
}

impl Receiver {
    /// Listens on a free port of the loopback.
    pub(super) fn start(secret: &Secret, tell: mpsc::Sender<Delivery>) -> Result<Self, DemoError> {
        let signer = Signer::new(secret.expose()).expect("the demo makes its key of base64");
        let tally = Arc::new(Tally::default());
        let desk = Data::new(Desk { signer, tell, tally: Arc::clone(&tally) });
        let app = move || {
            let limit = PayloadConfig::new(MOST_BYTES);
            App::new().app_data(desk.clone()).app_data(limit).route("/hook", post().to(receive))
        };
        let bound = || -> std::io::Result<_> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let address = listener.local_addr()?;
            let server = HttpServer::new(app).workers(1).max_connections(16).disable_signals().shutdown_timeout(1);
            Ok((address, server.listen(listener)?.run()))
        };
        let (address, server) = bound().map_err(DemoError::System)?;
        let (handle, serving) = (server.handle(), actix_rt::spawn(server));
        Ok(Self { address, tally, handle, serving })
    }

    /// Where to POST.
    pub(super) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Ends it; what came in all.
    pub(super) async fn end(self) -> Arc<Tally> {
        self.handle.stop(true).await;
        let _ = self.serving.await; // it was told to stop
        self.tally
    }
}

async fn receive(desk: Data<Desk>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let arrived = Timestamp::now();
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    if !is_authentic(&desk.signer, header, &body, arrived) {
        desk.tally.refused.one();
        return HttpResponse::Unauthorized().finish();
    }
    let Ok(event) = serde_json::from_slice(&body) else {
        desk.tally.refused.one();
        return HttpResponse::BadRequest().finish();
    };
    desk.tally.verified.one();
    if desk.tell.try_send(Delivery { event, arrived }).is_err() {
        desk.tally.not_shown.one();
    }
    HttpResponse::NoContent().finish()
}

/// Whether the body was signed by who knows the key, for this id, and just now.
fn is_authentic<'a>(signer: &Signer, header: impl Fn(&str) -> Option<&'a str>, body: &[u8], now: Timestamp) -> bool {
    let (Some(id), Some(signatures)) = (header(HEADER_WEBHOOK_ID), header(HEADER_WEBHOOK_SIGNATURE)) else {
        return false;
    };
    let Some(signed_at) = header(HEADER_WEBHOOK_TIMESTAMP).and_then(|text| text.parse::<i64>().ok()) else {
        return false;
    };
    if signed_at.abs_diff(now.as_second()) > TOLERANCE_S.unsigned_abs() {
        return false;
    }
    let Ok(right) = signer.sign(id, signed_at, body) else {
        return false;
    };
    signatures.split(' ').any(|signature| bool::from(signature.as_bytes().ct_eq(right.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_now_with_the_key_is_believed() {
        let secret = super::super::configuration::secret();
        let signer = Signer::new(secret.expose()).expect("a key");
        let (now, body) = (Timestamp::now(), b"{\"a\": 1}");
        let at = now.as_second();
        let right = signer.sign("an-id", at, body).expect("text");
        let check = |id: &str, at: i64, signature: &str, body: &[u8]| {
            let time = at.to_string();
            let header = |name: &str| match name {
                HEADER_WEBHOOK_ID => Some(id),
                HEADER_WEBHOOK_TIMESTAMP => Some(&*time),
                HEADER_WEBHOOK_SIGNATURE => Some(signature),
                _ => None,
            };
            is_authentic(&signer, header, body, now)
        };
        assert!(check("an-id", at, &right, body));
        assert!(check("an-id", at, &format!("v1,AAAA {right}"), body), "one of several is enough");
        assert!(!check("an-id", at, &right, b"{\"a\": 2}"), "another body");
        assert!(!check("another-id", at, &right, body), "another id");
        assert!(!check("an-id", at + 1, &right, body), "another time");
        let old = signer.sign("an-id", at - 301, body).expect("text");
        assert!(!check("an-id", at - 301, &old, body), "a replay");
        let other = Signer::new(super::super::configuration::secret().expose()).expect("a key");
        assert!(!check("an-id", at, &other.sign("an-id", at, body).expect("text"), body), "another key");
        assert!(!is_authentic(&signer, |_| None, body, now), "no signature at all");
    }
}
