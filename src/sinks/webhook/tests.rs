use std::collections::HashSet;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;
use crate::{
    events::sample,
    settings::{CaFile, Secret},
    sinks::{
        Drain,
        tests::{
            House,
            receiver::{Answer, Received, Receiver, SECRET},
            until,
        },
    },
};

const AN_HOUR: u64 = 3_600_000;

fn settings(url: &str) -> settings::Webhook {
    settings::Webhook {
        url: url.parse().expect("a URL"),
        secret: Some(Secret::new(SECRET)),
        timeout: Duration::from_secs(20),
        ca_file: None,
        headers: Vec::new(),
        template: None,
    }
}

fn webhook(url: &str) -> Webhook {
    Webhook::new(&"office".into(), &settings(url), "/lookout/test").expect("sound settings")
}

fn hasty(url: &str) -> Webhook {
    let settings = settings::Webhook { timeout: Duration::from_millis(100), ..settings(url) };
    Webhook::new(&"office".into(), &settings, "/lookout/test").expect("sound settings")
}

async fn refusal(webhook: &Webhook) -> (String, Option<Duration>) {
    match webhook.deliver(&sample::started("door")).await {
        Outcome::Refused { error, retry_after, .. } => (error, retry_after),
        Outcome::Unreachable { error } => (error, None),
        other => panic!("not refused: {other:?}"),
    }
}

fn answered(received: &[Received], status: u16) -> usize {
    let matching = received.iter().filter(|r| r.answered == Some(status));
    matching.count()
}

#[actix::test]
async fn a_report_carries_what_the_contract_says() {
    let receiver = Receiver::verifying(SECRET);
    let event = sample::started("door");
    let outcome = webhook(&receiver.url()).deliver(&event).await;
    assert_eq!(outcome, Outcome::Accepted);
    let request = receiver.received().remove(0);
    let header = |name: &str| request.headers[name].clone();
    assert_eq!(header("content-type"), "application/cloudevents+json");
    assert_eq!(header("webhook-id"), event.id.to_string());
    assert!(header("user-agent").starts_with("lookout/"));
    let sent: i64 = header("webhook-timestamp").parse().expect("seconds");
    assert!((Timestamp::now().as_second() - sent).abs() < 60);
    assert_eq!(request.authentic, Some(true));
    let expected = payload::cloud_event(&event, "/lookout/test");
    assert_eq!(request.body, expected);
}

#[actix::test]
async fn a_wrong_key_or_a_changed_body_does_not_verify() {
    let other = "whsec_YW5vdGhlci1rZXktb2YtMzItYnl0ZXMtLi4uLi4uLi4=";
    let receiver = Receiver::verifying(other);
    webhook(&receiver.url()).deliver(&sample::started("door")).await;
    let request = receiver.received().remove(0);
    assert_eq!(request.authentic, Some(false), "another key");

    let right = Signer::new(SECRET).expect("a key");
    let mut headers = reqwest::header::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, request.headers[name].parse().expect("a value"));
    }
    assert!(right.verify(&request.body, &headers).is_ok());
    let text = String::from_utf8(request.body).expect("JSON");
    let changed = text.replace("\"count\":1", "\"count\":0");
    assert_ne!(changed, text);
    assert!(right.verify(changed.as_bytes(), &headers).is_err());
    headers.insert("webhook-id", "another".parse().expect("a value"));
    assert!(right.verify(text.as_bytes(), &headers).is_err());
}

#[actix::test]
async fn without_a_key_nothing_is_signed() {
    let receiver = Receiver::start();
    let settings = settings::Webhook { secret: None, ..settings(&receiver.url()) };
    let webhook = Webhook::new(&"office".into(), &settings, "/lookout").expect("sound settings");
    let outcome = webhook.deliver(&sample::started("door")).await;
    assert_eq!(outcome, Outcome::Accepted);
    let request = receiver.received().remove(0);
    assert!(!request.headers.contains_key("webhook-signature"));
    assert!(request.headers.contains_key("webhook-id"));
}

