//! A real S3 server: moto, from PyPI.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
};

use super::{left_out, patience::PATIENCE};

/// The server, in a process of its own; it ends when this is dropped.
pub(crate) struct Moto {
    process: Child,
    address: SocketAddr,
}

impl Moto {
    /// Starts it on a port of its own choice. `None`, said aloud, where there is none: `LOOKOUT_MOTO`, or in `PATH`.
    #[track_caller]
    pub(crate) fn start() -> Option<Self> {
        let program = std::env::var("LOOKOUT_MOTO").unwrap_or_else(|_| "moto_server".into());
        let missing = format!("no S3 server ({program}; pip install 'moto[s3,server]', or set LOOKOUT_MOTO)");
        let mut command = Command::new(&program);
        command.args(["-H", "127.0.0.1", "-p", "0"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let Ok(mut process) = command.spawn() else {
            left_out(missing);
            return None;
        };
        let lines = BufReader::new(process.stderr.take().expect("it is piped")).lines();
        let (told, listens) = mpsc::sync_channel(1);
        thread::spawn(move || {
            // To its end, as it goes on to write its log and is not to find the pipe full or closed.
            for address in lines.map_while(Result::ok).filter_map(|line| listening(&line)) {
                let _ = told.try_send(address);
            }
        });
        // It imports for seconds where other tests run.
        let listens = listens.recv_timeout(PATIENCE);
        if let Ok(address) = listens {
            return Some(Self { process, address });
        }
        let _ = process.kill(); // it may have ended by itself
        let _ = process.wait();
        assert!(listens == Err(RecvTimeoutError::Disconnected), "the S3 server runs and does not listen");
        // It is found, but does not run: so there is none.
        left_out(missing);
        None
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may have ended by itself
        let _ = self.process.wait();
    }
}

/// "Running on http://127.0.0.1:40123"
fn listening(line: &str) -> Option<SocketAddr> {
    let (_, address) = line.split_once("Running on http://")?;
    address.split(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').next()?.parse().ok()
}
