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

use actix_web::{
    HttpRequest, HttpResponse, Route,
    body::BoxBody,
    dev::ServiceRequest,
    http::Method,
    middleware::{Next, from_fn},
    web,
};

pub(in crate::http) use self::addresses::{ADDRESSES, Address, Gives, Takes};
use super::{
    Problem,
    auth::{self, Allowed},
};
use crate::{access::Needs, words::Role};

pub(in crate::http) fn configure(app: &mut web::ServiceConfig) {
    for address in ADDRESSES {
        let method = Method::from_bytes(address.method.as_bytes()).expect("a method");
        app.route(address.path, guarded(address.needs, (address.answers)().method(method)));
    }
    app.default_service(guarded(Needs::Role(Role::Viewer), web::to(not_found)));
}

/// Behind the gate. It stands before the route itself and not before the choice of one: whatever way of writing an
/// address leads to a route, it leads past its gate.
fn guarded(needs: Needs, route: Route) -> Route {
    route.wrap(from_fn(move |request: ServiceRequest, next: Next<BoxBody>| auth::enter(needs, request, next)))
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
