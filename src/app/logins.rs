//! Who is logged in, written down beside the events: a restart logs nobody out.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::Mutex, task::spawn_blocking, time::timeout};

use crate::{
    access::Gate,
    disk::{read_at_most, write_whole},
    words::Moment,
};

/// Logins and logouts are written down at once, when each was last used so often: after a crash it is a little older.
const EVERY: Duration = Duration::from_secs(300);
/// There are few users, and few sessions of each.
const MOST_BYTES: u64 = 4 << 20;

/// The file.
#[derive(Clone)]
pub(super) struct Logins {
    gate: Arc<Gate>,
    path: PathBuf,
    /// One writes at a time, also where whoever asked for it has gone.
    turn: Arc<Mutex<()>>,
}

impl Logins {
    /// Goes on with the logins of an earlier process. What cannot be read costs no start: people log in anew.
    pub(super) fn restore(gate: Arc<Gate>, path: PathBuf) -> Self {
        let read = read_at_most(&path, MOST_BYTES).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
        match read {
            Ok(kept) => gate.restore(kept, Moment::now()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(file = %path.display(), %error, "nobody stays logged in"),
        }
        Self { gate, path, turn: Arc::default() }
    }

    /// Writes them down for as long as it is asked to.
    pub(super) async fn keep(self) {
        let (mut logins, mut is_well) = (self.gate.logins(), true);
        loop {
            // Never closed: the gate is ours.
            let _ = timeout(EVERY, logins.changed()).await;
            let written = self.write().await;
            if let (true, Err(error)) = (is_well, &written) {
                tracing::warn!(file = %self.path.display(), %error, "a restart will log people out");
            }
            is_well = written.is_ok();
        }
    }

    /// Writes them down once.
    pub(super) async fn write(&self) -> io::Result<()> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (kept, path) = (self.gate.kept_sessions(Moment::now()), self.path.clone());
        let write = move || {
            let _turn = turn;
            if kept.is_empty() && !path.exists() {
                return Ok(());
            }
            write_whole(&path, &serde_json::to_vec(&kept)?, 0o600)
        };
        spawn_blocking(write).await?
    }
}
