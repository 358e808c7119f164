use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use object_store::{
    Attribute, Attributes, ClientOptions, ObjectStoreExt, PutOptions, RetryConfig, aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder, http::HttpBuilder, path::Path,
};
use reqwest::header::HeaderValue;
use url::Url;

use super::{
    Address, Label, Store, StoreError,
    client::{Connector, explain, no_place},
};
use crate::{
    evidence::EvidenceError,
    settings::{Credentials, ObjectStore, Snapshots},
};

/// A store across the network. It has no `Debug`: it holds keys.
pub(super) struct Remote {
    inner: Arc<dyn object_store::ObjectStore>,
    prefix: Arc<str>,
    name: Arc<str>,
}

impl Remote {
    /// The store that `elsewhere` describes; nothing is sent yet.
    pub(super) fn open(elsewhere: &ObjectStore, settings: &Snapshots) -> Result<Self, EvidenceError> {
        let connector = connector(elsewhere, settings)?;
        let name = Address::of(settings)?.store().into();
        let (inner, prefix): (Arc<dyn object_store::ObjectStore>, Arc<str>) = match elsewhere {
            ObjectStore::S3 { prefix, .. } => (s3(elsewhere, connector)?, Arc::clone(prefix)),
            ObjectStore::Google { prefix, .. } => (google(elsewhere, connector)?, Arc::clone(prefix)),
            ObjectStore::Azure { prefix, .. } => (azure(elsewhere, connector)?, Arc::clone(prefix)),
            ObjectStore::Http { url, .. } => (http(url, connector)?, "".into()),
            ObjectStore::Folder { .. } => {
                return Err(EvidenceError::Store("a folder is not across the network".into()));
            }
        };
        Ok(Self { inner, prefix, name })
    }

    fn path(&self, key: &str) -> Result<Path, StoreError> {
        let unusable = |_| StoreError::Failed(format!("\"{key}\" is no key"));
        Path::parse(format!("{}/{key}", self.prefix.trim_matches('/')).trim_start_matches('/')).map_err(unusable)
    }
}

impl Store for Remote {
    fn put(&self, key: &str, jpeg: Bytes, label: &Label) -> BoxFuture<'static, Result<(), StoreError>> {
        let (inner, name, path) = (Arc::clone(&self.inner), Arc::clone(&self.name), self.path(key));
        let options = PutOptions { attributes: attributes(label), ..PutOptions::default() };
        async move {
            inner.put_opts(&path?, jpeg.into(), options).await.map(drop).map_err(|error| match explain(&error, &name) {
                StoreError::Missing => no_place(&name),
                other => other,
            })
        }
        .boxed()
    }

    fn get(&self, key: &str) -> BoxFuture<'static, Result<Bytes, StoreError>> {
        let (inner, name, path) = (Arc::clone(&self.inner), Arc::clone(&self.name), self.path(key));
        async move {
            let explain = |error| explain(&error, &name);
            inner.get(&path?).await.map_err(explain)?.bytes().await.map_err(explain)
        }
        .boxed()
    }
}

/// The names are single words: Azure takes no hyphens, and proxies drop headers with underscores, which breaks
/// signatures.
fn attributes(label: &Label) -> Attributes {
    Attributes::from_iter([
        (Attribute::ContentType, "image/jpeg".to_owned()),
        (Attribute::Metadata("camera".into()), label.camera.to_string()),
        (Attribute::Metadata("event".into()), label.event.to_string()),
        (Attribute::Metadata("captured".into()), label.captured_at.to_string()),
    ])
}

fn connector(store: &ObjectStore, settings: &Snapshots) -> Result<Connector, EvidenceError> {
    let (ca_file, authorization) = match store {
        ObjectStore::S3 { ca_file, .. } | ObjectStore::Google { ca_file, .. } | ObjectStore::Azure { ca_file, .. } => {
            (ca_file.as_deref(), None)
        }
        ObjectStore::Http { ca_file, credentials, .. } => {
            (ca_file.as_deref(), credentials.as_ref().map(basic).transpose()?)
        }
        ObjectStore::Folder { .. } => (None, None),
    };
    Connector::new(ca_file, authorization, settings.timeout, settings.concurrency)
}

