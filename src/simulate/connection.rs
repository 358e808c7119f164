//! One client's connection: bytes in and out around a [`Conversation`].

use std::{future::pending, io, sync::Arc, time::Duration};

use bytes::{Buf as _, Bytes, BytesMut};
use rtsp_types::{Message, ParseError, Request, Response};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    sync::broadcast::{self, error::RecvError},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    Fault,
    camera::{Camera, Live},
    conversation::{Consequence, Conversation, Delivery, answer_without_camera},
    packetize::{Packets, goodbye},
    server::Cameras,
};

/// The largest request; a client's RTSP requests are a few hundred bytes.
const MAX_REQUEST: usize = 16 << 10;

/// How long a client may leave what it is sent unread before it is dropped.
const WRITE_DEADLINE: Duration = Duration::from_secs(5);

/// Datagrams sent back to back; a key frame sent all at once overflows a receiver's usual buffer of 208 KiB.
const BURST: usize = 32;

/// The two sockets through which all sessions over UDP are served.
#[derive(Debug)]
pub(super) struct Udp {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    pub(super) ports: (u16, u16),
}

/// Serves one client until it goes, errs or is dropped.
pub(super) async fn serve(stream: TcpStream, cameras: Arc<Cameras>, udp: Arc<Udp>) {
    let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else {
        return; // It is gone already.
    };
    // One write is one access unit: nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    let conversation = Conversation::new(peer.ip(), local, udp.ports);
    let connection = Connection {
        stream,
        buffer: BytesMut::with_capacity(2048),
        conversation,
        cameras,
        udp,
        camera: None,
        viewer: None,
        heard: Instant::now(),
    };
    match connection.run().await {
        Ok(()) => tracing::debug!(%peer, "client gone"),
        Err(error) => tracing::debug!(%peer, %error, "client gone"),
    }
}

struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
    conversation: Conversation,
    cameras: Arc<Cameras>,
    udp: Arc<Udp>,
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
    sent: u64,
    waits_for_key: bool,
}

enum Next {
    Heard(usize),
    Live(Result<Live, RecvError>),
    TimedOut,
}

