use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{
    AccessUnit, DecodeTimes, Sound, SoundFormat,
    piece::{Life, Picture, Piece},
};

/// The newest stretch of a camera's stream, still coded, for whoever follows it: live viewers, relays, bursts.
///
/// The camera pushes and waits for nobody. A follower holds a place, not a queue, so it costs no memory however slow it
/// is: what it has not taken in time is gone, and it goes on at the newest key frame.
#[derive(Debug)]
pub struct Feed {
    reel: Mutex<Reel>,
    newest: watch::Sender<u64>,
    followers: Arc<AtomicUsize>,
    keep_ms: AtomicU64,
    is_over: AtomicBool,
}

#[derive(Debug)]
struct Reel {
    /// The place of the first piece that is kept.
    first: u64,
    pieces: VecDeque<Arc<Piece>>,
    /// The places of the key frames that are kept.
    keys: VecDeque<u64>,
    bytes: usize,
    life: Life,
    sound: Option<Arc<SoundFormat>>,
    times: DecodeTimes,
    /// Since the last loss a key frame has come.
    is_whole: bool,
}

impl Feed {
    /// About eight seconds of a 16 Mbit/s camera.
    pub const MAX_BYTES: usize = 16 << 20;
    /// Half of it, so that a picture fits, also in the form that containers want, and into their lengths of 24 bits.
    const MAX_PICTURE: usize = 8 << 20;
    /// About twenty seconds of 30 pictures and 47 frames of sound a second.
    pub const MAX_PIECES: usize = 1536;
    /// While somebody follows, what is so new is kept, key frame or not, for those who are a little late.
    const KEEP_FOR_FOLLOWERS: Duration = Duration::from_secs(3);

