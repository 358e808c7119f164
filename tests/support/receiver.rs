//! A webhook receiver of our own: it keeps what it is sent, checks signatures with the reference crate, and can be told to
//! answer badly, slowly or not at all, to go away and to come back on the same port.
//!
//! It runs on a thread of its own and knows nothing of the crate, so that unit and integration tests share it.
#![allow(dead_code, unreachable_pub)]

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::Server,
    http::StatusCode,
    web::{Bytes, Data, to},
};

use crate::testing::{Served, come};

/// A key for tests.
pub const SECRET: &str = "whsec_bG9va291dC10ZXN0LWtleS1vZi0zMi1ieXRlcy4uLg==";

/// What the receiver does with a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Answers with this status.
    Status(u16),
    /// Answers with this status and this `Retry-After`.
    RetryAfter(u16, &'static str),
    /// Answers with this status and this `Location`.
    Redirect(u16, String),
    /// Answers with this status after a while.
    Slow(Duration, u16),
    /// Answers with this status and this body.
    Says(u16, String),
    /// Never answers.
    Hang,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Received {
    /// When it came.
    pub arrived: Instant,
    /// Path and query.
    pub target: String,
    /// Its headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Vec<u8>,
    /// Whether its signature is right, where the receiver knows the key.
    pub authentic: Option<bool>,
    /// What was answered, once it was.
    pub answered: Option<u16>,
    /// Requests in progress when it came, itself included, by the CloudEvents `subject`.
    pub in_progress: HashMap<String, usize>,
}

impl Received {
    /// The `webhook-id`: the event's id.
    pub fn id(&self) -> &str {
        self.headers.get("webhook-id").map_or("", String::as_str)
    }

    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn subject(&self) -> String {
        self.json()["subject"].as_str().unwrap_or_default().to_owned()
    }
}

/// The receiver; it ends when it is dropped.
pub struct Receiver {
    shared: Arc<Shared>,
    served: Served,
}

#[derive(Default)]
struct Shared {
    secret: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    once: VecDeque<Answer>,
    always: Option<Answer>,
    in_progress: HashMap<String, usize>,
}

impl Receiver {
    /// A receiver on a free port of the loopback that answers 200 and checks no signatures.
    pub fn start() -> Self {
        Self::with(Shared::default())
    }

    /// The same, checking signatures made with `secret`.
    pub fn verifying(secret: &str) -> Self {
        Self::with(Shared { secret: Some(secret.to_owned()), ..Shared::default() })
    }

    fn with(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        let desk = Arc::clone(&shared);
        Self { shared, served: Served::start(move |listener| serve(listener, &desk)) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.served.address()
    }

    /// Where to POST.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address())
    }

    /// What it does from now on.
    pub fn always(&self, answer: Answer) {
        self.shared.lock().always = Some(answer);
    }

    /// What it does with the next requests, before it does again what it always does.
    pub fn once(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.lock().once.extend(answers);
    }

    /// Goes away: connections are cut and refused.
    pub fn go_down(&mut self) {
        self.served.go_down();
    }

    /// Comes back on the same port.
    pub fn come_up(&mut self) {
        self.served.come_up();
    }

    /// All requests so far, in the order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().received.clone()
    }

    /// The ids that were answered with success, in the order of arrival; one that came twice is there twice.
    pub fn accepted(&self) -> Vec<String> {
        let accepted = |r: &&Received| r.answered.is_some_and(|s| (200..300).contains(&s));
        let received = self.received();
        received.iter().filter(accepted).map(|r| r.id().to_owned()).collect()
    }

    /// Waits until `enough` of what was received; fails the test if that takes too long.
    pub async fn until(&self, what: &str, enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let awaited = || format!("{what}: {:#?}", self.received());
        come(awaited, || Some(self.received()).filter(|received| enough(received))).await
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_authentic(&self, request: &HttpRequest, body: &[u8]) -> Option<bool> {
        let secret = self.secret.as_deref()?;
        let webhook = standardwebhooks::Webhook::new(secret).expect("a key for tests");
        let mut headers = reqwest::header::HeaderMap::new();
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let value = request.headers().get(name).map(|v| v.as_bytes().try_into());
            if let Some(Ok(value)) = value {
                headers.insert(name, value);
            }
        }
        Some(webhook.verify(body, &headers).is_ok())
    }
}

fn serve(listener: TcpListener, shared: &Arc<Shared>) -> Server {
    let shared = Data::from(Arc::clone(shared));
    let app = move || App::new().app_data(shared.clone()).default_service(to(receive));
    HttpServer::new(app).workers(1).disable_signals().listen(listener).expect("a listening socket").run()
}

/// Counts a request as in progress for as long as its handler lives.
struct InProgress(Data<Shared>, String);

impl Drop for InProgress {
    fn drop(&mut self) {
        if let Some(count) = self.0.lock().in_progress.get_mut(&self.1) {
            *count -= 1;
        }
    }
}

async fn receive(shared: Data<Shared>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let mut received = Received {
        arrived: Instant::now(),
        target: request.uri().to_string(),
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), value.into_owned())
            })
            .collect(),
        body: body.to_vec(),
        authentic: shared.is_authentic(&request, &body),
        answered: None,
        in_progress: HashMap::new(),
    };
    let subject = received.subject();
    let in_progress = InProgress(shared.clone(), subject.clone());
    let (index, answer) = {
        let mut state = shared.lock();
        *state.in_progress.entry(subject).or_default() += 1;
        received.in_progress = state.in_progress.clone();
        state.received.push(received);
        let answer = state.once.pop_front().or_else(|| state.always.clone());
        (state.received.len() - 1, answer.unwrap_or(Answer::Status(200)))
    };
    let mut body = "thank you".to_owned();
    let (status, header) = match answer {
        Answer::Status(status) => (status, None),
        Answer::Says(status, text) => {
            body = text;
            (status, None)
        }
        Answer::RetryAfter(status, pause) => (status, Some(("retry-after", pause.to_owned()))),
        Answer::Redirect(status, to) => (status, Some(("location", to))),
        Answer::Slow(pause, status) => {
            actix_web::rt::time::sleep(pause).await;
            (status, None)
        }
        Answer::Hang => std::future::pending().await,
    };
    drop(in_progress);
    shared.lock().received[index].answered = Some(status);
    let mut response = HttpResponse::build(StatusCode::from_u16(status).expect("a status"));
    if let Some(header) = header {
        response.insert_header(header);
    }
    response.body(body)
}
