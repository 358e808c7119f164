//! The HTTP side over real sockets, in front of a real outbox.

mod listener;
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
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
};

use super::*;
use crate::{
    app::DeadLetters,
    events::{Addressee, Event, Flush, Outbox, Reader, Record, Store, sample},
    settings::{Auth, Secret, Storage},
    status::{Board, CameraCell, LastSeen},
    words::EventId,
};

const SINK: &str = "office";
const TOKEN: &str = "a-token-of-the-tests";
/// Far beyond what anything takes, so that only a fault reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server, and the outbox behind it.
struct House {
    outbox: Addr<Outbox>,
    board: Arc<Board>,
    events: Arc<Mutex<Reader>>,
    streams: Arc<Streams>,
    address: SocketAddr,
    server: ServerHandle,
    _folder: TempDir,
}

impl House {
    fn open() -> Self {
        Self::with(StreamTerms::default(), Auth::Open)
    }

    fn with(terms: StreamTerms, auth: Auth) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let storage = Storage { path: folder.path().to_owned(), keep: Duration::from_secs(3600), max_bytes: 1 << 30 };
        let store = Store::open(&storage).expect("a sound folder");
        let events = Arc::new(Mutex::new(Reader::open(store.file()).expect("readable")));
        let board = Arc::new(Board::default());
        let outbox = Outbox::start(store, storage, vec![Addressee::of_everything(SINK)], Arc::clone(&board));
        let streams = Arc::new(Streams::new(terms));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let views = Views {
            board: Arc::clone(&board),
            events: Arc::clone(&events),
            source: "/lookout/test".into(),
            streams: Arc::clone(&streams),
            deliveries: Arc::new(DeadLetters(outbox.clone())),
            pictures: Arc::new(Album),
            pictures_at_once: Arc::new(Semaphore::new(2)),
            reload: Arc::new(Nothing),
            still: Arc::new(Nothing),
            stills_at_once: Arc::new(Semaphore::new(2)),
            auth: Arc::new(auth),
        };
        let server = serve(listener, views).expect("the listener serves");
        let handle = server.handle();
        actix_rt::spawn(server);
        Self { outbox, board, events, streams, address, server: handle, _folder: folder }
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

/// An answer to a request.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
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
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(head(method, path, "connection: close\r\n", headers).as_bytes()).await.expect("it takes requests");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    read.expect("it answers in time").expect("it answers");
    let split = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("an end of the head");
    let head = String::from_utf8_lossy(&answer[..split]).to_ascii_lowercase();
    Answer { status: status(&head), body: answer[split + 4..].to_vec(), head }
}

fn head(method: &str, path: &str, more: &str, headers: &[(&str, &str)]) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\nhost: lookout\r\ncontent-length: 0\r\n{more}{headers}\r\n")
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
    fn reload(self: Arc<Self>) -> BoxFuture<'static, Result<serde_json::Value, String>> {
        async { Err("not here".into()) }.boxed()
    }
}

impl Still for Nothing {
    fn jpeg(&self, _: &LastSeen, _: bool) -> Result<Vec<u8>, String> {
        Err("not here".into())
    }
}

fn tokens() -> Auth {
    Auth::Tokens(vec![Secret::new(TOKEN)])
}
