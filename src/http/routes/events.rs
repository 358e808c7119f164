use std::sync::Arc;

use actix_web::{Responder, web};
use jiff::Timestamp;

use super::super::{
    Problem, Views,
    auth::Allowed,
    parameters::{Asked, Id, Nothing, Parameters, Question},
};
use crate::{
    events::{Event, EventFilter, EventKind, OutboxError, Reader, Readers},
    words::{CameraId, EventId},
};

impl Question for EventFilter {
    const KNOWN: &'static [&'static str] = &["camera", "type", "since", "before", "limit"];

    fn read(asked: &Parameters) -> Result<Self, Problem> {
        Ok(Self {
            camera: asked.value::<CameraId>("camera")?,
            kind: asked.value::<EventKind>("type")?,
            since: asked.value::<Timestamp>("since")?,
            before: asked.value::<Timestamp>("before")?,
            limit: asked.value("limit")?.unwrap_or(100),
        })
    }
}

/// The newest events first.
pub(in crate::http) async fn list(
    _: Allowed,
    views: web::Data<Views>,
    Asked(filter): Asked<EventFilter>,
) -> Result<impl Responder, Problem> {
    read(&views, move |events| events.list(&filter)).await.map(web::Json)
}

/// One event.
pub(in crate::http) async fn one(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<EventId>,
    _: Asked<Nothing>,
) -> Result<impl Responder, Problem> {
    find(&views, id).await.map(web::Json)
}

pub(in crate::http) async fn find(views: &Views, id: EventId) -> Result<Event, Problem> {
    let found = read(views, move |events| events.get(id)).await?;
    found.ok_or_else(|| Problem::not_found(format!("no event has the id {id}; it may be too old")))
}

/// Asks the events, off the threads that answer HTTP: it may wait for the disk.
pub(in crate::http) async fn read<T: Send + 'static>(
    views: &Views,
    question: impl FnOnce(&Reader) -> Result<T, OutboxError> + Send + 'static,
) -> Result<T, Problem> {
    ask(&views.events, question).await
}

/// Likewise, of these readers.
pub(in crate::http) async fn ask<T: Send + 'static>(
    readers: &Arc<Readers>,
    question: impl FnOnce(&Reader) -> Result<T, OutboxError> + Send + 'static,
) -> Result<T, Problem> {
    readers.ask(question).await.map_err(|error| match error {
        OutboxError::TooSlow => Problem::unavailable(error.to_string()),
        _ => Problem::internal(error.to_string()),
    })
}
