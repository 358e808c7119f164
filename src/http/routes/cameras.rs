use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, Responder, web};
use serde::Deserialize;

use super::super::{Problem, Views, auth::Allowed, view::CameraView};
use crate::status::CameraCell;

/// How long a request waits for its turn to have a picture made.
const STILL_PATIENCE: Duration = Duration::from_secs(5);

/// Every camera.
pub(in crate::http) async fn list(views: web::Data<Views>, _: Allowed) -> impl Responder {
    let cameras: Vec<CameraView> = views.board.cameras().iter().map(|cell| CameraView::from(&**cell)).collect();
    web::Json(cameras)
}

/// One camera.
pub(in crate::http) async fn one(
    views: web::Data<Views>,
    id: web::Path<String>,
    _: Allowed,
) -> Result<impl Responder, Problem> {
    Ok(web::Json(CameraView::from(&*find(&views, &id)?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct FrameQuery {
    #[serde(default)]
    annotate: bool,
}

/// The newest frame that was looked at.
pub(in crate::http) async fn frame(
    views: web::Data<Views>,
    id: web::Path<String>,
    query: web::Query<FrameQuery>,
    _: Allowed,
) -> Result<HttpResponse, Problem> {
    let cell = find(&views, &id)?;
    let seen = cell.last_seen().ok_or_else(|| {
        Problem::unavailable(format!(
            "no frame of camera \"{}\" has been looked at yet; it is {}",
            cell.id,
            cell.state().state.code()
        ))
    })?;
    let turn = tokio::time::timeout(STILL_PATIENCE, views.stills_at_once.acquire()).await;
    let _turn = turn.map_err(|_| Problem::unavailable("too many pictures are being asked for at once"))?;
    let (still, annotate, captured) = (Arc::clone(&views.still), query.annotate, seen.captured.wall);
    let jpeg = web::block(move || still.jpeg(&seen, annotate)).await.map_err(|e| Problem::internal(e.to_string()))?;
    let jpeg = jpeg.map_err(Problem::internal)?;
    Ok(HttpResponse::Ok().content_type("image/jpeg").insert_header(("x-captured-at", captured.to_string())).body(jpeg))
}

fn find(views: &Views, id: &str) -> Result<Arc<CameraCell>, Problem> {
    let shown: String = id.chars().take(64).collect();
    views
        .board
        .camera(id)
        .ok_or_else(|| Problem::not_found(format!("no camera is called \"{shown}\"; GET /api/v1/cameras lists them")))
}
