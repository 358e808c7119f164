use actix_web::{HttpResponse, Responder, web};
use serde_json::json;

use super::super::{
    Problem, Views,
    auth::Allowed,
    parameters::{Asked, Nothing},
    view,
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
pub(in crate::http) async fn index(_: Allowed) -> impl Responder {
    web::Json(json!({
        "name": "lookout",
        "version": env!("CARGO_PKG_VERSION"),
        "addresses": [
            "GET /healthz", "GET /readyz", "GET /metrics", "GET /api/v1/status", "POST /api/v1/reload",
            "GET /api/v1/cameras", "GET /api/v1/cameras/{id}", "GET /api/v1/cameras/{id}/frame.jpg?annotate=true",
            "GET /api/v1/events?camera=&type=&since=&before=&limit=", "GET /api/v1/events/{id}",
            "GET /api/v1/events/{id}/snapshot.jpg?n=", "GET /api/v1/events/stream?camera=&type=&last_event_id=",
            "GET /api/v1/deliveries?sink=&state=&camera=&event=&before=&limit=",
            "POST /api/v1/deliveries/{event id}/retry?sink=", "POST /api/v1/deliveries/retry?sink=",
        ],
    }))
}

/// Everything in numbers.
pub(in crate::http) async fn status(views: web::Data<Views>, _: Allowed, _: Asked<Nothing>) -> impl Responder {
    web::Json(view::status(&views.board))
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
    views.reload.clone().reload().await.map(web::Json).map_err(Problem::unusable_settings)
}
