use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use rumqttc::{AsyncClient, Event, EventLoop, Outgoing, Packet, Publish, QoS, SubscribeFilter};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};

use super::{
    Order,
    discovery::Entity,
    fault::Fault,
    flight::Flight,
    lives::{Lives, closed},
    refused,
    topics::{Retained, Topics},
};
use crate::{sinks::Outcome, status::CameraState, words::CameraId};

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
pub(super) const FOR_EVENTS: usize = 8;

type Happenings = BoxStream<'static, Result<Event, Fault>>;

/// What the client does and hears, up to a fault. Taking the next one can be given up at any time and loses nothing.
fn happenings(event_loop: EventLoop) -> Happenings {
    let next = |(mut event_loop, mut fault): (EventLoop, Option<Fault>)| async move {
        if fault.is_none() {
            let polled = AssertUnwindSafe(event_loop.poll()).catch_unwind().await;
            fault = match polled {
                Ok(Ok(event)) => return Some((Ok(event), (event_loop, None))),
                Ok(Err(error)) => Some(Fault::Connection(error)),
                // Its words may repeat what the broker sent.
                Err(_) => Some(Fault::Panicked),
            };
        }
        // What came in together with the fault, acknowledgements among it, goes before it.
        let happening = match event_loop.state.events.pop_front() {
            Some(event) => Ok(event),
            None => Err(fault.take()?),
        };
        Some((happening, (event_loop, fault)))
    };
    stream::unfold((event_loop, None), next).boxed()
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
    let mut life = Life {
        lives,
        client,
        flight: Flight::new(),
        renewed_at: begun,
        renewal_due: false,
        said_online_at: begun,
        online_due: false,
        ear: Ear::Shut,
        oversized: false,
    };
    let ended = life.pass(&mut happenings).await.map_err(|why| life.suspect(why));
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
    said_online_at: Instant,
    online_due: bool,
    ear: Ear,
    /// The broker sent a message that is too large.
    oversized: bool,
}

/// Whether it is heard what others say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ear {
    Shut,
    /// Subscribed then; the broker has not confirmed it.
    Asked(Instant),
    Open,
}

