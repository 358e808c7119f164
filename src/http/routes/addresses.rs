//! The one list of addresses: what is asked how, what that takes, what answers, and what is said of it.

use actix_web::{Route, web};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{
    super::{
        answers::{Classic, Look, Reloaded, Retried},
        parameters::Question,
        view::{CameraView, StatusView},
    },
    assets, cameras, classic, control, deliveries, events, live, operations, pictures, session, stream,
};
use crate::{
    access::{Caller, Needs},
    events::{DeliveryFilter, DeliveryView, Event, EventFilter},
    roster::{Entry, Order},
    words::Role,
};

/// An address.
pub(in crate::http) struct Address {
    pub(in crate::http) method: &'static str,
    pub(in crate::http) path: &'static str,
    pub(in crate::http) needs: Needs,
    pub(super) answers: fn() -> Route,
    pub(in crate::http) gives: Gives,
    pub(in crate::http) about: &'static str,
    /// The query parameters that it knows.
    pub(in crate::http) known: &'static [&'static str],
    pub(in crate::http) takes: Takes,
    /// What its JSON looks like.
    pub(in crate::http) schema: Option<fn(&mut SchemaGenerator) -> Schema>,
}

/// The body of a request.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::http) enum Takes {
    Nothing,
    Camera,
    CameraPatch,
    Login,
    /// `id` and `ip`.
    PlayForm,
    /// `id`.
    StopForm,
}

/// The body of an answer when all is well.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::http) enum Gives {
    Text,
    Page,
    Json,
    /// JSON, and by 201 that something is new.
    Made,
    Nothing,
    Jpeg,
    Events,
    Live,
}

/// Who looks; `healthz` and `readyz` tell nothing worth hiding and are asked by machines without a token.
const LOOK: Needs = Needs::Role(Role::Viewer);
const CHANGE: Needs = Needs::Role(Role::Admin);
/// Also for what the browser needs before anybody can say who they are.
const NOTHING: Needs = Needs::Nothing;

