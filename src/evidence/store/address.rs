use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::{
    evidence::EvidenceError,
    settings::{ObjectStore, Snapshots},
};

/// How the pictures of a store are addressed: what stands before every key. Never with credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::evidence) struct Address {
    base: String,
    store: String,
}

/// What may stand in a path as it is (RFC 3986, `pchar`), and the slash.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'=')
    .remove(b'+')
    .remove(b'@')
    .remove(b',');

impl Address {
    /// As the settings say: `public_url`, or else the store's own.
    pub(super) fn of(settings: &Snapshots) -> Result<Self, EvidenceError> {
        let own = |scheme: &str, bucket: &str, prefix: &str| joined(&format!("{scheme}://{bucket}"), prefix);
        let store = match &settings.store {
            ObjectStore::S3 { bucket, prefix, .. } => own("s3", bucket, prefix),
            ObjectStore::Google { bucket, prefix, .. } => own("gs", bucket, prefix),
            ObjectStore::Azure { container, prefix, .. } => own("az", container, prefix),
            ObjectStore::Http { url, .. } => plain(url),
            ObjectStore::Folder { path, .. } => {
                let unusable = |source| EvidenceError::Spool { path: path.clone(), source };
                let absolute = std::path::absolute(path).map_err(unusable)?;
                let url = Url::from_directory_path(&absolute);
                plain(&url.map_err(|()| EvidenceError::Store("the folder has no address".into()))?)
            }
        };
        let base = settings.public_url.as_ref().map_or_else(|| store.clone(), plain);
        Ok(Self { base, store })
    }

    /// The store itself, for people.
    pub(in crate::evidence) fn store(&self) -> &str {
        &self.store
    }

    /// The URL of the picture under `key`.
    pub(in crate::evidence) fn url(&self, key: &str) -> String {
        format!("{}/{}", self.base, utf8_percent_encode(key, ENCODED))
    }

    /// The key of the picture that has this URL; `None`: it lies elsewhere.
    pub(in crate::evidence) fn key(&self, url: &str) -> Option<String> {
        let encoded = url.strip_prefix(&self.base)?.strip_prefix('/')?;
        let key = percent_decode_str(encoded).decode_utf8().ok()?.into_owned();
        let is_sound = key.split('/').all(|part| !["", ".", ".."].contains(&part));
        is_sound.then_some(key)
    }
}

/// Without credentials, query, fragment and closing slash.
fn plain(url: &Url) -> String {
    let mut url = url.clone();
    // Where there can be none, there are none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

fn joined(base: &str, prefix: &str) -> String {
    let prefix = prefix.trim_matches('/');
    if prefix.is_empty() { base.to_owned() } else { format!("{base}/{}", utf8_percent_encode(prefix, ENCODED)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evidence::tests::snapshots, settings::Secret};

    fn address(store: ObjectStore, public_url: Option<&str>) -> Address {
        let public_url = public_url.map(|url| url.parse().expect("a URL"));
        Address::of(&Snapshots { public_url, ..snapshots(store) }).expect("an address")
    }

    fn s3(prefix: &str) -> ObjectStore {
        ObjectStore::S3 {
            bucket: "evidence".into(),
            prefix: prefix.into(),
            region: "eu-central-1".into(),
            keys: Some(("AKIAEXAMPLE".into(), Secret::new("hunter2"))),
            endpoint: Some("https://minio.example:9000".parse().expect("a URL")),
            path_style: true,
            ca_file: None,
        }
    }

    #[test]
    fn every_store_has_its_own_addresses_and_they_lead_back_to_the_key() {
        let http = |url: &str| ObjectStore::Http { url: url.parse().expect("a URL"), credentials: None, ca_file: None };
        let folder = ObjectStore::Folder { path: "/var/lib/look out".into(), max_bytes: 1 };
        for (store, public, expected) in [
            (s3(""), None, "s3://evidence/door/1.jpg"),
            (s3("/a/b/"), None, "s3://evidence/a/b/door/1.jpg"),
            (s3("a"), Some("https://cdn.example/p/"), "https://cdn.example/p/door/1.jpg"),
            (http("https://dav.example/x/"), None, "https://dav.example/x/door/1.jpg"),
            (folder, None, "file:///var/lib/look%20out/door/1.jpg"),
        ] {
            let address = address(store, public);
            assert_eq!(address.url("door/1.jpg"), expected);
            assert_eq!(address.key(expected).as_deref(), Some("door/1.jpg"));
            assert_eq!(address.key(&format!("{expected}/../../etc")), None);
            assert_eq!(address.key("s3://evidence2/door/1.jpg"), None);
        }
    }

    #[test]
    fn invariant_13_no_url_carries_credentials() {
        let url = "https://user:hunter2@dav.example/x?token=hunter2#hunter2";
        let store = ObjectStore::Http { url: url.parse().expect("a URL"), credentials: None, ca_file: None };
        for address in [address(store, None), address(s3(""), Some(url))] {
            assert_eq!(address.url("1.jpg"), "https://dav.example/x/1.jpg");
            assert!(!format!("{address:?}").contains("hunter2"));
        }
    }
}
