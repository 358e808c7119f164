//! The only folder that knows retina.

mod answers;
mod damage;
mod sound;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, Stream, future::LocalBoxFuture};
use retina::{
    client::{
        Credentials, Demuxed, Described, InitialTimestampPolicy, PlayOptions, Session, SessionGroup, SessionOptions,
        SetupOptions, TcpTransportOptions, TeardownPolicy, Transport, UdpTransportOptions, UnknownRtcpSsrcPolicy,
    },
    codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame, VideoParameters, VideoParametersCodec},
};
use tokio::time::{Instant, timeout};

use self::{
    answers::{fault, first_line, is_about, is_unanswered_keep_alive},
    damage::{Damage, Part},
    sound::{SoundStream, set_up_sound},
};
use super::{Fault, Heard, Source, Video, parameters::check_decodable};
use crate::{
    media::{AccessUnit, Sound, nal_units},
    settings,
    status::LeftOut,
    words::Moment,
};

/// Connects to a real camera: DESCRIBE, SETUP of its first H.264 stream, PLAY, each with a deadline.
pub fn connect_rtsp(camera: Arc<settings::Camera>) -> LocalBoxFuture<'static, Result<Box<dyn Source>, Fault>> {
    async move {
        let silent = (!camera.sound).then_some(LeftOut::Settings);
        let source = match connect_once(&camera, silent).await {
            Err(Unconnected::BySound(fault)) => {
                tracing::debug!(camera = %camera.id, reason = %fault.message(), "once more, without sound");
                connect_once(&camera, Some(LeftOut::Refused)).await
            }
            other => other,
        };
        match source {
            Ok(source) => Ok(Box::new(source) as Box<dyn Source>),
            Err(Unconnected::By(fault) | Unconnected::BySound(fault)) => Err(fault),
        }
    }
    .boxed_local()
}

async fn connect_once(camera: &settings::Camera, silent: Option<LeftOut>) -> Result<RtspSource, Unconnected> {
    let group = Arc::new(SessionGroup::default());
    let source = connect(camera, silent, Arc::clone(&group)).await;
    if source.is_err() {
        // A session that was set up and did not play is one that the camera still counts.
        say_goodbye(&group).await;
    }
    source
}

/// What kept a stream from beginning.
enum Unconnected {
    By(Fault),
    /// Asking for the sound: without it there may be pictures.
    BySound(Fault),
}

impl From<Fault> for Unconnected {
    fn from(fault: Fault) -> Self {
        Self::By(fault)
    }
}

struct RtspSource {
    demuxed: Pin<Box<Demuxed>>,
    stream: usize,
    heard: Option<Heard>,
    sound: Option<SoundStream>,
    group: Arc<SessionGroup>,
    damage: Damage,
    /// What the parameter sets last seen amount to; checked when they change, not at each frame.
    video: Result<Option<Video>, Fault>,
}

/// How long one goodbye may take.
const TEARDOWN_DEADLINE: Duration = Duration::from_secs(2);

