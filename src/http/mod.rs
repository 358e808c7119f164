//! What people and machines see and may ask for. Reads the board and the event reader; changes nothing itself.

mod auth;
mod error;
mod routes;
mod view;

use std::{net::TcpListener, sync::Arc};

use actix_web::{App, HttpServer, dev::Server, middleware, web};

pub use error::Problem;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::{events::Reader, settings::Auth, status::Board};

/// What the HTTP side is joined to.
#[derive(Clone)]
pub struct Views {
    /// Where everything's status is shown.
    pub board: Arc<Board>,
    /// The events that were written down.
    pub events: Arc<Mutex<Reader>>,
    /// Reads the settings anew.
    pub reload: Arc<dyn Reload>,
    /// Makes pictures of the newest frames.
    pub still: Arc<dyn Still>,
    /// How many pictures are made at once: each takes a decoder.
    pub stills_at_once: Arc<Semaphore>,
    /// Who may ask.
    pub auth: Arc<Auth>,
}

/// Reads the settings anew and applies them.
pub trait Reload: Send + Sync {
    /// What changed; or everything that is wrong with the file, for people, and then nothing was changed.
    fn reload(self: Arc<Self>) -> BoxFuture<'static, Result<serde_json::Value, String>>;
}

/// Makes a JPEG of a picture in whatever form it is kept; may block.
pub trait Still: Send + Sync {
    /// The JPEG, with boxes drawn if wanted.
    ///
    /// # Errors
    /// Why there is none, for people.
    fn jpeg(&self, seen: &crate::status::LastSeen, annotate: bool) -> Result<Vec<u8>, String>;
}

/// The server on a bound listener. It runs until its handle stops it.
///
/// # Errors
/// If the listener cannot be used.
pub fn serve(listener: TcpListener, views: Views) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(views.clone()))
            .app_data(web::QueryConfig::default().error_handler(|e, _| Problem::bad_request(e.to_string()).into()))
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
