//! What it takes to write events down and tell them: outbox, courier and webhook against a receiver that answers at once.
//!
//! For the figure of one core: `taskset -c 0 cargo bench -- delivery`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, System};
use criterion::{Criterion, Throughput};
use jiff::Timestamp;
use lookout::{
    events::{Addressee, CameraRef, Event, EventKind, Outbox, Record, Store, Subject},
    settings::{self, Filter, Secret, Storage, Way},
    sinks::{Courier, Terms, Webhook},
    status::{Board, SinkCell},
    words::{CameraId, EventId},
};

use crate::testing::come;

const EVENTS: u64 = 1000;
const CAMERAS: u64 = 32;

/// All benches of this way.
pub(crate) fn benches(criterion: &mut Criterion) {
    let receiver = receive();
    let mut group = criterion.benchmark_group("delivery");
    group.throughput(Throughput::Elements(EVENTS)).sample_size(10);
    group.bench_function("recorded, signed, told, acknowledged", |bencher| {
        bencher.iter_custom(|rounds| (0..rounds).map(|_| tell_all(receiver)).sum());
    });
    group.finish();
}

/// From the first event's record to the last one's acknowledgement.
fn tell_all(receiver: SocketAddr) -> Duration {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let storage = Storage { path: folder.path().to_owned(), keep: Duration::from_secs(86_400), max_bytes: 512 << 20 };
    System::new().block_on(async move {
        let (board, name) = (Arc::new(Board::default()), Arc::<str>::from("bench"));
        let store = Store::open(&storage).expect("a new database");
        let sink = settings::Sink {
            name: Arc::clone(&name),
            filter: Filter::default(),
            budget: None,
            way: Way::Webhook(webhook(receiver)),
        };
        let outbox = Outbox::start(store, storage, vec![Addressee::of(&sink)], Arc::clone(&board));
        let cell = Arc::new(SinkCell::new(Arc::clone(&name), "bench".into()));
        let Way::Webhook(way) = &sink.way else { unreachable!("it is a webhook") };
        let told = Arc::new(Webhook::new(&name, way, "/lookout/bench").expect("sound settings"));
        let courier = Courier::new(told, Arc::clone(&cell), outbox.clone(), Terms::default()).start();
        let began = Instant::now();
        for n in 0..EVENTS {
            outbox.do_send(Record::now(event(n)));
        }
        let delivered = || cell.delivered.get();
        let awaited = || format!("all {EVENTS} delivered, not {} of them", delivered());
        come(awaited, || (delivered() >= EVENTS).then_some(())).await;
        let took = began.elapsed();
        drop(courier);
        System::current().stop();
        took
    })
}

fn webhook(receiver: SocketAddr) -> settings::Webhook {
    settings::Webhook {
        url: format!("http://{receiver}/hook").parse().expect("a URL"),
        secret: Some(Secret::new("whsec_bG9va291dC10ZXN0LWtleS1vZi0zMi1ieXRlcy4uLg==")),
        timeout: Duration::from_secs(10),
        ca_file: None,
        headers: Vec::new(),
        template: None,
    }
}

fn event(n: u64) -> Event {
    let id: CameraId = format!("camera-{}", n % CAMERAS).parse().expect("an id");
    let camera = CameraRef { name: id.as_str().into(), id };
    Event { id: EventId::fresh(), kind: EventKind::CameraUp, time: Timestamp::now(), data: Subject::of(camera) }
}

/// A receiver that answers 200 to everything, on threads of its own, to the end of the benches.
fn receive() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer_all(stream));
        }
    });
    address
}

fn answer_all(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    loop {
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line == "\r\n" => break,
                Ok(_) => {
                    let header = line.to_ascii_lowercase();
                    if let Some(value) = header.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap_or(0);
                    }
                }
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err()
            || stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err()
        {
            return;
        }
    }
}
