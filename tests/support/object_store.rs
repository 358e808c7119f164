//! A real S3 server (moto, from PyPI) behind a proxy of our own that makes it slow, faulty or unreachable.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::StatusCode,
    web::{Bytes, Data, PayloadConfig, to},
};

use super::{http, left_out};

/// The longest that the server's start is waited for: it imports for seconds where other tests run.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bucket that there is.
pub const BUCKET: &str = "evidence";

/// The server and its proxy; both end when it is dropped.
pub struct ObjectStore {
    server: Child,
    server_address: SocketAddr,
    address: SocketAddr,
    shared: Arc<Shared>,
    proxy: Option<(ServerHandle, JoinHandle<()>)>,
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

#[derive(Default)]
struct Shared {
    server: Mutex<Option<SocketAddr>>,
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
    pub fn start() -> Option<Self> {
        let program = std::env::var("LOOKOUT_MOTO").unwrap_or_else(|_| "moto_server".into());
        let port = free_port();
        let spawned = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(server) = spawned else {
            left_out(format_args!("no S3 server ({program}; pip install 'moto[s3,server]')"));
            return None;
        };
        let server_address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let end = Instant::now() + PATIENCE;
        let bucket = format!("/{BUCKET}");
        while !http::request(server_address, "PUT", &bucket, &[]).is_ok_and(|answer| answer.status == 200) {
            assert!(Instant::now() < end, "the S3 server does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        let shared = Arc::new(Shared::default());
        *shared.server.lock().expect("nobody panics with it") = Some(server_address);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut it = Self { server, server_address, address, shared, proxy: None };
        it.serve(listener);
        Some(it)
    }

    /// `[snapshots]` for a settings file.
    pub fn settings(&self, more: &str) -> String {
        format!(
            "[snapshots]\nstore = \"s3://{BUCKET}/lookout\"\nendpoint = \"http://{}\"\nallow_http = true\n\
             access_key_id = \"test\"\nsecret_access_key = \"test-key\"\n{more}\n",
            self.address
        )
    }

    /// What the proxy does from now on; the counts begin anew.
    pub fn mood(&self, mood: Mood) {
        *self.state() = State { mood, ..State::default() };
    }

    /// Goes away: connections are cut and refused.
    pub fn go_down(&mut self) {
        if let Some((handle, thread)) = self.proxy.take() {
            drop(handle.stop(false));
            thread.join().expect("the proxy ends well");
        }
    }

    /// Comes back on the same port.
    pub fn come_up(&mut self) {
        if self.proxy.is_none() {
            let end = Instant::now() + PATIENCE;
            loop {
                match TcpListener::bind(self.address) {
                    Ok(listener) => return self.serve(listener),
                    Err(error) => assert!(Instant::now() < end, "{} stays taken: {error}", self.address),
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
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
        http::request(self.server_address, "GET", &path, &[("authorization", signed)]).expect("the S3 server answers")
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().expect("nobody panics with it")
    }

    fn serve(&mut self, listener: TcpListener) {
        let shared = Data::from(Arc::clone(&self.shared));
        let (started, handle) = mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let client = Data::new(client());
                let app = move || {
                    let limit = PayloadConfig::new(16 << 20);
                    let app = App::new().app_data(shared.clone()).app_data(client.clone()).app_data(limit);
                    app.default_service(to(pass_on))
                };
                let server = HttpServer::new(app).workers(1).disable_signals();
                let server = server.listen(listener).expect("a listening socket").run();
                started.send(server.handle()).expect("the test waits");
                server.await.expect("the proxy serves");
            });
        });
        self.proxy = Some((handle.recv().expect("the proxy starts"), thread));
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        self.go_down();
        let _ = self.server.kill(); // it may have ended by itself
        let _ = self.server.wait();
    }
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
    let server = shared.server.lock().expect("nobody panics with it").expect("the server runs");
    let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).expect("a method");
    let mut onward = client.request(method, format!("http://{server}{}", request.uri()));
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

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
