//! One connection that publishes. With `hearing`, the only file that knows rml_rtmp.

use std::{collections::VecDeque, io, time::Duration};

use rml_rtmp::{
    handshake::{Handshake, HandshakeProcessResult, PeerType},
    sessions::{
        ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult, PublishRequestType, StreamMetadata,
    },
    time::RtmpTimestamp,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    super::{Cue, Layout, flv},
    hearing::Hearing,
};
use crate::settings::RelayTarget;

/// Why a camera cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub enum RelayFault {
    /// The connection fails.
    #[error("the connection fails: {0}")]
    Connection(#[from] io::Error),
    /// A step was not answered in time, or what was sent was not taken.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// The server says no, in its own words.
    #[error("the server refuses: {0}")]
    Refused(String),
    /// The server hung up.
    #[error("the server closed the connection")]
    Closed,
    /// It does not speak RTMP.
    #[error("the server does not speak RTMP as expected: {0}")]
    Protocol(String),
}

/// A connection that publishes a stream.
pub(super) struct Publication {
    stream: TcpStream,
    session: ClientSession,
    input: Vec<u8>,
    events: VecDeque<ClientSessionEvent>,
    /// Answers to what the server said, to be sent before anything else: their headers are counted already.
    answers: Vec<u8>,
    hearing: Hearing,
    now_ms: u32,
}

impl Publication {
    const READ: usize = 4096;
    /// Connects, and is allowed to publish. The deadline is the caller's.
    pub(super) async fn open(target: &RelayTarget) -> Result<Self, RelayFault> {
        // A server may repeat what it was asked.
        Self::ask(target).await.map_err(|fault| match fault {
            RelayFault::Refused(said) => RelayFault::Refused(target.mask(&said).chars().take(80).collect()),
            fault => fault,
        })
    }

    async fn ask(target: &RelayTarget) -> Result<Self, RelayFault> {
        let mut stream = TcpStream::connect(target.address()).await?;
        stream.set_nodelay(true)?;
        let rest = shake_hands(&mut stream).await?;
        let mut config = ClientSessionConfig::new();
        config.tc_url = Some(target.application());
        let (session, first) = ClientSession::new(config).map_err(protocol)?;
        let input = vec![0; Self::READ];
        let mut it = Self {
            stream,
            session,
            input,
            events: VecDeque::new(),
            answers: Vec::new(),
            hearing: Hearing::new(),
            now_ms: 0,
        };
        it.work_off(first).await?;
        it.hearing.check(&rest)?;
        let told = it.session.handle_input(&rest).map_err(protocol)?;
        it.work_off(told).await?;

        let asked = it.session.request_connection(target.app().to_owned()).map_err(protocol)?;
        it.work_off(vec![asked]).await?;
        it.until(|event| matches!(event, ClientSessionEvent::ConnectionRequestAccepted)).await?;
        let key = target.key().to_owned();
        let asked = it.session.request_publishing(key, PublishRequestType::Live).map_err(protocol)?;
        it.work_off(vec![asked]).await?;
        it.until(|event| matches!(event, ClientSessionEvent::PublishRequestAccepted)).await?;
        Ok(it)
    }

    /// Sends a piece; says how many bytes that were.
    pub(super) async fn send(&mut self, cue: &Cue) -> Result<usize, RelayFault> {
        let mut body = Vec::new();
        let message = match cue {
            Cue::Layout(layout) => return self.send_layout(layout).await,
            Cue::Picture { piece, time } => {
                let Some(picture) = piece.picture() else { return Ok(0) };
                self.now_ms = flv::milliseconds(time.decode);
                flv::write_picture(&mut body, picture, *time);
                self.session.publish_video_data(body.into(), RtmpTimestamp::new(self.now_ms), false)
            }
            Cue::Sound { piece, at } => {
                flv::write_sound(&mut body, piece.data());
                self.session.publish_audio_data(body.into(), RtmpTimestamp::new(flv::milliseconds(*at)), false)
            }
        };
        let message = message.map_err(protocol)?;
        self.work_off(vec![message]).await
    }

