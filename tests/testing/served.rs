//! An HTTP server of a test's own that goes away and comes back.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use actix_web::dev::{Server, ServerHandle};

use super::wait_for;

/// A server on a thread of its own; it ends when this is dropped.
pub(crate) struct Served {
    address: SocketAddr,
    serve: Arc<dyn Fn(TcpListener) -> Server + Send + Sync>,
    running: Option<(ServerHandle, JoinHandle<()>)>,
}

impl Served {
    /// What `serve` makes of a listener, on a free port of the loopback.
    pub(crate) fn start(serve: impl Fn(TcpListener) -> Server + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let mut it = Self { address, serve: Arc::new(serve), running: None };
        it.run(listener);
        it
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Goes away: connections are cut and refused.
    pub(crate) fn go_down(&mut self) {
        if let Some((handle, thread)) = self.running.take() {
            // The command is sent at the call; the future only waits for its end, and so does the thread.
            drop(handle.stop(false));
            thread.join().expect("the server ends well");
        }
    }

    /// Comes back on the same port.
    pub(crate) fn come_up(&mut self) {
        if self.running.is_none() {
            let address = self.address;
            self.run(wait_for(|| format!("{address} is free again"), || TcpListener::bind(address).ok()));
        }
    }

    fn run(&mut self, listener: TcpListener) {
        let serve = Arc::clone(&self.serve);
        let (started, handle) = mpsc::sync_channel(1);
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = serve(listener);
                started.send(server.handle()).expect("the test waits");
                server.await.expect("it serves");
            });
        });
        self.running = Some((handle.recv().expect("the server starts"), thread));
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.go_down();
    }
}
