use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::header::SET_COOKIE,
    web::{self, Payload},
};
use serde::Deserialize;
use tokio::time::timeout;

use super::super::{
    Problem, Views,
    auth::{Allowed, asking},
    parameters::{Asked, Nothing},
};
use crate::{
    access::{Admitted, COOKIE, Sessions},
    settings::Secret,
    words::Moment,
};

/// How long a login waits for what was typed, and for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// As much as is read of it: the longest name and password, with every character escaped.
const MOST_BYTES: usize = 16 << 10;

/// Who asks, and how that is known.
pub(in crate::http) async fn show(Allowed(caller): Allowed, _: Asked<Nothing>) -> impl Responder {
    web::Json(caller)
}

/// What is typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    name: String,
    password: String,
}

/// A name and a password for a cookie.
pub(in crate::http) async fn log_in(
    views: web::Data<Views>,
    _: Asked<Nothing>,
    request: HttpRequest,
    typed: Payload,
) -> Result<HttpResponse, Problem> {
    let Typed { name, password } = read(typed).await?;
    let password = Secret::new(password);
    let asking = asking(&request);
    let login = views.gate.begin_login(&asking, Moment::now())?;
    let turn = timeout(PATIENCE, Arc::clone(&views.logins_at_once).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else {
        views.gate.withdraw(login);
        return Err(Problem::unavailable("too many logins at once; try again"));
    };
    let passwords = views.gate.passwords();
    // The turn is the work's own: whoever hangs up ends neither.
    let verified = web::block(move || {
        let verified = passwords.verify(&name, &password);
        drop(turn);
        verified
    });
    let verified = verified.await.map_err(|e| Problem::internal(e.to_string()))?;
    let Admitted { caller, id } = views.gate.admit(login, verified, &asking, Moment::now())?;
    let cookie = cookie(id.expose(), Sessions::LIFE, views.gate.is_https(&asking));
    Ok(HttpResponse::Ok().insert_header((SET_COOKIE, cookie)).json(caller))
}

/// The end of the session that asks for it.
pub(in crate::http) async fn log_out(
    views: web::Data<Views>,
    _: Asked<Nothing>,
    request: HttpRequest,
) -> impl Responder {
    let asking = asking(&request);
    views.gate.log_out(&asking);
    let cookie = cookie("", Duration::ZERO, views.gate.is_https(&asking));
    HttpResponse::NoContent().insert_header((SET_COOKIE, cookie)).finish()
}

async fn read(typed: Payload) -> Result<Typed, Problem> {
    let body = timeout(PATIENCE, typed.to_bytes_limited(MOST_BYTES)).await;
    let read = match body {
        Ok(Ok(Ok(body))) => serde_json::from_slice(&body).ok(),
        _ => None,
    };
    // Nothing of it is repeated.
    read.ok_or_else(|| Problem::bad_request("send {\"name\": \"...\", \"password\": \"...\"} as JSON"))
}

/// For this site's own pages alone, and for no script of theirs.
fn cookie(id: &str, lasts: Duration, https: bool) -> String {
    let secure = if https { "; Secure" } else { "" };
    format!("{COOKIE}={id}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{secure}", lasts.as_secs())
}