#[actix::test]
async fn each_answer_has_its_outcome() {
    let receiver = Receiver::start();
    let webhook = webhook(&receiver.url());
    for status in [200, 201, 202, 204, 299] {
        receiver.once([Answer::Status(status)]);
        let outcome = webhook.deliver(&sample::started("door")).await;
        assert_eq!(outcome, Outcome::Accepted, "{status}");
    }
    for status in [400, 401, 404, 500, 502] {
        receiver.once([Answer::RetryAfter(status, "77")]);
        let (error, retry_after) = refusal(&webhook).await;
        assert!(error.contains(&status.to_string()), "{error}");
        assert_eq!(retry_after, None, "{status} does not slow");
    }
    for status in [429, 503] {
        receiver.once([Answer::RetryAfter(status, "77")]);
        assert_eq!(refusal(&webhook).await.1, Some(Duration::from_secs(77)));
    }
    receiver.once([Answer::RetryAfter(503, "Fri, 31 Dec 2100 23:59:59 GMT")]);
    assert!(refusal(&webhook).await.1 > Some(Duration::from_secs(365 * 86_400)));
    receiver.once([Answer::Status(410)]);
    let outcome = webhook.deliver(&sample::started("door")).await;
    assert_eq!(outcome, Outcome::Gone);
}

#[actix::test]
async fn a_redirect_is_not_followed() {
    let (receiver, elsewhere) = (Receiver::start(), Receiver::start());
    let webhook = webhook(&receiver.url());
    for status in [301, 302, 307, 308] {
        receiver.once([Answer::Redirect(status, elsewhere.url())]);
        let (error, _) = refusal(&webhook).await;
        assert!(error.contains("redirects are not followed"), "{error}");
    }
    assert_eq!(elsewhere.received().len(), 0);
}

