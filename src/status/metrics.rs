use std::{fmt, sync::Arc};

use jiff::Timestamp;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use super::{Board, CameraCell, CameraState, Counter, Gauge, Quantiles, SinkCell, SkipReason, StateView, process};
use crate::words::Reason;

/// Everything on the board in the OpenMetrics text format that Prometheus reads. Base units, prefix `lookout_`.
pub fn metrics_text(board: &Arc<Board>) -> String {
    let mut registry = Registry::with_prefix("lookout");
    registry.register_collector(Box::new(Scrape(Arc::clone(board))));
    let mut out = String::with_capacity(64 << 10);
    text::encode(&mut out, &registry).expect("writing to a string does not fail");
    out
}

#[derive(Debug)]
struct Scrape(Arc<Board>);

type Labels<'a> = Vec<(&'a str, String)>;

/// A metric of one family: its labels and its value.
enum Value {
    Counter(u64),
    CounterSeconds(f64),
    Gauge(f64),
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let board = &*self.0;
        encode_process(&mut encoder, board)?;
        encode_cameras(&mut encoder, &board.cameras())?;
        encode_detector(&mut encoder, board)?;
        encode_outbox(&mut encoder, board)?;
        encode_evidence(&mut encoder, board)?;
        encode_audience(&mut encoder, board)?;
        encode_access(&mut encoder, board)?;
        encode_sinks(&mut encoder, &board.sinks())
    }
}

fn encode_process(encoder: &mut DescriptorEncoder<'_>, board: &Board) -> fmt::Result {
    let info = vec![(vec![("version", env!("CARGO_PKG_VERSION").to_owned())], Value::Gauge(1.0))];
    family(encoder, "build_info", "The version that runs", None, info)?;
    // As `/readyz` says it.
    let is_ready = board.is_ready() && board.outbox.fault.lock().is_none();
    let help = "1 while everything runs and events can be written down";
    single(encoder, "ready", help, None, Value::Gauge(f64::from(u8::from(is_ready))))?;
    let uptime = Value::Gauge(board.started.elapsed().as_secs_f64());
    single(encoder, "uptime", "Time since the start", Some(&Unit::Seconds), uptime)?;
    if let Some(usage) = process::usage() {
        let cpu = Value::CounterSeconds(usage.cpu_seconds);
        single(encoder, "process_cpu", "Processor time used", Some(&Unit::Seconds), cpu)?;
        let memory = Value::Gauge(usage.resident_bytes as f64);
        single(encoder, "process_resident_memory", "Memory in use", Some(&Unit::Bytes), memory)?;
        single(encoder, "process_threads", "Threads", None, Value::Gauge(usage.threads as f64))?;
    }
    Ok(())
}

