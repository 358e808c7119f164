use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use jiff::Timestamp;
use md5::{Digest as _, Md5};
use uuid::{Builder, Uuid};

use crate::{scene::IdSource, words::CameraId};

/// Ids that depend on the camera, the begin of the replay, and on how many were given before: UUIDs of version 8
/// (RFC 9562, section 5.8) from a digest of the three. They name things in a comparison; nothing is kept secret by them.
pub(super) fn ids(camera: &CameraId, start: Timestamp) -> IdSource {
    let (seed, given) = (format!("{camera}\n{start}"), AtomicU64::new(0));
    IdSource::new(move || id(&seed, given.fetch_add(1, Relaxed)))
}

fn id(seed: &str, number: u64) -> Uuid {
    Builder::from_custom_bytes(Md5::digest(format!("{seed}\n{number}")).into()).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn they_are_always_the_same_and_never_twice() {
        assert_eq!(id("door\n1970-01-01T00:00:00Z", 0).to_string(), "6634fc57-3b67-89ac-9b82-1c0654422881");
        let all: HashSet<Uuid> = (0..1000).flat_map(|n| [id("door", n), id("yard", n)]).collect();
        assert_eq!(all.len(), 2000);
        assert!(all.iter().all(|id| id.get_version_num() == 8));
    }
}
