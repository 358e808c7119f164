use actix_web::{HttpResponse, Responder, web};

use super::{
    super::{
        Problem, Views,
        answers::Index,
        auth::Allowed,
        parameters::{Asked, Nothing},
        view::StatusView,
    },
    ADDRESSES, Address,
};
use crate::status::metrics_text;

/// Alive: the process answers.
pub(in crate::http) async fn healthz() -> impl Responder {
    "ok\n"
}

/// Ready: everything runs, and events can be written down.
pub(in crate::http) async fn readyz(views: web::Data<Views>) -> Result<&'static str, Problem> {
    if !views.board.is_ready() {
        return Err(Problem::unavailable("starting, or ending"));
    }
    match views.board.outbox.fault.lock().clone() {
        Some(fault) => Err(Problem::unavailable(format!("events cannot be written down: {fault}"))),
        None => Ok("ready\n"),
    }
}

/// What answers where.
pub(in crate::http) fn index() -> Index {
    let addresses = ADDRESSES.iter().map(|Address { method, path, known, .. }| {
        let query: Vec<String> = known.iter().map(|name| format!("{name}=")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{method} {path}{mark}{}", query.join("&"))
    });
    Index { name: "lookout", version: env!("CARGO_PKG_VERSION"), addresses: addresses.collect() }
}

/// The interface, described for programs.
pub(in crate::http) async fn openapi(_: Allowed, _: Asked<Nothing>) -> impl Responder {
    web::Json(super::super::openapi::document())
}

/// Everything in numbers.
pub(in crate::http) async fn status(views: web::Data<Views>, _: Allowed, _: Asked<Nothing>) -> impl Responder {
    web::Json(StatusView::from(&*views.board))
}

/// Everything for Prometheus.
pub(in crate::http) async fn metrics(views: web::Data<Views>, _: Allowed) -> impl Responder {
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(metrics_text(&views.board))
}

/// Reads the settings file anew.
pub(in crate::http) async fn reload(
    views: web::Data<Views>,
    _: Allowed,
    _: Asked<Nothing>,
) -> Result<impl Responder, Problem> {
    views.reload.clone().reload().await.map(web::Json).map_err(Problem::from)
}
