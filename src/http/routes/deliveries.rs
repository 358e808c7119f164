use std::sync::Arc;

use actix_web::{Responder, web};
use serde::{Deserialize, de::value::StrDeserializer};

use super::super::{
    Problem, Views,
    answers::Retried,
    auth::Allowed,
    parameters::{Asked, Id, Parameters, Question, Written, is_none_of, shown},
};
use super::events::read;
use crate::{
    events::{DeliveryFilter, DeliveryState},
    words::{CameraId, EventId},
};

impl Question for DeliveryFilter {
    const KNOWN: &'static [&'static str] = &["sink", "state", "camera", "event", "before", "limit"];

    fn read(asked: &Parameters) -> Result<Self, Problem> {
        Ok(Self {
            sink: asked.value::<String>("sink")?,
            state: asked.value::<DeliveryState>("state")?,
            camera: asked.value::<CameraId>("camera")?,
            event: asked.value::<EventId>("event")?,
            before: asked.value::<i64>("before")?,
            limit: asked.value("limit")?.unwrap_or(100),
        })
    }
}

impl Written for DeliveryState {
    fn read(text: &str) -> Result<Self, String> {
        let known = ["pending", "held", "delivered", "dead", "gathered", "digested"];
        let read = StrDeserializer::<serde::de::value::Error>::new(text);
        Self::deserialize(read).map_err(|_| is_none_of("state of a delivery", text, known.into_iter()))
    }
}

/// The newest deliveries first: who was told of what, and who was not.
pub(in crate::http) async fn list(
    _: Allowed,
    views: web::Data<Views>,
    Asked(filter): Asked<DeliveryFilter>,
) -> Result<impl Responder, Problem> {
    let sink = filter.sink.clone();
    let listed = read(&views, move |events| events.deliveries(&filter)).await?;
    // Of a sink that was there once, what it was told may still be listed.
    if let Some(sink) = sink.filter(|_| listed.is_empty()) {
        is_known(&views, &sink)?;
    }
    Ok(web::Json(listed))
}

/// A mistyped sink would be a list of nothing, and nothing tried anew.
fn is_known(views: &Views, sink: &str) -> Result<(), Problem> {
    let sinks = views.board.sinks();
    if sinks.iter().any(|cell| *cell.name == *sink) {
        return Ok(());
    }
    let shown = shown(sink);
    Err(Problem::not_found(match sinks.len() {
        0 => format!("\"{shown}\" is no sink; the settings have none"),
        _ => format!("\"{shown}\" {}", is_none_of("sink", sink, sinks.iter().map(|cell| &*cell.name))),
    }))
}

/// Of which sink; without a word, of all.
pub(in crate::http) struct RetryQuery {
    sink: Option<Arc<str>>,
}

impl Question for RetryQuery {
    const KNOWN: &'static [&'static str] = &["sink"];

    fn read(asked: &Parameters) -> Result<Self, Problem> {
        Ok(Self { sink: asked.value::<String>("sink")?.map(Arc::from) })
    }
}

/// Tries the dead letters of one event anew.
pub(in crate::http) async fn retry_one(
    _: Allowed,
    views: web::Data<Views>,
    Id(event): Id<EventId>,
    Asked(RetryQuery { sink }): Asked<RetryQuery>,
) -> Result<impl Responder, Problem> {
    let of_sink = sink.as_ref().map(|sink| format!(" of sink \"{sink}\"")).unwrap_or_default();
    match retry(&views, sink, Some(event)).await? {
        0 => Err(Problem::not_found(format!(
            "event {event} has no dead letter{of_sink}; GET /api/v1/deliveries?event={event} says how it was delivered"
        ))),
        retried => Ok(answer(retried)),
    }
}

/// Tries all dead letters anew.
pub(in crate::http) async fn retry_all(
    _: Allowed,
    views: web::Data<Views>,
    Asked(RetryQuery { sink }): Asked<RetryQuery>,
) -> Result<impl Responder, Problem> {
    retry(&views, sink, None).await.map(answer)
}

async fn retry(views: &Views, sink: Option<Arc<str>>, event: Option<EventId>) -> Result<usize, Problem> {
    if let Some(sink) = &sink {
        is_known(views, sink)?;
    }
    Arc::clone(&views.deliveries).retry(sink, event).await.map_err(Problem::unavailable)
}

fn answer(retried: usize) -> web::Json<Retried> {
    web::Json(Retried { retried })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_that_is_shown_can_be_asked_for() {
        let told = DeliveryState::read("gone").expect_err("there is none");
        let known = told.split_once("(known: ").and_then(|(_, known)| known.strip_suffix(')')).expect("a list");
        for state in known.split(", ") {
            let read = DeliveryState::read(state).expect("it is known");
            assert_eq!(serde_json::to_value(read).expect("text"), state);
        }
        assert_eq!(known.split(", ").count(), 6);
    }
}