/// What an acknowledgement is waited for.
enum Cargo {
    Event(Order),
    Retained,
    /// The description of an entity, on this topic.
    Description(Entity, String),
    /// A picture of so many bytes.
    Snapshot(usize),
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
                _ = looks.tick() => self.look()?,
                (camera, picture) = painted(&mut self.lives.painting) => self.show(&camera, picture)?,
                () = sleep_until(overdue_at.unwrap_or_else(Instant::now)), if overdue_at.is_some() => {
                    return Err(format!("{} did not acknowledge within {patience:?}", self.lives.plan.target()));
                }
                () = closed(&mut self.lives.closing) => {
                    self.part(happenings).await;
                    return Ok(());
                }
            }
        }
    }

    /// Says that Lookout is there, and asks to be told when Home Assistant starts and which cameras the broker has kept.
    fn greet(&mut self) -> Result<(), String> {
        self.lives.look();
        self.renew();
        self.say_online()?;
        self.listen()
    }

    fn say_online(&mut self) -> Result<(), String> {
        (self.said_online_at, self.online_due) = (Instant::now(), false);
        self.retain(self.lives.topics.available(), Topics::ONLINE.into(), Cargo::Retained)
    }

    /// Hears what others say, unless it does already or connections end over it.
    fn listen(&mut self) -> Result<(), String> {
        if self.ear != Ear::Shut || !self.lives.listening.is_admitted(Instant::now()) {
            return Ok(());
        }
        let topics = self.lives.topics.heard().into_iter();
        let filters = topics.map(|topic| SubscribeFilter::new(topic, QoS::AtMostOnce));
        self.client.try_subscribe_many(filters).map_err(|_| self.stuck())?;
        self.ear = Ear::Asked(Instant::now());
        Ok(())
    }

    fn renew(&mut self) {
        (self.renewed_at, self.renewal_due) = (Instant::now(), false);
        self.online_due = true;
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
        // Who contradicts again and again is answered now and then.
        let may_answer = self.said_online_at.elapsed() >= self.lives.plan.pace.renewals;
        if self.online_due && may_answer && self.flight.has_room(FOR_EVENTS) {
            self.say_online()?;
        }
        // Not beside a subscription: a connection that ends then would say nothing of either.
        let asked = matches!(self.ear, Ear::Asked(_));
        let describing = !asked && self.lives.discovery.is_admitted(Instant::now());
        while self.flight.has_room(FOR_EVENTS)
            && let Some(Retained { topic, payload, describes }) = self.lives.mirror.next(describing)
        {
            let cargo = describes.map_or(Cargo::Retained, |entity| Cargo::Description(entity, topic.clone()));
            self.retain(topic, payload, cargo)?;
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

    fn retain(&mut self, topic: String, payload: Bytes, cargo: Cargo) -> Result<(), String> {
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
        let event = event.map_err(|fault| {
            self.oversized = fault.is_oversized();
            fault.explain(target)
        });
        match event? {
            Event::Outgoing(Outgoing::Publish(id)) => self.flight.sent(id),
            Event::Incoming(Packet::PubAck(ack)) => self.acknowledged(ack.pkid),
            Event::Incoming(Packet::Publish(message)) => self.heard(&message),
            Event::Incoming(Packet::SubAck(_)) => {
                self.ear = Ear::Open;
                self.lives.listening.got_through(&());
            }
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
            Some(Cargo::Snapshot(bytes)) => self.lives.allowance.got_through(bytes),
            Some(Cargo::Description(entity, _)) => self.lives.discovery.got_through(&entity),
            Some(Cargo::Retained) | None => {}
        }
    }

    /// Home Assistant says that it has started (what the broker kept of earlier starts says nothing new), or the broker has
    /// kept a camera's state.
    fn heard(&mut self, message: &Publish) {
        let is_state = CameraState::ALL.iter().any(|state| *message.payload == *state.code().as_bytes());
        if message.retain
            && is_state
            && let Some(camera) = self.lives.topics.camera_of_state(&message.topic)
        {
            self.lives.mirror.remembers(camera);
        }
        // The last will of an earlier connection may come late, and everybody would take Lookout for gone.
        let says_otherwise = *message.payload != *Topics::ONLINE.as_bytes();
        self.online_due |= says_otherwise && message.topic == self.lives.topics.available();
        let is_birth = !message.retain && *message.payload == *Topics::ONLINE.as_bytes();
        self.renewal_due |= is_birth && self.lives.topics.births().contains(&message.topic);
    }

    fn look(&mut self) -> Result<(), String> {
        self.lives.look();
        let patience = self.lives.plan.timeout;
        if let Ear::Asked(since) = self.ear
            && since.elapsed() >= patience
        {
            return Err(format!("{} did not answer within {patience:?}", self.lives.plan.target()));
        }
        self.listen()?;
        if self.renewal_due && self.renewed_at.elapsed() >= self.lives.plan.pace.renewals {
            self.renew();
        }
        self.paint();
        Ok(())
    }

    /// Has the next picture made that is due, one at a time, on a thread that may wait.
    fn paint(&mut self) {
        let Some(pictures) = &self.lives.pictures else {
            return;
        };
        let busy = self.lives.painting.is_some() || self.flight.any(|cargo| matches!(cargo, Cargo::Snapshot(_)));
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
        let bytes = picture.len();
        if !self.lives.allowance.admits(bytes, Instant::now()) {
            self.lives.give_up_picture(camera, bytes);
            return Ok(());
        }
        // A camera that was removed meanwhile has no topics any more.
        if !self.lives.cells().iter().any(|cell| cell.id == *camera) {
            return Ok(());
        }
        let topic = self.lives.topics.snapshot(camera);
        self.retain(topic, picture.into(), Cargo::Snapshot(bytes))
    }

    /// Says goodbye: without it the broker would publish the last will. Whatever goes wrong now ends it as well.
    async fn part(&mut self, happenings: &mut Happenings) {
        let topic = self.lives.topics.available();
        if self.retain(topic, Topics::OFFLINE.into(), Cargo::Goodbye).is_err() {
            return;
        }
        while let Some(happening) = happenings.next().await {
            let parted = matches!(happening, Ok(Event::Outgoing(Outgoing::Disconnect)));
            if parted || self.happened(Some(happening)).is_err() {
                return;
            }
        }
    }

    /// What beside the events the connection may have ended over is left out of the next ones, and that is said with why it
    /// ended.
    fn suspect(&mut self, why: String) -> String {
        let (now, lives) = (Instant::now(), &mut *self.lives);
        let heard = || lives.topics.heard().join(", ");
        if self.oversized && self.ear != Ear::Shut {
            let why = format!("{why}, on one of {}: they are not listened to for an hour", heard());
            lives.listening.leave_out(&why, now);
            return why;
        }
        if let Ear::Asked(_) = self.ear {
            if !lives.listening.ended(()) {
                return why;
            }
            let asked = format!("{why} when {} were subscribed to: may this user do that?", heard());
            let why = format!("{asked} They are not listened to for an hour");
            lives.listening.leave_out(&why, now);
            return why;
        }
        let described = self.flight.oldest_sent(|cargo| match cargo {
            Cargo::Description(entity, topic) => Some((*entity, topic)),
            _ => None,
        });
        match described {
            Some((entity, topic)) if lives.discovery.ended(entity) => {
                let asked = format!("{why} when {topic} was published: may this user publish there?");
                let why = format!("{asked} Discovery is left out for an hour");
                lives.discovery.leave_out(&why, now);
                why
            }
            _ => why,
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
                Cargo::Snapshot(bytes) => lives.lost_over_picture(bytes),
                Cargo::Retained | Cargo::Description(..) | Cargo::Goodbye => {}
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
