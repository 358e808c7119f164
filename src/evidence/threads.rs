use std::sync::Arc;

use tokio::{sync::Semaphore, task::JoinError};

/// Threads for work with files, so many and no more. A folder that hangs (NFS) keeps those that it has, and no attempt
/// after them gets another: it waits for its turn without a thread, for as long as it cares to.
#[derive(Debug, Clone)]
pub(super) struct Threads(Arc<Semaphore>);

impl Threads {
    /// At most so many at once.
    pub(super) fn new(at_most: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_most)))
    }

    /// Does it on one of them, as soon as one is free. Whoever waits no more leaves it undone, or unheeded if it has begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let turn = Arc::clone(&self.0).acquire_owned().await.expect("nobody closes it");
        let work = move || {
            // Until it has ended, not until nobody waits for it.
            let _turn = turn;
            work()
        };
        actix_rt::task::spawn_blocking(work).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};

    use futures::FutureExt;

    use super::*;

    /// Work that says that it has begun, and hangs until its gate is opened.
    fn hanging(begun: SyncSender<()>) -> (SyncSender<()>, impl FnOnce() + Send + 'static) {
        let (gate, opened) = sync_channel::<()>(0);
        let work = move || {
            begun.send(()).expect("the test looks");
            let _ = opened.recv();
        };
        (gate, work)
    }

    #[actix::test]
    async fn work_that_hangs_gets_no_more_threads_however_often_it_is_tried() {
        let (threads, (begun, begins)) = (Threads::new(2), sync_channel(9));
        let mut gates = Vec::new();
        for n in 0..5 {
            let (gate, work) = hanging(begun.clone());
            gates.push(gate);
            // Whoever asked gives up at once.
            assert!(threads.run(work).now_or_never().is_none());
            if n < 2 {
                begins.recv().expect("it has a thread");
            }
        }
        drop(gates);
        // When the hang is over there are threads again, and nothing was done that nobody waited for any more.
        assert_eq!(threads.run(|| 7).await.expect("no panic"), 7);
        drop(begun);
        assert_eq!(begins.iter().count(), 0);
    }
}
