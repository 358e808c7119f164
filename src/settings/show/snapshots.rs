use std::path::Path;

use url::Url;

use super::{
    super::{
        ObjectStore, Snapshots,
        quantity::{show_duration, show_size},
        raw,
    },
    MASK, credentials,
};

pub(super) fn written(snapshots: Option<&Snapshots>) -> raw::Snapshots {
    let Some(snapshots) = snapshots else {
        return raw::Snapshots { store: "none".to_owned(), ..raw::Snapshots::default() };
    };
    let Snapshots {
        store: kind,
        key,
        public_url,
        quality,
        annotate,
        concurrency,
        deadline,
        timeout,
        max_retries,
        spool_bytes,
    } = snapshots;
    raw::Snapshots {
        key: key.to_string(),
        public_url: public_url.as_ref().map(ToString::to_string),
        quality: (*quality).into(),
        annotate: *annotate,
        concurrency: *concurrency as u64,
        deadline: raw::DurationText(show_duration(*deadline)),
        timeout: raw::DurationText(show_duration(*timeout)),
        max_retries: (*max_retries).into(),
        spool_bytes: raw::SizeText(show_size(*spool_bytes)),
        ..store(kind)
    }
}

fn store(store: &ObjectStore) -> raw::Snapshots {
    match store {
        ObjectStore::Folder { path, max_bytes } => raw::Snapshots {
            store: folder(path),
            max_bytes: Some(raw::SizeText(show_size(*max_bytes))),
            ..raw::Snapshots::default()
        },
        ObjectStore::S3 { bucket, prefix, region, keys, endpoint, path_style, ca_file } => raw::Snapshots {
            store: bucket_and_prefix("s3", bucket, prefix),
            region: Some(region.to_string()),
            access_key_id: keys.as_ref().map(|(id, _)| id.to_string()),
            secret_access_key: keys.as_ref().map(|_| MASK.to_owned()),
            path_style: Some(*path_style),
            ..reached_at(endpoint.as_ref(), ca_file.as_deref())
        },
        ObjectStore::Google { bucket, prefix, service_account: _, endpoint, ca_file } => raw::Snapshots {
            store: bucket_and_prefix("gs", bucket, prefix),
            service_account_file: Some(MASK.to_owned()),
            ..reached_at(endpoint.as_ref(), ca_file.as_deref())
        },
        ObjectStore::Azure { account, container, prefix, access_key: _, endpoint, ca_file } => raw::Snapshots {
            store: bucket_and_prefix("az", container, prefix),
            account: Some(account.to_string()),
            access_key: Some(MASK.to_owned()),
            ..reached_at(endpoint.as_ref(), ca_file.as_deref())
        },
        ObjectStore::Http { url, credentials: known, ca_file } => {
            let (username, password) = credentials(known.as_ref());
            let raw = reached_at(Some(url), ca_file.as_deref());
            raw::Snapshots { store: url.to_string(), endpoint: None, username, password, ..raw }
        }
    }
}

fn reached_at(endpoint: Option<&Url>, ca_file: Option<&Path>) -> raw::Snapshots {
    raw::Snapshots {
        endpoint: endpoint.map(ToString::to_string),
        allow_http: endpoint.filter(|url| url.scheme() == "http").map(|_| true),
        ca_file: ca_file.map(|file| file.display().to_string()),
        ..raw::Snapshots::default()
    }
}

fn folder(path: &Path) -> String {
    match path.is_absolute() {
        true => format!("file://{}", path.display()),
        false => format!("file:{}", path.display()),
    }
}

fn bucket_and_prefix(scheme: &str, bucket: &str, prefix: &str) -> String {
    let separator = if prefix.is_empty() { "" } else { "/" };
    format!("{scheme}://{bucket}{separator}{prefix}")
}
