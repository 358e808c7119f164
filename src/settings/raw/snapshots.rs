use serde::{Deserialize, Serialize};

use super::{DurationText, SizeText};

/// `[snapshots]`: the keys of every store. Which of them belong to a store is checked later.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::settings) struct Snapshots {
    /// `"file"`, `"none"`, or the address of a store.
    pub(in crate::settings) store: String,
    /// Where the service is. Default: at the store's own company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) endpoint: Option<String>,
    /// Default: `us-east-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) region: Option<String>,
    /// Default: none, requests are not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) access_key_id: Option<String>,
    /// Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) secret_access_key: Option<String>,
    /// A file with it, instead of `secret_access_key`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) secret_access_key_file: Option<String>,
    /// Whether the bucket stands in the path. Default: true where there is an `endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) path_style: Option<bool>,
    /// The key file of a service account. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) service_account_file: Option<String>,
    /// The storage account. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) account: Option<String>,
    /// The account's key. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) access_key: Option<String>,
    /// A file with it, instead of `access_key`. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) access_key_file: Option<String>,
    /// The user name, unless the URL carries it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) username: Option<String>,
    /// The password, unless the URL carries it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) password: Option<String>,
    /// A file with the password, instead of `password`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) password_file: Option<String>,
    /// Certificate authorities (PEM) to trust besides the built-in ones. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) ca_file: Option<String>,
    /// Whether pictures and credentials may travel unencrypted. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) allow_http: Option<bool>,
    /// How large the folder may grow. Default: `1GiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) max_bytes: Option<SizeText>,
    /// The name of each picture.
    pub(in crate::settings) key: String,
    /// What stands before the key in the URLs of events. Default: the store's own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) public_url: Option<String>,
    /// JPEG quality.
    pub(in crate::settings) quality: u64,
    /// Whether boxes are drawn.
    pub(in crate::settings) annotate: bool,
    /// Pictures around the start of a visit, for all cameras that say nothing else.
    pub(in crate::settings) frames: u64,
    /// Time between them.
    pub(in crate::settings) every: DurationText,
    /// Pictures in flight at once.
    pub(in crate::settings) concurrency: u64,
    /// An event waits so long for its pictures.
    pub(in crate::settings) deadline: DurationText,
    /// For one attempt.
    pub(in crate::settings) timeout: DurationText,
    /// Failed attempts before a picture is given up.
    pub(in crate::settings) max_retries: u64,
    /// How large the folder of waiting pictures may grow.
    pub(in crate::settings) spool_bytes: SizeText,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self {
            store: "file".to_owned(),
            endpoint: None,
            region: None,
            access_key_id: None,
            secret_access_key: None,
            secret_access_key_file: None,
            path_style: None,
            service_account_file: None,
            account: None,
            access_key: None,
            access_key_file: None,
            username: None,
            password: None,
            password_file: None,
            ca_file: None,
            allow_http: None,
            max_bytes: None,
            key: "{camera}/{date}/{event}/{n}.jpg".to_owned(),
            public_url: None,
            quality: 85,
            annotate: false,
            frames: 1,
            every: "200ms".into(),
            concurrency: 64,
            deadline: "10s".into(),
            timeout: "30s".into(),
            max_retries: 30,
            spool_bytes: "256MiB".into(),
        }
    }
}
