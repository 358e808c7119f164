use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::timeout;

use super::{Closed, Seat};
use crate::media::{Feed, Follower, Piece};

/// The key frames of a camera one after the other, for what plays no video: a `multipart/x-mixed-replace` of JPEG.
///
/// Who is slow misses pictures. A picture is made once, whoever watches (`media::Picture::still`).
pub struct Slides {
    follower: Follower,
    seat: Seat,
}

impl Slides {
    /// What browsers know it by.
    pub const CONTENT_TYPE: &'static str = "multipart/x-mixed-replace; boundary=slide";
    /// A camera that shows nothing for so long is no longer watched.
    pub const PATIENCE: Duration = Duration::from_secs(30);

    /// Begins to watch.
    pub fn new(feed: &Arc<Feed>, seat: Seat) -> Self {
        Self { follower: feed.follow(), seat }
    }

    /// The next key frame; the newest one first.
    ///
    /// # Errors
    /// When none comes, and then no more will.
    pub async fn next(&mut self, patience: Duration) -> Result<Arc<Piece>, Closed> {
        tokio::select! {
            key = timeout(patience, self.follower.next_key()) => match key {
                Ok(key) => key.ok_or(Closed::Ended),
                Err(_) => Err(Closed::Nothing(patience)),
            },
            () = self.seat.ending() => Err(Closed::Ended),
        }
    }

    /// A picture as part of the whole.
    pub fn part(&self, jpeg: &[u8]) -> Bytes {
        let head = format!("--slide\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
        let part = Bytes::from([head.as_bytes(), jpeg, b"\r\n"].concat());
        self.seat.sent(part.len());
        part
    }
}
