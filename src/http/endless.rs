//! Answers without an end of their own: live views and streams of events.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    dev::ServiceResponse,
    http::{ConnectionType, Version},
};
use bytes::Bytes;
use futures::{FutureExt, future::LocalBoxFuture};

/// Ends an endless answer with what it was allowed by. Other answers stay as they are.
pub(in crate::http) fn bound(
    mut answer: ServiceResponse<BoxBody>,
    over: impl FnOnce(&ServiceResponse<BoxBody>) -> LocalBoxFuture<'static, ()>,
) -> ServiceResponse<BoxBody> {
    if answer.response().body().size() != BodySize::Stream {
        return answer;
    }
    if answer.request().version() == Version::HTTP_10 {
        // It knows no chunks (RFC 9112, section 7.1); the end of the connection is the end of the answer.
        let head = answer.response_mut().head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Close);
    }
    let over = over(&answer);
    answer.map_body(|_, body| BoxBody::new(Bound { body, over }))
}

struct Bound {
    body: BoxBody,
    over: LocalBoxFuture<'static, ()>,
}

impl MessageBody for Bound {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.over.poll_unpin(context).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_next(context)
    }
}