/// Every address there is. Nothing answers that is not in this list, and nobody without what its line says.
pub(in crate::http) const ADDRESSES: &[Address] = &[
    at("GET", "/healthz", NOTHING, || web::to(operations::healthz)).gives(Gives::Text, "The process answers"),
    at("GET", "/readyz", NOTHING, || web::to(operations::readyz))
        .gives(Gives::Text, "Everything runs and events can be written down"),
    at("GET", "/metrics", LOOK, || web::to(operations::metrics)).gives(Gives::Text, "OpenMetrics for Prometheus"),
    // The page is before the door; what programs get here is behind it.
    at("GET", "/", NOTHING, || web::to(assets::front))
        .gives(Gives::Page, "The dashboard, or the list of addresses for who wants JSON"),
    at("GET", "/assets/{file}", NOTHING, || web::to(assets::file)).gives(Gives::Page, "A part of the dashboard"),
    at("GET", "/api/openapi.json", LOOK, || web::to(operations::openapi)).gives(Gives::Json, "This description"),
    at("GET", "/live/{id}", LOOK, || web::to(live::watch))
        .gives(Gives::Live, "A camera as it is now: ID.flv, ID.mp4 or ID.mjpeg"),
    at("POST", "/play_camera", CHANGE, || web::to(classic::play_camera))
        .gives(Gives::Json, "Watches a camera and says where its FLV is")
        .of::<Classic>()
        .takes(Takes::PlayForm),
    at("POST", "/stop_camera", CHANGE, || web::to(classic::stop_camera))
        .gives(Gives::Json, "Watches a camera no more")
        .of::<Classic>()
        .takes(Takes::StopForm),
    at("POST", "/stop_all_camera", CHANGE, || web::to(classic::stop_all_camera))
        .gives(Gives::Json, "Watches none any more")
        .of::<Classic>(),
    at("GET", "/api/v1/session", LOOK, || web::to(session::show))
        .gives(Gives::Json, "Who asks, and as what")
        .of::<Caller>(),
    at("POST", "/api/v1/session", NOTHING, || web::to(session::log_in))
        .gives(Gives::Json, "Logs in; the answer sets a cookie")
        .of::<Caller>()
        .takes(Takes::Login),
    at("DELETE", "/api/v1/session", NOTHING, || web::to(session::log_out)).gives(Gives::Nothing, "Logs out"),
    at("GET", "/api/v1/status", LOOK, || web::to(operations::status))
        .gives(Gives::Json, "All of it in one answer")
        .of::<StatusView>(),
    at("POST", "/api/v1/reload", CHANGE, || web::to(operations::reload))
        .gives(Gives::Json, "Reads the settings file anew")
        .of::<Reloaded>(),
    at("GET", "/api/v1/cameras", LOOK, || web::to(cameras::list))
        .gives(Gives::Json, "Every camera")
        .of::<Vec<CameraView>>(),
    at("POST", "/api/v1/cameras", CHANGE, || web::to(control::add))
        .gives(Gives::Made, "Adds a camera; the same again is no mistake")
        .of::<CameraView>()
        .takes(Takes::Camera),
    at("POST", "/api/v1/cameras/stop", CHANGE, || web::to(control::stop_all))
        .gives(Gives::Nothing, "Stops every camera"),
    at("POST", "/api/v1/probe", CHANGE, || web::to(control::probe))
        .gives(Gives::Json, "Looks at a camera that is not watched yet")
        .of::<Look>()
        .takes(Takes::Camera),
    at("GET", "/api/v1/cameras/{id}", LOOK, || web::to(cameras::one))
        .gives(Gives::Json, "One camera")
        .of::<CameraView>(),
    at("PUT", "/api/v1/cameras/{id}", CHANGE, || control::written(Order::Put))
        .gives(Gives::Made, "Lets a camera be so, whether it is there or not")
        .of::<CameraView>()
        .takes(Takes::Camera),
    at("PATCH", "/api/v1/cameras/{id}", CHANGE, || control::written(Order::Patch))
        .gives(Gives::Json, "Changes parts of a camera (RFC 7396)")
        .of::<CameraView>()
        .takes(Takes::CameraPatch),
    at("DELETE", "/api/v1/cameras/{id}", CHANGE, || control::done_with(Order::Remove))
        .gives(Gives::Nothing, "Forgets a camera"),
    at("GET", "/api/v1/cameras/{id}/settings", CHANGE, || web::to(control::settings))
        .gives(Gives::Json, "What is written of a camera, secrets masked")
        .of::<Entry>(),
    at("POST", "/api/v1/cameras/{id}/start", CHANGE, || control::done_with(Order::Start))
        .gives(Gives::Json, "Watches it")
        .of::<CameraView>(),
    at("POST", "/api/v1/cameras/{id}/stop", CHANGE, || control::done_with(Order::Stop))
        .gives(Gives::Json, "Watches it no more, also after a restart")
        .of::<CameraView>(),
    at("POST", "/api/v1/cameras/{id}/restart", CHANGE, || control::done_with(Order::Restart))
        .gives(Gives::Json, "Connects to it anew")
        .of::<CameraView>(),
    at("POST", "/api/v1/cameras/{id}/relay/start", CHANGE, || control::done_with(Order::StartRelay))
        .gives(Gives::Json, "Passes it on to its RTMP server")
        .of::<CameraView>(),
    at("POST", "/api/v1/cameras/{id}/relay/stop", CHANGE, || control::done_with(Order::StopRelay))
        .gives(Gives::Json, "Passes it on no more, also after a restart")
        .of::<CameraView>(),
    at("GET", "/api/v1/cameras/{id}/frame.jpg", LOOK, || web::to(cameras::frame))
        .gives(Gives::Jpeg, "The newest frame that was looked at")
        .asked(cameras::FrameQuery::KNOWN),
    at("GET", "/api/v1/events", LOOK, || web::to(events::list))
        .gives(Gives::Json, "What was recorded, the newest first")
        .of::<Vec<Event>>()
        .asked(EventFilter::KNOWN),
    at("GET", "/api/v1/events/stream", LOOK, || web::to(stream::follow))
        .gives(Gives::Events, "The same as it is recorded: server-sent events")
        .asked(stream::StreamQuery::KNOWN),
    at("GET", "/api/v1/events/{id}", LOOK, || web::to(events::one)).gives(Gives::Json, "One event").of::<Event>(),
    at("GET", "/api/v1/events/{id}/snapshot.jpg", LOOK, || web::to(pictures::snapshot))
        .gives(Gives::Jpeg, "A picture of an event")
        .asked(pictures::PictureQuery::KNOWN),
    at("GET", "/api/v1/deliveries", LOOK, || web::to(deliveries::list))
        .gives(Gives::Json, "Who was told of what, and who was not yet")
        .of::<Vec<DeliveryView>>()
        .asked(DeliveryFilter::KNOWN),
    at("POST", "/api/v1/deliveries/retry", CHANGE, || web::to(deliveries::retry_all))
        .gives(Gives::Json, "Tries dead letters anew")
        .of::<Retried>()
        .asked(deliveries::RetryQuery::KNOWN),
    at("POST", "/api/v1/deliveries/{id}/retry", CHANGE, || web::to(deliveries::retry_one))
        .gives(Gives::Json, "Tries one event's dead letters anew")
        .of::<Retried>()
        .asked(deliveries::RetryQuery::KNOWN),
];

const fn at(method: &'static str, path: &'static str, needs: Needs, answers: fn() -> Route) -> Address {
    Address {
        method,
        path,
        needs,
        answers,
        gives: Gives::Json,
        about: "",
        known: &[],
        takes: Takes::Nothing,
        schema: None,
    }
}

impl Address {
    const fn gives(self, gives: Gives, about: &'static str) -> Self {
        Self { gives, about, ..self }
    }

    const fn asked(self, known: &'static [&'static str]) -> Self {
        Self { known, ..self }
    }

    /// The type that it answers with.
    const fn of<T: JsonSchema>(self) -> Self {
        Self { schema: Some(SchemaGenerator::subschema_for::<T>), ..self }
    }

    const fn takes(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }
}
