use std::time::Duration;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::NotReloaded;
use crate::{
    access::{Caller, Refusal},
    settings,
    words::Reason,
};

/// An answer that says what is wrong, as RFC 9457 describes it. The one place where kinds become HTTP statuses.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{title}: {detail}")]
pub struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    retry_after: Option<Duration>,
    /// What is wrong with which field.
    errors: Vec<settings::Problem>,
    /// Also says `code` and `msg`, as home-made stream services do.
    in_old_words: bool,
}

/// The body of an answer that says what is wrong (RFC 9457).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(in crate::http) struct Said<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Wrong<'a>>,
    /// The status, for front ends of home-made stream services.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    /// The detail, for the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WrongField")]
struct Wrong<'a> {
    field: &'a str,
    message: &'a str,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into(), retry_after: None, errors: Vec::new(), in_old_words: false }
    }

    /// 400: the request is not understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "The request is not understood", detail)
    }

    /// 401: it is not known who asks.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Say who you are", detail)
    }

    /// 403: who asks may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "This is not allowed", detail)
    }

    /// 404: no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such thing", detail)
    }

    /// 405: nothing answers to this method here.
    pub fn wrong_method(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "This method is not known here", detail)
    }

    /// 409: it contradicts what is there.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "It does not fit what is there", detail)
    }

    /// 421: it was asked under a name that is not ours.
    pub fn misdirected(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, "This is not the server of that name", detail)
    }

    /// 422: what is written of a camera has problems; each is named.
    pub fn unusable_camera(errors: Vec<settings::Problem>) -> Self {
        let detail = listed(&errors);
        let title = "The camera's settings have problems; nothing was changed";
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, title, detail) }
    }

    /// The same for whoever sent a form and reads `code` and `msg`; the camera's address is the field `ip` there.
    pub fn of_form(mut self) -> Self {
        if !self.errors.is_empty() {
            self.errors.iter_mut().filter(|error| error.path == "url").for_each(|error| error.path = "ip".into());
            self.detail = listed(&self.errors);
        }
        Self { in_old_words: true, ..self }
    }

    /// 502: a camera that was asked for something has a fault, with its name.
    pub fn camera_fault(code: Reason, message: impl Into<String>) -> Self {
        let detail = format!("{}: {}", code.code(), message.into());
        Self::new(StatusCode::BAD_GATEWAY, "The camera cannot be watched", detail)
    }

    /// 422: the settings have problems.
    pub fn unusable_settings(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "The settings have problems; nothing was changed", detail)
    }

    /// 429: not so often.
    pub fn too_many(detail: impl Into<String>, retry_after: Duration) -> Self {
        let retry_after = Some(retry_after);
        Self { retry_after, ..Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many failures", detail) }
    }

    /// 503: not now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Not available now", detail)
    }

    /// 500: a fault of ours.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something failed here", detail)
    }
}

fn listed(errors: &[settings::Problem]) -> String {
    errors.iter().map(|e| format!("{}: {}", e.path, e.text)).collect::<Vec<_>>().join("\n")
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Host => Self::misdirected(
                "nobody needs to say who they are here, so this is answered only under names that are known: put the one \
                 in your address bar into server.hosts, or give server.users or server.tokens",
            ),
            Refusal::Page => Self::forbidden(
                "changes are asked for by this server's own pages, or with a token; if a proxy shows these pages under \
                 another name, put that name into server.hosts",
            ),
            Refusal::Unknown => Self::unauthorized(
                "send one of server.tokens as \"Authorization: Bearer TOKEN\", or log in with POST /api/v1/session",
            ),
            Refusal::Password => Self::unauthorized("name and password do not fit"),
            Refusal::NoUsers => Self::not_found("nobody can log in: the settings have no [[server.users]]"),
            Refusal::TooMany { retry_after } => {
                Self::too_many("too many wrong tokens or passwords came from your address: wait a little", retry_after)
            }
            Refusal::Role { needs, caller: Caller { name, role, .. } } => {
                let (needs, name, role) = (needs.as_str(), name.unwrap_or_default(), role.as_str());
                Self::forbidden(format!("this takes the role \"{needs}\", and \"{name}\" has the role \"{role}\""))
            }
            Refusal::System => Self::internal("the system gives no random numbers for a session"),
        }
    }
}

impl From<NotReloaded> for Problem {
    fn from(why: NotReloaded) -> Self {
        match why {
            NotReloaded::Settings(problems) => Self::unusable_settings(problems),
            NotReloaded::NotNow(why) => Self::unavailable(why),
        }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        answer.content_type("application/problem+json");
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header(("www-authenticate", "Bearer"));
        }
        if let Some(wait) = self.retry_after {
            // Whole seconds, and none too few.
            answer.insert_header(("retry-after", (wait.as_secs() + 1).to_string()));
        }
        let said = Said {
            kind: "about:blank",
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: self.errors.iter().map(|wrong| Wrong { field: &wrong.path, message: &wrong.text }).collect(),
            code: self.in_old_words.then(|| self.status.as_u16()),
            msg: self.in_old_words.then_some(&*self.detail),
        };
        answer.json(said)
    }
}
