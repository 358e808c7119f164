//! The interface described for programs (OpenAPI 3.1), made of the same list that the server answers from.

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    error::Said,
    routes::{ADDRESSES, Address, Gives, Takes},
};
use crate::{access::Needs, words::Role};

/// The whole description.
pub(in crate::http) fn document() -> Value {
    // The dialect of OpenAPI 3.1; answers are only ever written, never read.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schemas = settings.with(|it| it.definitions_path = "/components/schemas".into()).into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for address in ADDRESSES {
        let item = paths.entry(address.path).or_insert_with(|| json!({}));
        item[address.method.to_ascii_lowercase()] = operation(address, &mut schemas);
    }
    schemas.subschema_for::<Said<'static>>();
    let mut schemas = schemas.take_definitions(true);
    schemas.insert("CameraSettings".into(), camera());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lookout",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Watches RTSP cameras, sees people, and reports them. Errors are problem details (RFC 9457).",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "one of server.tokens" },
                "session": { "type": "apiKey", "in": "cookie", "name": "lookout_session" },
            },
        },
    })
}

fn operation(address: &Address, schemas: &mut SchemaGenerator) -> Value {
    let name = format!("{} {}", address.method, address.path);
    let id: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let in_path = address.path.split(['{', '}']).skip(1).step_by(2).map(
        |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }),
    );
    let in_query = address.known.iter().map(|name| {
        json!({ "name": name, "in": "query", "required": false, "schema": { "type": "string", "minLength": 1 } })
    });
    let mut operation = json!({
        "operationId": id,
        "summary": address.about,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": answers(address, schemas),
        "security": match address.needs {
            Needs::Nothing => json!([]),
            Needs::Role(_) => json!([{ "token": [] }, { "session": [] }]),
        },
    });
    if let Needs::Role(Role::Admin) = address.needs {
        operation["description"] = "Takes the role admin.".into();
    }
    if let Some(body) = body(address.takes) {
        operation["requestBody"] = body;
    }
    operation
}

fn body(takes: Takes) -> Option<Value> {
    let text = || json!({ "type": "string" });
    let form = |fields: &[&str]| {
        let properties: Map<String, Value> = fields.iter().map(|field| ((*field).to_owned(), text())).collect();
        let schema = json!({ "type": "object", "required": fields, "properties": properties });
        json!({ "application/x-www-form-urlencoded": { "schema": schema } })
    };
    let content = match takes {
        Takes::Nothing => return None,
        Takes::Camera => json!({ "application/json": { "schema": { "$ref": "#/components/schemas/CameraSettings" } } }),
        Takes::CameraPatch => json!({ "application/json": { "schema": { "type": "object" } } }),
        Takes::Login => {
            let properties = json!({ "name": text(), "password": text() });
            let schema = json!({ "type": "object", "required": ["name", "password"], "properties": properties });
            json!({ "application/json": { "schema": schema } })
        }
        Takes::PlayForm => form(&["id", "ip"]),
        Takes::StopForm => form(&["id"]),
    };
    Some(json!({ "required": true, "content": content }))
}

fn answers(address: &Address, schemas: &mut SchemaGenerator) -> Value {
    let schema = address.schema.map(|of| json!({ "schema": of(schemas) }));
    let any = || json!({ "application/json": schema.clone().unwrap_or_else(|| json!({})) });
    let (status, content) = match address.gives {
        Gives::Text => {
            ("200", Some(json!({ "text/plain": {}, "application/json": {}, "application/openmetrics-text": {} })))
        }
        Gives::Page => ("200", Some(json!({ "text/html": {}, "application/json": {}, "*/*": {} }))),
        Gives::Json | Gives::Made => ("200", Some(any())),
        Gives::Nothing => ("204", None),
        Gives::Jpeg => ("200", Some(json!({ "image/jpeg": {} }))),
        Gives::Events => ("200", Some(json!({ "text/event-stream": {} }))),
        Gives::Live => ("200", Some(json!({ "video/x-flv": {}, "video/mp4": {}, "multipart/x-mixed-replace": {} }))),
    };
    let mut answers = Map::new();
    let well = |content: Option<Value>| match content {
        Some(content) => json!({ "description": "It is done", "content": content }),
        None => json!({ "description": "It is done" }),
    };
    answers.insert(status.into(), well(content));
    if address.gives == Gives::Made {
        answers.insert("201".into(), well(Some(any())));
    }
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    let problem = json!({ "application/problem+json": { "schema": problem } });
    answers.insert("default".into(), json!({ "description": "Why not", "content": problem }));
    answers.into()
}

