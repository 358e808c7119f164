//! Who asks, and whether they may: the rules of `access`, in front of every route.

use std::{
    future::{Ready, ready},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest, ResponseError,
    body::BoxBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{HeaderValue, WWW_AUTHENTICATE},
    },
    middleware::Next,
    web,
};
use tokio::time::timeout;

use super::{Problem, Views, endless};
use crate::{
    access::{Asking, Caller, Gate, Needs, Refusal},
    words::{Moment, Role},
};

/// Proof that whoever asks may. A handler that takes one is not called without.
pub(in crate::http) struct Allowed(pub(in crate::http) Caller);

impl FromRequest for Allowed {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // `enter` puts it there, so nobody comes by a route that is not in the list of addresses.
        let caller = request.extensions().get::<Caller>().cloned();
        ready(caller.map(Self).ok_or_else(|| Refusal::Unknown.into()))
    }
}

/// What stands before a route.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Door {
    /// What it takes to get in.
    pub(in crate::http) needs: Needs,
    /// Whether players come here, who say who they are only when they are asked.
    pub(in crate::http) is_for_players: bool,
}

/// How long whoever asks waits for the cameras to be known, at the start.
const BEGINNING: Duration = Duration::from_secs(10);

/// Calls a route with who asks, if they may.
pub(in crate::http) async fn enter(
    Door { needs, is_for_players }: Door,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let let_in = gate(request.request()).let_in(needs, &asking(request.request()), Moment::now());
    match let_in {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
                // A camera that is not known yet is not "no such camera".
                let mut begun = views(request.request()).begun.clone();
                if timeout(BEGINNING, begun.wait_for(|begun| *begun)).await.is_err() {
                    return Ok(request.into_response(Problem::unavailable("starting; try again").error_response()));
                }
            }
            let answer = next.call(request).await?;
            Ok(endless::bound(answer, |answer| {
                gate(answer.request()).over(needs, &asking(answer.request()), Moment::now())
            }))
        }
        Err(refusal) => {
            let mut answer = Problem::from(refusal).error_response();
            if answer.status() == StatusCode::UNAUTHORIZED && is_for_players && is_player(&request) {
                answer.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Lookout\""));
            }
            Ok(request.into_response(answer))
        }
    }
}

/// Players show what stands in front of the `@` of an address only when they are asked for it. A browser that is asked so
/// opens a window of its own; our pages say that it is they who ask.
fn is_player(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    !headers.contains_key("sec-fetch-site") && !headers.contains_key(OWN_PAGE)
}

/// What our pages say of themselves where they ask for live views.
const OWN_PAGE: &str = "x-lookout-page";

/// Whether whoever asks may look, for a route that also tells others something.
pub(in crate::http) fn may_look(request: &HttpRequest) -> Result<(), Problem> {
    gate(request).let_in(Needs::Role(Role::Viewer), &asking(request), Moment::now())?;
    Ok(())
}

/// What a request says of whoever sends it.
pub(in crate::http) fn asking(request: &HttpRequest) -> Asking<'_> {
    let headers = request.headers();
    let first = |name: &str| headers.get(name).map(text_of);
    // The last proxy is the one that is connected to us.
    let last = |name: &str| headers.get_all(name).next_back().map(text_of);
    Asking {
        peer: request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip()),
        changes: !request.method().is_safe(),
        host: first("host"),
        authorization: first("authorization"),
        // Other programs under the same name may set cookies in any letters.
        cookie: headers.get("cookie").map(|value| std::str::from_utf8(value.as_bytes()).unwrap_or("\u{fffd}")),
        origin: first("origin"),
        fetch_site: first("sec-fetch-site"),
        forwarded_for: last("x-forwarded-for"),
        forwarded_proto: last("x-forwarded-proto"),
    }
}

/// What is no text is nobody's name, but it was said.
fn text_of(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or("\u{fffd}")
}

fn gate(request: &HttpRequest) -> Arc<Gate> {
    Arc::clone(&views(request).gate)
}

fn views(request: &HttpRequest) -> &Views {
    request.app_data::<web::Data<Views>>().expect("serve() gives every handler its views")
}
