use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use reqwest::{Response, StatusCode, header::RETRY_AFTER};
use tokio::time::Instant;

use super::{
    super::{Outcome, schedule, template::Format},
    Failure, in_time,
};
use crate::settings;

/// Tells from a receiver's answer how the delivery ended.
pub(super) struct Judge {
    format: Option<Arc<Format>>,
    /// What an answer may repeat of the request and nobody may see.
    secrets: Vec<String>,
}

impl Judge {
    /// More of an answer is not read.
    const READ: usize = 64 << 10;
    /// More of an answer is not shown.
    const SHOWN: usize = 200;
    /// Shorter parts of a URL or a header are no tokens, and hiding them would garble every text.
    const SECRET_AT_LEAST: usize = 6;
    /// Shorter words of a template are no tokens, but mostly words.
    const TOKEN_AT_LEAST: usize = 12;

    pub(super) fn new(settings: &settings::Webhook, format: Option<Arc<Format>>) -> Self {
        Self { format, secrets: secrets(settings) }
    }

    /// The failure is one of reading the answer, where it is wanted until then.
    pub(super) async fn judge(&self, mut answer: Response, now: Timestamp, until: Instant) -> Result<Outcome, Failure> {
        let verdict = by_status(&answer, now);
        let Some(format) = &self.format else {
            read_away(&mut answer).await;
            return Ok(verdict);
        };
        let status = answer.status();
        match verdict {
            Outcome::Accepted if !format.has_condition() => {
                read_away(&mut answer).await;
                Ok(Outcome::Accepted)
            }
            Outcome::Accepted => {
                let read = in_time(until, read(&mut answer)).await?;
                let error = match format.accepts(&read) {
                    Ok(true) => return Ok(Outcome::Accepted),
                    Ok(false) => format!("the receiver answered {status}, but did not accept it"),
                    Err(problem) => format!("the receiver answered {status}; {problem}"),
                };
                Ok(Outcome::Refused { error: self.quote(error, &read), retry_after: None, blames_event: false })
            }
            Outcome::Refused { error, retry_after, blames_event } => {
                // It is refused, whether its reason can be read or not.
                let read = tokio::time::timeout(Duration::from_secs(1), read(&mut answer)).await;
                let read = read.ok().and_then(Result::ok).unwrap_or_default();
                Ok(Outcome::Refused { error: self.quote(error, &read), retry_after, blames_event })
            }
            verdict => Ok(verdict),
        }
    }

    /// Adds the beginning of what was answered, on one line and without secrets.
    fn quote(&self, error: String, answer: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(answer).into_owned();
        for secret in &self.secrets {
            text = text.replace(secret, "***");
        }
        let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let words: Vec<&str> = printable.split_whitespace().collect();
        let text = words.join(" ");
        if text.is_empty() {
            return error;
        }
        let shown: String = text.chars().take(Self::SHOWN).collect();
        let more = if shown.len() < text.len() { "…" } else { "" };
        format!("{error}: {shown}{more}")
    }
}

/// Everything secret in the settings, and everything that may be, the longest first.
fn secrets(settings: &settings::Webhook) -> Vec<String> {
    let url = &settings.url;
    let mut secrets = vec![url.path().to_owned(), url.username().to_owned()];
    secrets.extend(url.password().map(str::to_owned));
    secrets.extend(url.query().map(str::to_owned));
    secrets.extend(url.path().split('/').map(str::to_owned));
    secrets.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    secrets.extend(settings.secret.as_ref().map(|secret| secret.expose().to_owned()));
    for (_, value) in &settings.headers {
        secrets.push(value.expose().to_owned());
        secrets.extend(value.expose().split_whitespace().map(str::to_owned));
    }
    secrets.extend(settings.template.iter().flat_map(|template| tokens(&template.body)).map(str::to_owned));
    secrets.extend(basic_credentials(settings));
    let decoded: Vec<String> = secrets.iter().map(|s| percent_decode_str(s).decode_utf8_lossy().into_owned()).collect();
    secrets.extend(decoded);
    // A bot's token after the word "bot" in the path is named without that word in answers.
    let bare: Vec<String> = secrets.iter().filter_map(|s| s.strip_prefix("bot")).map(str::to_owned).collect();
    secrets.extend(bare);
    secrets.retain(|secret| secret.len() >= Judge::SECRET_AT_LEAST);
    secrets.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    secrets.dedup();
    secrets
}

/// What stands in a template and may be a token: some receivers want theirs in the body, by itself, in JSON or in a URL.
fn tokens(template: &str) -> impl Iterator<Item = &str> {
    let words = template.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`'));
    let with_pieces = words.flat_map(|word| {
        let is_separator = |c: char| "/\\?&=#:;,@|{}[]()<>".contains(c);
        std::iter::once(word).chain(word.split(is_separator))
    });
    with_pieces.filter(|word| word.len() >= Judge::TOKEN_AT_LEAST)
}

/// What basic authentication makes of the credentials in the URL, up to the padding.
fn basic_credentials(settings: &settings::Webhook) -> Option<String> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (settings.url.username(), settings.url.password());
    if user.is_empty() && password.is_none() {
        return None;
    }
    let both = format!("{}:{}", decoded(user), decoded(password.unwrap_or_default()));
    Some(BASE64_STANDARD.encode(both).trim_end_matches('=').to_owned())
}

fn by_status(answer: &Response, now: Timestamp) -> Outcome {
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

/// The answer, up to a bound.
async fn read(answer: &mut Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut read = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        let room = Judge::READ - read.len();
        read.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            break;
        }
    }
    Ok(read)
}

/// Reads a short answer to its end, so that its connection serves the next delivery. The verdict is in already, and
/// nothing of it is kept.
async fn read_away(answer: &mut Response) {
    const AT_MOST: usize = 4 << 10;
    let read = async {
        let mut left = AT_MOST;
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
