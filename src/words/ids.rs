use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name of a camera in addresses, file names and metrics: 1 to 64 of `a-z A-Z 0-9 _ - .`, not starting with a dot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct CameraId(Arc<str>);

impl CameraId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no camera id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no camera id: use 1 to 64 letters, digits, '_', '-' or '.', not starting with '.'")]
pub struct InvalidCameraId(String);

impl FromStr for CameraId {
    type Err = InvalidCameraId;

    fn from_str(text: &str) -> Result<Self, InvalidCameraId> {
        let fits = (1..=64).contains(&text.len())
            && !text.starts_with('.')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        if fits { Ok(Self(text.into())) } else { Err(InvalidCameraId(text.chars().take(80).collect())) }
    }
}

impl TryFrom<String> for CameraId {
    type Error = InvalidCameraId;

    fn try_from(text: String) -> Result<Self, InvalidCameraId> {
        text.parse()
    }
}

impl From<CameraId> for String {
    fn from(id: CameraId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl Borrow<str> for CameraId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CameraId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CameraId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Which life of a camera something belongs to; a restart counts it up and what is older is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// The life after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

macro_rules! time_ordered_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id; later ones sort behind earlier ones (UUID version 7, RFC 9562).
            pub fn fresh() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

time_ordered_id! {
    /// An event's id, the same in every delivery of it: the receiver's key against duplicates.
    EventId
}
time_ordered_id! {
    /// A visit's id, shared by its start and its end.
    VisitId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_safe_in_paths_and_addresses() {
        for good in ["door", "cam-1", "Yard_2.sub", &"x".repeat(64)] {
            assert!(good.parse::<CameraId>().is_ok(), "{good}");
        }
        for bad in ["", ".hidden", "a/b", "a b", "käse", "..", &"x".repeat(65)] {
            assert!(bad.parse::<CameraId>().is_err(), "{bad}");
        }
    }
}
