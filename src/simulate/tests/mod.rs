//! The simulator against a real client, retina, and against raw sockets where a client would get in the way.

mod clips;
mod faults;
mod streaming;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures::StreamExt as _;
use retina::{
    client::{Demuxed, PlayOptions, Session, SessionOptions, SetupOptions, Transport},
    codec::{CodecItem, FrameFormat, VideoFrame},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};

use super::{Clip, Control, Fault, Mount, Simulator};
use crate::testing::asset;

/// Two seconds of 100 small pictures each, a key frame every 20.
static SMALL: LazyLock<Arc<Clip>> =
    LazyLock::new(|| Arc::new(Clip::synthetic(160, 128, 100, 2, 20).expect("it can be encoded")));

/// A running simulator; it ends with this.
struct Stage {
    address: SocketAddr,
    control: Control,
    task: JoinHandle<()>,
}

impl Stage {
    async fn new(mounts: Vec<Mount>) -> Self {
        let simulator = Simulator::bind((Ipv4Addr::LOCALHOST, 0).into(), mounts).await.expect("a free port");
        let (address, control) = (simulator.local_addr(), simulator.control());
        Self { address, control, task: tokio::spawn(simulator.run(std::future::pending())) }
    }

    /// A camera named `faulty`, and one named `sane` that shows what time it is.
    async fn with(fault: Fault) -> Self {
        let faulty = Mount { fault: Some(fault), ..Mount::new("faulty", SMALL.clone()) };
        Self::new(vec![faulty, Mount::new("sane", SMALL.clone())]).await
    }

    fn url(&self, path: &str) -> url::Url {
        format!("rtsp://{}/{path}", self.address).parse().expect("a URL")
    }

    async fn view(&self, path: &str) -> Result<Demuxed, retina::Error> {
        view(self.url(path), Transport::default(), None).await
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn view(
    url: url::Url,
    transport: Transport,
    credentials: Option<retina::client::Credentials>,
) -> Result<Demuxed, retina::Error> {
    let options = SessionOptions::default().creds(credentials);
    let mut session = within(Session::describe(url, options)).await?;
    let options = SetupOptions::default().transport(transport).frame_format(FrameFormat::SIMPLE);
    within(session.setup(0, options)).await?;
    within(session.play(PlayOptions::default())).await?.demuxed()
}

/// The next picture, or how the stream ended.
async fn frame(session: &mut Demuxed) -> Option<Result<VideoFrame, retina::Error>> {
    let next = async {
        loop {
            match session.next().await? {
                Ok(CodecItem::VideoFrame(frame)) => return Some(Ok(frame)),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    };
    within(next).await
}

async fn frames(session: &mut Demuxed, count: usize) -> Vec<VideoFrame> {
    let mut frames = Vec::with_capacity(count);
    while frames.len() < count {
        frames.push(frame(session).await.expect("the stream goes on").expect("without an error"));
    }
    frames
}

/// Nothing here may hang; how long it takes is not the question.
async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(30), future).await.expect("no answer for 30 s")
}

/// A client that says exactly what it is told to.
struct Raw(TcpStream);

impl Raw {
    async fn connect(stage: &Stage) -> Self {
        Self(TcpStream::connect(stage.address).await.expect("it listens"))
    }

    async fn say(&mut self, method: &str, url: &str, headers: &str) {
        let request = format!("{method} {url} RTSP/1.0\r\nCSeq: 1\r\n{headers}\r\n");
        self.0.write_all(request.as_bytes()).await.expect("it takes requests");
    }

    /// Reads up to the end of a header, past the media before it.
    async fn answer(&mut self) -> String {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(within(self.0.read_u8()).await.expect("it answers"));
            if answer == [b'$'] {
                let _channel = within(self.0.read_u8()).await.expect("it answers");
                let length = within(self.0.read_u16()).await.expect("it answers");
                within(self.0.read_exact(&mut vec![0; length.into()])).await.expect("it answers");
                answer.clear();
            }
        }
        String::from_utf8(answer).expect("UTF-8")
    }

    async fn ask(&mut self, method: &str, url: &str, headers: &str) -> String {
        self.say(method, url, headers).await;
        self.answer().await
    }

    async fn play(&mut self, url: &str) {
        let set_up = self.ask("SETUP", url, "Transport: RTP/AVP/TCP;unicast;interleaved=2-3\r\n").await;
        assert!(set_up.contains("200"), "{set_up}");
        assert!(set_up.contains("interleaved=2-3"), "{set_up}");
        let played = self.ask("PLAY", url, "").await;
        assert!(played.contains("200"), "{played}");
    }
}

/// A clip of the footage beside the project, if it is there.
#[track_caller]
fn footage(name: &str) -> Option<PathBuf> {
    asset(&format!("clips/{name}"))
}