impl Connection {
    async fn run(mut self) -> io::Result<()> {
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
        let (patience, fault) = self.camera.as_ref().map_or((Duration::from_secs(60), None), |attached| {
            (attached.camera.mount.session_timeout, attached.camera.fault())
        });
        let deadline = self.heard + patience;
        let live = async {
            match &mut self.viewer {
                Some(viewer) => viewer.live.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            read = self.stream.read_buf(&mut self.buffer) => read.map(Next::Heard),
            live = live => Ok(Next::Live(live)),
            () = sleep_until(deadline), if fault != Some(Fault::NeverAnswer) => Ok(Next::TimedOut),
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
        let named = request.request_uri().and_then(|url| self.cameras.at(url.path()));
        if let Some(camera) = named.filter(|camera| !self.is_attached_to(camera)) {
            self.viewer = None;
            self.camera = Some(Attached::to(camera.clone()));
        }
        let Some(attached) = &mut self.camera else {
            return self.write(&serialize(&answer_without_camera(request))).await;
        };
        let camera = attached.camera.clone();
        // Subscribed before the answer is written, so that the answer names the first packet.
        let (live, position) = camera.join();
        let (response, consequence) = self.conversation.answer(request, &camera, position);
        match consequence {
            Consequence::SetUp => attached.set(true, false),
            Consequence::Pause => attached.set(true, false),
            Consequence::TornDown => attached.set(false, false),
            Consequence::Play(_) => attached.set(true, true),
            Consequence::Nothing => {}
        }
        let waits_for_key = camera.mount.start_at_key_frame;
        match consequence {
            Consequence::Play(delivery) => self.viewer = Some(Viewer { live, delivery, sent: 0, waits_for_key }),
            Consequence::Pause | Consequence::TornDown => self.viewer = None,
            Consequence::SetUp | Consequence::Nothing => {}
        }
        self.respond(camera.fault(), &response).await?;
        match consequence {
            Consequence::Play(_) => camera.count(|counts| counts.played += 1),
            Consequence::TornDown => camera.count(|counts| counts.torn_down += 1),
            _ => {}
        }
        tracing::debug!(camera = camera.mount.name, method = ?request.method(), status = ?response.status(), "answered");
        Ok(())
    }

    fn is_attached_to(&self, camera: &Arc<Camera>) -> bool {
        self.camera.as_ref().is_some_and(|attached| Arc::ptr_eq(&attached.camera, camera))
    }

    /// Sends an answer, or what the camera says in its place.
    async fn respond(&mut self, fault: Option<Fault>, response: &Response<Vec<u8>>) -> io::Result<()> {
        let bytes = serialize(response);
        match fault {
            Some(Fault::NeverAnswer) => Ok(()),
            Some(Fault::SlowHeaders) => {
                for byte in bytes {
                    self.write(&[byte]).await?;
                    sleep(Duration::from_secs(1)).await;
                }
                Ok(())
            }
            Some(Fault::EndlessHeader) => {
                self.write(b"RTSP/1.0 200 OK\r\nX-Padding: ").await?;
                // Slow and bounded for the sake of the machine that a careless client shares with its test.
                for _ in 0..16_384 {
                    self.write(&[b'a'; 65_536]).await?;
                    sleep(Duration::from_millis(50)).await;
                }
                Ok(())
            }
            Some(Fault::HugeContentLength) => {
                let header = response.header(&rtsp_types::headers::CSEQ).map_or("1", |header| header.as_str());
                let head = format!(
                    "RTSP/1.0 200 OK\r\nCSeq: {header}\r\nContent-Type: application/sdp\r\nContent-Length: 4294967295\r\n\r\nv=0\r\n"
                );
                self.write(head.as_bytes()).await
            }
            Some(Fault::NotRtsp) => {
                let mut noise = [0; 512];
                fastrand::fill(&mut noise);
                // Never '$' or 'R' first: it must not pass for media or for an answer's first letter by chance.
                noise[0] = 0xFF;
                self.write(&noise).await
            }
            _ => self.write(&bytes).await,
        }
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
                self.send_report(delivery, report).await?;
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
                        self.stream.set_zero_linger()?;
                        return Ok(true);
                    }
                    Some(Fault::StreamEnd(n)) if sent >= n => {
                        self.send_report(delivery, goodbye(camera.position().ssrc)).await?;
                        return Ok(true);
                    }
                    Some(Fault::MidFrameCut(n)) if sent >= n => {
                        self.send_part(delivery, &packets).await?;
                        return Ok(true);
                    }
                    _ => {}
                }
                viewer.sent += 1;
                self.send_unit(delivery, &packets).await?;
                camera.count(|counts| counts.units_sent += 1);
                Ok(false)
            }
        }
    }

    async fn send_unit(&mut self, delivery: Delivery, packets: &Packets) -> io::Result<()> {
        match delivery {
            Delivery::Interleaved { rtp, .. } => self.write(&packets.interleaved(rtp)).await,
            Delivery::Udp { rtp, .. } => {
                for (i, datagram) in packets.datagrams().enumerate() {
                    if i > 0 && i % BURST == 0 {
                        sleep(Duration::from_millis(1)).await;
                    }
                    // A datagram that cannot be sent is lost, as on any network.
                    let _ = self.udp.rtp.send_to(datagram, rtp).await;
                }
                Ok(())
            }
        }
    }

    async fn send_part(&mut self, delivery: Delivery, packets: &Packets) -> io::Result<()> {
        match delivery {
            Delivery::Interleaved { rtp, .. } => {
                let unit = packets.interleaved(rtp);
                self.write(&unit[..unit.len() / 2]).await
            }
            Delivery::Udp { rtp, .. } => {
                for datagram in packets.datagrams().take(packets.datagrams().len() / 2) {
                    let _ = self.udp.rtp.send_to(datagram, rtp).await;
                }
                Ok(())
            }
        }
    }

    async fn send_report(&mut self, delivery: Delivery, report: Bytes) -> io::Result<()> {
        match delivery {
            Delivery::Interleaved { rtcp, .. } => {
                let mut framed =
                    vec![b'$', rtcp, 0, u8::try_from(report.len()).expect("a report has 28 bytes at most")];
                framed.extend_from_slice(&report);
                self.write(&framed).await
            }
            Delivery::Udp { rtcp, .. } => {
                let _ = self.udp.rtcp.send_to(&report, rtcp).await;
                Ok(())
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Ok(written) = timeout(WRITE_DEADLINE, self.stream.write_all(bytes)).await else {
            self.count(|counts| counts.clients_dropped += 1);
            return Err(io::ErrorKind::TimedOut.into());
        };
        written
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

fn serialize(response: &Response<Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    response.write(&mut bytes).expect("writing to memory does not fail");
    bytes
}
