//! What is said of a camera.

use std::{sync::Arc, time::Duration};

use url::Url;

use super::{Credentials, RelayTarget};
use crate::words::{CameraId, Polygon};

/// `[[cameras]]`. Its `Debug` shows no credentials.
#[derive(Clone, PartialEq)]
pub struct Camera {
    /// Its id in addresses, metrics and events.
    pub id: CameraId,
    /// Its name for people.
    pub name: Arc<str>,
    /// `rtsp://host[:port]/path`, never with credentials.
    pub url: Url,
    /// User name and password.
    pub credentials: Option<Credentials>,
    /// How media travels.
    pub transport: Transport,
    /// Time between samples.
    pub every: Duration,
    /// For each of: connecting and DESCRIBE, each SETUP, PLAY.
    pub connect_timeout: Duration,
    /// The longest silence of a running stream.
    pub stall_timeout: Duration,
    /// The longest wait for a key frame that decodes.
    pub key_frame_timeout: Duration,
    /// Lives after the first failed one that may fail in a row before it stays `failed`; 0 = for ever.
    pub max_retries: u32,
    /// Whether its sound is taken along for the live view, where it is AAC.
    pub sound: bool,
    /// Where it is passed on to.
    pub relay: Option<RelayTarget>,
    /// Whether it is started.
    pub enabled: bool,
    /// Parts of the picture with visits of their own; where there is one, only they count.
    pub zones: Vec<Zone>,
    /// When a visit starts and ends.
    pub visits: VisitRules,
    /// Pictures around the start of a visit.
    pub evidence: Evidence,
}

/// How media travels from the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Interleaved with RTSP on one connection: nothing is lost.
    Tcp,
    /// Datagrams.
    Udp,
}

/// `[[cameras.zones]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// Its name in events.
    pub name: Arc<str>,
    /// A person counts whose foot point lies inside.
    pub polygon: Polygon,
}

/// `[visits]`, or `cameras[].visits`
#[derive(Debug, Clone, PartialEq)]
pub struct VisitRules {
    /// A visit starts when this many ...
    pub hits: u32,
    /// ... of the last so many samples see a person.
    pub window: u32,
    /// It ends after this long without one.
    pub quiet: Duration,
    /// While the camera is gone a visit is kept open for this long.
    pub blind: Duration,
    /// A camera that is gone for longer than this is reported down.
    pub down_after: Duration,
    /// After a visit ended, none is started in its zone for so long.
    pub cooldown: Duration,
    /// Who stays in one place is not taken for somebody new for so long after being lost from sight; zero: off.
    pub stationary: Duration,
}

/// `[cameras.evidence]`: pictures around the start of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// How many, with the one that decided; at least one.
    pub frames: u32,
    /// Time between them.
    pub every: Duration,
}

impl Evidence {
    /// From capture to decision a sample may take so long; the stream before it must still be there.
    const LATENCY: Duration = Duration::from_secs(2);

    /// How many of the further frames are of the time before the one that decided: half.
    pub fn before(&self) -> u32 {
        self.frames.saturating_sub(1) / 2
    }

    /// So much of the stream has to be kept for them.
    pub fn lead(&self) -> Duration {
        if self.before() == 0 { Duration::ZERO } else { self.every.saturating_mul(self.before()) + Self::LATENCY }
    }
}
