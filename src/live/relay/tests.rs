//! Relays against servers that hang up, say nothing or speak no RTMP; a real one is in `tests/relaying.rs`.

use std::{net::SocketAddr, sync::Arc};

use actix_rt::Arbiter;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

use super::*;
use crate::{media::sample, testing::until, words::Moment};

fn camera(id: &str) -> Arc<CameraCell> {
    let cell = Arc::new(CameraCell::new(id.parse().expect("an id"), id.into(), String::new()));
    cell.feed.begin(Some(0), None);
    cell
}

fn film(camera: &CameraCell) {
    camera.feed.push(&sample::unit(true, 0, Moment::now()));
}

fn target(address: SocketAddr, key: &str) -> RelayTarget {
    RelayTarget::read(&format!("rtmp://{address}/live/{key}")).expect("a target")
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
    film(&door);
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
    film(&one);
    film(&other);
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
    assert!(matches!(fault, RelayFault::Protocol(_)), "{fault}");
}
