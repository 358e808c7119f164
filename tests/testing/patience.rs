//! Waiting for what comes in its own time: looking again and again, with an end far beyond what anything takes, so that
//! only a fault reaches it.

use std::{
    thread,
    time::{Duration, Instant},
};

/// The longest that anything is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// What `look` finds; fails the test and says what was awaited where that takes too long. Blocks.
#[track_caller]
pub(crate) fn wait_for<T>(awaited: impl Fn() -> String, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "not within {} s: {}", PATIENCE.as_secs(), awaited());
        thread::sleep(Duration::from_millis(20));
    }
}

/// The same where others go on meanwhile, on this thread.
pub(crate) async fn come<T>(awaited: impl Fn() -> String, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "not within {} s: {}", PATIENCE.as_secs(), awaited());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until it is so; fails the test if that takes too long.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    come(|| what.to_owned(), || is_so().then_some(())).await;
}

/// What the future gives; fails the test if that takes too long.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let in_time = tokio::time::timeout(PATIENCE, future).await;
    in_time.unwrap_or_else(|_| panic!("not within {} s: {what}", PATIENCE.as_secs()))
}
