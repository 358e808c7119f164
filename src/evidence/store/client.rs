use std::{error::Error, path::Path, time::Duration};

use async_trait::async_trait;
use bytes::BytesMut;
use object_store::{
    ClientOptions,
    client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService},
};
use reqwest::{
    Body, Client, Method, Request, Response, StatusCode, Url,
    header::{AUTHORIZATION, HeaderValue},
    redirect::Policy,
};

use super::StoreError;
use crate::{
    evidence::{EvidenceError, PICTURE_AT_MOST},
    tls,
};

/// The HTTP client that the libraries of stores are given: it needs no certificates of the machine, reads no answer
/// without bound, and says plainly how an attempt ended.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    client: Client,
    authorization: Option<HeaderValue>,
}

/// The store answered, and not that it did what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the store answered {status}{}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub(super) struct Answered {
    status: StatusCode,
    /// What it calls the fault: `NoSuchBucket`.
    code: Option<String>,
}

impl Connector {
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// More of an answer that refuses is not read.
    const REFUSAL_AT_MOST: usize = 64 << 10;

    /// `authorization` goes with every request, where the store's library signs none.
    pub(super) fn new(
        ca_file: Option<&Path>,
        authorization: Option<HeaderValue>,
        timeout: Duration,
        concurrency: usize,
    ) -> Result<Self, EvidenceError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client(ca_file)?)
            .user_agent(concat!("lookout/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Self::CONNECT_TIMEOUT.min(timeout))
            .pool_max_idle_per_host(concurrency)
            // A signed request goes to the address that the settings name and nowhere else.
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(|e| EvidenceError::Store(innermost(&e.without_url())))?;
        Ok(Self { client, authorization })
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url: Url = parts.uri.to_string().parse().map_err(|e| HttpError::new(HttpErrorKind::Unknown, e))?;
        let makes_folder = parts.method.as_str() == "MKCOL";
        let mut request = Request::new(Method::clone(&parts.method), url);
        *request.headers_mut() = parts.headers;
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        *request.body_mut() = Some(Body::wrap(body));
        let answer = self.client.execute(request).await.map_err(broken)?;
        let status = answer.status();
        // A folder that is there already (RFC 4918, 9.3.1) is as good as one made.
        if makes_folder && status == StatusCode::METHOD_NOT_ALLOWED {
            return Ok(HttpResponse::new(Vec::new().into()));
        }
        // These two mean something to the libraries: no such thing, or no folder for it.
        let passes = status.is_success() || [StatusCode::NOT_FOUND, StatusCode::CONFLICT].contains(&status);
        if !passes {
            return Err(HttpError::new(HttpErrorKind::Unknown, refusal(answer).await));
        }
        let mut response = HttpResponse::new(Vec::new().into());
        *response.status_mut() = status;
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = read(answer, PICTURE_AT_MOST).await?.freeze().into();
        Ok(response)
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.exchange(request).await
    }
}

async fn read(mut answer: Response, limit: usize) -> Result<BytesMut, HttpError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > limit {
            let too_long = std::io::Error::other("the answer is longer than anything that is kept there");
            return Err(HttpError::new(HttpErrorKind::Decode, too_long));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn refusal(answer: Response) -> Answered {
    let status = answer.status();
    let header = answer.headers().get("x-ms-error-code").and_then(|code| Some(code.to_str().ok()?.to_owned()));
    let body = read(answer, Connector::REFUSAL_AT_MOST).await.unwrap_or_default();
    let code = header.or_else(|| fault_code(&String::from_utf8_lossy(&body)));
    Answered { status, code: code.filter(|code| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric())) }
}

/// What S3 and Google call the fault. Nothing else of the body is shown: it repeats what was signed.
fn fault_code(body: &str) -> Option<String> {
    let (_, behind) = body.split_once("<Code>")?;
    Some(behind.split_once("</Code>")?.0.to_owned())
}

fn broken(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else {
        HttpErrorKind::Request
    };
    HttpError::new(kind, error.without_url())
}

/// The innermost cause: the outer ones only say that there is one.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// What a failure means. `store` is what the store is called for people.
pub(super) fn explain(error: &object_store::Error, store: &str) -> StoreError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    let mut broken = None;
    while let Some(error) = cause {
        if let Some(answered) = error.downcast_ref::<Answered>() {
            return judge(answered, store);
        }
        broken = error.downcast_ref::<HttpError>().or(broken);
        cause = error.source();
    }
    match (error, broken) {
        (_, Some(http)) if http.kind() == HttpErrorKind::Decode => {
            StoreError::Failed(format!("{store} answers what is no picture: {}", innermost(http)))
        }
        (_, Some(http)) => StoreError::Away(format!("{store} cannot be reached: {}", innermost(http))),
        (object_store::Error::NotFound { .. }, None) => StoreError::Missing,
        (object_store::Error::AlreadyExists { .. }, None) => {
            StoreError::Failed(format!("{store} answered 409 Conflict"))
        }
        // Its text may hold what the library was told, so it is not shown.
        _ => StoreError::Forbidden(format!("no request to {store} can be made: are its keys well-formed?")),
    }
}

fn judge(answered: &Answered, store: &str) -> StoreError {
    let code = answered.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let status = answered.status;
    let said = format!("{store} answered {status}{code}");
    match status.as_u16() {
        // Wrong regions, key ids and names are answered with it. Where others are stored meanwhile, it is the picture after all.
        400 => StoreError::Forbidden(format!("{said}: a setting of the store is wrong")),
        401 | 403 => StoreError::Forbidden(format!("{said}: the keys are wrong, or may not write there")),
        300..=399 => {
            StoreError::Forbidden(format!("{said}: redirects are not followed; is the region or address right?"))
        }
        405 | 501 => StoreError::Forbidden(format!("{said}: it does not take what is sent there")),
        408 | 425 | 429 | 502 | 503 | 504 => StoreError::Away(format!("{said}: it is busy")),
        507 => StoreError::Away(format!("{said}: it is full")),
        500..=599 => StoreError::Away(format!("{said}: it has a fault of its own")),
        _ => StoreError::Failed(said),
    }
}

/// A 404 when a picture was put: it is the place for it that is missing.
pub(super) fn no_place(store: &str) -> StoreError {
    StoreError::Forbidden(format!("{store} answered 404: there is no such bucket, container or folder"))
}
