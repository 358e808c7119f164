//! The forms that home-made stream services take: a front end that was written for one goes on working.

use actix_web::{HttpRequest, HttpResponse, web};
use url::form_urlencoded;

use super::{
    super::{
        Problem, Views,
        answers::Classic,
        auth::{Allowed, asking},
        parameters::{Asked, Body, Nothing},
    },
    control::carry_out,
};
use crate::{roster::Order, status::CameraState, words::CameraId};

/// Form fields `id` and `ip` (the camera's RTSP address): watches it, and says where its FLV is.
pub(in crate::http) async fn play_camera(
    _: Allowed,
    views: web::Data<Views>,
    _: Asked<Nothing>,
    request: HttpRequest,
    Body(body): Body,
) -> Result<HttpResponse, Problem> {
    let form = Form::read(&request, &body)?;
    let (id, url) = (form.id()?, form.field("ip")?);
    carry_out(&views, Order::Play(id.clone(), url)).await.map_err(Problem::of_form)?;
    let plays = views.board.camera(id.as_str()).is_some_and(|cell| cell.state().state == CameraState::Streaming);
    let msg = if plays { "playing" } else { "connecting" };
    let asked = asking(&request);
    let scheme = if views.gate.is_https(&asked) { "https" } else { "http" };
    let flv_data = format!("{scheme}://{}/live/{id}.flv", asked.host.unwrap_or("localhost"));
    Ok(HttpResponse::Ok().json(Classic { code: 200, msg, id: Some(id.to_string()), flv_data: Some(flv_data) }))
}

/// Form field `id`: watches it no more.
pub(in crate::http) async fn stop_camera(
    _: Allowed,
    views: web::Data<Views>,
    _: Asked<Nothing>,
    request: HttpRequest,
    Body(body): Body,
) -> Result<HttpResponse, Problem> {
    let id = Form::read(&request, &body)?.id()?;
    carry_out(&views, Order::Stop(id.clone())).await.map_err(Problem::of_form)?;
    Ok(HttpResponse::Ok().json(Classic { code: 200, msg: "stopped", id: Some(id.to_string()), flv_data: None }))
}

/// Watches none any more.
pub(in crate::http) async fn stop_all_camera(
    _: Allowed,
    views: web::Data<Views>,
    _: Asked<Nothing>,
) -> Result<HttpResponse, Problem> {
    carry_out(&views, Order::StopAll).await.map_err(Problem::of_form)?;
    Ok(HttpResponse::Ok().json(Classic { code: 200, msg: "all stopped", id: None, flv_data: None }))
}

struct Form(Vec<(String, String)>);

impl Form {
    fn read(request: &HttpRequest, body: &[u8]) -> Result<Self, Problem> {
        let kind = request.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => Ok(Self(form_urlencoded::parse(body).into_owned().collect())),
            "multipart/form-data" => multipart(kind, body).map(Self),
            _ => Err(Problem::bad_request("the body is no form: send application/x-www-form-urlencoded").of_form()),
        }
    }

    fn field(&self, name: &str) -> Result<String, Problem> {
        let value = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned());
        let value = value.filter(|value| !value.is_empty());
        value.ok_or_else(|| Problem::bad_request(format!("the form has no field \"{name}\"")).of_form())
    }

    fn id(&self) -> Result<CameraId, Problem> {
        let wrong = |error| Problem::bad_request(format!("form field \"id\": {error}")).of_form();
        self.field("id")?.parse().map_err(wrong)
    }
}

/// The text fields of a form in parts (RFC 7578), as browsers send `FormData`.
fn multipart(kind: &str, body: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let broken = || Problem::bad_request("the form's parts cannot be read");
    let boundary = kind.split_once("boundary=").map(|(_, rest)| rest.split(';').next().unwrap_or(rest));
    let boundary = boundary.map(|text| text.trim().trim_matches('"')).filter(|text| !text.is_empty());
    let delimiter = format!("--{}", boundary.ok_or_else(broken)?);
    let text = std::str::from_utf8(body).map_err(|_| broken())?;
    let mut fields = Vec::new();
    for part in text.split(delimiter.as_str()).skip(1).take_while(|part| !part.starts_with("--")) {
        let (head, value) = part.split_once("\r\n\r\n").ok_or_else(broken)?;
        let name = head.split_once("name=\"").and_then(|(_, rest)| rest.split_once('"')).ok_or_else(broken)?.0;
        fields.push((name.to_owned(), value.strip_suffix("\r\n").ok_or_else(broken)?.to_owned()));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn read(kind: &str, body: &str) -> Result<Form, Problem> {
        Form::read(&TestRequest::default().insert_header(("content-type", kind)).to_http_request(), body.as_bytes())
    }

    #[test]
    fn both_kinds_of_form_are_read() {
        let form = read("application/x-www-form-urlencoded", "id=door&ip=rtsp%3A%2F%2F10.0.0.1%2Fx").expect("a form");
        let told = (form.id().expect("one"), form.field("ip").expect("an address"));
        assert_eq!((told.0.as_str(), told.1.as_str()), ("door", "rtsp://10.0.0.1/x"));
        let parts = "--Xy\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\ndoor\r\n--Xy\r\n\
                     Content-Disposition: form-data; name=\"ip\"\r\n\r\nrtsp://10.0.0.1/x\r\n--Xy--\r\n";
        let form = read("multipart/form-data; boundary=Xy", parts).expect("a form");
        let told = (form.id().expect("one"), form.field("ip").expect("an address"));
        assert_eq!((told.0.as_str(), told.1.as_str()), ("door", "rtsp://10.0.0.1/x"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (kind, body, why) in [
            ("application/json", "{}", "x-www-form-urlencoded"),
            ("multipart/form-data; boundary=Xy", "--Xy\r\nnonsense", "parts"),
            ("multipart/form-data; boundary=", "", "parts"),
        ] {
            let problem = read(kind, body).err().expect("no form").to_string();
            assert!(problem.contains(why), "{problem}");
        }
        let form = read("application/x-www-form-urlencoded", "id=a%20b").expect("a form");
        assert!(form.id().expect_err("no id").to_string().contains("form field \"id\""));
        assert!(form.field("ip").expect_err("none").to_string().contains("no field \"ip\""));
    }
}
