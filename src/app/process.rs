//! What the operating system asks of us, and we of it.

use std::{
    future::{Future, pending},
    sync::Arc,
    time::Duration,
};

use actix::Addr;
use futures::{Stream, StreamExt, stream};
use tokio::signal::unix::{Signal, SignalKind, signal};

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

    pub(super) async fn wait_for_end(mut self, reloader: &Arc<impl Reload>) {
        let (mut terminate, mut interrupt) = (self.terminate, self.interrupt);
        let end = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let asked = stream::poll_fn(move |context| self.hang_up.poll_recv(context));
        reload_until(end, asked, reloader).await;
    }
}

/// Reads the settings anew whenever `asked`, one time after the other, until the `end`, which waits for no reload. All who
/// ask during a reload get one more.
async fn reload_until(end: impl Future<Output = ()>, asked: impl Stream<Item = ()>, reloader: &Arc<impl Reload>) {
    let reloads = async {
        // What each did it logs itself.
        asked.for_each(|()| async { drop(Arc::clone(reloader).reload().await) }).await;
        pending::<()>().await;
    };
    tokio::select! {
        biased;
        () = end => {}
        () = reloads => {}
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

#[cfg(test)]
mod tests {
    use futures::{FutureExt, future::BoxFuture};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::http::{NotReloaded, Reloaded};

    /// Counts reloads that began; each ends when it is let go.
    struct Slow {
        begun: Semaphore,
        let_go: Semaphore,
    }

    impl Slow {
        fn new() -> Arc<Self> {
            Arc::new(Self { begun: Semaphore::new(0), let_go: Semaphore::new(0) })
        }
    }

    impl Reload for Slow {
        fn reload(self: Arc<Self>) -> BoxFuture<'static, Result<Reloaded, NotReloaded>> {
            self.begun.add_permits(1);
            async move {
                self.let_go.acquire().await.expect("it stays open").forget();
                Ok(Reloaded::default())
            }
            .boxed()
        }
    }

    async fn in_time(work: impl Future<Output = ()>) {
        tokio::time::timeout(Duration::from_secs(30), work).await.expect("it ends");
    }

    async fn begun(reloader: &Slow, times: u32) {
        reloader.begun.acquire_many(times).await.expect("it stays open").forget();
    }

    #[tokio::test]
    async fn the_end_waits_for_no_reload() {
        let reloader = Slow::new();
        let asked = stream::iter([()]).chain(stream::pending());
        in_time(reload_until(begun(&reloader, 1), asked, &reloader)).await;
    }

    #[tokio::test]
    async fn reloads_come_one_after_the_other() {
        let reloader = Slow::new();
        let end = async {
            begun(&reloader, 1).await;
            assert!(reloader.begun.try_acquire().is_err(), "the second waits for the first");
            reloader.let_go.add_permits(2);
            begun(&reloader, 1).await;
        };
        in_time(reload_until(end, stream::iter([(), ()]), &reloader)).await;
    }
}