/// Basic authentication (RFC 7617).
fn basic(credentials: &Credentials) -> Result<HeaderValue, EvidenceError> {
    let pair = BASE64_STANDARD.encode(format!("{}:{}", credentials.username, credentials.password.expose()));
    let unusable = |_| EvidenceError::Store("its user name or password cannot be sent".into());
    let mut value = HeaderValue::try_from(format!("Basic {pair}")).map_err(unusable)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Attempts are repeated by the uplink, which knows of all pictures together.
fn once() -> RetryConfig {
    RetryConfig { max_retries: 0, retry_timeout: Duration::ZERO, ..RetryConfig::default() }
}

fn s3(store: &ObjectStore, connector: Connector) -> Result<Arc<dyn object_store::ObjectStore>, EvidenceError> {
    let ObjectStore::S3 { bucket, region, keys, endpoint, path_style, .. } = store else {
        return Err(wrong_kind());
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&**bucket)
        .with_region(&**region)
        .with_allow_http(true)
        .with_virtual_hosted_style_request(!path_style)
        .with_retry(once())
        .with_http_connector(connector);
    builder = match keys {
        Some((id, secret)) => builder.with_access_key_id(&**id).with_secret_access_key(secret.expose()),
        None => builder.with_skip_signature(true),
    };
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(bucket_endpoint(endpoint, bucket, *path_style)?);
    }
    // What the libraries say of settings may repeat them, so it is not shown.
    let store = builder.build().map_err(|_| EvidenceError::Store("its S3 settings are not usable".into()))?;
    Ok(Arc::new(store))
}

/// The library wants the bucket in the host name where it is to stand there, and adds it to the path otherwise.
fn bucket_endpoint(endpoint: &Url, bucket: &str, path_style: bool) -> Result<String, EvidenceError> {
    let mut endpoint = endpoint.clone();
    let unusable =
        || EvidenceError::Store("the bucket cannot stand in the endpoint's host name: set path style".into());
    if !path_style {
        let host = endpoint.host_str().filter(|host| host.parse::<std::net::IpAddr>().is_err()).ok_or_else(unusable)?;
        let host = format!("{bucket}.{host}");
        endpoint.set_host(Some(&host)).map_err(|_| unusable())?;
    }
    Ok(endpoint.as_str().trim_end_matches('/').to_owned())
}

fn google(store: &ObjectStore, connector: Connector) -> Result<Arc<dyn object_store::ObjectStore>, EvidenceError> {
    let ObjectStore::Google { bucket, service_account, endpoint, .. } = store else { return Err(wrong_kind()) };
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&**bucket)
        .with_service_account_key(service_account.expose())
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_retry(once())
        .with_http_connector(connector);
    if let Some(endpoint) = endpoint {
        builder = builder.with_base_url(endpoint.as_str().trim_end_matches('/'));
    }
    let unusable = "the service account's key is not the JSON that Google gives out";
    Ok(Arc::new(builder.build().map_err(|_| EvidenceError::Store(unusable.into()))?))
}

fn azure(store: &ObjectStore, connector: Connector) -> Result<Arc<dyn object_store::ObjectStore>, EvidenceError> {
    let ObjectStore::Azure { account, container, access_key, endpoint, .. } = store else { return Err(wrong_kind()) };
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(&**account)
        .with_container_name(&**container)
        .with_access_key(access_key.expose())
        .with_allow_http(true)
        .with_retry(once())
        .with_http_connector(connector);
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/').to_owned());
    }
    Ok(Arc::new(builder.build().map_err(|_| EvidenceError::Store("the account's key is not base64".into()))?))
}

fn http(url: &Url, connector: Connector) -> Result<Arc<dyn object_store::ObjectStore>, EvidenceError> {
    let mut url = url.clone();
    // A closing slash would be taken for a folder without name.
    url.path_segments_mut().map_err(|()| wrong_kind())?.pop_if_empty();
    let builder = HttpBuilder::new()
        .with_url(url)
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_retry(once())
        .with_http_connector(connector);
    Ok(Arc::new(builder.build().map_err(|_| EvidenceError::Store("its address is not usable".into()))?))
}

fn wrong_kind() -> EvidenceError {
    EvidenceError::Store("its settings are of another kind of store".into())
}

#[cfg(test)]
#[path = "../tests/remote.rs"]
mod tests;
