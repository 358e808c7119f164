//! The HTTP side over real sockets, in front of a real outbox.

mod dashboard;
mod doors;
mod listener;
mod live;
mod requests;
mod streams;

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix::Addr;
use actix_web::dev::ServerHandle;
use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Semaphore, watch},
};

use super::*;
use crate::{
    access::Gate,
    app::DeadLetters,
    events::{Addressee, Event, Flush, Outbox, Readers, Record, Store, sample},
    live::Audience,
    roster::{Done, Entry, Order, Origin, Refusal},
    settings::{Auth, Secret, Server, Storage, Token},
    status::{Board, CameraCell, LastSeen, SinkCell},
    words::{EventId, Role},
};

const SINK: &str = "office";
const AUDIENCE: usize = 2;
const TOKEN: &str = "a-token-of-the-tests";
/// Far beyond what anything takes, so that only a fault reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server, and the outbox behind it.
struct House {
    outbox: Addr<Outbox>,
    board: Arc<Board>,
    events: Arc<Readers>,
    streams: Arc<Streams>,
    address: SocketAddr,
    server: ServerHandle,
    begun: watch::Sender<bool>,
    _folder: TempDir,
}

impl House {
    fn open() -> Self {
        Self::with(StreamTerms::default(), Auth::Open)
    }

    fn with(terms: StreamTerms, auth: Auth) -> Self {
        Self::answering_within(PATIENCE, terms, auth)
    }

    /// Questions to the database may take so long.
    fn answering_within(patience: Duration, terms: StreamTerms, auth: Auth) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let storage = Storage { path: folder.path().to_owned(), keep: Duration::from_secs(3600), max_bytes: 1 << 30 };
        let store = Store::open(&storage).expect("a sound folder");
        let readers = |count, patience| Readers::open(store.file(), count, patience).expect("readable");
        let (events, followed) = (Arc::new(readers(2, patience)), Arc::new(readers(1, PATIENCE)));
        let board = Arc::new(Board::default());
        board.add_sink(Arc::new(SinkCell::new(SINK.into(), "nowhere".into())));
        let outbox = Outbox::start(store, storage, vec![Addressee::of_everything(SINK)], Arc::clone(&board));
        let streams = Arc::new(Streams::new(terms));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let proxies = vec!["127.0.0.0/8".parse().expect("a network")];
        let (hosts, cors) = (vec!["lookout.lan".into()], vec!["https://front.example".into()]);
        let server = Server { bind: address, auth, hosts, proxies, cors };
        let begun = watch::Sender::new(true);
        let views = Views {
            board: Arc::clone(&board),
            events: Arc::clone(&events),
            followed,
            source: "/lookout/test".into(),
            streams: Arc::clone(&streams),
            audience: Arc::new(Audience::new(AUDIENCE, Arc::clone(&board.audience))),
            deliveries: Arc::new(DeadLetters(outbox.clone())),
            pictures: Arc::new(Album),
            pictures_at_once: Arc::new(Semaphore::new(2)),
            reload: Arc::new(Nothing),
            control: Arc::new(Nothing),
            probe: Arc::new(Nothing),
            still: Arc::new(Nothing),
            stills_at_once: Arc::new(Semaphore::new(2)),
            begun: begun.subscribe(),
            gate: Arc::new(Gate::new(&server, Arc::clone(&board.access))),
            logins_at_once: Arc::new(Semaphore::new(2)),
        };
        let server = serve(listener, views).expect("the listener serves");
        let handle = server.handle();
        actix_rt::spawn(server);
        Self { outbox, board, events, streams, address, server: handle, begun, _folder: folder }
    }

    fn watch(&self, camera: &str) {
        let id = camera.parse().expect("an id");
        self.board.add_camera(Arc::new(CameraCell::new(id, camera.into(), String::new())));
    }

    /// Records one event of each camera and waits until they are written down.
    async fn record(&self, cameras: &[&str]) -> Vec<EventId> {
        let events: Vec<Event> = cameras.iter().map(|camera| sample::started(camera)).collect();
        self.write_down(&events).await;
        events.iter().map(|event| event.id).collect()
    }

    async fn write_down(&self, events: &[Event]) {
        for event in events {
            self.outbox.do_send(Record::now(event.clone()));
        }
        assert_eq!(self.outbox.send(Flush).await.expect("it lives"), 0);
    }

    async fn get(&self, path: &str) -> Answer {
        request(self.address, "GET", path, &[]).await
    }

    async fn post(&self, path: &str) -> Answer {
        request(self.address, "POST", path, &[]).await
    }
}

