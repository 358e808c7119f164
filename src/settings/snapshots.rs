//! Where the pictures of events go.

use std::{path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use super::{CaFile, Credentials, Secret};

/// `[snapshots]`. Its `Debug` shows no credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshots {
    /// Where pictures go in the end.
    pub store: ObjectStore,
    /// The name of each: `{camera}`, `{date}`, `{event}` and `{n}` are filled in.
    pub key: Arc<str>,
    /// What stands before the key in the URLs that events carry, where others reach the store by another address.
    pub public_url: Option<Url>,
    /// JPEG quality, 1 to 100.
    pub quality: u8,
    /// Whether boxes are drawn.
    pub annotate: bool,
    /// Pictures in flight at once, of all cameras.
    pub concurrency: usize,
    /// An event waits so long for its pictures, then it is told without.
    pub deadline: Duration,
    /// For one attempt to store one picture.
    pub timeout: Duration,
    /// After so many failed attempts a picture is given up.
    pub max_retries: u32,
    /// The folder where pictures wait for the store may grow to so many bytes; then new ones are dropped and counted.
    pub spool_bytes: u64,
}

/// Where pictures are stored.
#[derive(Debug, Clone, PartialEq)]
pub enum ObjectStore {
    /// `file:`: a folder of this machine, bounded: the oldest pictures go first.
    Folder {
        /// The folder.
        path: PathBuf,
        /// It may grow to so many bytes.
        max_bytes: u64,
    },
    /// `s3://BUCKET/PREFIX` and whatever speaks its protocol.
    S3 {
        /// The bucket.
        bucket: Arc<str>,
        /// Stands before every key; may be empty.
        prefix: Arc<str>,
        /// The region.
        region: Arc<str>,
        /// Access key id and secret access key; `None`: not signed.
        keys: Option<(Arc<str>, Secret)>,
        /// Where the service is, if not at Amazon's.
        endpoint: Option<Url>,
        /// Whether the bucket stands in the path (`true`) or in the host name.
        path_style: bool,
        /// Certificate authorities (PEM) to trust besides the built-in ones.
        ca_file: Option<CaFile>,
    },
    /// `gs://BUCKET/PREFIX`
    Google {
        /// The bucket.
        bucket: Arc<str>,
        /// Stands before every key; may be empty.
        prefix: Arc<str>,
        /// The service account's key: JSON.
        service_account: Secret,
        /// Where the service is, if not at Google's.
        endpoint: Option<Url>,
        /// Certificate authorities (PEM) to trust besides the built-in ones.
        ca_file: Option<CaFile>,
    },
    /// `az://CONTAINER/PREFIX`
    Azure {
        /// The storage account.
        account: Arc<str>,
        /// The container.
        container: Arc<str>,
        /// Stands before every key; may be empty.
        prefix: Arc<str>,
        /// The account's key, base64.
        access_key: Secret,
        /// Where the service is, if not at Microsoft's.
        endpoint: Option<Url>,
        /// Certificate authorities (PEM) to trust besides the built-in ones.
        ca_file: Option<CaFile>,
    },
    /// `http://` or `https://`: WebDAV, or whatever takes PUT.
    Http {
        /// What stands before every key; never with credentials.
        url: Url,
        /// User name and password.
        credentials: Option<Credentials>,
        /// Certificate authorities (PEM) to trust besides the built-in ones.
        ca_file: Option<CaFile>,
    },
}
