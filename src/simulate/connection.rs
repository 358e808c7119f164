//! One client's connection: bytes in and out around a [`Conversation`].

use std::{future::pending, io, sync::Arc, time::Duration};

use bytes::{Buf as _, BytesMut};
use rtsp_types::{Message, ParseError, Request};
use tokio::{
    io::AsyncReadExt as _,
    net::TcpStream,
    sync::broadcast::{self, error::RecvError},
    time::{Instant, sleep_until},
};

use super::{
    Fault,
    camera::{Camera, Live},
    conversation::{Consequence, Conversation, Delivery, answer_without_camera},
    packetize::goodbye,
    server::Cameras,
    wire::{Udp, Wire, serialize},
};

/// The largest request; a client's RTSP requests are a few hundred bytes.
const MAX_REQUEST: usize = 16 << 10;

/// How long a client may keep still before it has named a camera.
const IDLE: Duration = Duration::from_secs(60);

/// Serves one client until it goes, errs or is dropped.
pub(super) async fn serve(stream: TcpStream, cameras: Arc<Cameras>, udp: Arc<Udp>) {
    let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else {
        return; // It is gone already.
    };
    // One write is one access unit: nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    let conversation = Conversation::new(peer.ip(), local, udp.ports);
    let mut connection = Connection {
        wire: Wire { stream, udp },
        buffer: BytesMut::with_capacity(2048),
        conversation,
        cameras,
        camera: None,
        viewer: None,
        heard: Instant::now(),
    };
    match connection.run().await {
        Ok(()) => tracing::debug!(%peer, "client gone"),
        Err(error) => {
            if error.kind() == io::ErrorKind::TimedOut {
                connection.count(|counts| counts.clients_dropped += 1);
            }
            tracing::debug!(%peer, %error, "client gone");
        }
    }
}

struct Connection {
    wire: Wire,
    buffer: BytesMut,
    conversation: Conversation,
    cameras: Arc<Cameras>,
    camera: Option<Attached>,
    viewer: Option<Viewer>,
    heard: Instant,
}

/// The camera that a connection named; what it counts there goes with it, however the connection ends.
struct Attached {
    camera: Arc<Camera>,
    session: bool,
    playing: bool,
}

/// A playing session.
struct Viewer {
    live: broadcast::Receiver<Live>,
    delivery: Delivery,
    sound: Option<Delivery>,
    sent: u64,
    waits_for_key: bool,
}

enum Next {
    Heard(usize),
    Live(Result<Live, RecvError>),
    TimedOut,
}

impl Connection {
    async fn run(&mut self) -> io::Result<()> {
        loop {
            while let Some(message) = self.parse()? {
                if let Message::Request(request) = message {
                    self.heed(&request).await?;
                }
            }
            match self.next().await? {
                Next::Heard(0) => return Ok(()),
                Next::Heard(_) => self.heard = Instant::now(),
                Next::Live(live) => {
                    if self.show(live).await? {
                        return Ok(());
                    }
                }
                Next::TimedOut => {
                    if self.conversation.has_session() {
                        self.count(|counts| counts.timed_out += 1);
                    }
                    return Ok(());
                }
            }
        }
    }