/// Asks for an answer without an end; its head, in small letters, and what came with it.
async fn begin(address: SocketAddr, first_line: &str, headers: &[(&str, &str)]) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!("{first_line}\r\nhost: {address}\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut got = Vec::new();
    while !got.windows(4).any(|w| w == b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut got).await.expect("readable"), 0, "it hung up");
    }
    (stream, String::from_utf8_lossy(&got).to_ascii_lowercase())
}

/// An answer to a request.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// In small letters.
    head: String,
    raw: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {self:?}"))
    }

    /// The detail of a problem.
    fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert!(self.head.contains("content-type: application/problem+json"), "{}", self.head);
        self.json()["detail"].as_str().expect("a detail").to_owned()
    }
}

/// One request on a connection of its own.
async fn request(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(address, method, path, headers, "").await
}

/// The same with a body.
async fn send(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let length = body.len().to_string();
    let headers: Vec<_> = headers.iter().copied().chain([("content-length", &*length)]).collect();
    let text = head(method, path, "connection: close\r\n", &headers) + body;
    stream.write_all(text.as_bytes()).await.expect("it takes requests");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    read.expect("it answers in time").expect("it answers");
    let split = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("an end of the head");
    let raw = String::from_utf8_lossy(&answer[..split]).into_owned();
    let head = raw.to_ascii_lowercase();
    Answer { status: status(&head), body: answer[split + 4..].to_vec(), head, raw }
}

fn head(method: &str, path: &str, more: &str, headers: &[(&str, &str)]) -> String {
    let host = [("host", "localhost")].into_iter().filter(|_| !headers.iter().any(|(name, _)| *name == "host"));
    let headers = host.chain(headers.iter().copied());
    let headers: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\n{more}{headers}\r\n")
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

/// Has two pictures of each event, if any are attached.
struct Album;

impl Pictures for Album {
    fn picture(self: Arc<Self>, event: Event, n: usize) -> BoxFuture<'static, Result<Option<Bytes>, String>> {
        let has = event.data.snapshot.is_some() && n < 2;
        async move { Ok(has.then(|| format!("picture {n} of {}", event.id).into())) }.boxed()
    }
}

struct Nothing;

impl Reload for Nothing {
    fn reload(self: Arc<Self>) -> BoxFuture<'static, Result<Reloaded, NotReloaded>> {
        async { Err(NotReloaded::Settings("not here".into())) }.boxed()
    }
}

impl Control for Nothing {
    fn carry_out(self: Arc<Self>, _: Order) -> BoxFuture<'static, Result<Done, Refusal>> {
        async { Err(Refusal::NotNow("not here".into())) }.boxed()
    }

    fn origin(&self, _: &str) -> Option<Origin> {
        None
    }

    fn entry(&self, _: &str) -> Option<Entry> {
        None
    }
}

impl Probe for Nothing {
    fn probe(self: Arc<Self>, _: serde_json::Value) -> BoxFuture<'static, Result<Look, Unseen>> {
        async { Err(Refusal::NotNow("not here".into()).into()) }.boxed()
    }
}

impl Still for Nothing {
    fn jpeg(&self, _: &LastSeen, _: bool) -> Result<Vec<u8>, String> {
        Err("not here".into())
    }
}

fn tokens() -> Auth {
    let token = Token { name: "tests".into(), role: Role::Admin, token: Secret::new(TOKEN) };
    Auth::Known { tokens: vec![token], users: Vec::new() }
}
