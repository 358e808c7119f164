//! Events that wait for their pictures.

use actix::Handler;
use jiff::Timestamp;

use super::Outbox;
use crate::events::{Attach, Attached, OutboxError, Release};

impl Handler<Attach> for Outbox {
    type Result = Result<Attached, OutboxError>;

    fn handle(&mut self, Attach { event, snapshot }: Attach, _: &mut Self::Context) -> Self::Result {
        // The event may still wait for the disk.
        self.commit()?;
        let attachment = self.store.attach(event, &snapshot, &mut self.sinks, Timestamp::now())?;
        if attachment.stored.is_some() {
            self.board.outbox.recorded.one();
        }
        self.moved_on(attachment.stored);
        Ok(attachment.attached)
    }
}

impl Handler<Release> for Outbox {
    type Result = ();

    fn handle(&mut self, Release(event): Release, _: &mut Self::Context) {
        for unwritten in self.unwritten.iter_mut().filter(|unwritten| unwritten.event.id == event) {
            // Not for none: they may come yet, and who was told without is told of them then.
            unwritten.held_until = unwritten.held_until.map(|_| Timestamp::UNIX_EPOCH);
        }
        match self.store.release(event) {
            Ok(0) => {}
            Ok(_) => self.wake_all(),
            Err(error) => tracing::warn!(%event, %error, "the event is held until its time, though no pictures come"),
        }
    }
}