/// As in `[[cameras]]` of the settings, which says what each key means.
fn camera() -> Value {
    let text = |example: &str| json!({ "type": "string", "examples": [example] });
    let point = json!({ "type": "array", "items": { "type": "number", "minimum": 0, "maximum": 1 }, "minItems": 2, "maxItems": 2 });
    let polygon = json!({ "type": "array", "minItems": 3, "maxItems": 256, "items": point });
    json!({
        "type": "object",
        "description": "A camera, written as in [[cameras]] of the settings file",
        "required": ["url"],
        "additionalProperties": false,
        "properties": {
            "id": { "type": "string", "pattern": "^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$" },
            "name": { "type": "string", "minLength": 1, "maxLength": 100 },
            "url": text("rtsp://192.168.1.20/stream1"),
            "username": { "type": "string" },
            "password": { "type": "string", "writeOnly": true },
            "transport": { "enum": ["tcp", "udp"] },
            "every": text("1s"),
            "connect_timeout": text("10s"),
            "stall_timeout": text("10s"),
            "key_frame_timeout": text("30s"),
            "max_retries": { "type": "integer", "minimum": 0, "maximum": u32::MAX },
            "sound": { "type": "boolean" },
            "relay": text("rtmp://media.example/live/{id}"),
            "enabled": { "type": "boolean" },
            "visits": { "type": "object" },
            "evidence": { "type": "object" },
            "zones": { "type": "array", "maxItems": 64, "items": {
                "type": "object",
                "required": ["name", "polygon"],
                "additionalProperties": false,
                "properties": { "name": { "type": "string" }, "polygon": polygon },
            } },
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_address_is_described() {
        let document = document();
        for address in ADDRESSES {
            let operation = &document["paths"][address.path][address.method.to_ascii_lowercase()];
            assert!(address.about.len() > 4, "{} {}", address.method, address.path);
            assert!(operation["responses"]["default"].is_object(), "{} {}", address.method, address.path);
            let says_json = matches!(address.gives, Gives::Json | Gives::Made);
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            // Only the description itself is described elsewhere.
            let is_described = schema.is_object() || address.path == "/api/openapi.json";
            assert!(!says_json || is_described, "{} {} answers with what?", address.method, address.path);
            let named: Vec<&str> =
                operation["parameters"].as_array().expect("a list").iter().filter_map(|p| p["name"].as_str()).collect();
            assert!(address.known.iter().all(|known| named.contains(known)), "{named:?}");
        }
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        let document = document();
        let text = document.to_string();
        let named: BTreeSet<&str> =
            text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(named.len() > 20, "{named:?}");
        let schemas = document["components"]["schemas"].as_object().expect("an object");
        assert!(named.iter().all(|name| schemas.contains_key(*name)), "{named:?}");
        let event = &schemas["Event"]["properties"];
        assert_eq!(event["type"]["$ref"], "#/components/schemas/EventKind");
        assert_eq!(schemas["Rect"]["maxItems"], 4, "{}", schemas["Rect"]);
    }

    #[test]
    fn a_camera_has_the_keys_of_the_settings_file() {
        let reference = include_str!("../../config/lookout.toml");
        let table =
            reference.split("[[cameras]]").nth(1).and_then(|rest| rest.split("\n[").next()).expect("it is there");
        let key = |line: &str| {
            let line = line.strip_prefix("# e.g. ").or_else(|| line.strip_prefix("# ")).unwrap_or(line);
            line.split_once(" = ").map(|(key, _)| key.to_owned())
        };
        let in_file: BTreeSet<String> = table
            .lines()
            .filter_map(key)
            .filter(|key| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
            .collect();
        let camera = camera();
        let known = camera["properties"].as_object().expect("an object");
        for key in in_file.iter().filter(|key| *key != "password_file") {
            assert!(known.contains_key(key), "{key} of the file is not described");
        }
        let tables = ["visits", "evidence", "zones"];
        assert!(known.keys().all(|key| in_file.contains(key) || tables.contains(&key.as_str())), "{in_file:?}");
    }
}
