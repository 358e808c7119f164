use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{broadcast, watch};

use super::{Clip, Credentials, Fault, packetize::Packets};

/// How many access units a client may lag behind before it skips to the next key frame.
const LAG: usize = 64;

/// One camera to simulate.
#[derive(Debug, Clone)]
pub struct Mount {
    /// Its path: `rtsp://host:port/NAME`. It may contain slashes.
    pub name: String,
    /// What it plays.
    pub clip: Arc<Clip>,
    /// What its clients must know; nothing if none.
    pub credentials: Option<Credentials>,
    /// How it misbehaves from the beginning on.
    pub fault: Option<Fault>,
    /// Whether a client's stream begins with a key frame. Most cameras just begin.
    pub start_at_key_frame: bool,
    /// Where in the clip it begins, so that many cameras with one clip do not send their key frames all at once.
    pub start_at: Duration,
    /// How long a session lasts without a request from its client.
    pub session_timeout: Duration,
}

impl Mount {
    /// A camera without password and without fault, with the session time-out that is usual: 60 s.
    pub fn new(name: impl Into<String>, clip: Arc<Clip>) -> Self {
        Self {
            name: name.into(),
            clip,
            credentials: None,
            fault: None,
            start_at_key_frame: false,
            start_at: Duration::ZERO,
            session_timeout: Duration::from_secs(60),
        }
    }
}

/// What a simulated camera has seen and done. Gauges go up and down, all others only up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Gauge: open connections that named this camera.
    pub connections: usize,
    /// Connections that ever did.
    pub accepted: u64,
    /// Gauge: sessions that are set up.
    pub sessions: usize,
    /// Gauge: sessions that play.
    pub playing: usize,
    /// PLAY requests granted.
    pub played: u64,
    /// TEARDOWN requests granted.
    pub torn_down: u64,
    /// Requests refused for want of the right credentials.
    pub unauthorized: u64,
    /// Keep-alives answered: OPTIONS, `GET_PARAMETER`, `SET_PARAMETER` within a session.
    pub kept_alive: u64,
    /// Access units sent, added up over all clients.
    pub units_sent: u64,
    /// Access units that slow clients were not sent.
    pub units_skipped: u64,
    /// Clients dropped because they did not read.
    pub clients_dropped: u64,
    /// Sessions that ended because their client said nothing for the session's time-out.
    pub timed_out: u64,
}

/// What goes to every client of a camera.
#[derive(Debug, Clone)]
pub(super) enum Live {
    Unit { packets: Arc<Packets>, key: bool },
    Sound(Arc<Packets>),
    Report(Bytes),
}

/// Where the stream stands: what the next packet will carry.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Position {
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
}

/// A mount in operation, shared by its player, its clients' connections, and the control.
#[derive(Debug)]
pub(super) struct Camera {
    pub(super) mount: Mount,
    pub(super) counts: watch::Sender<Counts>,
    pub(super) paused: watch::Sender<bool>,
    state: Mutex<State>,
    live: broadcast::Sender<Live>,
}

#[derive(Debug)]
struct State {
    clip: Arc<Clip>,
    fault: Option<Fault>,
    position: Position,
}

impl Camera {
    pub(super) fn new(mount: Mount) -> Self {
        let state = State { clip: mount.clip.clone(), fault: mount.fault, position: Position::default() };
        Self {
            mount,
            counts: watch::Sender::default(),
            paused: watch::Sender::default(),
            state: Mutex::new(state),
            live: broadcast::Sender::new(LAG),
        }
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        self.state.lock().fault
    }

    pub(super) fn set_fault(&self, fault: Option<Fault>) {
        self.state.lock().fault = fault;
    }

    pub(super) fn clip(&self) -> Arc<Clip> {
        self.state.lock().clip.clone()
    }

    pub(super) fn replace_clip(&self, clip: Arc<Clip>) {
        self.state.lock().clip = clip;
    }

    pub(super) fn position(&self) -> Position {
        self.state.lock().position
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(change);
    }

    /// Joins the stream; the position is exactly that of the first unit the receiver will get.
    pub(super) fn join(&self) -> (broadcast::Receiver<Live>, Position) {
        let state = self.state.lock();
        (self.live.subscribe(), state.position)
    }

    pub(super) fn is_watched(&self) -> bool {
        self.live.receiver_count() > 0
    }

    /// Sends to all clients and moves the position on, both at once for those who join.
    pub(super) fn publish(&self, live: impl IntoIterator<Item = Live>, position: Position) {
        let mut state = self.state.lock();
        state.position = position;
        for item in live {
            // No client is no error: a camera streams whether or not somebody looks.
            let _ = self.live.send(item);
        }
    }
}
