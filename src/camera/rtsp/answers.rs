use super::Fault;

/// The library's errors carry no kind but a status, so their texts are read, here and nowhere else.
pub(super) fn fault(step: &'static str, error: &retina::Error) -> Fault {
    let text = first_line(error);
    if let Some(status) = error.status_code() {
        if status == 200 {
            return Fault::Protocol(format!("in the answer to {step}: {text}"));
        }
        return Fault::Answered { status, step, text: reason_phrase(status).to_owned() };
    }
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("unable to connect") {
        if lower.contains("refused") {
            return Fault::Refused;
        }
        if lower.contains("too many open files") {
            return Fault::Panicked(
                "no open files are left: raise the limit of the process (LimitNOFILE, ulimit -n)".into(),
            );
        }
        let cause = text.split_once(": ").map_or(text.as_str(), |(_, cause)| cause);
        return Fault::Unreachable(cause.to_owned());
    }
    // In the middle of a message or between two: the other side has gone.
    let gone = ["error reading from rtsp peer", "error writing to rtsp peer"].iter().any(|how| lower.starts_with(how));
    if gone || lower.contains("at eof") {
        return Fault::Ended;
    }
    if lower.starts_with("unsupported") {
        return Fault::Unsupported(text);
    }
    Fault::Protocol(text)
}

/// The camera sends, but does not answer what keeps its session alive.
pub(super) fn is_unanswered_keep_alive(error: &retina::Error) -> bool {
    error.to_string().contains("failed to respond to keepalive")
}

/// Whether an error is about a packet of this stream: there it names the channels or ports that the stream has to itself.
pub(super) fn is_about(error: &retina::Error, stream: &retina::client::Stream) -> bool {
    let line = stream.ctx().map(|context| format!("stream: {context}"));
    line.is_some_and(|line| error.to_string().lines().any(|said| said == line))
}

/// Only the first line: the rest describes sockets and packets, and is as long as a peer wants.
pub(super) fn first_line(error: &retina::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    // Some quote addresses, and recorders take passwords in path and query.
    let words = line.split(' ').map(|word| if word.contains("://") { "(an address)" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(200).collect()
}

fn reason_phrase(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        453 => "Not Enough Bandwidth",
        454 => "Session Not Found",
        461 => "Unsupported Transport; try the other one of tcp and udp",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "an error",
    }
}
