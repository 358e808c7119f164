use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{
    Actor, ActorFutureExt, Addr, Arbiter, AsyncContext, Context, Handler, MailboxError, Message, Recipient,
    ResponseActFuture, SpawnHandle, WrapFuture,
};
use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    Encode, EvidenceError,
    encoding::Encoding,
    group::{Ending, Group, Notes},
    key::Template,
    removal::Removal,
    spool::{Leftovers, Spool},
    store::{self, Address, Store},
    threads::Threads,
    uplink::{Parcel, Uplink, UplinkTerms},
};
use crate::{
    events::{Attach, Attached, OutboxError, Release, Secure, Shot, Snapshot, StoredFrame},
    media::BurstFrame,
    settings::Snapshots,
    status::Board,
    words::{Backoff, EventId},
};

/// Keeps the pictures of events: takes them from the scenes, sees to it that the store has them, tells the outbox where.
///
/// Nothing here blocks: encoding and disk work is done on threads beside it, so that uploads are always attended to.
pub struct Evidence {
    pub(super) settings: Snapshots,
    pub(super) encode: Arc<Encode>,
    pub(super) spool: Arc<Spool>,
    /// For reading the spool.
    pub(super) reading: Threads,
    pub(super) removal: Removal,
    pub(super) store: Arc<dyn Store>,
    pub(super) board: Arc<Board>,
    pub(super) groups: BTreeMap<EventId, (Group, Arc<Notes>)>,
    pub(super) encoding: Encoding,
    pub(super) uplink: Uplink,
    pub(super) timer: Option<SpawnHandle>,
    pub(super) address: Address,
    template: Template,
    attach: Recipient<Attach>,
    release: Recipient<Release>,
    backoff: Backoff,
    left: watch::Sender<Left>,
    draining: bool,
}

/// Command: wait for no more frames, and answer when every picture is stored and its event knows, or nothing more can be
/// done, or after `deadline`: with how many events still lack theirs. Those go on at the next start.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "usize")]
pub struct Drain {
    /// The longest wait.
    pub deadline: Duration,
}

/// On what terms things are tried again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) backoff: Backoff,
}

impl Default for Terms {
    fn default() -> Self {
        Self { backoff: Backoff { floor: Duration::from_millis(250), ceiling: Duration::from_secs(60) } }
    }
}

/// What is still to be done.
#[derive(Debug, Clone, Copy, Default)]
struct Left {
    groups: usize,
    frames: usize,
    /// The store is away, or the spool cannot be read.
    hopeless: bool,
}

impl Evidence {
    /// Pictures read from the spool at once, which is quick unless its disk hangs.
    const READING_AT_MOST: usize = 4;

    /// Opens spool and store, and starts on a thread of its own (an `Arbiter` of the running `System`). Pictures that an
    /// earlier process left in the spool are stored and attached now: first those whose events are `held` for them, until
    /// when is said there, and the others where nothing newer waits.
    ///
    /// Send it a `Secure` before its frames are ordered: a `BurstFrame` of an event that it does not know is dropped.
    ///
    /// # Errors
    /// Where the folder, the template of names or the store's settings do not serve. The store need not be there.
    pub fn start(
        settings: &Snapshots,
        spool_folder: &Path,
        held: &BTreeMap<EventId, Timestamp>,
        encode: Arc<Encode>,
        attach: Recipient<Attach>,
        release: Recipient<Release>,
        board: Arc<Board>,
    ) -> Result<Addr<Self>, EvidenceError> {
        let terms = Terms::default();
        Self::start_on(terms, settings, spool_folder, held, encode, (attach, release), board)
    }