    async fn send_layout(&mut self, layout: &Layout) -> Result<usize, RelayFault> {
        let now = RtmpTimestamp::new(self.now_ms);
        let mut facts = StreamMetadata::new();
        facts.video_width = Some(layout.video.width.into());
        facts.video_height = Some(layout.video.height.into());
        facts.video_codec_id = Some(7);
        let mut messages = Vec::new();
        let mut header = Vec::new();
        flv::write_video_header(&mut header, &layout.video);
        if let Some(sound) = &layout.sound {
            facts.audio_codec_id = Some(10);
            facts.audio_sample_rate = Some(sound.sample_rate);
            facts.audio_channels = Some(sound.channels.into());
        }
        messages.push(self.session.publish_metadata(&facts).map_err(protocol)?);
        messages.push(self.session.publish_video_data(header.into(), now, false).map_err(protocol)?);
        if let Some(sound) = &layout.sound {
            let mut header = Vec::new();
            flv::write_sound_header(&mut header, sound);
            messages.push(self.session.publish_audio_data(header.into(), now, false).map_err(protocol)?);
        }
        self.work_off(messages).await
    }

    /// Takes in what the server says. May be cut short at any time: it answers with the next piece.
    pub(super) async fn listen(&mut self) -> Result<(), RelayFault> {
        let n = self.stream.read(&mut self.input).await?;
        if n == 0 {
            return Err(RelayFault::Closed);
        }
        self.hearing.check(&self.input[..n])?;
        let told = self.session.handle_input(&self.input[..n]).map_err(protocol)?;
        self.take(told);
        Ok(())
    }

    /// Says that there is no more.
    pub(super) async fn close(mut self) -> Result<(), RelayFault> {
        let goodbye = self.session.stop_publishing().map_err(protocol)?;
        self.work_off(goodbye).await?;
        Ok(self.stream.shutdown().await?)
    }

    async fn until(&mut self, wanted: fn(&ClientSessionEvent) -> bool) -> Result<(), RelayFault> {
        loop {
            while let Some(event) = self.events.pop_front() {
                if wanted(&event) {
                    return Ok(());
                }
                let refused = match event {
                    ClientSessionEvent::ConnectionRequestRejected { description } => description,
                    ClientSessionEvent::UnhandleableOnStatusCode { code } => code,
                    _ => continue,
                };
                return Err(RelayFault::Refused(refused));
            }
            self.answer().await?;
            self.listen().await?;
        }
    }

    /// Sends what is to be sent and keeps what is to be known.
    async fn work_off(&mut self, results: Vec<ClientSessionResult>) -> Result<usize, RelayFault> {
        self.take(results);
        self.answer().await
    }

    fn take(&mut self, results: Vec<ClientSessionResult>) {
        const MOST_EVENTS: usize = 16;
        for result in results {
            match result {
                ClientSessionResult::OutboundResponse(packet) => self.answers.extend(packet.bytes),
                ClientSessionResult::RaisedEvent(event) if self.events.len() < MOST_EVENTS => {
                    self.events.push_back(event);
                }
                ClientSessionResult::RaisedEvent(_) | ClientSessionResult::UnhandleableMessageReceived(_) => {}
            }
        }
    }

    async fn answer(&mut self) -> Result<usize, RelayFault> {
        let out = std::mem::take(&mut self.answers);
        self.stream.write_all(&out).await?;
        Ok(out.len())
    }
}

async fn shake_hands(stream: &mut TcpStream) -> Result<Vec<u8>, RelayFault> {
    let mut handshake = Handshake::new(PeerType::Client);
    stream.write_all(&handshake.generate_outbound_p0_and_p1().map_err(protocol)?).await?;
    let mut input = vec![0; Publication::READ];
    loop {
        let n = stream.read(&mut input).await?;
        if n == 0 {
            return Err(RelayFault::Closed);
        }
        match handshake.process_bytes(&input[..n]).map_err(protocol)? {
            HandshakeProcessResult::InProgress { response_bytes } => stream.write_all(&response_bytes).await?,
            HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                stream.write_all(&response_bytes).await?;
                return Ok(remaining_bytes);
            }
        }
    }
}

pub(super) fn protocol(error: impl std::fmt::Debug) -> RelayFault {
    RelayFault::Protocol(format!("{error:?}").chars().take(200).collect())
}