async fn connect(
    camera: &settings::Camera,
    silent: Option<LeftOut>,
    group: Arc<SessionGroup>,
) -> Result<RtspSource, Unconnected> {
    let credentials = camera
        .credentials
        .as_ref()
        .map(|c| Credentials { username: c.username.clone(), password: c.password.expose().to_owned() });
    let options = SessionOptions::default()
        .creds(credentials)
        .user_agent(concat!("lookout/", env!("CARGO_PKG_VERSION")).to_owned())
        .session_group(Arc::clone(&group))
        .teardown(TeardownPolicy::Always);

    let limit = camera.connect_timeout;
    let mut session = match timeout(limit, Session::describe(camera.url.clone(), options)).await {
        Ok(answer) => answer.map_err(|e| fault("DESCRIBE", &e))?,
        Err(_) => return Err(diagnose_silence(camera).await.into()),
    };
    let stream = choose_stream(&session)?;
    let transport = match camera.transport {
        settings::Transport::Tcp => Transport::Tcp(TcpTransportOptions::default()),
        settings::Transport::Udp => Transport::Udp(UdpTransportOptions::default()),
    };
    // SIMPLE: Annex B, parameter sets in front of each key frame, so that a key frame decodes alone.
    let setup = |format| SetupOptions::default().transport(transport.clone()).frame_format(format);
    step("SETUP", limit, session.setup(stream, setup(FrameFormat::SIMPLE))).await?;
    let heard = set_up_sound(camera, silent, &mut session, setup(FrameFormat::MP4)).await;
    let (heard, sound) = heard.map_err(Unconnected::BySound)?;
    // Lenient, as cameras are careless with RTP-Info and RTCP. No limit on timestamp jumps: with B-frames
    // presentation times go back at every second frame.
    let play = PlayOptions::default()
        .initial_timestamp(InitialTimestampPolicy::Permissive)
        .unknown_rtcp_ssrc(UnknownRtcpSsrcPolicy::DropPackets);
    let playing = step("PLAY", limit, session.play(play)).await?;
    let demuxed = playing.demuxed().map_err(|e| fault("PLAY", &e))?;
    let demuxed = Box::pin(demuxed);
    let mut source = RtspSource { demuxed, stream, heard, sound, group, damage: Damage::default(), video: Ok(None) };
    source.read_parameters();
    Ok(source)
}

async fn step<T>(
    step: &'static str,
    within: Duration,
    answer: impl Future<Output = Result<T, retina::Error>>,
) -> Result<T, Fault> {
    match timeout(within, answer).await {
        Ok(answer) => answer.map_err(|e| fault(step, &e)),
        Err(_) => Err(Fault::Timeout { step, within }),
    }
}

/// Connecting and DESCRIBE are one step of the library. After its deadline, a bare connection tells which of them hung.
async fn diagnose_silence(camera: &settings::Camera) -> Fault {
    let within = camera.connect_timeout;
    let (host, port) = (camera.url.host_str().unwrap_or_default(), camera.url.port().unwrap_or(554));
    let address = (host.trim_matches(['[', ']']).to_owned(), port);
    match timeout(Duration::from_secs(1), tokio::net::TcpStream::connect(address)).await {
        Ok(Ok(_)) => Fault::Timeout { step: "DESCRIBE", within },
        _ => Fault::Unreachable(format!("no answer within {} s", within.as_secs_f32())),
    }
}

fn choose_stream(session: &Session<Described>) -> Result<usize, Fault> {
    let streams = session.streams();
    if let Some(i) = streams.iter().position(|s| s.media() == "video" && s.encoding_name() == "h264") {
        return Ok(i);
    }
    if let Some(other) = streams.iter().find(|s| s.media() == "video") {
        let name = short(other.encoding_name()).to_uppercase();
        let name = if name == "H265" { "H.265".into() } else { name };
        return Err(Fault::Unsupported(format!("{name}, not H.264")));
    }
    let offered = streams.iter().take(8).map(|s| format!("{}/{}", short(s.media()), short(s.encoding_name())));
    let offered: Vec<_> = offered.collect();
    Err(Fault::NoVideo { offered: if offered.is_empty() { "nothing".into() } else { offered.join(", ") } })
}

/// What a camera says of itself, without what no name needs.
fn short(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(16).collect()
}

impl RtspSource {
    fn read_parameters(&mut self) {
        let Some(ParametersRef::Video(p)) = self.demuxed.streams()[self.stream].parameters() else {
            return;
        };
        self.video = video(p).map(Some);
    }

    /// None where there is no picture in it.
    fn access_unit(&mut self, frame: VideoFrame) -> Option<AccessUnit> {
        if frame.has_new_parameters() || matches!(self.video, Ok(None)) {
            self.read_parameters();
        }
        let lost_packets = self.damage.lost_before(frame.loss(), has_picture(&frame))?;
        Some(AccessUnit {
            timestamp: frame.timestamp().elapsed(),
            received: Moment::now(),
            key: frame.is_random_access_point(),
            disposable: frame.is_disposable(),
            lost_packets,
            data: frame.into_data().into(),
        })
    }