    /// The same on terms of the caller's.
    pub(super) fn start_on(
        terms: Terms,
        settings: &Snapshots,
        spool_folder: &Path,
        held: &BTreeMap<EventId, Timestamp>,
        encode: Arc<Encode>,
        (attach, release): (Recipient<Attach>, Recipient<Release>),
        board: Arc<Board>,
    ) -> Result<Addr<Self>, EvidenceError> {
        let template = Template::parse(&settings.key)?;
        let (store, address) = store::open(settings, &template)?;
        let (spool, leftovers) = Spool::open(spool_folder, settings.spool_bytes)?;
        let spool = Arc::new(spool);
        let removal = Removal::new({
            let spool = Arc::clone(&spool);
            move |event| spool.remove(event)
        });
        let Snapshots { concurrency, max_retries, .. } = *settings;
        let mut evidence = Self {
            settings: settings.clone(),
            encode,
            spool,
            reading: Threads::new(Self::READING_AT_MOST),
            removal,
            store,
            board,
            groups: BTreeMap::new(),
            encoding: Encoding::default(),
            uplink: Uplink::new(UplinkTerms { concurrency, max_retries, backoff: terms.backoff }),
            timer: None,
            template,
            address,
            attach,
            release,
            backoff: terms.backoff,
            left: watch::Sender::default(),
            draining: false,
        };
        evidence.board.evidence.target.lock().replace(evidence.address.store().to_owned());
        evidence.take_up(leftovers, held);
        Ok(Self::start_in_arbiter(&Arbiter::new().handle(), move |_| evidence))
    }

    /// Goes on with what an earlier process left.
    fn take_up(&mut self, leftovers: Leftovers, held: &BTreeMap<EventId, Timestamp>) {
        self.board.evidence.set_aside.add(leftovers.set_aside);
        for event in leftovers.hopeless {
            self.release.do_send(Release(event));
        }
        let (now, wall) = (Instant::now(), Timestamp::now());
        let patience = |until: &Timestamp| Duration::try_from(until.duration_since(wall)).unwrap_or_default();
        let events = leftovers.groups.len();
        for (notes, pictures) in leftovers.groups {
            // Those of an event that was told meanwhile are late by now.
            let urgent_until = now + held.get(&notes.event).map(patience).unwrap_or_default();
            for (n, _) in &pictures {
                self.uplink.add(Parcel::new(notes.event, *n, urgent_until));
            }
            self.groups.insert(notes.event, (Group::resumed(pictures), Arc::new(notes)));
        }
        if events > 0 {
            tracing::info!(events, "pictures that an earlier run left in the spool are stored now");
        }
    }

    /// Something happened to a picture of this event.
    pub(super) fn go_on(&mut self, event: EventId, ctx: &mut Context<Self>) {
        match self.groups.get_mut(&event).and_then(|(group, _)| group.ending()) {
            None => {}
            Some(Ending::Nothing) => {
                self.release.do_send(Release(event));
                self.clear_away(event, ctx);
            }
            Some(Ending::Stored(pictures)) => self.attach(event, &pictures, 0, ctx),
        }
        self.pump(ctx);
    }

    /// Tells the outbox, however often that must be tried.
    fn attach(&mut self, event: EventId, pictures: &[(u32, Timestamp)], failures: u32, ctx: &mut Context<Self>) {
        let Some((_, notes)) = self.groups.get(&event) else { return };
        let frame = |(n, captured_at): &(u32, Timestamp)| StoredFrame {
            url: self.address.url(&notes.key.key(*n)),
            captured_at: *captured_at,
        };
        let frames: Vec<StoredFrame> = pictures.iter().map(frame).collect();
        // The one that decided came first; or what is left next to it.
        let shown = pictures.iter().min_by_key(|(n, _)| *n);
        let url = shown.map(|(n, _)| self.address.url(&notes.key.key(*n))).unwrap_or_default();
        let told = self.attach.send(Attach { event, snapshot: Snapshot { url, frames } });
        let pictures = pictures.to_vec();
        ctx.spawn(told.into_actor(self).map(move |answer, evidence, ctx| match attached(answer) {
            Ok(attached) => {
                tracing::debug!(%event, pictures = pictures.len(), ?attached, "an event has its pictures");
                evidence.clear_away(event, ctx);
            }
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(%event, error, "the outbox does not take an event's pictures; they stay in the spool");
                }
                let pause = evidence.backoff.wait(failures.saturating_add(1), fastrand::f64());
                ctx.run_later(pause, move |evidence, ctx| {
                    evidence.attach(event, &pictures, failures.saturating_add(1), ctx);
                });
            }
        }));
    }

    fn close(&mut self, event: EventId, ctx: &mut Context<Self>) {
        let missing = self.groups.get_mut(&event).map_or(0, |(group, _)| group.close());
        if missing > 0 {
            tracing::debug!(%event, missing, "frames that were ordered have not come");
            self.go_on(event, ctx);
        }
    }

    /// Whether waiting brings no picture any further.
    fn is_hopeless(&self) -> bool {
        self.uplink.is_away() || (self.uplink.is_spool_unreadable() && self.uplink.in_flight() == 0)
    }

    /// Writes down for everybody how it stands.
    pub(super) fn report(&mut self) {
        let cell = &self.board.evidence;
        let signed = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        cell.encoding.set(signed(self.encoding.len()));
        cell.waiting.set(signed(self.uplink.waiting()));
        cell.in_flight.set(signed(self.uplink.in_flight()));
        cell.events.set(signed(self.groups.len()));
        cell.spool_bytes.set(i64::try_from(self.spool.bytes()).unwrap_or(i64::MAX));
        let (groups, frames, hopeless) = (self.groups.len(), self.encoding.len(), self.is_hopeless());
        self.left.send_replace(Left { groups, frames, hopeless });
    }
}