fn encode_cameras(encoder: &mut DescriptorEncoder<'_>, cameras: &[Arc<CameraCell>]) -> fmt::Result {
    let per_state = |c: &CameraCell, state: CameraState| {
        let labels = vec![("camera", c.id.to_string()), ("state", state.code().into())];
        (labels, Value::Gauge(f64::from(u8::from(c.state().state == state))))
    };
    let states = cameras.iter().flat_map(|c| CameraState::ALL.map(|s| per_state(c, s))).collect();
    family(encoder, "camera_state", "1 for the state that the camera is in", None, states)?;

    let faults = cameras.iter().flat_map(|c| Reason::ALL.map(|reason| (c, reason, c.faults_by(reason).get())));
    let faults = faults.filter(|(_, _, n)| *n > 0).map(|(c, reason, n)| {
        (vec![("camera", c.id.to_string()), ("reason", reason.code().into())], Value::Counter(n))
    });
    family(encoder, "camera_faults", "Lives that a fault ended, by reason", None, faults.collect())?;

    let skipped = cameras.iter().flat_map(|c| {
        SkipReason::ALL.map(|reason| {
            let labels = vec![("camera", c.id.to_string()), ("reason", reason.code().into())];
            (labels, Value::Counter(c.frames.skipped(reason).get()))
        })
    });
    family(encoder, "camera_frames_skipped", "Access units not decoded, by reason", None, skipped.collect())?;

    type Read = fn(&CameraCell) -> Option<Value>;
    let simple: [(&str, &str, Option<Unit>, Read); 20] = [
        ("camera_down", "Since when it does not stream though it should; 0 while it does", Some(Unit::Seconds), |c| {
            Some(Value::Gauge(down_seconds(&c.state(), Timestamp::now())))
        }),
        ("camera_lives", "Lives begun", None, |c| Some(Value::Counter(c.lives.get()))),
        ("camera_threads_abandoned", "Threads that hung and were left behind", None, |c| {
            Some(Value::Counter(c.abandoned.get()))
        }),
        ("camera_frames_received", "Access units from the camera", None, |c| {
            Some(Value::Counter(c.frames.received.get()))
        }),
        ("camera_frames_decoded", "Access units decoded", None, |c| Some(Value::Counter(c.frames.decoded.get()))),
        ("camera_frames_failed", "Access units that did not decode", None, |c| {
            Some(Value::Counter(c.frames.failed.get()))
        }),
        ("camera_frames_published", "Frames put up for detection", None, |c| {
            Some(Value::Counter(c.frames.published.get()))
        }),
        ("camera_frames_superseded", "Frames that a newer one replaced", None, |c| {
            Some(Value::Counter(c.frames.superseded.get()))
        }),
        ("camera_frames_detected", "Frames looked at", None, |c| Some(Value::Counter(c.frames.detected.get()))),
        ("camera_packets_lost", "Packets known to be lost", None, |c| {
            Some(Value::Counter(c.frames.lost_packets.get()))
        }),
        ("camera_received", "Video received", Some(Unit::Bytes), |c| Some(Value::Counter(c.bytes.get()))),
        ("camera_detection_failures", "Frames whose detection or rules failed", None, |c| {
            Some(Value::Counter(c.detection_failures.get()))
        }),
        ("camera_people", "People in the newest sample", None, |c| Some(Value::Gauge(c.people.get() as f64))),
        ("camera_open_visits", "Visits that are open, in all zones", None, |c| {
            Some(Value::Gauge(c.open_visits.get() as f64))
        }),
        ("camera_visits_held_back", "Visits not told: in the cooldown, or of nobody new", None, |c| {
            Some(Value::Counter(c.visits_held_back.get()))
        }),
        ("camera_followers", "Who is sent its stream: viewers and relays", None, |c| {
            Some(Value::Gauge(c.feed.followers() as f64))
        }),
        ("camera_backlog", "Access units waiting for the decoder", None, |c| {
            Some(Value::Gauge(f64::from(c.waiting_units())))
        }),
        ("camera_frame_age", "Time since the newest access unit", Some(Unit::Seconds), |c| {
            c.last_frame().map(|at| Value::Gauge(at.steady.elapsed().as_secs_f64()))
        }),
        ("camera_latency_p50", "From arrival to detection, median of the latest", Some(Unit::Seconds), |c| {
            c.latency.quantiles().map(|q| Value::Gauge(q.p50))
        }),
        ("camera_latency_p99", "From arrival to detection, 99th percentile of the latest", Some(Unit::Seconds), |c| {
            c.latency.quantiles().map(|q| Value::Gauge(q.p99))
        }),
    ];
    for (name, help, unit, read) in &simple {
        let rows = cameras.iter().filter_map(|c| Some((vec![("camera", c.id.to_string())], read(c)?)));
        family(encoder, name, help, unit.as_ref(), rows.collect())?;
    }
    Ok(())
}

/// Over all attempts, so that an alert on it does not go out each time that another begins.
fn down_seconds(state: &StateView, now: Timestamp) -> f64 {
    let Some(since) = state.down_since else { return 0.0 };
    now.duration_since(since).as_secs_f64().max(0.0) // the clock may have been set back
}

fn encode_detector(encoder: &mut DescriptorEncoder<'_>, board: &Board) -> fmt::Result {
    let cell = &board.detector;
    single(encoder, "detector_workers", "Detector threads", None, Value::Gauge(cell.workers.get() as f64))?;
    single(encoder, "detector_busy", "Frames being looked at", None, Value::Gauge(cell.busy.get() as f64))?;
    single(encoder, "detections", "Frames looked at", None, Value::Counter(cell.detections.get()))?;
    single(encoder, "detection_failures", "Detections that failed", None, Value::Counter(cell.failures.get()))?;
    let busy = Value::CounterSeconds(cell.busy_us.get() as f64 / 1e6);
    single(encoder, "detector_busy_time", "Time spent looking", Some(&Unit::Seconds), busy)?;
    quantiles(encoder, "detector_inference", "Time to look at one frame", cell.inference.quantiles())
}

