//! A listener to server-sent events, as WHATWG HTML section 9.2.6 has it read them; a plain socket, so that no client
//! library's cleverness stands between.

use std::{collections::VecDeque, net::SocketAddr};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
};

use super::{PATIENCE, head, status};

pub(super) struct Listener {
    stream: BufReader<TcpStream>,
    lines: VecDeque<String>,
    partial: Vec<u8>,
    pub(super) head: String,
    /// What a browser would send as `Last-Event-ID`.
    pub(super) last_id: String,
    /// Bytes of the body so far.
    pub(super) read: u64,
}

/// What comes over a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    Event {
        name: String,
        id: String,
        data: Value,
    },
    /// An id alone: a new place, and nothing to tell.
    Place(String),
    Comment,
    /// The stream ended as a body should end.
    End,
    /// The connection ended in the midst of it.
    Cut,
}

impl Said {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Event { id, .. } => id,
            other => panic!("no event: {other:?}"),
        }
    }
}

impl Listener {
    pub(super) async fn connect(address: SocketAddr, path: &str, last_id: &str) -> Self {
        Self::connect_with_window(address, path, last_id, None).await
    }

    /// With a receive buffer of so many bytes.
    pub(super) async fn connect_with_window(
        address: SocketAddr,
        path: &str,
        last_id: &str,
        window: Option<u32>,
    ) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        if let Some(window) = window {
            socket.set_recv_buffer_size(window).expect("a small buffer");
        }
        let last = [("last-event-id", last_id)];
        Self::ask(socket, address, path, if last_id.is_empty() { &[] } else { &last }).await
    }

    /// Says who it is.
    pub(super) async fn connect_as(address: SocketAddr, path: &str, who: (&str, &str)) -> Self {
        Self::ask(TcpSocket::new_v4().expect("a socket"), address, path, &[who]).await
    }

    async fn ask(socket: TcpSocket, address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = BufReader::new(socket.connect(address).await.expect("it listens"));
        let request = head("GET", path, "", headers);
        stream.write_all(request.as_bytes()).await.expect("it takes requests");
        let mut answer = String::new();
        while !answer.ends_with("\r\n\r\n") {
            let line = tokio::time::timeout(PATIENCE, stream.read_line(&mut answer)).await;
            assert!(line.expect("it answers in time").expect("it answers") > 0, "it hangs up: {answer}");
        }
        let last_id = headers.iter().find(|(name, _)| *name == "last-event-id").map_or("", |(_, value)| value);
        let (lines, partial) = Default::default();
        Self { stream, lines, partial, head: answer.to_ascii_lowercase(), last_id: last_id.into(), read: 0 }
    }

    pub(super) fn status(&self) -> u16 {
        status(&self.head)
    }

    /// The next thing that is said, other than `retry`.
    pub(super) async fn next(&mut self) -> Said {
        let (mut name, mut data, mut placed) = (String::new(), String::new(), false);
        loop {
            let line = match self.line().await {
                Ok(Some(line)) => line,
                Ok(None) => return Said::End,
                Err(_) => return Said::Cut,
            };
            match line.split_once(": ") {
                _ if line == ":" => return Said::Comment,
                Some(("id", id)) => (self.last_id, placed) = (id.to_owned(), true),
                Some(("event", text)) => name = text.to_owned(),
                Some(("data", text)) => data = text.to_owned(),
                Some(("retry", text)) => assert!(text.parse::<u64>().is_ok(), "{text}"),
                None if !data.is_empty() => {
                    let data = serde_json::from_str(&data).expect("JSON");
                    return Said::Event { name, id: self.last_id.clone(), data };
                }
                None if placed => return Said::Place(self.last_id.clone()),
                None if line.is_empty() => {}
                other => panic!("no field of an event: {other:?} {line}"),
            }
        }
    }

    /// The next event, whatever comes before it.
    pub(super) async fn event(&mut self) -> Said {
        loop {
            let said = self.next().await;
            if !matches!(said, Said::Place(_) | Said::Comment) {
                return said;
            }
        }
    }

    async fn line(&mut self) -> std::io::Result<Option<String>> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(Some(line));
            }
            let chunk = tokio::time::timeout(PATIENCE, self.chunk()).await.expect("it says something in time")?;
            let Some(chunk) = chunk else { return Ok(None) };
            self.read += chunk.len() as u64;
            self.partial.extend(chunk);
            while let Some(end) = self.partial.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.partial.drain(..=end).collect();
                self.lines.push_back(String::from_utf8(line[..end].to_vec()).expect("text"));
            }
        }
    }

    /// A chunk of the body (RFC 9112, section 7.1); none at its proper end.
    async fn chunk(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut size = String::new();
        self.stream.read_line(&mut size).await?;
        let size = usize::from_str_radix(size.trim_end(), 16).map_err(std::io::Error::other)?;
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk).await?;
        chunk.truncate(size);
        Ok((size > 0).then_some(chunk))
    }
}