fn attached(answer: Result<Result<Attached, OutboxError>, MailboxError>) -> Result<Attached, String> {
    answer.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

impl Actor for Evidence {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.pump(ctx);
    }
}

impl Handler<Secure> for Evidence {
    type Result = ();

    fn handle(&mut self, secure: Secure, ctx: &mut Self::Context) {
        let Secure { event, camera, time, shots, awaited, patience } = secure;
        if self.draining || self.groups.contains_key(&event) {
            self.board.evidence.dropped.add(shots.len() as u64);
            tracing::warn!(%event, "pictures are dropped: they came when the end had begun, or a second time");
            if self.draining {
                self.release.do_send(Release(event));
            }
            return;
        }
        let key = self.template.fill(&camera, time, event);
        let notes = Arc::new(Notes { event, camera, time, key });
        self.groups.insert(event, (Group::new(awaited), notes));
        for shot in shots {
            self.encode(event, shot, ctx);
        }
        if awaited > 0 {
            ctx.run_later(patience, move |evidence, ctx| evidence.close(event, ctx));
        }
        self.go_on(event, ctx);
    }
}

impl Handler<BurstFrame> for Evidence {
    type Result = ();

    fn handle(&mut self, BurstFrame { event, frame }: BurstFrame, ctx: &mut Self::Context) {
        if !self.groups.get_mut(&event).is_some_and(|(group, _)| group.take_awaited()) {
            self.board.evidence.dropped.one();
            tracing::debug!(%event, "a frame came too late, or was not awaited");
            return;
        }
        self.encode(event, Shot { frame, detections: Arc::new([]) }, ctx);
        self.go_on(event, ctx);
    }
}

impl Handler<Drain> for Evidence {
    type Result = ResponseActFuture<Self, usize>;

    fn handle(&mut self, Drain { deadline }: Drain, ctx: &mut Self::Context) -> Self::Result {
        self.draining = true;
        let events: Vec<EventId> = self.groups.keys().copied().collect();
        for event in events {
            self.close(event, ctx);
        }
        self.report();
        let mut left = self.left.subscribe();
        let wait = async move {
            let is_done = |left: &Left| left.frames == 0 && (left.groups == 0 || left.hopeless);
            // Too late or nobody there any more: the count says it either way.
            let _ = tokio::time::timeout(deadline, left.wait_for(is_done)).await;
        };
        // Events whose pictures are not stored by now are told without: those that couriers can still claim before they
        // drain, the others at the next start; the pictures follow then.
        let told = wait.into_actor(self).map(|(), evidence, _| {
            evidence.groups.keys().for_each(|event| evidence.release.do_send(Release(*event)));
            evidence.groups.len()
        });
        Box::pin(told)
    }
}
