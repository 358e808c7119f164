use std::{convert::Infallible, sync::Arc, time::Duration};

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures::{Stream, stream};

use super::{
    super::{
        Problem, Views,
        auth::Allowed,
        parameters::{Asked, Id, Nothing, shown},
    },
    cameras,
};
use crate::{
    live::{Closed, ContainerKind, Full, Slides, Viewer},
    media::Piece,
    status::{CameraCell, CameraState, LastSeen, Picture},
};

/// How long a viewer waits for the first key frame.
const FIRST_PICTURE: Duration = Duration::from_secs(10);

/// How a camera is shown.
#[derive(Clone, Copy)]
enum Form {
    Video(ContainerKind),
    Slides,
}

impl Form {
    const KNOWN: [(&'static str, Self); 3] =
        [("flv", Self::Video(ContainerKind::Flv)), ("mp4", Self::Video(ContainerKind::Mp4)), ("mjpeg", Self::Slides)];
}

/// A camera as it is now, for as long as somebody watches: `{id}.flv`, `{id}.mp4` or `{id}.mjpeg`.
pub(in crate::http) async fn watch(
    Allowed(caller): Allowed,
    views: web::Data<Views>,
    Id(name): Id<String>,
    _: Asked<Nothing>,
) -> Result<HttpResponse, Problem> {
    let (id, form) = read(&name)?;
    let cell = cameras::find(&views, id)?;
    may_begin(&cell)?;
    let seat = views.audience.enter(caller.name.as_ref()).map_err(|full| {
        Problem::unavailable(match full {
            Full::Ending => "ending".to_owned(),
            Full::Share { share, at_most } => format!(
                "{share} live views are open for you, half of live.max_viewers = {at_most}; one user or token gets no more"
            ),
            Full::Taken { at_most } => format!("live.max_viewers = {at_most} watch already"),
        })
    })?;
    let mut answer = HttpResponse::Ok();
    // Proxies hold answers back to gather them, unless they are told not to.
    answer.insert_header(("x-accel-buffering", "no"));
    match form {
        Form::Video(kind) => {
            let viewer = Viewer::open(&cell.feed, kind, seat, FIRST_PICTURE).await;
            let viewer = viewer.map_err(|closed| nothing_to_see(&cell, closed))?;
            Ok(answer.content_type(viewer.content_type()).streaming(film(viewer)))
        }
        Form::Slides => {
            let mut slides = Slides::new(&cell.feed, seat);
            let first = slides.next(FIRST_PICTURE).await.map_err(|closed| nothing_to_see(&cell, closed))?;
            let first = slides.part(&jpeg(&views, &first).await?);
            Ok(answer.content_type(Slides::CONTENT_TYPE).streaming(slide_show(views, slides, first)))
        }
    }
}

fn read(name: &str) -> Result<(&str, Form), Problem> {
    let known = |(id, ending): (_, &str)| {
        Form::KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, form)| (id, *form))
    };
    name.rsplit_once('.').and_then(known).ok_or_else(|| {
        let endings = Form::KNOWN.map(|(known, _)| format!("/live/ID.{known}")).join(", ");
        Problem::not_found(format!("\"{}\" is no live view; there are {endings}", shown(name)))
    })
}

/// What is kept of a camera that is gone is old: nobody should take it for now.
fn may_begin(cell: &CameraCell) -> Result<(), Problem> {
    let state = cell.state();
    if matches!(state.state, CameraState::Streaming | CameraState::Connecting) {
        return Ok(());
    }
    let why = state.reason.map(|reason| format!(": {}", reason.message)).unwrap_or_default();
    Err(Problem::unavailable(format!("camera \"{}\" shows nothing now, it is {}{why}", cell.id, state.state.code())))
}

fn nothing_to_see(cell: &CameraCell, closed: Closed) -> Problem {
    may_begin(cell).err().unwrap_or_else(|| Problem::unavailable(format!("camera \"{}\": {closed}", cell.id)))
}

fn film(viewer: Viewer) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(viewer, |mut viewer| async { viewer.next().await.map(|bytes| (Ok(bytes), viewer)) })
}

fn slide_show(views: web::Data<Views>, slides: Slides, first: Bytes) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold((views, slides, Some(first)), |(views, mut slides, first)| async {
        let part = match first {
            Some(first) => first,
            None => loop {
                let key_frame = slides.next(Slides::PATIENCE).await.ok()?;
                // One that cannot be made, or not now, is left out: the next may be.
                if let Ok(jpeg) = jpeg(&views, &key_frame).await {
                    break slides.part(&jpeg);
                }
            },
        };
        Some((Ok(part), (views, slides, None)))
    })
}

/// A key frame as a JPEG; made once, however many watch.
async fn jpeg(views: &Views, key_frame: &Piece) -> Result<Bytes, Problem> {
    let key_frame = key_frame.picture().ok_or_else(|| Problem::internal("a key frame that is no picture"))?;
    let make = async || {
        let unit = &key_frame.unit;
        let picture = Picture::Coded(unit.data.clone());
        let seen = LastSeen { picture, captured: unit.received, detections: Arc::default() };
        let still = Arc::clone(&views.still);
        cameras::in_turn(&views.stills_at_once, move || still.jpeg(&seen, false)).await.map(Bytes::from)
    };
    key_frame.still(make).await
}
