use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use rumqttc::{
    AsyncClient, Event, EventLoop, LastWill, MqttOptions, NetworkOptions, Outgoing, Packet, Publish, QoS,
    SubscribeFilter, TlsConfiguration, Transport,
};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};

use super::{
    Order,
    fault::Fault,
    flight::Flight,
    lives::{Lives, closed},
    refused,
    topics::{Retained, Topics},
};
use crate::{
    settings,
    sinks::{Outcome, SinkError, tls},
    words::CameraId,
};

/// How to connect. It has no `Debug`: it holds the password.
pub(super) struct Plan {
    options: MqttOptions,
    target: String,
    pub(super) timeout: Duration,
    pub(super) pace: Pace,
}

/// How soon what may be asked for over and over is done again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The least time before the next connection is tried.
    pub(super) least: Duration,
    /// The most.
    pub(super) most: Duration,
    /// The least time between two complete renewals because Home Assistant says that it started.
    pub(super) renewals: Duration,
}

/// How a connection ended.
pub(super) enum End {
    /// On request, the broker told.
    Closed,
    Lost {
        why: String,
        /// For how long it stood.
        held: Duration,
    },
}

/// How often the board is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Places that retained messages leave to events.
const FOR_EVENTS: usize = 8;
/// A silent broker is found out within twice this.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The largest message that is taken from the broker: it has none for us but a short one.
const LARGEST_INCOMING: usize = 64 << 10;
/// A larger picture is not published.
const LARGEST_PICTURE: usize = 1 << 20;
/// Packet ids in use; so many that one that is not acknowledged is overdue long before they come round to it.
const PACKET_IDS: u16 = 1024;

impl Plan {
    pub(super) fn new(settings: &settings::Mqtt, topics: &Topics) -> Result<Self, SinkError> {
        let host = settings.host.trim_matches(['[', ']']);
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let mut options = MqttOptions::new(&*settings.client_id, host, settings.port);
        options
            .set_clean_session(true)
            .set_keep_alive(KEEP_ALIVE)
            .set_inflight(PACKET_IDS)
            .set_max_packet_size(LARGEST_INCOMING, 2 * LARGEST_PICTURE)
            .set_last_will(LastWill::new(topics.available(), Topics::OFFLINE, QoS::AtLeastOnce, true));
        if let Some(credentials) = &settings.credentials {
            options.set_credentials(&credentials.username, credentials.password.expose());
        }
        if settings.tls {
            let config = Arc::new(tls::client(settings.ca_file.as_deref())?);
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(config)));
        }
        let pace = Pace::default();
        Ok(Self { options, target: target(settings), timeout: settings.timeout, pace })
    }

    /// Scheme, host and port.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    fn client(&self) -> (AsyncClient, EventLoop) {
        // A client of its own for each connection: an old one would send again what the outbox sees to.
        let requests = Flight::<()>::WINDOW + FOR_EVENTS;
        let (client, mut event_loop) = AsyncClient::new(self.options.clone(), requests);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(self.timeout.as_secs().max(1));
        event_loop.set_network_options(network);
        (client, event_loop)
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self { least: Duration::from_millis(500), most: Duration::from_secs(30), renewals: Duration::from_secs(5) }
    }
}

impl Pace {
    /// The pause after so many failures in a row, with full jitter; `chance` is 0 to 1.
    pub(super) fn pause(&self, failures: u32, chance: f64) -> Duration {
        let ceiling = self.least.saturating_mul(1 << failures.min(16)).min(self.most);
        ceiling.mul_f64(chance.clamp(0.0, 1.0)).max(self.least)
    }
}

/// Where the broker is, for people.
pub(super) fn target(settings: &settings::Mqtt) -> String {
    let scheme = if settings.tls { "mqtts" } else { "mqtt" };
    format!("{scheme}://{}:{}", settings.host, settings.port)
}

type Happenings = BoxStream<'static, Result<Event, Fault>>;

/// What the client does and hears. Taking the next one can be given up at any time and loses nothing.
fn happenings(event_loop: EventLoop) -> Happenings {
    let next = |mut event_loop: EventLoop| async move {
        let polled = AssertUnwindSafe(event_loop.poll()).catch_unwind().await;
        let happening = match polled {
            Ok(Ok(event)) => Ok(event),
            Ok(Err(error)) => Err(Fault::Connection(error)),
            // Its words may repeat what the broker sent.
            Err(_) => Err(Fault::Panicked),
        };
        Some((happening, event_loop))
    };
    stream::unfold(event_loop, next).boxed()
}

