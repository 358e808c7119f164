//! Cameras that are added, changed, started and stopped while it runs.

use std::sync::Arc;

use actix_web::{HttpResponse, http::StatusCode, http::header::LOCATION, web};
use serde_json::Value;

use super::{
    super::{
        Problem, Unseen, Views,
        auth::Allowed,
        parameters::{Asked, Id, Nothing},
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
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let done = carry_out(&views, Order::Add(json(&body)?)).await?;
    Ok(answer(&views, &done))
}

/// A camera as it is to be.
pub(in crate::http) async fn put(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<CameraId>,
    _: Asked<Nothing>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let done = carry_out(&views, Order::Put(id, json(&body)?)).await?;
    Ok(answer(&views, &done))
}

/// Parts of a camera.
pub(in crate::http) async fn patch(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<CameraId>,
    _: Asked<Nothing>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let done = carry_out(&views, Order::Patch(id, json(&body)?)).await?;
    Ok(answer(&views, &done))
}

/// A camera less.
pub(in crate::http) async fn remove(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<CameraId>,
    _: Asked<Nothing>,
) -> Result<HttpResponse, Problem> {
    carry_out(&views, Order::Remove(id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A camera is watched.
pub(in crate::http) async fn start(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<CameraId>,
    _: Asked<Nothing>,
) -> Result<HttpResponse, Problem> {
    let done = carry_out(&views, Order::Start(id)).await?;
    Ok(answer(&views, &done))
}

/// A camera is not watched.
pub(in crate::http) async fn stop(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<CameraId>,
    _: Asked<Nothing>,
) -> Result<HttpResponse, Problem> {
    let done = carry_out(&views, Order::Stop(id)).await?;
    Ok(answer(&views, &done))
}

/// A camera is connected to anew.
pub(in crate::http) async fn restart(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<CameraId>,
    _: Asked<Nothing>,
) -> Result<HttpResponse, Problem> {
    let done = carry_out(&views, Order::Restart(id)).await?;
    Ok(answer(&views, &done))
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

/// A camera that is not watched yet, looked at.
pub(in crate::http) async fn probe(
    _: Allowed,
    views: web::Data<Views>,
    _: Asked<Nothing>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let seen = Arc::clone(&views.probe).probe(json(&body)?).await;
    let seen = seen.map_err(|unseen| match unseen {
        Unseen::Refused(refusal) => problem(&views, refusal),
        Unseen::Fault { code, message } => Problem::camera_fault(code, message),
    })?;
    Ok(HttpResponse::Ok().json(seen))
}

/// A camera is passed on.
pub(in crate::http) async fn start_relay(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<CameraId>,
    _: Asked<Nothing>,
) -> Result<HttpResponse, Problem> {
    switch_relay(&views, id, true).await
}

/// A camera is not passed on.
pub(in crate::http) async fn stop_relay(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<CameraId>,
    _: Asked<Nothing>,
) -> Result<HttpResponse, Problem> {
    switch_relay(&views, id, false).await
}

async fn switch_relay(views: &Views, id: CameraId, on: bool) -> Result<HttpResponse, Problem> {
    let cell = cameras::find(views, id.as_str())?;
    Arc::clone(&views.control).relay(id, on).await.map_err(|refusal| problem(views, refusal))?;
    Ok(HttpResponse::Ok().json(CameraView::from(&*cell)))
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

fn answer(views: &Views, done: &Done) -> HttpResponse {
    let status = if done.change == Change::Added { StatusCode::CREATED } else { StatusCode::OK };
    let mut answer = HttpResponse::build(status);
    let cell = done.id.as_ref().and_then(|id| views.board.camera(id.as_str()));
    let Some(cell) = cell else { return answer.finish() };
    if done.change == Change::Added {
        answer.insert_header((LOCATION, format!("/api/v1/cameras/{}", cell.id)));
    }
    answer.json(CameraView::from(&*cell))
}

fn json(body: &[u8]) -> Result<Value, Problem> {
    // No value is repeated: it may be a password.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::bad_request(format!("the body is no JSON, at line {line}, column {column}"))
    })
}
