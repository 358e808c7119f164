//! The addresses, and what answers at each.

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

use super::{
    Problem,
    auth::{self, Allowed},
    parameters::Question,
};
use crate::{
    access::Needs,
    events::{DeliveryFilter, EventFilter},
    words::Role,
};

/// An address: how it is asked, what that takes, and what answers.
pub(in crate::http) struct Address {
    pub(in crate::http) method: &'static str,
    pub(in crate::http) path: &'static str,
    /// The query parameters that it knows.
    pub(in crate::http) known: &'static [&'static str],
    pub(in crate::http) needs: Needs,
    answers: fn() -> Route,
}

/// Who looks; `healthz` and `readyz` tell nothing worth hiding and are asked by machines without a token.
const LOOK: Needs = Needs::Role(Role::Viewer);
const CHANGE: Needs = Needs::Role(Role::Admin);
/// Also for what the browser needs before anybody can say who they are.
const NOTHING: Needs = Needs::Nothing;

/// Every address there is. Nothing answers that is not in this list, and nobody without what its line says.
pub(in crate::http) const ADDRESSES: &[Address] = &[
    at("GET", "/healthz", &[], NOTHING, || web::to(operations::healthz)),
    at("GET", "/readyz", &[], NOTHING, || web::to(operations::readyz)),
    at("GET", "/metrics", &[], LOOK, || web::to(operations::metrics)),
    // The page is before the door; what programs get here is behind it.
    at("GET", "/", &[], NOTHING, || web::to(assets::front)),
    at("GET", "/assets/{file}", &[], NOTHING, || web::to(assets::file)),
    at("GET", "/api/openapi.json", &[], LOOK, || web::to(operations::openapi)),
    at("GET", "/live/{id}", &[], LOOK, || web::to(live::watch)),
    at("POST", "/play_camera", &[], CHANGE, || web::to(classic::play_camera)),
    at("POST", "/stop_camera", &[], CHANGE, || web::to(classic::stop_camera)),
    at("POST", "/stop_all_camera", &[], CHANGE, || web::to(classic::stop_all_camera)),
    at("GET", "/api/v1/session", &[], LOOK, || web::to(session::show)),
    at("POST", "/api/v1/session", &[], NOTHING, || web::to(session::log_in)),
    at("DELETE", "/api/v1/session", &[], NOTHING, || web::to(session::log_out)),
    at("GET", "/api/v1/status", &[], LOOK, || web::to(operations::status)),
    at("POST", "/api/v1/reload", &[], CHANGE, || web::to(operations::reload)),
    at("GET", "/api/v1/cameras", &[], LOOK, || web::to(cameras::list)),
    at("POST", "/api/v1/cameras", &[], CHANGE, || web::to(control::add)),
    at("POST", "/api/v1/cameras/stop", &[], CHANGE, || web::to(control::stop_all)),
    at("POST", "/api/v1/probe", &[], CHANGE, || web::to(control::probe)),
    at("GET", "/api/v1/cameras/{id}", &[], LOOK, || web::to(cameras::one)),
    at("PUT", "/api/v1/cameras/{id}", &[], CHANGE, || web::to(control::put)),
    at("PATCH", "/api/v1/cameras/{id}", &[], CHANGE, || web::to(control::patch)),
    at("DELETE", "/api/v1/cameras/{id}", &[], CHANGE, || web::to(control::remove)),
    at("GET", "/api/v1/cameras/{id}/settings", &[], CHANGE, || web::to(control::settings)),
    at("POST", "/api/v1/cameras/{id}/start", &[], CHANGE, || web::to(control::start)),
    at("POST", "/api/v1/cameras/{id}/stop", &[], CHANGE, || web::to(control::stop)),
    at("POST", "/api/v1/cameras/{id}/restart", &[], CHANGE, || web::to(control::restart)),
    at("POST", "/api/v1/cameras/{id}/relay/start", &[], CHANGE, || web::to(control::start_relay)),
    at("POST", "/api/v1/cameras/{id}/relay/stop", &[], CHANGE, || web::to(control::stop_relay)),
    at("GET", "/api/v1/cameras/{id}/frame.jpg", cameras::FrameQuery::KNOWN, LOOK, || web::to(cameras::frame)),
    at("GET", "/api/v1/events", EventFilter::KNOWN, LOOK, || web::to(events::list)),
    at("GET", "/api/v1/events/stream", stream::StreamQuery::KNOWN, LOOK, || web::to(stream::follow)),
    at("GET", "/api/v1/events/{id}", &[], LOOK, || web::to(events::one)),
    at("GET", "/api/v1/events/{id}/snapshot.jpg", pictures::PictureQuery::KNOWN, LOOK, || web::to(pictures::snapshot)),
    at("GET", "/api/v1/deliveries", DeliveryFilter::KNOWN, LOOK, || web::to(deliveries::list)),
    at("POST", "/api/v1/deliveries/retry", deliveries::RetryQuery::KNOWN, CHANGE, || web::to(deliveries::retry_all)),
    at("POST", "/api/v1/deliveries/{id}/retry", deliveries::RetryQuery::KNOWN, CHANGE, || {
        web::to(deliveries::retry_one)
    }),
];

const fn at(
    method: &'static str,
    path: &'static str,
    known: &'static [&'static str],
    needs: Needs,
    answers: fn() -> Route,
) -> Address {
    Address { method, path, known, needs, answers }
}

pub(in crate::http) fn configure(app: &mut web::ServiceConfig) {
    for address in ADDRESSES {
        let method = Method::from_bytes(address.method.as_bytes()).expect("a method");
        app.route(address.path, guarded(address.needs, (address.answers)().method(method)));
    }
    app.default_service(guarded(LOOK, web::to(not_found)));
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
    use super::*;

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
