//! Where pictures are stored: the address, and the keys that belong to its kind.

use std::{path::Path, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use url::Url;

use super::{
    super::{ObjectStore, Secret, raw},
    Check, Owners, address,
    credentials::Written,
    snapshots::unfit_path,
};

const FORM: &str = "write \"file\" (a folder in storage.path), \"none\", \"file:///FOLDER\", \"s3://BUCKET/PREFIX\", \
                    \"gs://BUCKET/PREFIX\", \"az://CONTAINER/PREFIX\" or \"https://HOST/PATH\"";
/// The folder of pictures within `storage.path`.
const FOLDER: &str = "snapshots";

/// What belongs to some stores alone.
const OWNERS: &Owners = &[
    ("endpoint", &["s3", "gs", "az"]),
    ("region", &["s3"]),
    ("access_key_id", &["s3"]),
    ("secret_access_key", &["s3"]),
    ("secret_access_key_file", &["s3"]),
    ("path_style", &["s3"]),
    ("service_account_file", &["gs"]),
    ("account", &["az"]),
    ("access_key", &["az"]),
    ("access_key_file", &["az"]),
    ("username", &["http"]),
    ("password", &["http"]),
    ("password_file", &["http"]),
    ("ca_file", &["s3", "gs", "az", "http"]),
    ("allow_http", &["s3", "gs", "az", "http"]),
    ("max_bytes", &["file"]),
];

impl Check<'_> {
    /// `None`: none is wanted, or what is written is wrong. The address is not repeated: it may carry credentials.
    pub(super) fn store(&mut self, raw: raw::Snapshots, storage: &Path) -> Option<ObjectStore> {
        let store = raw.store.clone();
        let (kind, rest) = match store.split_once(':') {
            None if store == "file" || store == "none" => (store.as_str(), None),
            Some(("file", rest)) => ("file", Some(rest)),
            Some((scheme @ ("s3" | "gs" | "az"), rest)) if rest.starts_with("//") => (scheme, Some(&rest[2..])),
            Some(("http" | "https", _)) => ("http", Some(store.as_str())),
            _ => {
                self.problem("snapshots.store", format!("is no store: {FORM}"));
                return None;
            }
        };
        self.foreign("snapshots", &raw, OWNERS, kind, |of| {
            let stores = of.iter().map(|kind| match *kind {
                "file" => "a folder",
                "s3" => "s3://",
                "gs" => "gs://",
                "az" => "az://",
                _ => "https://",
            });
            format!("is for store = {}: remove it here", stores.collect::<Vec<_>>().join(", "))
        });
        match (kind, rest) {
            ("file", rest) => self.folder_store(raw, rest, storage),
            ("s3", Some(rest)) => self.s3(raw, rest),
            ("gs", Some(rest)) => self.google(raw, rest),
            ("az", Some(rest)) => self.azure(raw, rest),
            ("http", Some(url)) => self.http_store(raw, url),
            _ => None,
        }
    }

    fn folder_store(&mut self, raw: raw::Snapshots, rest: Option<&str>, storage: &Path) -> Option<ObjectStore> {
        let max_bytes = raw.max_bytes.unwrap_or_else(|| "1GiB".into());
        let max_bytes = self.size("snapshots.max_bytes", &max_bytes.0, 1 << 20..=1 << 44);
        let path = match rest {
            None => storage.join(FOLDER),
            Some(rest) => match rest.strip_prefix("//") {
                Some(path) if !path.starts_with('/') => {
                    let text = "names a host behind \"file://\": write file:///FOLDER for a folder from the root on, or \
                                file:FOLDER for one beside the settings file";
                    self.problem("snapshots.store", text);
                    return None;
                }
                path => self.folder.join(path.unwrap_or(rest)),
            },
        };
        if rest == Some("") {
            self.problem("snapshots.store", "names no folder: write file:///FOLDER or file:FOLDER");
        } else if path.is_file() {
            self.problem("snapshots.store", format!("{} is a file: name a folder", path.display()));
        }
        Some(ObjectStore::Folder { path, max_bytes })
    }

    fn s3(&mut self, raw: raw::Snapshots, rest: &str) -> Option<ObjectStore> {
        let place = self.bucket_and_prefix(rest);
        let secret =
            self.secret("snapshots", "secret_access_key", raw.secret_access_key, raw.secret_access_key_file.clone());
        let keys = match (raw.access_key_id, secret) {
            (Some(id), Some(secret)) => Some((Arc::from(id), Secret::new(secret))),
            (Some(_), None) => {
                if raw.secret_access_key_file.is_none() {
                    self.problem("snapshots.secret_access_key", "missing: it belongs to access_key_id");
                }
                None
            }
            (None, Some(_)) => {
                self.problem("snapshots.access_key_id", "missing: it belongs to secret_access_key");
                None
            }
            (None, None) => None,
        };
        let region = raw.region.unwrap_or_else(|| "us-east-1".to_owned());
        if region.is_empty()
            || region.len() > 64
            || !region.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        {
            self.problem("snapshots.region", "is no region: write one such as \"eu-central-1\"");
        }
        let endpoint = self.endpoint(raw.endpoint.as_deref(), raw.allow_http);
        let ca_file = self.ca_file("snapshots", raw.ca_file);
        let (bucket, prefix) = place?;
        let path_style = raw.path_style.unwrap_or(endpoint.is_some());
        Some(ObjectStore::S3 { bucket, prefix, region: region.into(), keys, endpoint, path_style, ca_file })
    }

    fn google(&mut self, raw: raw::Snapshots, rest: &str) -> Option<ObjectStore> {
        const KEY: &str = "snapshots.service_account_file";
        let place = self.bucket_and_prefix(rest);
        let service_account = match raw.service_account_file {
            Some(file) => self.secret_file(KEY, &file),
            None => {
                self.problem(KEY, "missing: the key file (JSON) of a service account that may write into the bucket");
                None
            }
        };
        if let Some(text) = &service_account
            && !matches!(serde_json::from_str(text), Ok(serde_json::Value::Object(_)))
        {
            self.problem(KEY, "holds no JSON object: give the key of a service account as Google Cloud exports it");
        }
        let endpoint = self.endpoint(raw.endpoint.as_deref(), raw.allow_http);
        let ca_file = self.ca_file("snapshots", raw.ca_file);
        let (bucket, prefix) = place?;
        Some(ObjectStore::Google { bucket, prefix, service_account: Secret::new(service_account?), endpoint, ca_file })
    }

    fn azure(&mut self, raw: raw::Snapshots, rest: &str) -> Option<ObjectStore> {
        let place = self.bucket_and_prefix(rest);
        let from_file = raw.access_key_file.is_some();
        let access_key = self.secret("snapshots", "access_key", raw.access_key, raw.access_key_file);
        match access_key.as_deref().map(|key| BASE64_STANDARD.decode(key)) {
            Some(Ok(key)) if !key.is_empty() => {}
            Some(_) => self.problem("snapshots.access_key", "is no base64: copy it from the account's access keys"),
            None if from_file => {}
            None => self.problem("snapshots.access_key", "missing: one of the storage account's access keys"),
        }
        let account = raw.account;
        match account.as_deref() {
            Some(name)
                if (3..=24).contains(&name.len())
                    && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) => {}
            Some(_) => self.problem("snapshots.account", "is no storage account: 3 to 24 small letters and digits"),
            None => self.problem("snapshots.account", "missing: the name of the storage account"),
        }
        let endpoint = self.endpoint(raw.endpoint.as_deref(), raw.allow_http);
        let ca_file = self.ca_file("snapshots", raw.ca_file);
        let (container, prefix) = place?;
        Some(ObjectStore::Azure {
            account: account?.into(),
            container,
            prefix,
            access_key: Secret::new(access_key?),
            endpoint,
            ca_file,
        })
    }

    fn http_store(&mut self, raw: raw::Snapshots, text: &str) -> Option<ObjectStore> {
        let read = address::http(text).and_then(|mut url| {
            let in_url = address::take_credentials(&mut url)?;
            Ok((url, in_url))
        });
        let (url, in_url) = match read {
            Ok((url, in_url)) => (Some(url), Some(in_url)),
            Err(problem) => {
                self.problem("snapshots.store", problem);
                (None, None)
            }
        };
        let written = Written { username: raw.username, password: raw.password, password_file: raw.password_file };
        let credentials = self.credentials("snapshots", written, in_url);
        let ca_file = self.ca_file("snapshots", raw.ca_file);
        let url = url?;
        self.encrypted("snapshots.store", &url, raw.allow_http);
        Some(ObjectStore::Http { url, credentials, ca_file })
    }

    fn endpoint(&mut self, text: Option<&str>, allow_http: Option<bool>) -> Option<Url> {
        const KEY: &str = "snapshots.endpoint";
        match address::http(text?) {
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                self.problem(KEY, "carries credentials: write them in their own keys");
                None
            }
            Ok(url) => {
                self.encrypted(KEY, &url, allow_http);
                Some(url)
            }
            Err(problem) => {
                self.problem(KEY, problem);
                None
            }
        }
    }

    /// Pictures of people and credentials travel in the clear only where somebody said so.
    fn encrypted(&mut self, path: &str, url: &Url, allow_http: Option<bool>) {
        if url.scheme() == "http" && allow_http != Some(true) {
            self.problem(path, "http:// is not encrypted: use https://, or say allow_http = true");
        }
    }

    fn bucket_and_prefix(&mut self, rest: &str) -> Option<(Arc<str>, Arc<str>)> {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let is_name = |name: &str| {
            (1..=222).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.$".contains(&b))
        };
        let problem = if rest.contains('@') {
            Some("carries credentials: write them in their own keys".to_owned())
        } else if !is_name(bucket) {
            Some(
                "names no bucket: 1 to 222 letters, digits, '-', '_' or '.', then perhaps \"/\" and a prefix"
                    .to_owned(),
            )
        } else if prefix.contains(['{', '}']) {
            Some("has placeholders in the prefix: they belong in snapshots.key".to_owned())
        } else if prefix.is_empty() {
            None
        } else {
            unfit_path(prefix).map(|problem| format!("the prefix {problem}"))
        };
        match problem {
            Some(problem) => {
                self.problem("snapshots.store", problem);
                None
            }
            None => Some((bucket.into(), prefix.into())),
        }
    }
}
