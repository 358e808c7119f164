use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    EvidenceError,
    key::Template,
    spool::Spool,
    store::{self, Address, Store, StoreError},
    threads::Threads,
};
use crate::{events::Snapshot, settings::Snapshots, words::EventId};

/// Gives out pictures: those that are still in the spool from there, the others from the store.
///
/// It has a client of its own, so that whoever looks at pictures does not delay uploads.
#[derive(Clone)]
pub struct Pictures {
    spool: Arc<Spool>,
    reading: Threads,
    store: Arc<dyn Store>,
    address: Address,
    deadline: Duration,
}

/// Why there is no picture to show. No text carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The event has no such picture, or the store has it no more.
    #[error("there is no such picture")]
    Missing,
    /// It was stored elsewhere, before the settings changed.
    #[error("the picture lies elsewhere: {url}")]
    Elsewhere {
        /// Where.
        url: String,
    },
    /// The store does not give it.
    #[error("{0}")]
    Store(String),
    /// Spool and store do not answer in time.
    #[error("neither spool nor store gave it within {0:?}")]
    TooSlow(Duration),
}

impl Pictures {
    /// The longest that somebody who looks is made to wait.
    const LONGEST: Duration = Duration::from_secs(15);
    const READING_AT_MOST: usize = 4;

    /// Opens spool and store for reading. The store need not be there.
    ///
    /// # Errors
    /// As those of `Evidence::start`.
    pub fn open(settings: &Snapshots, spool_folder: PathBuf) -> Result<Self, EvidenceError> {
        let (store, address) = store::open(settings, &Template::parse(&settings.key)?)?;
        let spool = Arc::new(Spool::reader(spool_folder));
        let reading = Threads::new(Self::READING_AT_MOST);
        Ok(Self { spool, reading, store, address, deadline: settings.timeout.min(Self::LONGEST) })
    }

    /// Picture `n` of `event`, from 0, as JPEG of at most 16 MiB. `snapshot` is what the event says of its pictures; where
    /// it says nothing yet, they may be in the spool.
    pub async fn get(&self, event: EventId, snapshot: Option<&Snapshot>, n: usize) -> Result<Bytes, PictureError> {
        let found = tokio::time::timeout(self.deadline, self.find(event, snapshot, n)).await;
        found.unwrap_or(Err(PictureError::TooSlow(self.deadline)))
    }

    async fn find(&self, event: EventId, snapshot: Option<&Snapshot>, n: usize) -> Result<Bytes, PictureError> {
        let url = match snapshot {
            Some(snapshot) => Some(snapshot.frames.get(n).ok_or(PictureError::Missing)?.url.clone()),
            None => None,
        };
        // A spool that hangs must not hide what the store has.
        let in_spool = tokio::time::timeout(self.deadline / 2, self.in_spool(event, url.clone(), n)).await;
        // Nobody knows what lies in one that hangs.
        let missing = match in_spool {
            Ok(Some(jpeg)) => return Ok(jpeg),
            Ok(None) => PictureError::Missing,
            Err(_) => PictureError::TooSlow(self.deadline),
        };
        let Some(url) = url else { return Err(missing) };
        let key = self.address.key(&url).ok_or(PictureError::Elsewhere { url })?;
        self.store.get(&key).await.map_err(|error| match error {
            StoreError::Missing => missing,
            error => PictureError::Store(error.to_string()),
        })
    }

    async fn in_spool(&self, event: EventId, url: Option<String>, n: usize) -> Option<Bytes> {
        let (spool, address) = (Arc::clone(&self.spool), self.address.clone());
        let find = move || {
            let (notes, pictures) = spool.look(event)?;
            let is_it = |(at, (number, _)): &(usize, (u32, _))| match &url {
                Some(url) => address.url(&notes.key.key(*number)) == *url,
                None => *at == n,
            };
            let (_, (number, captured_at)) = pictures.into_iter().enumerate().find(is_it)?;
            spool.read(event, number, captured_at).ok()
        };
        self.reading.run(find).await.ok().flatten().map(Bytes::from)
    }
}
