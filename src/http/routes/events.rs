use std::sync::Arc;

use actix_web::{Responder, web};
use jiff::Timestamp;
use serde::Deserialize;

use super::super::{Problem, Views, auth::Allowed};
use crate::{
    events::{EventFilter, EventKind, OutboxError, Reader},
    words::{CameraId, EventId},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct EventsQuery {
    camera: Option<CameraId>,
    #[serde(rename = "type")]
    kind: Option<EventKind>,
    since: Option<Timestamp>,
    before: Option<Timestamp>,
    limit: Option<usize>,
}

/// The newest events first.
pub(in crate::http) async fn list(
    views: web::Data<Views>,
    query: web::Query<EventsQuery>,
    _: Allowed,
) -> Result<impl Responder, Problem> {
    let EventsQuery { camera, kind, since, before, limit } = query.into_inner();
    let filter = EventFilter { camera, kind, since, before, limit: limit.unwrap_or(100) };
    read(&views, move |events| events.list(&filter)).await.map(web::Json)
}

/// One event.
pub(in crate::http) async fn one(
    views: web::Data<Views>,
    id: web::Path<String>,
    _: Allowed,
) -> Result<impl Responder, Problem> {
    let shown: String = id.chars().take(64).collect();
    let id: EventId = id.parse().map_err(|_| Problem::bad_request(format!("\"{shown}\" is no event id (a UUID)")))?;
    let found = read(&views, move |events| events.get(id)).await?;
    found.map(web::Json).ok_or_else(|| Problem::not_found(format!("no event has the id {id}; it may be too old")))
}

async fn read<T: Send + 'static>(
    views: &Views,
    question: impl FnOnce(&Reader) -> Result<T, OutboxError> + Send + 'static,
) -> Result<T, Problem> {
    let events = Arc::clone(&views.events);
    let answer = web::block(move || question(&events.lock())).await.map_err(|e| Problem::internal(e.to_string()))?;
    answer.map_err(|e| Problem::internal(e.to_string()))
}
