//! What people and machines see and may ask for. Reads the board and the event reader; changes nothing itself.

mod answers;
mod auth;
mod endless;
mod error;
mod headers;
mod joined;
mod openapi;
mod parameters;
mod routes;
mod stream;
mod view;

use std::{net::TcpListener, sync::Arc};

use actix_cors::Cors;
use actix_web::{App, HttpServer, dev::Server, middleware, web};

pub use answers::{Look, Reloaded};
pub use error::Problem;
pub use joined::{Control, Deliveries, NotReloaded, Pictures, Probe, Reload, Still, Unseen, Views};
pub use stream::{StreamTerms, Streams};

/// The server on a bound listener. It runs until its handle stops it; before that, `Streams::end`, or open streams are
/// cut after 5 s.
///
/// # Errors
/// If the listener cannot be used.
pub fn serve(listener: TcpListener, views: Views) -> std::io::Result<Server> {
    #[cfg(target_os = "linux")]
    // Connections inherit it (tcp(7)): who takes nothing for so long would keep its place among the streams for ever.
    socket2::SockRef::from(&listener).set_tcp_user_timeout(Some(views.streams.patience()))?;
    let lasting = views.audience.at_most() + views.streams.at_most();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(views.clone()))
            .app_data(web::PayloadConfig::new(64 << 10))
            .wrap(middleware::from_fn(headers::add))
            .wrap(middleware::Condition::new(!views.gate.cors().is_empty(), cors(views.gate.cors())))
            .configure(routes::configure)
    });
    // Whoever watches or follows may be on one of the two.
    let server = server.max_connections(CONNECTIONS + lasting);
    // Two threads: what takes time (a picture, a look at the disk) is done on others, that may block.
    Ok(server.workers(2).disable_signals().shutdown_timeout(5).listen(listener)?.run())
}

/// Of each of the two threads, beside what lasts: a stranger who opens ever more must not take the files that cameras need.
const CONNECTIONS: usize = 1024;

/// What browsers are told of pages of other sites: that those of these origins may ask. They send tokens, no cookies.
fn cors(origins: &[Arc<str>]) -> Cors {
    let none = Cors::default().allow_any_method().allow_any_header().expose_any_header().max_age(3600);
    origins.iter().fold(none, |cors, origin| cors.allowed_origin(origin))
}

#[cfg(test)]
mod tests;