#[actix::test]
async fn invariant_13_no_error_shows_more_of_the_address_than_its_origin() {
    let mut receiver = Receiver::start();
    let address = receiver.address();
    let url = format!("http://us3r:pa55word@{address}/t0ken/in/path?k3y=valu3");
    let webhooks = [webhook(&url), hasty(&url)];
    let mut texts = Vec::new();
    receiver.once([Answer::Status(500), Answer::Redirect(302, url.clone())]);
    texts.push(refusal(&webhooks[0]).await.0);
    texts.push(refusal(&webhooks[0]).await.0);
    receiver.always(Answer::Hang);
    texts.push(refusal(&webhooks[1]).await.0);
    assert!(texts[2].contains("within 100ms"), "{}", texts[2]);
    receiver.go_down();
    texts.push(refusal(&webhooks[0]).await.0);
    assert!(texts[3].contains(&address.to_string()), "{}", texts[3]);
    // Nothing listens there: whatever the error is, it must not show more.
    for origin in ["http://localhost:1", "https://127.0.0.1:1"] {
        let url = url.replace(&format!("http://us3r:pa55word@{address}"), origin);
        texts.push(refusal(&hasty(&url)).await.0);
    }
    texts.push(webhooks[0].target().to_owned());
    let wrong_key = settings::Webhook { secret: Some(Secret::new("whsec_s3cret!")), ..settings(&url) };
    let error = Webhook::new(&"office".into(), &wrong_key, "/lookout").err().expect("refused");
    texts.push(format!("{error} {error:?}"));
    for text in texts {
        for secret in ["us3r", "pa55", "t0ken", "k3y", "valu3", "s3cret"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn the_target_is_the_origin() {
    for (url, shown) in [
        ("https://a:b@h.example/x?y=z", "https://h.example/…"),
        ("https://h.example:8443/", "https://h.example:8443/…"),
        ("http://[::1]:80/x", "http://[::1]/…"),
    ] {
        assert_eq!(settings::masked_webhook_url(&url.parse().expect("a URL")), shown);
    }
}

#[test]
fn a_certificate_file_that_does_not_serve_is_refused() {
    let settings =
        settings::Webhook { ca_file: Some(CaFile::at("/nowhere/ca.pem".into())), ..settings("https://h.example/") };
    let error = Webhook::new(&"office".into(), &settings, "/lookout").err().expect("refused");
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
}

#[actix::test]
async fn a_500_is_told_again_under_the_same_id_and_a_fresh_signature() {
    let receiver = Receiver::verifying(SECRET);
    receiver.once([Answer::Status(500), Answer::Status(502)]);
    let house = House::with(&["office"]);
    let (_courier, cell) = house.courier("office", webhook(&receiver.url()), &[0, 1, 1]);
    let told = house.record(&["door"]);
    until("delivered", || cell.delivered.get() == 1).await;
    let received = receiver.received();
    let id = told[0].to_string();
    assert!(received.iter().all(|r| r.id() == id && r.json()["id"] == *id));
    assert!(received.iter().all(|r| r.authentic == Some(true)));
    let statuses: Vec<_> = received.iter().map(|r| r.answered).collect();
    assert_eq!(statuses, [Some(500), Some(502), Some(200)]);
}

#[actix::test]
async fn a_receiver_that_is_down_and_comes_back_gets_everything() {
    let mut receiver = Receiver::verifying(SECRET);
    receiver.go_down();
    let house = House::with(&["office"]);
    let (_courier, cell) = house.courier("office", webhook(&receiver.url()), &[0, AN_HOUR]);
    let mut told = house.record(&["a", "b", "c", "d", "a", "b"]);
    until("failures", || cell.failures.get() == 6).await;
    assert_eq!(cell.state().consecutive_failures, 6);
    let error = cell.state().last_error.expect("an error");
    assert!(error.contains("cannot connect"), "{error}");
    receiver.come_up();
    // The next event finds the receiver there; what waits for an hour goes out with it.
    told.extend(house.record(&["e"]));
    until("delivered", || cell.delivered.get() == 7).await;
    let accepted: HashSet<String> = receiver.accepted().into_iter().collect();
    assert_eq!(accepted, told.iter().map(ToString::to_string).collect());
    assert_eq!(cell.state().consecutive_failures, 0);
}

#[actix::test]
async fn who_drops_what_it_is_sent_is_unreachable() {
    // It takes connections in, but says nothing: no handshake ends.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("bound");
    let outcome = hasty(&format!("https://{address}/")).deliver(&sample::started("door")).await;
    let Outcome::Unreachable { error } = &outcome else { panic!("{outcome:?}") };
    assert!(error.contains("no connection to https://127.0.0.1"), "{error}");
}

#[actix::test]
async fn who_takes_no_connection_in_is_unreachable() {
    let full = TcpSocket::new_v4().expect("a socket");
    full.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let full = full.listen(1).expect("it listens");
    let address = full.local_addr().expect("bound");
    // Nobody accepts: at some connection there is no place any more, and its packets are dropped.
    let mut held = Vec::new();
    while let Ok(connected) = tokio::time::timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
        held.push(connected.expect("a place"));
        assert!(held.len() < 100, "it never fills up");
    }
    let outcome = hasty(&format!("http://{address}/")).deliver(&sample::started("door")).await;
    assert!(matches!(outcome, Outcome::Unreachable { .. }), "{outcome:?}");
}

#[actix::test]
async fn retry_after_slows() {
    let receiver = Receiver::start();
    receiver.once([Answer::RetryAfter(503, "1")]);
    let house = House::with(&["office"]);
    let (_courier, cell) = house.courier("office", webhook(&receiver.url()), &[0, 1]);
    house.record(&["a"]);
    until("the failure", || cell.failures.get() == 1).await;
    house.record(&["b", "c"]);
    until("all of it", || cell.delivered.get() == 3).await;
    let received = receiver.received();
    let paused = received[1].arrived.duration_since(received[0].arrived);
    assert!(paused >= Duration::from_secs(1), "the receiver as a whole is left alone: {paused:?}");
}

#[actix::test]
async fn invariant_11_a_slow_receiver_delays_only_its_own_sink() {
    let (slow, quick) = (Receiver::start(), Receiver::start());
    slow.always(Answer::Hang);
    let house = House::with(&["slow", "quick"]);
    let (_slow, slow_cell) = house.courier("slow", webhook(&slow.url()), &[0]);
    let (_quick, quick_cell) = house.courier("quick", webhook(&quick.url()), &[0]);
    house.record(&["a", "b", "c", "d", "e"].repeat(10));
    until("the quick one", || quick_cell.delivered.get() == 50).await;
    assert_eq!(slow_cell.delivered.get(), 0);
    let hanging = |received: &[Received]| received.len() == 4;
    let received = slow.until("four at once", hanging).await;
    assert!(received[3].in_progress.values().all(|&count| count <= 1));
    assert_eq!(received[3].in_progress.values().sum::<usize>(), 4);
}

#[actix::test]
async fn gone_ends_it_and_the_events_stay() {
    let receiver = Receiver::start();
    receiver.always(Answer::Status(410));
    let house = House::with(&["office"]);
    let (_courier, cell) = house.courier("office", webhook(&receiver.url()), &[0, 1]);
    house.record(&["a"]);
    until("disabled", || cell.state().disabled).await;
    house.record(&["a", "b"]);
    until("the account", || cell.pending.get() == 3).await;
    assert_eq!(answered(&receiver.received(), 410), 1);
}

#[actix::test]
async fn invariant_10_a_courier_that_ends_in_the_middle_leaves_the_event_to_the_next() {
    let receiver = Receiver::start();
    receiver.always(Answer::Hang);
    let house = House::with(&["office"]);
    let url = receiver.url();
    let (courier, _) = house.courier("office", webhook(&url), &[0, AN_HOUR]);
    let told = house.record(&["a"]);
    receiver.until("in flight", |received| received.len() == 1).await;
    let drain = Drain { deadline: Duration::from_millis(1) };
    assert_eq!(courier.send(drain).await.expect("it lives"), 1);
    drop(courier);

    receiver.always(Answer::Status(200));
    let (_next, cell) = house.courier("office", webhook(&url), &[0, AN_HOUR]);
    until("delivered", || cell.delivered.get() == 1).await;
    let ids: Vec<String> = receiver.received().iter().map(|r| r.id().into()).collect();
    assert_eq!(ids, [told[0].to_string(), told[0].to_string()]);
}

mod tls {
    //! A TLS server in a thread, as small as it can be: it answers 200 to each connection that gets through the handshake.

    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{SocketAddr, TcpListener, TcpStream},
        path::{Path, PathBuf},
        sync::Arc,
    };

    use rustls::{
        ServerConfig, ServerConnection, StreamOwned,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    };

    pub(super) fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
    }

    pub(super) fn serve() -> SocketAddr {
        let certificate = CertificateDer::from_pem_file(fixture("server.pem")).expect("a fixture");
        let key = PrivateKeyDer::from_pem_file(fixture("server.key")).expect("a fixture");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring serves TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a sound certificate");
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A handshake that fails is what one of the tests wants.
                let _ = answer(Arc::clone(&config), stream);
            }
        });
        address
    }

    fn answer(config: Arc<ServerConfig>, stream: TcpStream) -> std::io::Result<()> {
        let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
        let mut stream = BufReader::new(StreamOwned::new(connection, stream));
        let (mut line, mut length) = (String::new(), 0);
        while stream.read_line(&mut line)? > 2 {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        std::io::copy(&mut (&mut stream).take(length), &mut std::io::sink())?;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.get_mut().write_all(answer)?;
        stream.get_mut().flush()
    }
}

#[actix::test]
async fn an_authority_of_ones_own_is_trusted_when_the_settings_name_it_and_only_then() {
    let url = format!("https://{}/hook", tls::serve());
    let trusting = settings::Webhook { ca_file: Some(CaFile::at(tls::fixture("ca.pem"))), ..settings(&url) };
    let trusting = Webhook::new(&"office".into(), &trusting, "/lookout").expect("sound settings");
    let outcome = trusting.deliver(&sample::started("door")).await;
    assert_eq!(outcome, Outcome::Accepted);
    let (error, _) = refusal(&webhook(&url)).await;
    assert!(error.contains("certificate"), "{error}");
}
