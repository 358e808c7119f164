use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, Responder, web};

use super::super::{
    Problem, Views,
    auth::Allowed,
    parameters::{Asked, Id, Parameters, Question, closest, shown},
    view::CameraView,
};
use crate::status::CameraCell;

/// How long a request waits for its turn to have a picture made.
const STILL_PATIENCE: Duration = Duration::from_secs(5);

/// Every camera.
pub(in crate::http) async fn list(_: Allowed, views: web::Data<Views>) -> impl Responder {
    let cameras: Vec<CameraView> = views.board.cameras().iter().map(|cell| CameraView::from(&**cell)).collect();
    web::Json(cameras)
}

/// One camera.
pub(in crate::http) async fn one(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<String>,
) -> Result<impl Responder, Problem> {
    Ok(web::Json(CameraView::from(&*find(&views, &id)?)))
}

/// How the frame is to look.
pub(in crate::http) struct FrameQuery {
    annotate: bool,
}

impl Question for FrameQuery {
    const KNOWN: &'static [&'static str] = &["annotate"];

    fn read(asked: &Parameters) -> Result<Self, Problem> {
        Ok(Self { annotate: asked.value("annotate")?.unwrap_or(false) })
    }
}

/// The newest frame that was looked at.
pub(in crate::http) async fn frame(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<String>,
    Asked(FrameQuery { annotate }): Asked<FrameQuery>,
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
    let (still, captured) = (Arc::clone(&views.still), seen.captured.wall);
    let jpeg = web::block(move || still.jpeg(&seen, annotate)).await.map_err(|e| Problem::internal(e.to_string()))?;
    let jpeg = jpeg.map_err(Problem::internal)?;
    Ok(HttpResponse::Ok().content_type("image/jpeg").insert_header(("x-captured-at", captured.to_string())).body(jpeg))
}

/// The cell of a camera that is watched now.
pub(in crate::http) fn find(views: &Views, id: &str) -> Result<Arc<CameraCell>, Problem> {
    views.board.camera(id).ok_or_else(|| {
        let cameras = views.board.cameras();
        let meant = closest(id, cameras.iter().map(|cell| cell.id.as_str()));
        let meant = meant.map(|id| format!("did you mean \"{id}\"? ")).unwrap_or_default();
        let shown = shown(id);
        Problem::not_found(format!("no camera is called \"{shown}\"; {meant}GET /api/v1/cameras lists them"))
    })
}