fn encode_outbox(encoder: &mut DescriptorEncoder<'_>, board: &Board) -> fmt::Result {
    let cell = &board.outbox;
    single(encoder, "events_recorded", "Events written down", None, Value::Counter(cell.recorded.get()))?;
    let help = "Events removed before every sink had them";
    single(encoder, "events_dropped", help, None, Value::Counter(cell.dropped.get()))?;
    single(encoder, "outbox_write_failures", "Failed writes", None, Value::Counter(cell.write_failures.get()))?;
    let help = "Events held in memory because writing fails";
    single(encoder, "outbox_unwritten", help, None, Value::Gauge(cell.unwritten.get() as f64))?;
    single(encoder, "outbox_size", "Size of the database", Some(&Unit::Bytes), Value::Gauge(cell.bytes.get() as f64))
}

fn encode_evidence(encoder: &mut DescriptorEncoder<'_>, board: &Board) -> fmt::Result {
    let cell = &board.evidence;
    if cell.target.lock().is_none() {
        return Ok(());
    }
    let gauge = |gauge: &Gauge| Value::Gauge(gauge.get() as f64);
    let counter = |counter: &Counter| Value::Counter(counter.get());
    let given_up = "Pictures that the store refused too often";
    let dropped = "Pictures that did not get into the spool";
    let set_aside = "Leftovers in the spool that cannot be read";
    single(encoder, "snapshots_encoding", "Frames on their way into the spool", None, gauge(&cell.encoding))?;
    single(encoder, "snapshots_waiting", "Pictures that wait in the spool", None, gauge(&cell.waiting))?;
    single(encoder, "snapshots_in_flight", "Pictures being stored", None, gauge(&cell.in_flight))?;
    single(encoder, "snapshots_events", "Events that lack pictures", None, gauge(&cell.events))?;
    single(encoder, "snapshots_spool", "Size of the spool", Some(&Unit::Bytes), gauge(&cell.spool_bytes))?;
    single(encoder, "snapshots_stored", "Pictures stored", None, counter(&cell.stored))?;
    single(encoder, "snapshots_stored_size", "Pictures stored", Some(&Unit::Bytes), counter(&cell.stored_bytes))?;
    single(encoder, "snapshots_failures", "Attempts that failed", None, counter(&cell.failures))?;
    single(encoder, "snapshots_given_up", given_up, None, counter(&cell.given_up))?;
    single(encoder, "snapshots_dropped", dropped, None, counter(&cell.dropped))?;
    single(encoder, "snapshots_set_aside", set_aside, None, counter(&cell.set_aside))?;
    quantiles(encoder, "snapshots_upload", "Time to store one picture", cell.upload.quantiles())
}

fn encode_access(encoder: &mut DescriptorEncoder<'_>, board: &Board) -> fmt::Result {
    let cell = &board.access;
    let failures = [("token", &cell.tokens), ("password", &cell.passwords)]
        .map(|(tried, failures)| (vec![("tried", tried.to_owned())], Value::Counter(failures.get())));
    family(encoder, "access_failures", "Failures to say who one is", None, failures.into())
}

fn encode_audience(encoder: &mut DescriptorEncoder<'_>, board: &Board) -> fmt::Result {
    let cell = &board.audience;
    let dropped = "Viewers sent away, as they could not keep up";
    single(encoder, "live_viewers", "Who watches live", None, Value::Gauge(cell.present.get() as f64))?;
    single(encoder, "live_sent", "Live video handed over", Some(&Unit::Bytes), Value::Counter(cell.sent.get()))?;
    single(encoder, "live_viewers_dropped", dropped, None, Value::Counter(cell.dropped.get()))
}

fn encode_sinks(encoder: &mut DescriptorEncoder<'_>, sinks: &[Arc<SinkCell>]) -> fmt::Result {
    type Read = fn(&SinkCell) -> Value;
    let simple: [(&str, &str, Read); 7] = [
        ("sink_delivered", "Deliveries acknowledged", |s| Value::Counter(s.delivered.get())),
        ("sink_failures", "Attempts that failed", |s| Value::Counter(s.failures.get())),
        ("sink_pending", "Deliveries that wait", |s| Value::Gauge(s.pending.get() as f64)),
        ("sink_dead", "Deliveries on the dead-letter list", |s| Value::Gauge(s.dead.get() as f64)),
        ("sink_gathered", "Events over the budget, counted in a digest", |s| Value::Counter(s.gathered.get())),
        ("sink_pictures_given_up", "Pictures too large for it", |s| Value::Counter(s.pictures_given_up.get())),
        ("sink_disabled", "1 if the receiver wants no more", |s| Value::Gauge(f64::from(u8::from(s.state().disabled)))),
    ];
    for (name, help, read) in simple {
        let rows = sinks.iter().map(|s| (vec![("sink", s.name.to_string())], read(s)));
        family(encoder, name, help, None, rows.collect())?;
    }
    Ok(())
}

