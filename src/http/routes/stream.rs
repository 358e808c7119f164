use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::{
    super::{
        Problem, Views,
        auth::Allowed,
        parameters::{Asked, Parameters, Question},
        stream::{self, Filter, Resume, Tail},
    },
    cameras, events,
};
use crate::words::EventId;

/// Which events are told, and from where on.
pub(in crate::http) struct StreamQuery {
    filter: Filter,
    last_event_id: Option<EventId>,
}

impl Question for StreamQuery {
    const KNOWN: &'static [&'static str] = &["camera", "type", "last_event_id"];

    fn read(asked: &Parameters) -> Result<Self, Problem> {
        let filter = Filter { camera: asked.value("camera")?, kind: asked.value("type")? };
        Ok(Self { filter, last_event_id: asked.value("last_event_id")? })
    }
}

/// Events as they are recorded.
pub(in crate::http) async fn follow(
    Allowed(caller): Allowed,
    views: web::Data<Views>,
    query: Asked<StreamQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let Asked(StreamQuery { filter, last_event_id }) = query;
    if let Some(camera) = &filter.camera {
        // A mistyped one would be waited for in silence.
        cameras::find(&views, camera.as_str())?;
    }
    // The header first: a browser that comes back sends it to the address that it began with.
    let resume = last_event(&request).or(last_event_id.map(Resume::After));
    let place = views.streams.enter(caller.name.as_ref())?;
    let newest = views.board.outbox.newest.subscribe();
    let source = Arc::clone(&views.source);
    let opened = events::ask(&views.followed, move |events| Tail::open(events, resume, filter, source)).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        // Proxies hold answers back to gather them, unless they are told not to.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream::follow(place, Arc::clone(&views.followed), newest, opened)))
}

fn last_event(request: &HttpRequest) -> Option<Resume> {
    let header = request.headers().get("last-event-id").filter(|value| !value.is_empty())?;
    let text: String = String::from_utf8_lossy(header.as_bytes()).chars().take(80).collect();
    Some(text.parse().map_or(Resume::Unreadable(text), Resume::After))
}
