use std::sync::Arc;

use actix_web::{Responder, web};
use serde_json::{Value, json};

use super::super::{
    Problem, Views,
    auth::Allowed,
    parameters::{Asked, Id, Parameters, Question},
};
use crate::words::EventId;

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
    Arc::clone(&views.deliveries).retry(sink, event).await.map_err(Problem::unavailable)
}

fn answer(retried: usize) -> web::Json<Value> {
    web::Json(json!({ "retried": retried }))
}
