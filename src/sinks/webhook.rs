mod answer;
mod headers;

use std::{error::Error, sync::Arc, time::Duration};

use answer::Judge;
use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use reqwest::{
    Client, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect::Policy,
};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook as Signer};
use tokio::time::{Instant, timeout_at};

use super::{Outcome, Sink, SinkError, payload, template::Format, tls};
use crate::{events::Event, settings};

/// Tells events by HTTP POST: CloudEvents bodies, or bodies in the receiver's own format, signed as Standard Webhooks
/// says.
///
/// It has no `Debug`: its URL may hold a token and its signer holds the key.
pub struct Webhook {
    client: Client,
    url: Url,
    target: String,
    signer: Option<Signer>,
    source: String,
    timeout: Duration,
    headers: HeaderMap,
    content_type: HeaderValue,
    format: Option<Arc<Format>>,
    judge: Arc<Judge>,
}

/// Why a delivery has no outcome of its own.
enum Failure {
    /// Its time was over.
    Late,
    Broken(reqwest::Error),
}

impl Webhook {
    /// The longest wait for a connection.
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

    /// A webhook as the settings describe it.
    pub fn new(name: &Arc<str>, settings: &settings::Webhook, source: &str) -> Result<Self, SinkError> {
        let signer = match &settings.secret {
            Some(secret) => {
                Some(Signer::new(secret.expose()).map_err(|_| SinkError::Secret { sink: Arc::clone(name) })?)
            }
            None => None,
        };
        let format = settings.template.as_ref().map(Format::new).transpose();
        let format = format.map_err(|why| SinkError::Template { sink: Arc::clone(name), why })?.map(Arc::new);
        let content_type = match &format {
            Some(format) => HeaderValue::from_str(format.content_type()),
            None => Ok(HeaderValue::from_static("application/cloudevents+json")),
        };
        let content_type = content_type.map_err(|_| SinkError::Template {
            sink: Arc::clone(name),
            why: "its content type has characters that a header cannot have".to_owned(),
        })?;
        let headers = headers::extra(&settings.headers);
        let headers = headers.map_err(|why| SinkError::Client { sink: Arc::clone(name), why })?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client(settings.ca_file.as_deref())?)
            .user_agent(concat!("lookout/", env!("CARGO_PKG_VERSION")))
            // Shorter than the whole, and that is measured by us (`in_time`): the client asks its own clock for the whole
            // first, and a receiver that drops packets would look like one that is connected and slow to answer.
            .connect_timeout(Self::CONNECT_TIMEOUT.min(settings.timeout * 4 / 5))
            // A signed body goes to the address that the settings name and nowhere else.
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(|e| SinkError::Client { sink: Arc::clone(name), why: cause(&e.without_url()) })?;
        Ok(Self {
            client,
            url: settings.url.clone(),
            target: settings::masked_webhook_url(&settings.url),
            signer,
            source: source.to_owned(),
            timeout: settings.timeout,
            headers,
            content_type,
            judge: Arc::new(Judge::new(settings, format.clone())),
            format,
        })
    }

    /// Where it tells, for people: the origin of the URL alone, as the rest may hold credentials or a token.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The error is one of rendering the body.
    fn request(&self, event: &Event, now: Timestamp) -> Result<reqwest::RequestBuilder, String> {
        let (id, seconds) = (event.id.to_string(), now.as_second());
        let body = match &self.format {
            Some(format) => format.body(event, &self.source)?,
            None => payload::cloud_event(event, &self.source),
        };
        let mut request = self
            .client
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, &self.content_type)
            .header(HEADER_WEBHOOK_ID, &id)
            .header(HEADER_WEBHOOK_TIMESTAMP, seconds);
        if let Some(signer) = &self.signer {
            let signature = signer.sign(&id, seconds, &body).expect("only a body that is no UTF-8 cannot be signed");
            request = request.header(HEADER_WEBHOOK_SIGNATURE, signature);
        }
        Ok(request.body(body))
    }
}

impl Sink for Webhook {
    fn deliver(&self, event: &Event) -> BoxFuture<'static, Outcome> {
        let request = match self.request(event, Timestamp::now()) {
            Ok(request) => request,
            Err(error) => {
                let refused = Outcome::Refused { error, retry_after: None, blames_event: true };
                return futures::future::ready(refused).boxed();
            }
        };
        let (target, timeout, judge) = (self.target.clone(), self.timeout, Arc::clone(&self.judge));
        async move {
            let until = Instant::now() + timeout;
            let exchange = async {
                let answer = in_time(until, request.send()).await?;
                judge.judge(answer, Timestamp::now(), until).await
            };
            let error = match exchange.await {
                Ok(outcome) => return outcome,
                Err(Failure::Broken(error)) if error.is_connect() => {
                    return Outcome::Unreachable { error: explain(error, &target) };
                }
                Err(Failure::Broken(error)) => explain(error, &target),
                Err(Failure::Late) => format!("no answer from {target} within {timeout:?}"),
            };
            Outcome::Refused { error, retry_after: None, blames_event: false }
        }
        .boxed()
    }

    fn deadline(&self) -> Duration {
        // Its own time-out covers connection to answer; a little more for reading the answer away.
        self.timeout + Duration::from_secs(5)
    }
}

/// A step of a delivery, until its time is over. What the step itself says goes first, however late it is asked.
async fn in_time<T>(until: Instant, step: impl Future<Output = Result<T, reqwest::Error>>) -> Result<T, Failure> {
    timeout_at(until, step).await.map_err(|_| Failure::Late)?.map_err(Failure::Broken)
}

fn explain(error: reqwest::Error, target: &str) -> String {
    let error = error.without_url();
    if error.is_timeout() && error.is_connect() {
        format!("no connection to {target} in time")
    } else if error.is_connect() {
        format!("cannot connect to {target}: {}", cause(&error))
    } else {
        format!("the exchange with {target} failed: {}", cause(&error))
    }
}

/// The innermost cause: the outer ones only say that there is one.
fn cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod format_tests;
#[cfg(test)]
mod tests;