fn quantiles(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, q: Option<Quantiles>) -> fmt::Result {
    let rows = q.into_iter().flat_map(|q| [("0.5", q.p50), ("0.99", q.p99)]);
    let rows = rows.map(|(which, value)| (vec![("quantile", which.to_owned())], Value::Gauge(value))).collect();
    family(encoder, name, help, Some(&Unit::Seconds), rows)
}

fn single(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: Value,
) -> fmt::Result {
    family(encoder, name, help, unit, vec![(Vec::new(), value)])
}

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    rows: Vec<(Labels<'_>, Value)>,
) -> fmt::Result {
    let Some((_, first)) = rows.first() else { return Ok(()) };
    let kind = if matches!(first, Value::Gauge(_)) { MetricType::Gauge } else { MetricType::Counter };
    let mut metric = encoder.encode_descriptor(name, help, unit, kind)?;
    for (labels, value) in rows {
        if labels.is_empty() {
            return encode_value(&value, metric);
        }
        encode_value(&value, metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn encode_value(value: &Value, encoder: MetricEncoder<'_>) -> fmt::Result {
    match value {
        Value::Counter(n) => ConstCounter::new(*n).encode(encoder),
        Value::CounterSeconds(s) => ConstCounter::new(*s).encode(encoder),
        Value::Gauge(x) => ConstGauge::new(*x).encode(encoder),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn metrics_name_the_camera_and_end_as_openmetrics_wants() {
        let board = Arc::new(Board::default());
        let cell = CameraCell::new("door".parse().expect("an id"), "Door".into(), "rtsp://camera/1".into());
        cell.frames.skipped(SkipReason::Lagging).add(7);
        cell.count_fault(Reason::Stalled);
        cell.open_visits.set(2);
        cell.visits_held_back.add(3);
        board.add_camera(Arc::new(cell));
        let sink = SinkCell::new("phone".into(), "a test".into());
        sink.gathered.add(12);
        board.add_sink(Arc::new(sink));
        board.evidence.target.lock().replace("s3://evidence".into());
        board.evidence.stored_bytes.add(5);
        let text = metrics_text(&board);
        for line in [
            "lookout_camera_state{camera=\"door\",state=\"stopped\"} 1",
            "lookout_camera_frames_skipped_total{camera=\"door\",reason=\"lagging\"} 7",
            "lookout_camera_faults_total{camera=\"door\",reason=\"stalled\"} 1",
            "lookout_sink_gathered_total{sink=\"phone\"} 12",
            "lookout_camera_open_visits{camera=\"door\"} 2",
            "lookout_camera_visits_held_back_total{camera=\"door\"} 3",
            "lookout_events_recorded_total 0",
            "lookout_snapshots_stored_size_bytes_total 5",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l.starts_with(line)), "{line} is missing in\n{text}");
        }
    }

    fn value(board: &Arc<Board>, series: &str) -> f64 {
        let text = metrics_text(board);
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{series} is missing in\n{text}")).parse().expect("a number")
    }

    #[test]
    fn what_cannot_write_events_down_is_not_ready() {
        let board = Arc::new(Board::default());
        let is_ready = || value(&board, "lookout_ready");
        assert_eq!(is_ready(), 0.0, "it starts");
        board.set_ready(true);
        assert_eq!(is_ready(), 1.0);
        *board.outbox.fault.lock() = Some("the disk is full".into());
        assert_eq!(is_ready(), 0.0);
        *board.outbox.fault.lock() = None;
        assert_eq!(is_ready(), 1.0);
    }

    #[test]
    fn how_long_a_camera_is_down_counts_over_its_attempts_and_is_one_series() {
        let board = Arc::new(Board::default());
        let cell = Arc::new(CameraCell::new("door".parse().expect("an id"), "Door".into(), String::new()));
        board.add_camera(Arc::clone(&cell));
        let down = || value(&board, "lookout_camera_down_seconds{camera=\"door\"}");
        assert_eq!(down(), 0.0, "nobody asked for it");
        cell.enter(CameraState::Waiting, None, None);
        let since = cell.state().down_since.expect("it should stream");
        cell.enter(CameraState::Connecting, None, None);
        let after = |seconds| down_seconds(&cell.state(), since + SignedDuration::from_secs(seconds));
        assert_eq!((after(90), after(0), after(-5)), (90.0, 0.0, 0.0));
        cell.enter(CameraState::Streaming, None, None);
        assert_eq!((after(90), down()), (0.0, 0.0));
        let series = metrics_text(&board).lines().filter(|l| l.starts_with("lookout_camera_down_seconds")).count();
        assert_eq!(series, 1);
    }
}
