//! What the operating system asks of us, and we of it.

use std::{sync::Arc, time::Duration};

use actix::Addr;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::reload::Reloader;
use crate::{http::Reload, status::Board, supervisor::Supervisor};

/// SIGTERM and SIGINT end, SIGHUP reads the settings anew.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    pub(super) async fn wait_for_end(mut self, reloader: &Arc<Reloader>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => {
                    let _ = Arc::clone(reloader).reload().await; // it logs what it did
                }
            }
        }
    }
}

/// Tells systemd, where it asked to be told (sd_notify(3)).
pub(super) fn tell_service_manager(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager could not be told");
    }
}

/// Sees that the supervisor answers, and only then feeds systemd's watchdog; without it cameras would not be restarted.
pub(super) async fn watch_supervisor(supervisor: Addr<Supervisor>, board: Arc<Board>) {
    let every = sd_notify::watchdog_enabled().map_or(Duration::from_secs(1), |limit| limit / 2);
    let mut ticks = tokio::time::interval(every.min(Duration::from_secs(1)));
    loop {
        ticks.tick().await;
        if !supervisor.connected() {
            tracing::error!("the supervisor has ended: no camera would be restarted any more");
            return board.set_ready(false);
        }
        tell_service_manager(&[sd_notify::NotifyState::Watchdog]);
    }
}

/// Each camera needs a thread with four files, and one or three sockets: the usual soft limit of 1024 files ends at some
/// 200 cameras.
pub(super) fn raise_file_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::debug!(limit, "open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
    }
}
