//! Live view over real sockets.

use std::sync::Arc;

use super::*;
use crate::{media::sample, status::CameraState, words::Moment};

fn film(house: &House, camera: &str) -> Arc<CameraCell> {
    house.watch(camera);
    let cell = house.board.camera(camera).expect("it hangs there");
    cell.enter(CameraState::Streaming, None, None);
    cell.feed.begin(Some(0), None);
    cell.feed.push(&sample::unit(true, 0, Moment::now()));
    cell
}

async fn watch(house: &House, path: &str) -> (TcpStream, String) {
    begin(house.address, &format!("GET {path} HTTP/1.1"), &[]).await
}

#[actix_web::test]
async fn a_camera_is_shown_in_each_form() {
    let house = House::open();
    film(&house, "yard.door");
    for (ending, kind) in [("flv", "video/x-flv"), ("mp4", "video/mp4; codecs=\"avc1.64000a\"")] {
        let (_stream, head) = watch(&house, &format!("/live/yard.door.{ending}")).await;
        assert!(head.starts_with("http/1.1 200") && head.contains(&format!("content-type: {kind}")), "{head}");
    }
}

#[actix_web::test]
async fn who_knows_no_chunks_gets_none() {
    let house = House::open();
    let cell = film(&house, "door");
    let (mut stream, head) = begin(house.address, "GET /live/door.flv HTTP/1.0", &[]).await;
    assert!(head.starts_with("http/1.0 200"), "{head}");
    assert!(!head.contains("transfer-encoding") && !head.contains("keep-alive"), "{head}");
    cell.feed.end();
    let (mut rest, (_, first)) = (Vec::new(), head.split_once("\r\n\r\n").expect("a head"));
    stream.read_to_end(&mut rest).await.expect("it ends");
    assert!(format!("{first}{}", String::from_utf8_lossy(&rest)).starts_with("flv\u{1}"), "{first} {rest:?}");
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
    let (one, _) = watch(&house, "/live/door.flv").await;
    let _other = watch(&house, "/live/door.mp4").await;
    let full = house.get("/live/door.flv").await.problem(503);
    assert!(full.contains("live.max_viewers = 2"), "{full}");
    drop(one);
    // The server learns of it when it next writes.
    let cell = house.board.camera("door").expect("it is there");
    tokio::time::timeout(PATIENCE, async {
        let mut n = 0;
        while house.board.audience.present.get() > 1 {
            n += 1;
            cell.feed.push(&sample::unit(true, n * 3600, Moment::now()));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the seat becomes free");
    assert!(watch(&house, "/live/door.flv").await.1.starts_with("http/1.1 200"));
}