/// One connection, from its making to its end.
pub(super) async fn live(lives: &mut Lives) -> End {
    let (client, event_loop) = lives.plan.client();
    let mut happenings = happenings(event_loop);
    let made = tokio::select! {
        made = timeout(lives.plan.timeout, happenings.next()) => made,
        () = closed(&mut lives.closing) => return End::Closed,
    };
    let target = lives.plan.target();
    let why = match made {
        Ok(Some(Ok(_))) => None, // nothing else comes first than the broker's welcome
        Ok(Some(Err(fault))) => Some(fault.explain(target)),
        Ok(None) => Some(format!("the connection to {target} was ended")),
        Err(_) => Some(format!("no connection to {target} within {:?}", lives.plan.timeout)),
    };
    if let Some(why) = why {
        return End::Lost { why, held: Duration::ZERO };
    }
    lives.came_up();
    let begun = Instant::now();
    let mut life = Life { lives, client, flight: Flight::new(), renewed_at: begun, renewal_due: false };
    let ended = life.pass(&mut happenings).await;
    life.land();
    match ended {
        Ok(()) => End::Closed,
        Err(why) => End::Lost { why, held: begun.elapsed() },
    }
}

struct Life<'a> {
    lives: &'a mut Lives,
    client: AsyncClient,
    flight: Flight<Cargo>,
    renewed_at: Instant,
    renewal_due: bool,
}

/// What an acknowledgement is waited for.
enum Cargo {
    Event(Order),
    Retained,
    Snapshot,
    Goodbye,
}

