use std::{error::Error, io};

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, TlsError};

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Fault {
    Connection(ConnectionError),
    /// The client panicked, at what the broker sent.
    Panicked,
}

impl Fault {
    /// Whether the broker sent a larger message than is taken.
    pub(super) fn is_oversized(&self) -> bool {
        use rumqttc::mqttbytes::Error::PayloadSizeLimitExceeded as Oversized;
        matches!(self, Self::Connection(ConnectionError::MqttState(StateError::Deserialization(Oversized(_)))))
    }

    /// What is wrong, in plain words. What the broker sent is never repeated: it may be our own greeting, password
    /// included.
    pub(super) fn explain(&self, target: &str) -> String {
        match self {
            Self::Connection(error) => explain(error, target),
            Self::Panicked => format!("the client panicked at what {target} sent: a fault, please report it"),
        }
    }
}

fn explain(error: &ConnectionError, target: &str) -> String {
    match error {
        ConnectionError::ConnectionRefused(code) => format!("{target} {}", refusal(*code)),
        ConnectionError::Io(error) | ConnectionError::Tls(TlsError::Io(error)) => explain_io(error, target),
        ConnectionError::Tls(TlsError::DNSName(_)) => {
            format!("TLS needs the broker's host name, and the host of {target} is none")
        }
        ConnectionError::Tls(_) => format!("TLS with {target} cannot be set up"),
        ConnectionError::NetworkTimeout => format!("no connection to {target} in time"),
        ConnectionError::FlushTimeout => format!("{target} took nothing in any more"),
        ConnectionError::NotConnAck(_) => format!("what answers at {target} speaks no MQTT 3.1.1"),
        ConnectionError::RequestsDone => format!("the connection to {target} was ended"),
        ConnectionError::MqttState(error) => explain_state(error, target),
    }
}

fn refusal(code: ConnectReturnCode) -> &'static str {
    match code {
        ConnectReturnCode::BadUserNamePassword => "refuses the user name or the password",
        ConnectReturnCode::NotAuthorized => {
            "does not authorize this client: are user name and password right, and may it connect?"
        }
        ConnectReturnCode::BadClientId => "refuses the client id",
        ConnectReturnCode::ServiceUnavailable => "says that it is not available",
        ConnectReturnCode::RefusedProtocolVersion => "does not speak MQTT 3.1.1",
        ConnectReturnCode::Success => "accepted and refused at once",
    }
}

fn explain_state(error: &StateError, target: &str) -> String {
    match error {
        StateError::Io(error) | StateError::Deserialization(rumqttc::mqttbytes::Error::Io(error)) => {
            explain_io(error, target)
        }
        StateError::ConnectionAborted => format!("{target} closed the connection"),
        StateError::AwaitPingResp => format!("{target} does not answer any more"),
        StateError::CollisionTimeout => format!("{target} does not acknowledge what it is sent"),
        StateError::Unsolicited(_) => format!("{target} acknowledged what it was not sent"),
        StateError::Deserialization(rumqttc::mqttbytes::Error::PayloadSizeLimitExceeded(_)) => {
            format!("{target} sent a message that is too large")
        }
        _ => format!("what answers at {target} does not keep to MQTT 3.1.1"),
    }
}

fn explain_io(error: &io::Error, target: &str) -> String {
    if let Some(error) = tls_error(error) {
        return explain_tls(error, target);
    }
    let text = error.to_string();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("{target} refuses connections: does a broker run there?"),
        io::ErrorKind::TimedOut => format!("no answer from {target}"),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            format!("{target} closed the connection")
        }
        _ if text.contains("lookup") || text.contains("resolve") => {
            format!("the host of {target} is not known: {text}")
        }
        _ => format!("the connection to {target} failed: {text}"),
    }
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    let inner: &(dyn Error + 'static) = error.get_ref()?;
    inner.downcast_ref()
}

fn explain_tls(error: &rustls::Error, target: &str) -> String {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(Certificate::UnknownIssuer) => {
            format!("the certificate of {target} is signed by nobody who is trusted: set ca_file to who signed it")
        }
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => {
            format!("the certificate of {target} is made out to another host")
        }
        rustls::Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            format!("the certificate of {target} has expired")
        }
        rustls::Error::InvalidCertificate(_) => format!("the certificate of {target} is not trusted: {error}"),
        rustls::Error::InvalidMessage(_) => format!("what answers at {target} speaks no TLS"),
        error => format!("TLS with {target} failed: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::{Login, Packet};

    use super::*;

    const TARGET: &str = "mqtt://broker:1883";

    fn said(error: ConnectionError) -> String {
        Fault::Connection(error).explain(TARGET)
    }

    #[test]
    fn refusals_say_what_to_look_at() {
        let refused = |code| said(ConnectionError::ConnectionRefused(code));
        assert!(refused(ConnectReturnCode::BadUserNamePassword).contains("user name or the password"));
        assert!(refused(ConnectReturnCode::NotAuthorized).contains("user name and password"));
        assert!(refused(ConnectReturnCode::BadClientId).contains("client id"));
    }

    #[test]
    fn invariant_13_what_a_broker_throws_back_is_not_repeated() {
        let mut connect = rumqttc::Connect::new("lookout");
        connect.login = Some(Login::new("lookout", "hunter2"));
        let fault = Fault::Connection(ConnectionError::NotConnAck(Packet::Connect(connect)));
        assert!(format!("{fault:?}").contains("hunter2"), "the library's own words would tell it");
        let said = fault.explain(TARGET);
        assert!(said.contains("speaks no MQTT") && !said.contains("hunter2"), "{said}");
    }

    #[test]
    fn certificates_are_told_apart() {
        let tls = |error: rustls::CertificateError| {
            let error = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(error));
            said(ConnectionError::Tls(TlsError::Io(error)))
        };
        assert!(tls(rustls::CertificateError::UnknownIssuer).contains("ca_file"));
        assert!(tls(rustls::CertificateError::Expired).contains("expired"));
        assert!(tls(rustls::CertificateError::NotValidForName).contains("another host"));
    }
}
