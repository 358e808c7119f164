use std::{error::Error, sync::Arc, time::Duration};

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook as Signer};

use super::{Outcome, Sink, SinkError, payload, schedule, tls};
use crate::{events::Event, settings};

/// Tells events by HTTP POST: CloudEvents bodies, signed as Standard Webhooks says.
///
/// It has no `Debug`: its URL may hold a token and its signer holds the key.
pub struct Webhook {
    client: Client,
    url: Url,
    target: String,
    signer: Option<Signer>,
    source: String,
    timeout: Duration,
}

/// More of an answer is not read; none of it is kept.
const ANSWER_READ: usize = 4 << 10;

impl Webhook {
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

    /// A webhook as the settings describe it.
    pub fn new(name: &Arc<str>, settings: &settings::Webhook, source: &str) -> Result<Self, SinkError> {
        let signer = match &settings.secret {
            Some(secret) => {
                Some(Signer::new(secret.expose()).map_err(|_| SinkError::Secret { sink: Arc::clone(name) })?)
            }
            None => None,
        };
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client(settings.ca_file.as_deref())?)
            .user_agent(concat!("lookout/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Self::CONNECT_TIMEOUT.min(settings.timeout))
            .timeout(settings.timeout)
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
        })
    }

    /// Where it tells, for people: the origin of the URL alone, as the rest may hold credentials or a token.
    pub fn target(&self) -> &str {
        &self.target
    }

    fn request(&self, event: &Event, now: Timestamp) -> reqwest::RequestBuilder {
        let (id, seconds) = (event.id.to_string(), now.as_second());
        let body = payload::cloud_event(event, &self.source);
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/cloudevents+json")
            .header(HEADER_WEBHOOK_ID, &id)
            .header(HEADER_WEBHOOK_TIMESTAMP, seconds);
        if let Some(signer) = &self.signer {
            let signature =
                signer.sign(&id, seconds, &body).expect("only a body that is no UTF-8 cannot be signed, and JSON is");
            request = request.header(HEADER_WEBHOOK_SIGNATURE, signature);
        }
        request.body(body)
    }
}

impl Sink for Webhook {
    fn deliver(&self, event: &Event) -> BoxFuture<'static, Outcome> {
        let request = self.request(event, Timestamp::now());
        let (target, timeout) = (self.target.clone(), self.timeout);
        async move {
            match request.send().await {
                Ok(answer) => {
                    let outcome = judge(&answer, Timestamp::now());
                    read_away(answer).await;
                    outcome
                }
                Err(error) if error.is_connect() => Outcome::Unreachable { error: explain(error, &target, timeout) },
                Err(error) => {
                    Outcome::Refused { error: explain(error, &target, timeout), retry_after: None, blames_event: false }
                }
            }
        }
        .boxed()
    }

    fn deadline(&self) -> Duration {
        // Its own time-out covers connection to answer; a little more for reading the answer away.
        self.timeout + Duration::from_secs(5)
    }
}

fn judge(answer: &Response, now: Timestamp) -> Outcome {
    let status = answer.status();
    if status.is_success() {
        return Outcome::Accepted;
    }
    if status == StatusCode::GONE {
        return Outcome::Gone;
    }
    let slows = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    let header = answer.headers().get(RETRY_AFTER);
    let retry_after =
        header.filter(|_| slows.contains(&status)).and_then(|value| schedule::retry_after(value.to_str().ok()?, now));
    let hint = if status.is_redirection() { ": redirects are not followed, set the final URL" } else { "" };
    let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    let blames_event = status.is_client_error() && !passing.contains(&status);
    Outcome::Refused { error: format!("the receiver answered {status}{hint}"), retry_after, blames_event }
}

/// Reads a short answer to its end, so that its connection serves the next delivery. The verdict is in already.
async fn read_away(mut answer: Response) {
    let read = async {
        let mut left = ANSWER_READ;
        while let Ok(Some(chunk)) = answer.chunk().await {
            let Some(rest) = left.checked_sub(chunk.len()) else {
                return;
            };
            left = rest;
        }
    };
    // A receiver that never ends its answer costs its connection.
    let _ = tokio::time::timeout(Duration::from_secs(1), read).await;
}

fn explain(error: reqwest::Error, target: &str, timeout: Duration) -> String {
    let error = error.without_url();
    if error.is_timeout() && error.is_connect() {
        format!("no connection to {target} in time")
    } else if error.is_timeout() {
        format!("no answer from {target} within {timeout:?}")
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
mod tests;
