use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, Responder, web};
use tokio::sync::Semaphore;

use super::super::{
    Problem, Views,
    auth::Allowed,
    parameters::{Asked, Id, Nothing, Parameters, Question, closest, shown},
    view::CameraView,
};
use crate::status::CameraCell;

/// How long a request waits for its turn to have a picture made.
const STILL_PATIENCE: Duration = Duration::from_secs(5);

/// Every camera.
pub(in crate::http) async fn list(_: Allowed, views: web::Data<Views>, _: Asked<Nothing>) -> impl Responder {
    let cameras: Vec<CameraView> = views.board.cameras().iter().map(|cell| CameraView::from(&**cell)).collect();
    web::Json(cameras)
}

/// One camera.
pub(in crate::http) async fn one(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<String>,
    _: Asked<Nothing>,
) -> Result<impl Responder, Problem> {
    let mut camera = CameraView::from(&*find(&views, &id)?);
    camera.origin = views.control.origin(&id);
    Ok(web::Json(camera))
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
    let (still, captured) = (Arc::clone(&views.still), seen.captured.wall);
    let jpeg = in_turn(&views.stills_at_once, move || still.jpeg(&seen, annotate)).await?;
    Ok(HttpResponse::Ok().content_type("image/jpeg").insert_header(("x-captured-at", captured.to_string())).body(jpeg))
}

/// Makes a picture on a thread that may wait, when its turn has come. The turn is the work's own: a viewer who hangs up
/// ends neither, so there are never more pictures in the making than turns.
pub(super) async fn in_turn(
    turns: &Arc<Semaphore>,
    make: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
) -> Result<Vec<u8>, Problem> {
    let turn = tokio::time::timeout(STILL_PATIENCE, Arc::clone(turns).acquire_owned()).await;
    let turn = turn.map_err(|_| Problem::unavailable("too many pictures are being asked for at once"))?;
    let turn = turn.map_err(|_| Problem::unavailable("ending"))?;
    let made = web::block(move || {
        let made = make();
        drop(turn);
        made
    });
    made.await.map_err(|e| Problem::internal(e.to_string()))?.map_err(Problem::internal)
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[actix_web::test]
    async fn a_viewer_who_hangs_up_leaves_no_room_for_more_work_than_there_are_turns() {
        let turns = Arc::new(Semaphore::new(1));
        let (let_go, waits) = mpsc::sync_channel::<()>(1);
        let (begun, mut begins) = tokio::sync::oneshot::channel();
        let picture = in_turn(&turns, move || {
            begun.send(()).expect("the test waits for it");
            waits.recv().map(|()| vec![1]).map_err(|e| e.to_string())
        });
        tokio::select! {
            biased;
            _ = picture => panic!("nobody let it go"),
            begun = &mut begins => begun.expect("it begins"),
        }
        // The request is gone, its work is not.
        assert!(turns.try_acquire().is_err(), "the work still has its turn");
        let_go.send(()).expect("it waits");
        assert_eq!(in_turn(&turns, || Ok(vec![2])).await.expect("a turn comes"), [2]);
    }
}
