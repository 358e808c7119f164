//! Where pictures are in the end.

mod address;
mod client;
mod folder;
mod remote;

use std::sync::Arc;

pub(super) use address::Address;
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::{EvidenceError, key::Template, uplink::Blame};
use crate::{
    settings::{ObjectStore, Snapshots},
    words::{CameraId, EventId},
};

/// Keeps pictures under keys. A trait, as a folder of this machine has little in common with a store across the network.
pub(super) trait Store: Send + Sync {
    /// Stores a picture. The same key always carries the same picture, so doing it again does no harm.
    fn put(&self, key: &str, jpeg: Bytes, label: &Label) -> BoxFuture<'static, Result<(), StoreError>>;

    /// Fetches a picture.
    fn get(&self, key: &str) -> BoxFuture<'static, Result<Bytes, StoreError>>;
}

/// What a store that keeps metadata is told of a picture.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) camera: CameraId,
    pub(super) event: EventId,
    pub(super) captured_at: Timestamp,
}

/// Why a picture is not stored, or not fetched. No text carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StoreError {
    /// Nobody answers, or the store is busy, full or broken.
    #[error("{0}")]
    Away(String),
    /// The store answers that it wants nothing of us.
    #[error("{0}")]
    Forbidden(String),
    /// This attempt failed.
    #[error("{0}")]
    Failed(String),
    /// There is no such picture.
    #[error("there is no such picture")]
    Missing,
}

impl StoreError {
    /// Whom it speaks against, when it was an attempt to store.
    pub(super) fn blame(&self) -> Blame {
        match self {
            Self::Away(_) => Blame::StoreAway,
            Self::Forbidden(_) => Blame::Settings,
            Self::Failed(_) | Self::Missing => Blame::Attempt,
        }
    }
}

/// The store that the settings describe, and how its pictures are addressed.
pub(super) fn open(settings: &Snapshots, template: &Template) -> Result<(Arc<dyn Store>, Address), EvidenceError> {
    let address = Address::of(settings)?;
    let store: Arc<dyn Store> = match &settings.store {
        ObjectStore::Folder { path, max_bytes } => Arc::new(folder::Folder::new(path, *max_bytes, template.clone())),
        elsewhere => Arc::new(remote::Remote::open(elsewhere, settings)?),
    };
    Ok((store, address))
}
