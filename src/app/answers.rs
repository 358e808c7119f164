//! What HTTP may ask of the rooms that it does not know.

use std::{sync::Arc, time::Duration};

use actix::Addr;
use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};

use crate::{
    camera::decode_alone,
    detect,
    events::{Event, Outbox, Retry},
    evidence::{self, PictureError},
    http::{Deliveries, Pictures, Still},
    status::{LastSeen, Picture},
    words::EventId,
};

/// The longest that somebody who asks over HTTP waits for an actor.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// JPEG quality of pictures made on request.
const STILL_QUALITY: u8 = 85;

/// Tries dead letters anew, as the HTTP side asks.
pub(crate) struct DeadLetters(pub(crate) Addr<Outbox>);

impl Deliveries for DeadLetters {
    fn retry(
        self: Arc<Self>,
        sink: Option<Arc<str>>,
        event: Option<EventId>,
    ) -> BoxFuture<'static, Result<usize, String>> {
        let retried = self.0.send(Retry { sink, event });
        async move {
            let retried = tokio::time::timeout(ANSWER_DEADLINE, retried).await;
            let retried = retried.map_err(|_| "the outbox is busy; try again later")?;
            retried.map_err(|_| "the outbox has ended")?.map_err(|e| e.to_string())
        }
        .boxed()
    }
}

/// The pictures of events, from where they are kept; from nowhere if they are not.
pub(super) struct StoredPictures(pub(super) Option<evidence::Pictures>);

impl Pictures for StoredPictures {
    fn picture(self: Arc<Self>, event: Event, n: usize) -> BoxFuture<'static, Result<Option<Bytes>, String>> {
        async move {
            let Some(pictures) = &self.0 else { return Ok(None) };
            match pictures.get(event.id, event.data.snapshot.as_ref(), n).await {
                Ok(jpeg) => Ok(Some(jpeg)),
                Err(PictureError::Missing) => Ok(None),
                Err(error) => Err(error.to_string()),
            }
        }
        .boxed()
    }
}

/// Makes pictures of newest frames.
pub(super) struct StillMaker;

impl Still for StillMaker {
    fn jpeg(&self, seen: &LastSeen, annotate: bool) -> Result<Vec<u8>, String> {
        let encode =
            |picture| detect::jpeg(picture, &seen.detections, annotate, STILL_QUALITY).map_err(|e| e.to_string());
        match &seen.picture {
            Picture::Decoded(frame) => encode(&frame.picture),
            Picture::Coded(key_frame) => encode(&decode_alone(key_frame).map_err(|e| e.to_string())?),
        }
    }
}
