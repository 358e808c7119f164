//! What people and machines see and may ask for. Reads the board and the event reader; changes nothing itself.

mod auth;
mod error;
mod joined;
mod parameters;
mod routes;
mod stream;
mod view;

use std::net::TcpListener;

use actix_web::{App, HttpServer, dev::Server, middleware, web};

pub use error::Problem;
pub use joined::{Deliveries, Pictures, Reload, Still, Views};
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
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(views.clone()))
            .app_data(web::PayloadConfig::new(64 << 10))
            .wrap(
                middleware::DefaultHeaders::new()
                    .add(("x-content-type-options", "nosniff"))
                    .add(("cache-control", "no-store")),
            )
            .configure(routes::configure)
            .default_service(web::to(routes::not_found))
    });
    // Two threads: requests are answered from memory, and a picture being made must not hold up a status.
    Ok(server.workers(2).disable_signals().shutdown_timeout(5).listen(listener)?.run())
}

#[cfg(test)]
mod tests;