impl Life<'_> {
    /// Runs until the sink is closed, or fails with why the connection is no good any more.
    async fn pass(&mut self, happenings: &mut Happenings) -> Result<(), String> {
        self.greet()?;
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.fill()?;
            let patience = self.lives.plan.timeout;
            let overdue_at = self.flight.overdue_at(patience);
            tokio::select! {
                happening = happenings.next() => self.happened(happening)?,
                order = self.lives.orders.recv(), if self.flight.has_room(0) && self.lives.returned.is_empty() => {
                    let order = order.ok_or("the sink is gone")?;
                    self.tell(order)?;
                }
                _ = looks.tick() => self.look(),
                (camera, picture) = painted(&mut self.lives.painting) => self.show(&camera, picture)?,
                () = sleep_until(overdue_at.unwrap_or_else(Instant::now)), if overdue_at.is_some() => {
                    return Err(format!("{} did not acknowledge within {patience:?}", self.lives.plan.target()));
                }
                () = closed(&mut self.lives.closing) => return Ok(self.part(happenings).await),
            }
        }
    }

    /// Says that Lookout is there, and asks to be told when Home Assistant starts.
    fn greet(&mut self) -> Result<(), String> {
        let topic = self.lives.topics.available();
        self.retain(Retained { topic, payload: Topics::ONLINE.into() }, Cargo::Retained)?;
        let births = self.lives.topics.births();
        if !births.is_empty() {
            let filters = births.into_iter().map(|topic| SubscribeFilter::new(topic, QoS::AtMostOnce));
            self.client.try_subscribe_many(filters).map_err(|_| self.stuck())?;
        }
        self.lives.look();
        self.renew();
        Ok(())
    }

    fn renew(&mut self) {
        (self.renewed_at, self.renewal_due) = (Instant::now(), false);
        self.lives.mirror.renew();
        self.lives.snapshots.renew();
    }

    /// Hands over what there is room for: events first.
    fn fill(&mut self) -> Result<(), String> {
        while self.flight.has_room(0)
            && let Some(order) = self.lives.returned.pop_front()
        {
            self.tell(order)?;
        }
        while self.flight.has_room(FOR_EVENTS)
            && let Some(retained) = self.lives.mirror.next()
        {
            self.retain(retained, Cargo::Retained)?;
        }
        Ok(())
    }

    fn tell(&mut self, order: Order) -> Result<(), String> {
        if order.answer.is_closed() {
            return Ok(());
        }
        let (topic, body) = (self.lives.topics.events(), order.body.clone());
        self.publish(topic, false, body, Cargo::Event(order))
    }

    fn retain(&mut self, Retained { topic, payload }: Retained, cargo: Cargo) -> Result<(), String> {
        self.publish(topic, true, payload, cargo)
    }

    fn publish(&mut self, topic: String, retain: bool, payload: Bytes, cargo: Cargo) -> Result<(), String> {
        // In flight from here on, so that an event comes back whatever happens.
        self.flight.hand_over(cargo, Instant::now());
        let published = self.client.try_publish(topic, QoS::AtLeastOnce, retain, payload);
        published.map_err(|_| self.stuck())
    }

    /// The client takes at least as many requests as are ever in flight, and every topic is a sound one.
    fn stuck(&self) -> String {
        format!("the client of {} takes no more: a fault, please report it", self.lives.plan.target())
    }

    fn happened(&mut self, happening: Option<Result<Event, Fault>>) -> Result<(), String> {
        let target = self.lives.plan.target();
        let event = happening.ok_or_else(|| format!("the connection to {target} was ended"))?;
        match event.map_err(|fault| fault.explain(target))? {
            Event::Outgoing(Outgoing::Publish(id)) => self.flight.sent(id),
            Event::Incoming(Packet::PubAck(ack)) => self.acknowledged(ack.pkid),
            Event::Incoming(Packet::Publish(message)) => self.heard(&message),
            Event::Incoming(_) | Event::Outgoing(_) => {}
        }
        Ok(())
    }

    fn acknowledged(&mut self, id: u16) {
        match self.flight.acknowledged(id) {
            Some(Cargo::Event(order)) => {
                let _ = order.answer.send(Outcome::Accepted); // nobody waits for it any more: it is told again
            }
            Some(Cargo::Goodbye) => {
                let _ = self.client.try_disconnect(); // full of requests: then the end comes without it
            }
            Some(Cargo::Retained | Cargo::Snapshot) | None => {}
        }
    }

    /// Home Assistant says that it has started. What the broker kept of earlier starts says nothing new.
    fn heard(&mut self, message: &Publish) {
        let is_birth = !message.retain && *message.payload == *Topics::ONLINE.as_bytes();
        self.renewal_due |= is_birth && self.lives.topics.births().contains(&message.topic);
    }

    fn look(&mut self) {
        self.lives.look();
        if self.renewal_due && self.renewed_at.elapsed() >= self.lives.plan.pace.renewals {
            self.renew();
        }
        self.paint();
    }

    /// Has the next picture made that is due, one at a time, on a thread that may wait.
    fn paint(&mut self) {
        let Some(pictures) = &self.lives.pictures else {
            return;
        };
        let busy = self.lives.painting.is_some() || self.flight.any(|cargo| matches!(cargo, Cargo::Snapshot));
        if busy || !self.flight.has_room(FOR_EVENTS) {
            return;
        }
        let Some(camera) = self.lives.snapshots.next(Instant::now()) else {
            return;
        };
        if let Some(cell) = self.lives.cells().into_iter().find(|cell| cell.id == camera) {
            let pictures = Arc::clone(pictures);
            self.lives.painting = Some((camera, spawn_blocking(move || pictures(&cell))));
        }
    }

    fn show(&mut self, camera: &CameraId, picture: Option<Vec<u8>>) -> Result<(), String> {
        let Some(picture) = picture else {
            return Ok(());
        };
        if picture.len() > LARGEST_PICTURE {
            tracing::warn!(%camera, bytes = picture.len(), most = LARGEST_PICTURE, "a picture is too large for MQTT");
            return Ok(());
        }
        // A camera that was removed meanwhile has no topics any more.
        if !self.lives.cells().iter().any(|cell| cell.id == *camera) {
            return Ok(());
        }
        let topic = self.lives.topics.snapshot(camera);
        self.retain(Retained { topic, payload: picture.into() }, Cargo::Snapshot)
    }

    /// Says goodbye: without it the broker would publish the last will. Whatever goes wrong now ends it as well.
    async fn part(&mut self, happenings: &mut Happenings) {
        let topic = self.lives.topics.available();
        if self.retain(Retained { topic, payload: Topics::OFFLINE.into() }, Cargo::Goodbye).is_err() {
            return;
        }
        while let Some(happening) = happenings.next().await {
            let parted = matches!(happening, Ok(Event::Outgoing(Outgoing::Disconnect)));
            if parted || self.happened(Some(happening)).is_err() {
                return;
            }
        }
    }

    /// The end of the connection: what was not acknowledged is told again, what was waited for too long is not.
    fn land(self) {
        let Self { lives, flight, .. } = self;
        let patience = lives.plan.timeout;
        for (cargo, overdue) in flight.land(Instant::now(), patience) {
            match cargo {
                Cargo::Event(order) if overdue => {
                    let error = format!("{} did not acknowledge the event within {patience:?}", lives.plan.target());
                    let _ = order.answer.send(refused(error)); // nobody waits for it any more: the same
                }
                Cargo::Event(order) => lives.take_back(order),
                Cargo::Retained | Cargo::Snapshot | Cargo::Goodbye => {}
            }
        }
    }
}

/// Waits for the picture that is being made, if one is.
async fn painted(painting: &mut Option<(CameraId, JoinHandle<Option<Vec<u8>>>)>) -> (CameraId, Option<Vec<u8>>) {
    let Some((camera, picture)) = painting else {
        return std::future::pending().await;
    };
    let (camera, picture) = (camera.clone(), picture.await);
    *painting = None;
    // A picture that cannot be made is none; a panic costs this one alone.
    (camera, picture.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_to_its_end_with_jitter_and_never_vanishes() {
        let pace = Pace::default();
        let most: Vec<u64> = (1..=8).map(|failures| pace.pause(failures, 1.0).as_millis() as u64).collect();
        assert_eq!(most, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(pace.pause(u32::MAX, 1.0), Duration::from_secs(30));
        assert_eq!(pace.pause(8, 0.5), Duration::from_secs(15));
        assert_eq!(pace.pause(8, 0.0), Duration::from_millis(500));
    }
}
