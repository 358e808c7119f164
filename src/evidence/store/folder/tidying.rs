use std::{
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
};

use super::{Obstacle, Shelves, census::Stored, stock::Ending};

impl Shelves {
    /// Counts and makes room, as the stock has asked for, on a thread that nobody waits for: a folder of millions of
    /// pictures, or one across a network, is looked through in minutes or hours.
    pub(super) fn begin_tidying(self: &Arc<Self>) {
        let shelves = Arc::clone(self);
        let tidy = move || {
            if catch_unwind(AssertUnwindSafe(|| shelves.tidy())).is_err() {
                tracing::error!("counting a folder of pictures panicked: a fault in Lookout, please report it");
                shelves.stock.lock().ended(Ending::Uncounted);
            }
        };
        if let Err(error) = thread::Builder::new().name("tidying".into()).spawn(tidy) {
            tracing::error!(%error, "there is no thread to count a folder of pictures");
            self.stock.lock().ended(Ending::Uncounted);
        }
    }

    fn tidy(&self) {
        let mut is_due = true;
        while is_due {
            let (mut obstacle, mut removed) = (None, 0);
            let ending = self.make_room(&mut obstacle, &mut removed).unwrap_or_else(|error| {
                obstacle = Some((self.path.clone(), error));
                Ending::Uncounted
            });
            self.tell(obstacle, removed);
            is_due = self.stock.lock().ended(ending);
        }
    }

    /// Counts what is there, and if that is too much, removes the oldest. What cannot be removed is passed over, so that
    /// others can go for it.
    fn make_room(&self, obstacle: &mut Option<Obstacle>, removed: &mut u64) -> io::Result<Ending> {
        let mut after = None;
        loop {
            self.stock.lock().begins();
            let census = self.census(after.as_ref(), obstacle)?;
            let is_too_much = self.stock.lock().counted(census.bytes);
            if !is_too_much && after.is_none() {
                return Ok(Ending::Roomy);
            }
            let (oldest, last) = census.oldest();
            for old in oldest {
                if self.stock.lock().has_room() {
                    break;
                }
                match self.remove(&old) {
                    Ok(is_gone) => *removed += u64::from(is_gone),
                    Err(error) => {
                        obstacle.get_or_insert((old.path, error));
                    }
                }
            }
            if self.stock.lock().has_room() {
                return Ok(Ending::Roomy);
            }
            if last.is_none() {
                return Ok(Ending::Short);
            }
            after = last;
        }
    }

    /// Removes a picture, and the folders that are empty then, up to the top. `false`: it is not old any more.
    fn remove(&self, old: &Stored) -> io::Result<bool> {
        let newest = self.newest.lock();
        if *newest == old.path || old.has_changed() {
            return Ok(false);
        }
        match (self.disk.remove)(&old.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => self.stock.lock().removed(old.size),
        }
        let empty = old.path.ancestors().skip(1).take_while(|folder| *folder != self.path);
        let _ = empty.map(fs::remove_dir).take_while(Result::is_ok).count();
        Ok(true)
    }

    fn tell(&self, obstacle: Option<Obstacle>, removed: u64) {
        let had_warned = self.has_warned.swap(obstacle.is_some(), Relaxed);
        if let Some((path, error)) = obstacle.filter(|_| !had_warned) {
            let path = path.display();
            tracing::warn!(%path, %error, "not every old picture can be looked at and removed; the others go for it");
        }
        if removed > 0 {
            let bytes = self.stock.lock().bytes();
            tracing::info!(removed, bytes, "the oldest pictures were removed: the folder is as large as it may be");
        }
    }
}
