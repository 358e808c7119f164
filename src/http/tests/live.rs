//! Live view over real sockets.

use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::{media::AccessUnit, status::CameraState, words::Moment};

/// A key frame with the parameter sets of 128x96 pixels.
const KEY_FRAME: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x42, 0x0d, 0xb0, 0x11, 0, 0, 3, 0, 1, 0, 0, 3, 0, 0x14, 0x0f,
    0x12, 0x25, 0x96, 0, 0, 0, 1, 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0, 0, 0, 1, 0x65, 1,
];

fn film(house: &House, camera: &str) -> Arc<CameraCell> {
    house.watch(camera);
    let cell = house.board.camera(camera).expect("it hangs there");
    cell.enter(CameraState::Streaming, None, None);
    cell.feed.begin(Some(0), None);
    cell.feed.push(&AccessUnit {
        data: Bytes::from_static(KEY_FRAME),
        timestamp: 0,
        received: Moment::now(),
        key: true,
        disposable: false,
        lost_packets: 0,
    });
    cell
}

/// Begins to watch; the head of the answer and what came with it.
async fn begin(house: &House, path: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(house.address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", house.address);
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut got = Vec::new();
    while !got.windows(4).any(|w| w == b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut got).await.expect("readable"), 0, "it hung up");
    }
    (stream, String::from_utf8_lossy(&got).to_ascii_lowercase())
}

#[actix_web::test]
async fn a_camera_is_shown_in_each_form() {
    let house = House::open();
    film(&house, "yard.door");
    for (ending, kind) in [("flv", "video/x-flv"), ("mp4", "video/mp4; codecs=\"avc1.64000a\"")] {
        let (_stream, head) = begin(&house, &format!("/live/yard.door.{ending}")).await;
        assert!(head.starts_with("http/1.1 200") && head.contains(&format!("content-type: {kind}")), "{head}");
    }
}

#[actix_web::test]
async fn what_cannot_be_watched_says_why() {
    let house = House::open();
    let cell = film(&house, "door");
    let unknown = house.get("/live/door.avi").await.problem(404);
    assert!(unknown.contains("/live/ID.flv") && unknown.contains("/live/ID.mjpeg"), "{unknown}");
    assert!(house.get("/live/dor.flv").await.problem(404).contains("did you mean \"door\""));
    cell.enter(CameraState::Waiting, Some((crate::words::Reason::Unauthorized, "wrong password".into())), None);
    let why = house.get("/live/door.flv").await.problem(503);
    assert!(why.contains("it is waiting: wrong password"), "{why}");
}

#[actix_web::test]
async fn there_are_so_many_viewers_and_the_next_is_told() {
    let house = House::open();
    film(&house, "door");
    let (one, _) = begin(&house, "/live/door.flv").await;
    let _other = begin(&house, "/live/door.mp4").await;
    let full = house.get("/live/door.flv").await.problem(503);
    assert!(full.contains("live.max_viewers = 2"), "{full}");
    drop(one);
    // The server learns of it when it next writes.
    let cell = house.board.camera("door").expect("it is there");
    tokio::time::timeout(PATIENCE, async {
        let mut n = 0;
        while house.board.audience.present.get() > 1 {
            n += 1;
            cell.feed.push(&AccessUnit {
                data: Bytes::from_static(KEY_FRAME),
                timestamp: n * 3600,
                received: Moment::now(),
                key: true,
                disposable: false,
                lost_packets: 0,
            });
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the seat becomes free");
    assert!(begin(&house, "/live/door.flv").await.1.starts_with("http/1.1 200"));
}
