//! Cameras that are added, changed, started and stopped while it runs.

use std::sync::Arc;

use actix_web::{
    HttpResponse, Route,
    http::{StatusCode, header::LOCATION},
    web,
};
use serde_json::Value;

use super::{
    super::{
        Problem, Unseen, Views,
        auth::Allowed,
        parameters::{Asked, Body, Id, Nothing},
        view::CameraView,
    },
    cameras,
};
use crate::{
    roster::{Change, Done, Order, Refusal},
    words::CameraId,
};

/// One more camera.
pub(in crate::http) async fn add(
    _: Allowed,
    views: web::Data<Views>,
    _: Asked<Nothing>,
    Body(body): Body,
) -> Result<HttpResponse, Problem> {
    obey(&views, Order::Add(json(&body)?)).await
}

/// No camera is watched.
pub(in crate::http) async fn stop_all(
    _: Allowed,
    views: web::Data<Views>,
    _: Asked<Nothing>,
) -> Result<HttpResponse, Problem> {
    carry_out(&views, Order::StopAll).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A camera as it is written in the body, or parts of it.
pub(in crate::http) fn written(order: fn(CameraId, Value) -> Order) -> Route {
    web::to(
        move |_: Allowed, views: web::Data<Views>, Id(id): Id<CameraId>, _: Asked<Nothing>, Body(body): Body| async move {
            obey(&views, order(id, json(&body)?)).await
        },
    )
}

/// Something that is done with a camera.
pub(in crate::http) fn done_with(order: fn(CameraId) -> Order) -> Route {
    web::to(move |_: Allowed, views: web::Data<Views>, Id(id): Id<CameraId>, _: Asked<Nothing>| async move {
        obey(&views, order(id)).await
    })
}

/// A camera that is not watched yet, looked at.
pub(in crate::http) async fn probe(
    _: Allowed,
    views: web::Data<Views>,
    _: Asked<Nothing>,
    Body(body): Body,
) -> Result<HttpResponse, Problem> {
    let seen = Arc::clone(&views.probe).probe(json(&body)?).await;
    let seen = seen.map_err(|unseen| match unseen {
        Unseen::Refused(refusal) => problem(&views, refusal),
        Unseen::Fault { code, message } => Problem::camera_fault(code, message),
    })?;
    Ok(HttpResponse::Ok().json(seen))
}

/// What is written of a camera.
pub(in crate::http) async fn settings(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<String>,
    _: Asked<Nothing>,
) -> Result<HttpResponse, Problem> {
    let cell = cameras::find(&views, &id)?;
    let entry = views.control.entry(cell.id.as_str());
    let entry = entry.ok_or_else(|| Problem::not_found(format!("camera \"{id}\" is just leaving")))?;
    Ok(HttpResponse::Ok().json(entry))
}

/// Has an order carried out, and says why not in the words of HTTP.
pub(super) async fn carry_out(views: &Views, order: Order) -> Result<Done, Problem> {
    Arc::clone(&views.control).carry_out(order).await.map_err(|refusal| problem(views, refusal))
}

fn problem(views: &Views, refusal: Refusal) -> Problem {
    let text = refusal.to_string();
    match refusal {
        Refusal::Invalid(problems) => Problem::unusable_camera(problems),
        Refusal::Exists(_) | Refusal::InFile(_) | Refusal::Full { .. } | Refusal::NoRelay(_) => Problem::conflict(text),
        // With what may have been meant.
        Refusal::Unknown(id) => cameras::find(views, id.as_str()).err().unwrap_or_else(|| Problem::not_found(text)),
        Refusal::NotSaved(_) => Problem::internal(text),
        Refusal::NotNow(_) => Problem::unavailable(text),
    }
}

/// Has an order carried out, and shows the camera as it is then.
async fn obey(views: &Views, order: Order) -> Result<HttpResponse, Problem> {
    let Done { id, change } = carry_out(views, order).await?;
    let cell = id.and_then(|id| views.board.camera(id.as_str()));
    let Some(cell) = cell.filter(|_| change != Change::Removed) else {
        return Ok(HttpResponse::NoContent().finish());
    };
    let mut answer = HttpResponse::Ok();
    if change == Change::Added {
        answer.status(StatusCode::CREATED).insert_header((LOCATION, format!("/api/v1/cameras/{}", cell.id)));
    }
    Ok(answer.json(CameraView::from(&*cell)))
}

fn json(body: &[u8]) -> Result<Value, Problem> {
    // No value is repeated: it may be a password.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::bad_request(format!("the body is no JSON, at line {line}, column {column}"))
    })
}
