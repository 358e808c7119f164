//! The addresses, and what answers at each.

mod cameras;
mod deliveries;
mod events;
mod operations;
mod pictures;
mod stream;

use actix_web::{HttpRequest, HttpResponse, web};

use super::{Problem, auth::Allowed};

/// Every address there is. `healthz` and `readyz` tell nothing worth hiding and are asked by machines without a token.
pub(in crate::http) fn configure(app: &mut web::ServiceConfig) {
    app.route("/healthz", web::get().to(operations::healthz))
        .route("/readyz", web::get().to(operations::readyz))
        .route("/metrics", web::get().to(operations::metrics))
        .route("/", web::get().to(operations::index))
        .service(
            web::scope("/api/v1")
                .route("/status", web::get().to(operations::status))
                .route("/reload", web::post().to(operations::reload))
                .route("/cameras", web::get().to(cameras::list))
                .route("/cameras/{id}", web::get().to(cameras::one))
                .route("/cameras/{id}/frame.jpg", web::get().to(cameras::frame))
                .route("/events", web::get().to(events::list))
                .route("/events/stream", web::get().to(stream::follow))
                .route("/events/{id}", web::get().to(events::one))
                .route("/events/{id}/snapshot.jpg", web::get().to(pictures::snapshot))
                .route("/deliveries", web::get().to(deliveries::list))
                .route("/deliveries/retry", web::post().to(deliveries::retry_all))
                .route("/deliveries/{id}/retry", web::post().to(deliveries::retry_one))
                .default_service(web::to(not_found)),
        );
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
