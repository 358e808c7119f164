use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::json;

/// An answer that says what is wrong, as RFC 9457 describes it. The one place where kinds become HTTP statuses.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{title}: {detail}")]
pub struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
}

impl Problem {
    /// 400: the request is not understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, title: "The request is not understood", detail: detail.into() }
    }

    /// 401: no token, or a wrong one.
    pub fn unauthorized() -> Self {
        let detail = "send one of server.tokens as \"Authorization: Bearer TOKEN\"".into();
        Self { status: StatusCode::UNAUTHORIZED, title: "A token is needed", detail }
    }

    /// 404: no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, title: "There is no such thing", detail: detail.into() }
    }

    /// 422: the settings have problems.
    pub fn unusable_settings(detail: impl Into<String>) -> Self {
        let title = "The settings have problems; nothing was changed";
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, title, detail: detail.into() }
    }

    /// 503: not now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, title: "Not available now", detail: detail.into() }
    }

    /// 500: a fault of ours.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, title: "Something failed here", detail: detail.into() }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header(("www-authenticate", "Bearer"));
        }
        answer.content_type("application/problem+json").body(
            json!({
                "type": "about:blank",
                "title": self.title,
                "status": self.status.as_u16(),
                "detail": self.detail,
            })
            .to_string(),
        )
    }
}
