//! A real S3 server (moto, from PyPI) behind a proxy of our own that makes it slow, faulty or unreachable.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::Server,
    http::StatusCode,
    web::{Bytes, Data, PayloadConfig, to},
};

use super::http;
use crate::testing::{Moto, Served, wait_for};

/// The bucket that there is.
pub const BUCKET: &str = "evidence";

/// The server and its proxy; both end when it is dropped.
pub struct ObjectStore {
    proxy: Served,
    shared: Arc<Shared>,
    server: Moto,
}

/// What the proxy does with a PUT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    /// Passes it on.
    #[default]
    Well,
    /// Passes it on after a while.
    Slow(Duration),
    /// Answers every second one with 503.
    FailingHalf,
    /// Passes the first so many on, and never answers the others.
    HangingAfter(usize),
}

/// A PUT that the server acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Path behind the bucket.
    pub key: String,
    /// The `content-type` that came with it.
    pub content_type: String,
}

struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    mood: Mood,
    puts: usize,
    in_flight: usize,
    most_in_flight: usize,
    stored: Vec<Stored>,
}

impl ObjectStore {
    /// Starts both; `None`, said aloud, where there is no S3 server.
    #[track_caller]
    pub fn start() -> Option<Self> {
        let server = Moto::start()?;
        let address = server.address();
        let has_bucket = || http::request(address, "PUT", &format!("/{BUCKET}"), &[]).is_ok_and(|it| it.status == 200);
        wait_for(|| format!("a bucket at {address}"), || has_bucket().then_some(()));
        let shared = Arc::new(Shared { server: address, state: Mutex::default() });
        let told = Arc::clone(&shared);
        Some(Self { proxy: Served::start(move |listener| serve(listener, &told)), shared, server })
    }

    /// `[snapshots]` for a settings file.
    pub fn settings(&self, more: &str) -> String {
        format!(
            "[snapshots]\nstore = \"s3://{BUCKET}/lookout\"\nendpoint = \"http://{}\"\nallow_http = true\n\
             access_key_id = \"test\"\nsecret_access_key = \"test-key\"\n{more}\n",
            self.proxy.address()
        )
    }

    /// What the proxy does from now on; the counts begin anew.
    pub fn mood(&self, mood: Mood) {
        *self.state() = State { mood, ..State::default() };
    }

    /// Goes away: connections are cut and refused.
    pub fn go_down(&mut self) {
        self.proxy.go_down();
    }

    /// Comes back on the same port.
    pub fn come_up(&mut self) {
        self.proxy.come_up();
    }

    /// What the server acknowledged since the mood was set, in that order.
    pub fn stored(&self) -> Vec<Stored> {
        self.state().stored.clone()
    }

    /// The most PUTs that were in flight at once.
    pub fn most_in_flight(&self) -> usize {
        self.state().most_in_flight
    }

    /// An object, read past the proxy.
    pub fn object(&self, key: &str) -> http::Answer {
        let path = format!("/{BUCKET}/{key}");
        // The server looks for a signature, but not at it.
        let signed =
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        http::request(self.shared.server, "GET", &path, &[("authorization", signed)]).expect("the S3 server answers")
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().expect("nobody panics with it")
    }
}

fn serve(listener: TcpListener, shared: &Arc<Shared>) -> Server {
    let (shared, client) = (Data::from(Arc::clone(shared)), Data::new(client()));
    let app = move || {
        let app = App::new().app_data(shared.clone()).app_data(client.clone());
        app.app_data(PayloadConfig::new(16 << 20)).default_service(to(pass_on))
    };
    HttpServer::new(app).workers(1).disable_signals().listen(listener).expect("a listening socket").run()
}

/// Counts a PUT as in flight for as long as its handler lives.
struct InFlight(Data<Shared>);

impl InFlight {
    /// Also which PUT it is, and the mood that it meets.
    fn begin(shared: &Data<Shared>) -> (Self, usize, Mood) {
        let mut state = shared.state.lock().expect("nobody panics with it");
        state.puts += 1;
        state.in_flight += 1;
        state.most_in_flight = state.most_in_flight.max(state.in_flight);
        (Self(shared.clone()), state.puts, state.mood)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().expect("nobody panics with it");
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}

async fn pass_on(
    shared: Data<Shared>,
    client: Data<reqwest::Client>,
    request: HttpRequest,
    body: Bytes,
) -> HttpResponse {
    let is_put = request.method() == actix_web::http::Method::PUT;
    let put = is_put.then(|| InFlight::begin(&shared));
    if let Some((_, number, mood)) = &put {
        match mood {
            Mood::Well => {}
            Mood::Slow(pause) => actix_web::rt::time::sleep(*pause).await,
            Mood::FailingHalf if number % 2 == 1 => return HttpResponse::ServiceUnavailable().finish(),
            Mood::FailingHalf => {}
            Mood::HangingAfter(served) if number > served => std::future::pending().await,
            Mood::HangingAfter(_) => {}
        }
    }
    let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).expect("a method");
    let mut onward = client.request(method, format!("http://{}{}", shared.server, request.uri()));
    for (name, value) in request.headers() {
        if !matches!(name.as_str(), "host" | "connection" | "content-length" | "transfer-encoding") {
            onward = onward.header(name.as_str(), value.as_bytes());
        }
    }
    let Ok(answer) = onward.body(body.to_vec()).send().await else {
        return HttpResponse::BadGateway().finish();
    };
    let status = StatusCode::from_u16(answer.status().as_u16()).expect("a status");
    if is_put && status.is_success() {
        let text = |name: &str| {
            let value = request.headers().get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
            value.unwrap_or_default()
        };
        let key = request.path().trim_start_matches(&format!("/{BUCKET}/")).to_owned();
        let stored = Stored { key, content_type: text("content-type") };
        shared.state.lock().expect("nobody panics with it").stored.push(stored);
    }
    let mut response = HttpResponse::build(status);
    for (name, value) in answer.headers() {
        if !matches!(name.as_str(), "connection" | "content-length" | "transfer-encoding") {
            response.insert_header((name.as_str(), value.as_bytes()));
        }
    }
    response.body(answer.bytes().await.map(|bytes| bytes.to_vec()).unwrap_or_default())
}

/// A client for plain HTTP; it is not built without TLS.
fn client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.expect("the usual versions").with_root_certificates(rustls::RootCertStore::empty());
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls.with_no_client_auth());
    client.no_proxy().build().expect("a client")
}
