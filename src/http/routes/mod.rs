//! The addresses, and what answers at each.

mod addresses;
mod assets;
mod cameras;
mod classic;
mod control;
mod deliveries;
mod events;
mod live;
mod operations;
mod pictures;
mod session;
mod stream;

use std::collections::BTreeSet;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError, Route,
    body::BoxBody,
    dev::ServiceRequest,
    http::{
        Method,
        header::{ALLOW, HeaderValue},
    },
    middleware::{Next, from_fn},
    web,
};

pub(in crate::http) use self::addresses::{ADDRESSES, Address, Gives, Takes};
use super::{
    Problem,
    auth::{self, Allowed, Door},
};
use crate::{access::Needs, words::Role};

pub(in crate::http) fn configure(app: &mut web::ServiceConfig) {
    for address in ADDRESSES {
        let method = Method::from_bytes(address.method.as_bytes()).expect("a method");
        let door = Door { needs: address.needs, is_for_players: address.gives == Gives::Live };
        app.route(address.path, guarded(door, (address.answers)().method(method)));
    }
    let elsewhere = Door { needs: Needs::Role(Role::Viewer), is_for_players: false };
    // After every route, as the address of one may look like another's.
    let paths: BTreeSet<&str> = ADDRESSES.iter().map(|address| address.path).collect();
    for path in paths {
        app.route(path, guarded(elsewhere, web::to(move |request, _: Allowed| wrong_method(path, request))));
    }
    app.default_service(guarded(elsewhere, web::to(not_found)));
}

/// Behind the gate. It stands before the route itself and not before the choice of one: whatever way of writing an
/// address leads to a route, it leads past its gate.
fn guarded(door: Door, route: Route) -> Route {
    route.wrap(from_fn(move |request: ServiceRequest, next: Next<BoxBody>| auth::enter(door, request, next)))
}

/// The answer to methods that an address does not know.
async fn wrong_method(path: &'static str, request: HttpRequest) -> HttpResponse {
    let known = ADDRESSES.iter().filter(|address| address.path == path).map(|address| address.method);
    let known = known.collect::<Vec<_>>().join(", ");
    let problem = Problem::wrong_method(format!("{} is not answered here, but {known}", request.method()));
    let mut answer = problem.error_response();
    answer.headers_mut().insert(ALLOW, HeaderValue::from_str(&known).expect("names of methods"));
    answer
}

/// The answer at every other address.
pub(in crate::http) async fn not_found(request: HttpRequest, _: Allowed) -> Result<HttpResponse, Problem> {
    let path: String = request.path().chars().take(200).collect();
    Err(Problem::not_found(format!("nothing answers to {} {path}; GET / lists what does", request.method())))
}

#[cfg(test)]
mod tests {
    use super::{super::parameters::Question, *};
    use crate::events::{DeliveryFilter, EventFilter};

    #[test]
    fn the_readme_names_every_parameter() {
        let readme = include_str!("../../../README.md");
        for (address, known) in [
            ("/frame.jpg", cameras::FrameQuery::KNOWN),
            ("/api/v1/events", EventFilter::KNOWN),
            ("/snapshot.jpg", pictures::PictureQuery::KNOWN),
            ("/api/v1/events/stream", stream::StreamQuery::KNOWN),
            ("/api/v1/deliveries", DeliveryFilter::KNOWN),
            ("/api/v1/deliveries/{event}/retry", deliveries::RetryQuery::KNOWN),
            ("/api/v1/deliveries/retry", deliveries::RetryQuery::KNOWN),
        ] {
            let asked = readme.split(&format!("{address}?")).nth(1).and_then(|rest| rest.split('`').next());
            let asked = asked.unwrap_or_else(|| panic!("{address} stands in no table"));
            let mut named: Vec<&str> = asked.split('&').filter_map(|part| Some(part.split_once('=')?.0)).collect();
            let mut known = known.to_vec();
            named.sort_unstable();
            known.sort_unstable();
            assert_eq!(named, known, "{address}");
        }
    }
}
