use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, ETag, EntityTag, IfNoneMatch},
    web,
};
use bytes::Bytes;

use super::{
    super::{
        Problem, Views,
        auth::Allowed,
        parameters::{Asked, Id, Parameters, Question},
    },
    events,
};
use crate::{
    events::{Event, EventKind},
    words::EventId,
};

/// How long a request waits for its turn and its picture.
const PATIENCE: Duration = Duration::from_secs(10);
/// A picture never changes; but it shows people, so it stays with who asked, and for a day.
const KEPT: &str = "private, max-age=86400, immutable";

/// Which picture.
pub(in crate::http) struct PictureQuery {
    n: Option<usize>,
}

impl Question for PictureQuery {
    const KNOWN: &'static [&'static str] = &["n"];

    fn read(asked: &Parameters) -> Result<Self, Problem> {
        Ok(Self { n: asked.value("n")? })
    }
}

/// A picture of an event: number `n` in the order of capture, or the one to show. A visit's end whose best frame is the one
/// that opened it has none of its own: then it is that one.
pub(in crate::http) async fn snapshot(
    _: Allowed,
    views: web::Data<Views>,
    Id(id): Id<EventId>,
    Asked(PictureQuery { n }): Asked<PictureQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let event = events::find(&views, id).await?;
    let why_none = why_none(&event, n.unwrap_or_else(|| to_show(&event)));
    let ended = event.clone();
    if let Some(answer) = show(&views, &request, event, n).await? {
        return Ok(answer);
    }
    if ended.kind == EventKind::VisitEnded && ended.data.snapshot.is_none() && n.is_none() {
        let start = events::read(&views, move |events| events.start_of(&ended)).await?;
        if let Some(start) = start
            && let Some(answer) = show(&views, &request, start, n).await?
        {
            return Ok(answer);
        }
    }
    Err(Problem::not_found(why_none))
}

async fn show(
    views: &Views,
    request: &HttpRequest,
    event: Event,
    n: Option<usize>,
) -> Result<Option<HttpResponse>, Problem> {
    let n = n.unwrap_or_else(|| to_show(&event));
    // Until they are attached, the pictures of an event may still become fewer, and other ones get their numbers.
    let is_final = event.data.snapshot.is_some();
    let tag = EntityTag::new_strong(format!("{}.{n}", event.id));
    if is_final && has_it(request, &tag) {
        let answer = HttpResponse::NotModified().insert_header(ETag(tag)).insert_header((CACHE_CONTROL, KEPT)).finish();
        return Ok(Some(answer));
    }
    let jpeg = tokio::time::timeout(PATIENCE, fetch(views, event, n)).await;
    let jpeg = jpeg.map_err(|_| Problem::unavailable("the picture cannot be had in time; try again later"))?;
    Ok(jpeg?.map(|jpeg| {
        let mut answer = HttpResponse::Ok();
        if is_final {
            answer.insert_header(ETag(tag)).insert_header((CACHE_CONTROL, KEPT));
        }
        answer.content_type("image/jpeg").body(jpeg)
    }))
}

async fn fetch(views: &Views, event: Event, n: usize) -> Result<Option<Bytes>, Problem> {
    let _turn = views.pictures_at_once.acquire().await.map_err(|_| Problem::unavailable("ending"))?;
    Arc::clone(&views.pictures).picture(event, n).await.map_err(Problem::unavailable)
}

fn to_show(event: &Event) -> usize {
    let shown = event.data.snapshot.as_ref().and_then(|s| s.frames.iter().position(|frame| frame.url == s.url));
    shown.unwrap_or(0)
}

/// Whether whoever asks has it already.
pub(super) fn has_it(request: &HttpRequest, tag: &EntityTag) -> bool {
    match request.get_header() {
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Some(IfNoneMatch::Any) | None => false,
    }
}

fn why_none(event: &Event, n: usize) -> String {
    let id = event.id;
    match &event.data.snapshot {
        Some(snapshot) if n >= snapshot.frames.len() => {
            format!("event {id} has {} pictures, and n counts from 0: there is no {n}", snapshot.frames.len())
        }
        Some(_) => format!(
            "picture {n} of event {id} is not here any more; \"snapshot\" in GET /api/v1/events/{id} says where it was \
             stored"
        ),
        None if event.data.frame.is_none() => format!("events of type {} have no pictures", event.kind.as_str()),
        None => format!(
            "no picture {n} of event {id} is here: pictures are kept if the settings have [snapshots], and it may take \
             a moment until they are"
        ),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::events::{Snapshot, StoredFrame, sample};

    #[test]
    fn without_a_number_it_is_the_one_to_show() {
        let mut event = sample::started("door");
        assert_eq!(to_show(&event), 0);
        let frame = |n| StoredFrame { url: format!("file:///{n}.jpg"), captured_at: Timestamp::UNIX_EPOCH };
        event.data.snapshot = Some(Snapshot { url: frame(2).url, frames: (0..4).map(frame).collect() });
        assert_eq!(to_show(&event), 2);
    }
}
