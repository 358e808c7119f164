//! Relays against a server that speaks RTMP (the other side of the same library) and against some that do not.

use std::{net::SocketAddr, sync::Arc};

use actix_rt::Arbiter;
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

use super::*;
use crate::{media::AccessUnit, words::Moment};

/// A key frame with the parameter sets of 128x96 pixels.
const KEY_FRAME: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x42, 0x0d, 0xb0, 0x11, 0, 0, 3, 0, 1, 0, 0, 3, 0, 0x14, 0x0f,
    0x12, 0x25, 0x96, 0, 0, 0, 1, 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0, 0, 0, 1, 0x65, 1,
];

fn camera(id: &str) -> Arc<CameraCell> {
    let cell = Arc::new(CameraCell::new(id.parse().expect("an id"), id.into(), String::new()));
    cell.feed.begin(Some(0), None);
    cell
}

fn film(camera: &CameraCell, n: i64) {
    camera.feed.push(&AccessUnit {
        data: Bytes::from_static(KEY_FRAME),
        timestamp: n * 3600,
        received: Moment::now(),
        key: true,
        disposable: false,
        lost_packets: 0,
    });
}

fn target(address: SocketAddr, key: &str) -> RelayTarget {
    RelayTarget::read(&format!("rtmp://{address}/live/{key}")).expect("a target")
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let waited = timeout(Duration::from_secs(30), async {
        while !done() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn state(camera: &CameraCell) -> Option<RelayState> {
    camera.relay().map(|cell| cell.stage().state)
}

/// A server that takes connections, says how many there are, and hangs up at once.
async fn hangs_up() -> (SocketAddr, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let (told, connections) = mpsc::channel(64);
    actix_rt::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 16]).await;
            let _ = stream.shutdown().await;
            let _ = told.send(()).await;
        }
    });
    (address, connections)
}

#[actix::test]
async fn a_server_that_hangs_up_is_asked_again_and_the_fault_is_said() {
    let (address, mut connections) = hangs_up().await;
    let relays = Relays::new(5, Arbiter::current());
    let door = camera("door");
    relays.apply(vec![(Arc::clone(&door), target(address, "s3cret"))]);
    until("it waits for the camera", || state(&door) == Some(RelayState::WaitingForCamera)).await;
    film(&door, 0);
    for _ in 0..2 {
        timeout(Duration::from_secs(30), connections.recv()).await.expect("in time").expect("another attempt");
    }
    until("two failures", || door.relay().is_some_and(|cell| cell.failures.get() >= 2)).await;
    until("a pause", || state(&door) == Some(RelayState::Paused)).await;
    let cell = door.relay().expect("it is passed on");
    let stage = cell.stage();
    assert!(stage.next_attempt_at.is_some() && stage.fault.is_some(), "{stage:?}");
    assert!(!format!("{stage:?}{}", cell.target).contains("s3cret"));
    relays.apply(Vec::new());
    assert_eq!(state(&door), None);
}

#[actix::test]
async fn so_many_at_once_and_the_next_waits_its_turn() {
    // Takes connections and says nothing, so that whoever has a turn keeps it.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let relays = Relays::new(1, Arbiter::current());
    let (one, other) = (camera("one"), camera("other"));
    film(&one, 0);
    film(&other, 0);
    relays.apply(vec![(Arc::clone(&one), target(address, "1"))]);
    until("it connects", || state(&one) == Some(RelayState::Connecting)).await;
    let both = || vec![(Arc::clone(&one), target(address, "1")), (Arc::clone(&other), target(address, "2"))];
    relays.apply(both());
    until("it waits", || state(&other) == Some(RelayState::WaitingForTurn)).await;
    assert_eq!(state(&one), Some(RelayState::Connecting), "and the first goes on untouched");
    relays.apply(both().split_off(1));
    until("its turn", || state(&other) == Some(RelayState::Connecting)).await;
    assert_eq!(state(&one), None);
}

#[actix::test]
async fn what_speaks_no_rtmp_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    actix_rt::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(&[b'H'; 4096]).await;
        }
    });
    let Err(fault) = Publication::open(&target(address, "x")).await else { panic!("it publishes") };
    assert!(matches!(fault, RelayFault::Protocol(_) | RelayFault::Connection(_) | RelayFault::Closed), "{fault}");
}