    /// What an error took its packet from.
    fn damaged_part(&self, error: &retina::Error) -> Part {
        let mut others = self.demuxed.streams().iter().enumerate().filter(|(stream, _)| *stream != self.stream);
        if others.any(|(_, other)| is_about(error, other)) { Part::Sound } else { Part::Pictures }
    }
}

/// What a stream's parameter sets say.
fn video(parameters: &VideoParameters) -> Result<Video, Fault> {
    let reorder = match parameters.codec_params() {
        VideoParametersCodec::H264 { sps, .. } => check_decodable(sps)?,
        _ => None,
    };
    let (width, height) = parameters.pixel_dimensions();
    Ok(Video { codec: parameters.rfc6381_codec().to_owned(), width, height, reorder })
}

/// Some cameras mark what stands beside pictures (delimiters, fillers) as if it were one. To the library such a unit is a point
/// of random access, as is all that has no slice of another kind (H.264, table 7-1) than an IDR picture's: 5.
fn has_picture(frame: &VideoFrame) -> bool {
    let is_idr_slice = |nal: &[u8]| nal.first().is_some_and(|head| head & 0x1f == 5);
    !frame.is_random_access_point() || nal_units(frame.data()).any(is_idr_slice)
}

impl Source for RtspSource {
    fn poll_unit(&mut self, context: &mut Context<'_>) -> Poll<Result<AccessUnit, Fault>> {
        loop {
            return match self.demuxed.as_mut().poll_next(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Some(Ok(CodecItem::VideoFrame(frame)))) if frame.stream_id() == self.stream => {
                    match self.access_unit(frame) {
                        Some(unit) => Poll::Ready(Ok(unit)),
                        None => continue,
                    }
                }
                Poll::Ready(Some(Ok(CodecItem::AudioFrame(frame)))) => {
                    if let Some(sound) = &mut self.sound {
                        sound.take_in(&frame);
                    }
                    continue;
                }
                Poll::Ready(Some(Ok(_))) => continue,
                // No reason to cut a stream that flows: whether it does, the stall time-out knows. The library has looked
                // at the socket before it says so, and what comes there wakes us.
                Poll::Ready(Some(Err(error))) if is_unanswered_keep_alive(&error) => Poll::Pending,
                Poll::Ready(Some(Err(error))) => {
                    let part = self.damaged_part(&error);
                    match self.damage.note(fault("the stream", &error), part, Instant::now()) {
                        Some(fault) => Poll::Ready(Err(fault)),
                        None => continue,
                    }
                }
                Poll::Ready(None) => Poll::Ready(Err(self.damage.take_last().unwrap_or(Fault::Ended))),
            };
        }
    }

    fn video(&self) -> Result<Option<Video>, Fault> {
        self.video.clone()
    }

    fn heard(&self) -> Option<Heard> {
        self.heard.clone()
    }

    fn take_sound(&mut self) -> Vec<Sound> {
        self.sound.as_mut().map(SoundStream::take).unwrap_or_default()
    }

    fn close(self: Box<Self>) -> LocalBoxFuture<'static, ()> {
        let group = Arc::clone(&self.group);
        drop(self); // starts the TEARDOWN in the background
        async move { say_goodbye(&group).await }.boxed_local()
    }
}

/// Waits until the library has said TEARDOWN for the sessions that were dropped.
async fn say_goodbye(group: &SessionGroup) {
    match timeout(TEARDOWN_DEADLINE, group.await_teardown()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(error = %first_line(&error), "TEARDOWN failed"),
        Err(_) => tracing::debug!("TEARDOWN was not answered"),
    }
}

#[cfg(test)]
mod tests;
