//! Several looks at the database at once, and a deadline for each question.

use std::{path::Path, sync::Arc, time::Duration};

use parking_lot::Mutex;
use rusqlite::InterruptHandle;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task,
    time::{Instant, timeout_at},
};

use super::{OutboxError, Reader};

/// A few readers for whoever asks. A question that takes long holds up one of them, and is given up when its time is
/// up.
#[derive(Debug)]
pub struct Readers {
    idle: Mutex<Vec<Reader>>,
    turns: Arc<Semaphore>,
    deadline: Duration,
}

impl Readers {
    /// An interrupt does not meet a statement that begins after it, so it comes again after this long.
    const AGAIN: Duration = Duration::from_millis(50);
    /// So often; then nobody waits for the answer any more.
    const RINGS: u32 = 40;

    /// Opens the database that a `Store` made, `count` times.
    pub fn open(file: &Path, count: usize, deadline: Duration) -> Result<Self, OutboxError> {
        let idle = (0..count).map(|_| Reader::open(file)).collect::<Result<_, _>>()?;
        Ok(Self { idle: Mutex::new(idle), turns: Arc::new(Semaphore::new(count)), deadline })
    }

    /// Asks a question on a thread that may wait for the disk. The deadline covers waiting for a reader, too.
    pub async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Reader) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        // In a task of its own, so that nobody who stops waiting stops the clock.
        let asked = task::spawn(Arc::clone(self).ask_in_time(question)).await;
        asked.unwrap_or_else(|_| Err(OutboxError::CutShort))
    }

    async fn ask_in_time<T: Send + 'static>(
        self: Arc<Self>,
        question: impl FnOnce(&Reader) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        let mut patience = Instant::now() + self.deadline;
        let turn = timeout_at(patience, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| OutboxError::TooSlow)?.map_err(|_| OutboxError::CutShort)?;
        let lease = Lease::new(Arc::clone(&self), turn);
        let alarm = Arc::clone(&lease.alarm);
        let mut asked = task::spawn_blocking(move || lease.answer(question));
        for _ in 0..=Self::RINGS {
            match timeout_at(patience, &mut asked).await {
                Ok(answer) => return answer.unwrap_or_else(|_| Err(OutboxError::CutShort)),
                Err(_) => alarm.ring(),
            }
            patience = Instant::now() + Self::AGAIN;
        }
        // No interrupt reaches a thread that waits for a disk. It keeps its reader and its turn until it is back.
        Err(OutboxError::TooSlow)
    }
}

/// A reader for the time of one question.
struct Lease {
    reader: Loan,
    alarm: Arc<Alarm>,
    /// Last: only a reader that is back may be waited for.
    _turn: OwnedSemaphorePermit,
}

impl Lease {
    fn new(readers: Arc<Readers>, turn: OwnedSemaphorePermit) -> Self {
        let reader = readers.idle.lock().pop().expect("there are as many readers as turns");
        let alarm = Arc::new(Alarm(Mutex::new(Some(reader.interrupt()))));
        Self { reader: Loan { reader: Some(reader), readers }, alarm, _turn: turn }
    }

    fn answer<T>(self, question: impl FnOnce(&Reader) -> T) -> T {
        question(&self.reader)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Before the reader goes back: what comes next is not meant.
        self.alarm.0.lock().take();
    }
}

/// Gives its reader back, also where a question panics.
struct Loan {
    reader: Option<Reader>,
    readers: Arc<Readers>,
}

impl std::ops::Deref for Loan {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        self.reader.as_ref().expect("it goes back only at the end")
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.readers.idle.lock().extend(self.reader.take());
    }
}

/// Interrupts what a reader does for one question, and nothing that it does after that.
struct Alarm(Mutex<Option<InterruptHandle>>);

impl Alarm {
    fn ring(&self) {
        if let Some(handle) = &*self.0.lock() {
            handle.interrupt();
        }
    }
}
