//! A store for tests: takes PUT, gives GET, and does what it is told to do wrong.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    end: watch::Sender<bool>,
}

/// What happens to a PUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Store,
    Answer(u16),
    /// As WebDAV has it: 409 where there is no folder for it.
    IntoFolder,
    /// The connection is closed without an answer.
    Close,
    /// No answer, ever.
    Hang,
}

#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

type Rule = Box<dyn Fn(usize) -> Put + Send + Sync>;

struct State {
    objects: Mutex<BTreeMap<String, Object>>,
    folders: Mutex<Vec<String>>,
    rule: Mutex<Rule>,
    /// What ends like this is not answered, whatever the rule.
    poison: Mutex<Option<String>>,
    delay: Duration,
    /// Nobody is answered before so many were in flight at once.
    together: usize,
    most: watch::Sender<usize>,
    in_flight: AtomicUsize,
    puts: AtomicUsize,
}

impl State {
    fn has_folder_for(&self, path: &str) -> bool {
        let (parent, _) = path.rsplit_once('/').expect("paths begin with a slash");
        parent == "/pictures" || self.folders.lock().iter().any(|folder| folder == parent)
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::slow(Duration::ZERO, 0)
    }

    /// Answers after `delay`, and not before `together` PUTs were in flight at once.
    pub(crate) fn slow(delay: Duration, together: usize) -> Self {
        let state = Arc::new(State {
            objects: Mutex::default(),
            folders: Mutex::default(),
            rule: Mutex::new(Box::new(|_| Put::Store)),
            poison: Mutex::default(),
            delay,
            together,
            most: watch::Sender::new(0),
            in_flight: AtomicUsize::new(0),
            puts: AtomicUsize::new(0),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("non-blocking");
        let address = listener.local_addr().expect("an address");
        let (end, ended) = watch::channel(false);
        let (serving, mut ended) = (Arc::clone(&state), ended);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("a listener");
                loop {
                    tokio::select! {
                        _ = ended.changed() => return,
                        Ok((stream, _)) = listener.accept() => {
                            tokio::spawn(serve(BufStream::new(stream), Arc::clone(&serving)));
                        }
                    }
                }
            });
        });
        Self { address, state, end }
    }

    pub(crate) fn url(&self, path: &str) -> url::Url {
        format!("http://{}/{path}", self.address).parse().expect("a URL")
    }

    /// What happens to the PUTs from now on, by their number since the start, from 0.
    pub(crate) fn rule(&self, rule: impl Fn(usize) -> Put + Send + Sync + 'static) {
        *self.state.rule.lock() = Box::new(rule);
    }

    /// PUTs of paths that end like this are never answered.
    pub(crate) fn hang_on(&self, ending: &str) {
        *self.state.poison.lock() = Some(ending.to_owned());
    }

    pub(crate) fn objects(&self) -> BTreeMap<String, Object> {
        self.state.objects.lock().clone()
    }

    pub(crate) fn puts(&self) -> usize {
        self.state.puts.load(SeqCst)
    }

    /// The most that were in flight at once.
    pub(crate) fn most(&self) -> usize {
        *self.state.most.borrow()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.send_replace(true);
    }
}

async fn serve(mut stream: BufStream<TcpStream>, state: Arc<State>) {
    while let Some((method, path, object)) = read_request(&mut stream).await {
        let answer = match method.as_str() {
            "PUT" => put(&state, &path, object).await,
            "GET" => state.objects.lock().get(&path).map_or((404, Vec::new()), |object| (200, object.body.clone())),
            "MKCOL" if state.folders.lock().contains(&path) => (405, Vec::new()),
            "MKCOL" if !state.has_folder_for(&path) => (409, Vec::new()),
            "MKCOL" => {
                state.folders.lock().push(path);
                (201, Vec::new())
            }
            _ => (400, Vec::new()),
        };
        let (status, body) = answer;
        if status == 0 {
            return;
        }
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\netag: \"x\"\r\nlast-modified: Sat, 21 Nov 2026 10:00:00 GMT\r\n\r\n",
            body.len()
        );
        let sent = stream.write_all(head.as_bytes()).await.and(stream.write_all(&body).await).and(stream.flush().await);
        if sent.is_err() {
            return;
        }
    }
}

async fn put(state: &State, path: &str, object: Object) -> (u16, Vec<u8>) {
    let number = state.puts.fetch_add(1, SeqCst);
    let now = state.in_flight.fetch_add(1, SeqCst) + 1;
    state.most.send_modify(|most| *most = now.max(*most));
    let is_poison = state.poison.lock().as_ref().is_some_and(|ending| path.ends_with(ending));
    let what = if is_poison { Put::Hang } else { (state.rule.lock())(number) };
    tokio::time::sleep(state.delay).await;
    let all_are_here = |most: &usize| *most >= state.together;
    state.most.subscribe().wait_for(all_are_here).await.expect("the sender lives");
    let answer = match what {
        Put::Store => {
            state.objects.lock().insert(path.to_owned(), object);
            (201, Vec::new())
        }
        Put::IntoFolder if !state.has_folder_for(path) => (409, Vec::new()),
        Put::IntoFolder => {
            state.objects.lock().insert(path.to_owned(), object);
            (201, Vec::new())
        }
        Put::Answer(status) => (status, b"<Error><Code>ItIsATest</Code><Message>hunter2</Message></Error>".to_vec()),
        Put::Close => (0, Vec::new()),
        Put::Hang => std::future::pending().await,
    };
    state.in_flight.fetch_sub(1, SeqCst);
    answer
}

async fn read_request(stream: &mut BufStream<TcpStream>) -> Option<(String, String, Object)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let (line, headers) = head.split_once("\r\n")?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers = headers.lines().filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<_, _> = headers.map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned())).collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((method, path, Object { headers, body }))
}