    /// Keeps at least the last `keep` of the stream (within the bounds); otherwise only what came since the newest key
    /// frame.
    pub fn keep(&self, keep: Duration) {
        self.keep_ms.store(u64::try_from(keep.as_millis()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Another connection begins: what is kept belongs to the last. `reorder`: by how many pictures the stream reorders,
    /// if it says; `sound`: what is heard beside the pictures, if anything.
    pub fn begin(&self, reorder: Option<u32>, sound: Option<Arc<SoundFormat>>) {
        let mut reel = self.reel.lock();
        reel.life += 1;
        reel.sound = sound;
        reel.times = DecodeTimes::new(reorder);
        reel.is_whole = false;
        reel.drop_before(u64::MAX);
    }

    /// The connection is lost: what is kept grows old, and nobody should take it for now.
    pub fn interrupt(&self) {
        let mut reel = self.reel.lock();
        reel.is_whole = false;
        reel.drop_before(u64::MAX);
    }

    /// Adds a picture. Behind a loss none is kept until a whole key frame comes, as players would show ruins.
    pub fn push(&self, unit: &AccessUnit) {
        let mut reel = self.reel.lock();
        let decode_time = reel.times.next(unit.timestamp);
        // One that is too large for what is kept is lost to whoever follows.
        if unit.lost_packets > 0 || unit.data.len() > Self::MAX_PICTURE {
            reel.is_whole = false;
        } else if unit.key {
            reel.is_whole = true;
        }
        if !reel.is_whole {
            return;
        }
        let (key, life, received) = (unit.key, reel.life, unit.received.steady);
        let place = reel.next_place();
        reel.add(Piece::Picture(Picture::new(unit.clone(), decode_time, life)));
        if key {
            reel.keys.push_back(place);
            reel.forget_before(received.checked_sub(self.kept()));
        }
        drop(reel);
        self.newest.send_replace(place);
    }

    /// Adds a frame of sound.
    pub fn push_sound(&self, sound: Sound) {
        let mut reel = self.reel.lock();
        if reel.keys.is_empty() {
            return; // nobody starts before a key frame
        }
        let (place, life) = (reel.next_place(), reel.life);
        reel.add(Piece::Sound(sound, life));
        drop(reel);
        self.newest.send_replace(place);
    }

    /// The camera is no more: followers come to an end.
    pub fn end(&self) {
        self.is_over.store(true, Relaxed);
        self.newest.send_replace(u64::MAX);
    }

    /// Follows from the newest key frame on.
    pub fn follow(self: &Arc<Self>) -> Follower {
        self.followers.fetch_add(1, Relaxed);
        Follower { feed: Arc::clone(self), news: self.newest.subscribe(), next: None, skipped: 0 }
    }

    /// How many follow.
    pub fn followers(&self) -> usize {
        self.followers.load(Relaxed)
    }

    /// What is heard beside the pictures, if anything.
    pub fn sound(&self) -> Option<Arc<SoundFormat>> {
        self.reel.lock().sound.clone()
    }

    /// The newest key frame.
    pub fn newest_key(&self) -> Option<Arc<Piece>> {
        let reel = self.reel.lock();
        reel.at(*reel.keys.back()?)
    }

    /// What is kept since the last key frame that came at `since` or earlier; since the first one where none did.
    pub fn since(&self, since: Instant) -> Vec<Arc<Piece>> {
        let reel = self.reel.lock();
        let came_in_time = |place: &&u64| reel.at(**place).is_some_and(|piece| piece.received() <= since);
        let Some(start) = reel.keys.iter().rev().find(came_in_time).or(reel.keys.front()) else {
            return Vec::new();
        };
        reel.pieces.iter().skip((start - reel.first) as usize).cloned().collect()
    }

    fn kept(&self) -> Duration {
        let asked = Duration::from_millis(self.keep_ms.load(Relaxed));
        if self.followers() > 0 { asked.max(Self::KEEP_FOR_FOLLOWERS) } else { asked }
    }
}

impl Default for Feed {
    fn default() -> Self {
        let reel = Reel {
            first: 0,
            pieces: VecDeque::new(),
            keys: VecDeque::new(),
            bytes: 0,
            life: 0,
            sound: None,
            times: DecodeTimes::new(None),
            is_whole: false,
        };
        Self {
            reel: Mutex::new(reel),
            newest: watch::Sender::default(),
            followers: Arc::default(),
            keep_ms: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }
    }
}

impl Reel {
    fn next_place(&self) -> u64 {
        self.first + self.pieces.len() as u64
    }

    fn at(&self, place: u64) -> Option<Arc<Piece>> {
        let index = usize::try_from(place.checked_sub(self.first)?).ok()?;
        self.pieces.get(index).cloned()
    }

    fn add(&mut self, piece: Piece) {
        self.bytes += piece.data().len();
        self.pieces.push_back(Arc::new(piece));
        while self.bytes > Feed::MAX_BYTES || self.pieces.len() > Feed::MAX_PIECES {
            self.drop_before(self.first + 1);
        }
    }

    /// Forgets whole groups of pictures that nobody may ask for any more: all before the newest key frame that came at
    /// `wanted` or earlier; `None`: no time is that early.
    fn forget_before(&mut self, wanted: Option<Instant>) {
        let Some(wanted) = wanted else { return };
        let came_in_time = |place: &&u64| self.at(**place).is_some_and(|piece| piece.received() <= wanted);
        if let Some(start) = self.keys.iter().rev().find(came_in_time).copied() {
            self.drop_before(start);
        }
    }

    fn drop_before(&mut self, place: u64) {
        while self.first < place
            && let Some(piece) = self.pieces.pop_front()
        {
            self.bytes -= piece.data().len();
            self.first += 1;
        }
        while self.keys.front().is_some_and(|key| *key < self.first) {
            self.keys.pop_front();
        }
    }
}

/// Somebody who follows a feed.
#[derive(Debug)]
pub struct Follower {
    feed: Arc<Feed>,
    news: watch::Receiver<u64>,
    /// The place of what is to come next; `None` before the first key frame.
    next: Option<u64>,
    skipped: u64,
}

impl Follower {
    /// The next piece; waits for it. `None`: the camera is no more. The first piece is a key frame, and so is the one
    /// behind a gap.
    pub async fn next(&mut self) -> Option<Arc<Piece>> {
        loop {
            self.news.mark_unchanged();
            if self.feed.is_over.load(Relaxed) {
                return None;
            }
            if let Some(piece) = self.take() {
                return Some(piece);
            }
            if self.news.changed().await.is_err() {
                return None;
            }
        }
    }

    /// The newest key frame, if it did not have it yet; otherwise the next one, and waits for it. `None`: the camera is
    /// no more.
    pub async fn next_key(&mut self) -> Option<Arc<Piece>> {
        loop {
            self.news.mark_unchanged();
            if self.feed.is_over.load(Relaxed) {
                return None;
            }
            if let Some(key) = self.take_key() {
                return Some(key);
            }
            if self.news.changed().await.is_err() {
                return None;
            }
        }
    }

    fn take_key(&mut self) -> Option<Arc<Piece>> {
        let reel = self.feed.reel.lock();
        let newest = *reel.keys.back()?;
        if self.next.is_some_and(|next| newest < next) {
            return None;
        }
        self.next = Some(newest + 1);
        reel.at(newest)
    }

    /// The next piece, if it is there.
    pub fn take(&mut self) -> Option<Arc<Piece>> {
        let reel = self.feed.reel.lock();
        let place = match self.next {
            Some(next) if next >= reel.first => next,
            behind => {
                let newest = *reel.keys.back()?;
                self.skipped += u64::from(behind.is_some());
                newest
            }
        };
        let piece = reel.at(place);
        drop(reel);
        self.next = Some(place + u64::from(piece.is_some()));
        piece
    }

    /// How often it was too slow and went on at the newest key frame.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.feed.followers.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests;
