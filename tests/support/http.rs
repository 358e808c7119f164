use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// An answer to a request.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In small letters.
    pub headers: String,
    /// As it was said.
    cookie: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The cookie that is to be kept, as it is sent back.
    pub fn cookie(&self) -> String {
        self.cookie.clone().unwrap_or_else(|| panic!("no cookie: {}", self.headers))
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {}", self.text()))
    }
}

/// One request without a body.
pub fn request(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> std::io::Result<Answer> {
    send(address, method, path, headers, b"")
}

/// One request on a connection of its own. A plain socket, so that no client library's cleverness stands between.
pub fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let patience = Duration::from_secs(60);
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    )?;
    stream.write_all(body)?;
    let (mut answer, mut part) = (Vec::new(), [0; 16 << 10]);
    loop {
        let n = stream.read(&mut part)?;
        answer.extend_from_slice(&part[..n]);
        let split = answer.windows(4).position(|w| w == b"\r\n\r\n");
        let Some(split) = split else {
            if n == 0 {
                return Err(std::io::Error::other("no end of headers"));
            }
            continue;
        };
        let said = String::from_utf8_lossy(&answer[..split]);
        let headers = said.to_ascii_lowercase();
        let length =
            headers.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        // Not every server hangs up when it is asked to.
        if n == 0 || length.is_some_and(|length| answer.len() >= split + 4 + length) {
            let status = headers.split(' ').nth(1).and_then(|s| s.parse().ok());
            let status = status.ok_or_else(|| std::io::Error::other("no status"))?;
            let cookie = said.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
            let cookie = cookie.map(str::to_owned);
            return Ok(Answer { status, body: answer[split + 4..].to_vec(), cookie, headers });
        }
    }
}
