use std::{
    collections::BinaryHeap,
    fs::{DirEntry, ReadDir},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{Obstacle, Shelves};

/// What one walk over a folder of pictures found: how many bytes they are, and the oldest of them.
pub(super) struct Census {
    pub(super) bytes: u64,
    oldest: BinaryHeap<Stored>,
    /// There are more than are remembered.
    has_more: bool,
}

/// A picture; the oldest is the least.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stored {
    changed: SystemTime,
    pub(super) path: PathBuf,
    pub(super) size: u64,
}

impl Census {
    /// The oldest, in order; and the last of them, if there are more behind it.
    pub(super) fn oldest(self) -> (Vec<Stored>, Option<Stored>) {
        let oldest = self.oldest.into_sorted_vec();
        let last = oldest.last().filter(|_| self.has_more).cloned();
        (oldest, last)
    }
}

impl Stored {
    fn of(entry: &DirEntry) -> io::Result<Self> {
        let facts = entry.metadata()?;
        let changed = facts.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(Self { changed, path: entry.path(), size: facts.len() })
    }

    /// Whether it was stored anew since it was looked at.
    pub(super) fn has_changed(&self) -> bool {
        let changed = self.path.symlink_metadata().and_then(|facts| facts.modified());
        changed.is_ok_and(|changed| changed != self.changed)
    }
}

impl Shelves {
    /// So many of the oldest are remembered, which takes some megabytes. Where more have to go, one walk follows another.
    pub(super) const OLDEST_AT_MOST: usize = 30_000;

    /// Looks at every picture that the template gave, as far as the folders below can be looked at, and remembers the
    /// oldest of those behind `after`. As many folders are open at once as stand in a name, whatever lies deeper.
    pub(super) fn census(&self, after: Option<&Stored>, obstacle: &mut Option<Obstacle>) -> io::Result<Census> {
        let mut census = Census { bytes: 0, oldest: BinaryHeap::new(), has_more: false };
        let mut open: Vec<(PathBuf, ReadDir)> = vec![(self.path.clone(), (self.disk.list)(&self.path)?)];
        while let Some((_, entries)) = open.last_mut() {
            let fault = match entries.next() {
                None => {
                    open.pop();
                    continue;
                }
                Some(Err(error)) => open.pop().map(|(folder, _)| (folder, error)),
                Some(Ok(entry)) => match self.look_at(&entry, after, &mut census) {
                    Some(folder) if open.len() <= self.template.depth() => match (self.disk.list)(&folder) {
                        Err(error) => Some((folder, error)),
                        Ok(entries) => {
                            open.push((folder, entries));
                            None
                        }
                    },
                    _ => None,
                },
            };
            match fault {
                Some((_, error)) if open.is_empty() => return Err(error),
                Some((folder, error)) if !is_not_for_us(&error) => {
                    obstacle.get_or_insert((folder, error));
                }
                _ => {}
            }
        }
        Ok(census)
    }

    /// Which folder it is, if it is one. Links are not followed; what was removed meanwhile is no fault.
    fn look_at(&self, entry: &DirEntry, after: Option<&Stored>, census: &mut Census) -> Option<PathBuf> {
        let (kind, path) = (entry.file_type().ok()?, entry.path());
        if kind.is_dir() {
            return Some(path);
        }
        if !kind.is_file() || !self.is_ours(&path) {
            return None;
        }
        let stored = Stored::of(entry).ok()?;
        census.bytes = census.bytes.saturating_add(stored.size);
        if after.is_none_or(|after| stored > *after) {
            census.oldest.push(stored);
            if census.oldest.len() > self.oldest_at_most {
                census.oldest.pop();
                census.has_more = true;
            }
        }
        None
    }

    fn is_ours(&self, path: &Path) -> bool {
        let key = path.strip_prefix(&self.path).ok().and_then(Path::to_str);
        key.is_some_and(|key| self.template.gives(key))
    }
}

/// One of somebody else's (`lost+found`), or removed meanwhile: nothing of ours is in it.
fn is_not_for_us(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound)
}