    async fn next(&mut self) -> io::Result<Next> {
        if self.buffer.len() >= MAX_REQUEST {
            return Err(io::Error::other("a request of more than 16 KiB"));
        }
        let camera = self.camera.as_ref().map(|attached| &attached.camera);
        let patience = camera.map_or(IDLE, |camera| camera.mount.session_timeout);
        let is_patient =
            camera.is_some_and(|camera| matches!(camera.fault(), Some(Fault::NeverAnswer | Fault::NoKeepAlive)));
        let deadline = self.heard + patience;
        let live = async {
            match &mut self.viewer {
                Some(viewer) => viewer.live.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            read = self.wire.stream.read_buf(&mut self.buffer) => read.map(Next::Heard),
            live = live => Ok(Next::Live(live)),
            () = sleep_until(deadline), if !is_patient => Ok(Next::TimedOut),
        }
    }

    fn parse(&mut self) -> io::Result<Option<Message<Vec<u8>>>> {
        while self.buffer.starts_with(b"\r\n") {
            self.buffer.advance(2);
        }
        if self.buffer.is_empty() {
            return Ok(None);
        }
        match Message::parse(&self.buffer[..]) {
            Ok((message, consumed)) => {
                self.buffer.advance(consumed);
                Ok(Some(message))
            }
            Err(ParseError::Incomplete(_)) => Ok(None),
            Err(ParseError::Error) => Err(io::Error::other("not RTSP")),
        }
    }

    async fn heed(&mut self, request: &Request<Vec<u8>>) -> io::Result<()> {
        let path = request.request_uri().map_or("", |url| url.path());
        if let Some(camera) = self.cameras.at(path) {
            if !self.is_attached_to(camera) {
                self.viewer = None;
                self.conversation.forget_session();
                self.camera = Some(Attached::to(camera.clone()));
            }
        } else if !path.trim_matches('/').is_empty() {
            return self.wire.write(&serialize(&answer_without_camera(request))).await;
        }
        let Some(attached) = &mut self.camera else {
            return self.wire.write(&serialize(&answer_without_camera(request))).await;
        };
        let camera = attached.camera.clone();
        if self.conversation.ignores(request, camera.fault()) {
            return Ok(());
        }
        // Subscribed before the answer is written, so that the answer names the first packet.
        let (live, position) = camera.join();
        let (response, consequence) = self.conversation.answer(request, &camera, position);
        match consequence {
            Consequence::Nothing => {}
            Consequence::SetUp | Consequence::Pause => {
                attached.set(true, false);
                self.viewer = None;
            }
            Consequence::TornDown => {
                attached.set(false, false);
                self.viewer = None;
            }
            Consequence::Play { pictures, sound } => {
                attached.set(true, true);
                let waits_for_key = camera.mount.start_at_key_frame;
                self.viewer = Some(Viewer { live, delivery: pictures, sound, sent: 0, waits_for_key });
            }
        }
        self.wire.respond(camera.fault(), &response).await?;
        match consequence {
            Consequence::Play { .. } => camera.count(|counts| counts.played += 1),
            Consequence::TornDown => camera.count(|counts| counts.torn_down += 1),
            _ => {}
        }
        tracing::debug!(camera = camera.mount.name, method = ?request.method(), status = ?response.status(), "answered");
        Ok(())
    }

    fn is_attached_to(&self, camera: &Arc<Camera>) -> bool {
        self.camera.as_ref().is_some_and(|attached| Arc::ptr_eq(&attached.camera, camera))
    }

    /// Passes on what the camera sends. True if that ends the connection.
    async fn show(&mut self, live: Result<Live, RecvError>) -> io::Result<bool> {
        let (Some(viewer), Some(attached)) = (&mut self.viewer, &self.camera) else {
            return Ok(false);
        };
        let (camera, delivery) = (attached.camera.clone(), viewer.delivery);
        match live {
            Err(RecvError::Closed) => Ok(true),
            Err(RecvError::Lagged(units)) => {
                viewer.waits_for_key = true;
                camera.count(|counts| counts.units_skipped += units);
                Ok(false)
            }
            Ok(Live::Report(report)) => {
                self.wire.send_report(delivery, report).await?;
                Ok(false)
            }
            Ok(Live::Sound(packets)) => {
                if let Some(sound) = viewer.sound.filter(|_| !viewer.waits_for_key) {
                    self.wire.send_unit(sound, &packets).await?;
                }
                Ok(false)
            }
            Ok(Live::Unit { packets, key }) => {
                if viewer.waits_for_key && !key {
                    return Ok(false);
                }
                viewer.waits_for_key = false;
                let sent = viewer.sent;
                match camera.fault() {
                    Some(Fault::Silence | Fault::AudioOnly) => return Ok(false),
                    Some(Fault::SilenceAfter(n)) if sent >= n => return Ok(false),
                    Some(Fault::Reset(n)) if sent >= n => {
                        self.wire.stream.set_zero_linger()?;
                        return Ok(true);
                    }
                    Some(Fault::StreamEnd(n)) if sent >= n => {
                        self.wire.send_report(delivery, goodbye(camera.position().ssrc)).await?;
                        return Ok(true);
                    }
                    Some(Fault::MidFrameCut(n)) if sent >= n => {
                        self.wire.send_part(delivery, &packets).await?;
                        return Ok(true);
                    }
                    _ => {}
                }
                viewer.sent += 1;
                self.wire.send_unit(delivery, &packets).await?;
                camera.count(|counts| counts.units_sent += 1);
                Ok(false)
            }
        }
    }

    fn count(&self, change: impl FnOnce(&mut super::Counts)) {
        if let Some(attached) = &self.camera {
            attached.camera.count(change);
        }
    }
}

impl Attached {
    fn to(camera: Arc<Camera>) -> Self {
        camera.count(|counts| {
            counts.connections += 1;
            counts.accepted += 1;
        });
        Self { camera, session: false, playing: false }
    }

    fn set(&mut self, session: bool, playing: bool) {
        let before = (self.session, self.playing);
        (self.session, self.playing) = (session, playing);
        if before != (session, playing) {
            self.camera.count(|counts| {
                counts.sessions = counts.sessions + usize::from(session) - usize::from(before.0);
                counts.playing = counts.playing + usize::from(playing) - usize::from(before.1);
            });
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.set(false, false);
        self.camera.count(|counts| counts.connections -= 1);
    }
}
