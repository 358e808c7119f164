use super::{
    super::{
        Budget, Command, File, Filter, Mqtt, Sink, Template, Way, Webhook,
        quantity::{show_duration, show_size},
        raw,
        secrets::masked_webhook_url,
        weekly::show_span,
    },
    MASK, credentials,
};

pub(super) fn written(sink: &Sink) -> raw::Sink {
    let Sink { name, filter, budget, way } = sink;
    let raw = match way {
        Way::Webhook(way) => webhook(way),
        Way::Mqtt(way) => mqtt(way),
        Way::Command(way) => command(way),
        Way::File(way) => file(way),
    };
    let bound = |events: u32| Some(if events == u32::MAX { 0 } else { events.into() });
    let Budget { per_camera, total } = budget.unwrap_or(Budget { per_camera: u32::MAX, total: u32::MAX });
    let Filter { cameras, zones, types, labels, when } = filter;
    raw::Sink {
        name: Some(name.to_string()),
        cameras: texts(cameras),
        zones: texts(zones),
        types: texts(&types.iter().map(|kind| kind.as_str()).collect::<Vec<_>>()),
        labels: texts(labels),
        when: when.as_ref().map(|when| when.spans.iter().map(show_span).collect()),
        time_zone: when.as_ref().and_then(|when| when.zone.iana_name()).map(str::to_owned),
        budget: Some(raw::Budget { per_camera: bound(per_camera), total: bound(total) }),
        ..raw
    }
}

fn webhook(webhook: &Webhook) -> raw::Sink {
    let Webhook { url, secret, timeout, ca_file, headers, template } = webhook;
    let headers = headers.iter().map(|(name, _)| (name.to_string(), MASK.to_owned()));
    raw::Sink {
        kind: Some("webhook".to_owned()),
        url: Some(masked_webhook_url(url)),
        secret: secret.as_ref().map(|_| MASK.to_owned()),
        timeout: Some(raw::DurationText(show_duration(*timeout))),
        ca_file: ca_file.as_ref().map(|file| file.display().to_string()),
        headers: (headers.len() > 0).then(|| headers.collect()),
        template: template.as_ref().map(|Template { content_type, accepted_if, .. }| raw::Template {
            body: Some(MASK.to_owned()),
            body_file: None,
            content_type: Some(content_type.to_string()),
            accepted_if: accepted_if.as_ref().map(ToString::to_string),
        }),
        ..raw::Sink::default()
    }
}

fn mqtt(mqtt: &Mqtt) -> raw::Sink {
    let (username, password) = credentials(mqtt.credentials.as_ref());
    let scheme = if mqtt.tls { "mqtts" } else { "mqtt" };
    let host = if mqtt.host.contains(':') { format!("[{}]", mqtt.host) } else { mqtt.host.to_string() };
    raw::Sink {
        kind: Some("mqtt".to_owned()),
        url: Some(format!("{scheme}://{host}:{}", mqtt.port)),
        username,
        password,
        client_id: Some(mqtt.client_id.to_string()),
        topic_prefix: Some(mqtt.topic_prefix.to_string()),
        discovery: Some(mqtt.discovery.is_some()),
        discovery_prefix: mqtt.discovery.as_ref().map(ToString::to_string),
        timeout: Some(raw::DurationText(show_duration(mqtt.timeout))),
        ca_file: mqtt.ca_file.as_ref().map(|file| file.display().to_string()),
        ..raw::Sink::default()
    }
}

fn command(Command { program, arguments, timeout, withheld: _ }: &Command) -> raw::Sink {
    raw::Sink {
        kind: Some("command".to_owned()),
        program: Some(program.display().to_string()),
        // Some programs want a token there.
        arguments: (!arguments.is_empty()).then(|| vec![MASK.to_owned(); arguments.len()]),
        timeout: Some(raw::DurationText(show_duration(*timeout))),
        ..raw::Sink::default()
    }
}

fn file(File { path, max_bytes, keep }: &File) -> raw::Sink {
    raw::Sink {
        kind: Some("file".to_owned()),
        path: Some(path.display().to_string()),
        max_bytes: Some(raw::SizeText(show_size(*max_bytes))),
        keep: Some((*keep).into()),
        ..raw::Sink::default()
    }
}

fn texts<T: ToString>(list: &[T]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.iter().map(ToString::to_string).collect())
}
