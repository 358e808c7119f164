//! THE wiring: the only room that knows every other. It starts them in order, joins them, and ends them in order.
//!
//! `house` joins; what it joins things with stands beside it: `answers` for HTTP, `couriers` for the sinks, `reload` for
//! changed settings, `trial` for what can be made of them, `process` for the operating system, `deadlines` for the end.

mod answers;
mod control;
mod couriers;
mod deadlines;
mod house;
mod logins;
mod probe;
mod process;
mod reload;
mod trial;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    task::Poll,
};

use actix_rt::{System, task::JoinHandle};
use actix_web::dev::ServerHandle;
use tokio::time::timeout;

#[cfg(test)]
pub(crate) use self::answers::DeadLetters;
pub use self::trial::{Tried, read_and_try};
use self::{
    house::House,
    process::{Signals, raise_file_limit, tell_service_manager, watch_supervisor},
};
use crate::{
    detect::DetectError, events::OutboxError, evidence::EvidenceError, http, roster::RosterError, settings::Settings,
    sinks::SinkError, status::Board,
};

/// What keeps Lookout from starting.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {cause}; set server.bind to another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        cause: io::Error,
    },
    /// The outbox cannot be opened.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] DetectError),
    /// A sink cannot be set up.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The cameras that were added cannot be read.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The pictures of events cannot be kept.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The system refuses something.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
}

/// Runs until SIGTERM or SIGINT. `file` is read anew on SIGHUP and on `POST /api/v1/reload`.
///
/// # Errors
/// What keeps it from starting; once it runs, no camera, model or sink ends it.
pub fn run(settings: Settings, file: PathBuf) -> Result<(), AppError> {
    System::new().block_on(async {
        let signals = Signals::listen()?;
        let running = Running::start(settings, Some(file)).await?;
        signals.wait_for_end(&running.house.reloader).await;
        running.end().await;
        Ok(())
    })
}

/// A Lookout that runs, in an actix system: all rooms, joined.
pub struct Running {
    house: House,
    address: SocketAddr,
    stop_http: ServerHandle,
    http: JoinHandle<io::Result<()>>,
    watchdog: JoinHandle<()>,
    logins: JoinHandle<()>,
}

impl Running {
    /// Starts everything. Settings that came from no `file` cannot be read anew.
    ///
    /// # Errors
    /// What keeps it from starting; then nothing runs.
    pub async fn start(settings: Settings, file: Option<PathBuf>) -> Result<Self, AppError> {
        raise_file_limit();
        let listener = TcpListener::bind(settings.server.bind)
            .map_err(|cause| AppError::Listen { address: settings.server.bind, cause })?;
        Self::start_on(listener, settings, file).await
    }

    async fn start_on(listener: TcpListener, settings: Settings, file: Option<PathBuf>) -> Result<Self, AppError> {
        let address = listener.local_addr()?;
        let house = House::build(settings, file).await?;
        let mut server = http::serve(listener, house.views()?)?;
        // What it needs of the system it takes at the first look at it.
        if let Poll::Ready(ended) = futures::poll!(&mut server) {
            ended.and::<()>(Err(io::Error::other("the HTTP side ended at once")))?;
        }
        house.begin().await?;
        let (stop_http, http) = (server.handle(), actix_rt::spawn(server));
        // Ready means that every camera hangs on the board: who mirrors it may then tell what is gone.
        house.board.set_ready(true);
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
        tell_service_manager(&[sd_notify::NotifyState::Ready]);
        let watchdog = actix_rt::spawn(watch_supervisor(house.supervisor.clone(), Arc::clone(&house.board)));
        let logins = actix_rt::spawn(house.logins.clone().keep());
        Ok(Self { house, address, stop_http, http, watchdog, logins })
    }

    /// Where HTTP listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where everything's status is shown.
    pub fn board(&self) -> &Arc<Board> {
        &self.house.board
    }

    /// Ends everything, in order and within deadlines.
    pub async fn end(self) {
        tracing::info!("ending");
        tell_service_manager(&[sd_notify::NotifyState::Stopping]);
        let Self { house, stop_http, http, watchdog, logins, .. } = self;
        house.board.set_ready(false);
        house.reloader.end();
        let requests = async {
            // Only now: whoever listens is told of the last events, too.
            house.streams.end();
            house.audience.end();
            stop_http.stop(true).await;
            let _ = http.await; // it was told to stop
        };
        let in_order = async {
            house.settle().await;
            let requests = timeout(deadlines::REQUESTS, requests);
            if tokio::join!(requests, house.reloader.couriers.drain()).0.is_err() {
                tracing::warn!("requests over HTTP were cut short");
            }
            logins.abort();
            if !matches!(timeout(deadlines::ANSWER, house.logins.write()).await, Ok(Ok(()))) {
                tracing::warn!("people may have to log in anew");
            }
        };
        if timeout(deadlines::THE_END, in_order).await.is_err() {
            tracing::error!("not everything ended in order; what was not told is told after the next start");
        }
        watchdog.abort();
        tracing::info!("ended");
    }
}

#[cfg(test)]
mod tests;
