//! What the tests of this room share.

mod flow;
mod restart;
pub(super) mod server;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use actix::{Actor, Addr, Context, Handler, Message};
use jiff::Timestamp;
use parking_lot::Mutex;

use super::{actor::Terms, removal::Removal, *};
use crate::{
    events::{Attach, Attached, OutboxError, Release, Secure, Shot, Snapshot},
    media::{BurstFrame, Frame, I420, Origin},
    settings::{ObjectStore, Snapshots},
    status::Board,
    testing::until,
    words::{Backoff, EventId, Generation, Moment},
};
use server::Server;

/// Settings that are quick, for `store`.
pub(super) fn snapshots(store: ObjectStore) -> Snapshots {
    Snapshots {
        store,
        key: "{camera}/{date}/{event}/{n}.jpg".into(),
        public_url: None,
        quality: 80,
        annotate: false,
        concurrency: 64,
        deadline: Duration::from_secs(10),
        timeout: Duration::from_secs(20),
        max_retries: 30,
        spool_bytes: 64 << 20,
    }
}

pub(super) fn http(server: &Server) -> Snapshots {
    snapshots(ObjectStore::Http { url: server.url("pictures"), credentials: None, ca_file: None })
}

/// The pictures' room in front of a store, with an outbox that only takes notes.
pub(super) struct House {
    pub(super) evidence: Addr<Evidence>,
    pub(super) board: Arc<Board>,
    pub(super) outbox: Arc<Ledger>,
}

/// What the outbox was told.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) attached: Mutex<Vec<(EventId, Snapshot)>>,
    pub(super) released: Mutex<Vec<EventId>>,
    /// So often it refuses.
    pub(super) refusals: Mutex<u32>,
}

struct Outbox(Arc<Ledger>);

impl Actor for Outbox {
    type Context = Context<Self>;
}

impl Handler<Attach> for Outbox {
    type Result = Result<Attached, OutboxError>;

    fn handle(&mut self, Attach { event, snapshot }: Attach, _: &mut Self::Context) -> Self::Result {
        let mut refusals = self.0.refusals.lock();
        if *refusals > 0 {
            *refusals -= 1;
            return Err(OutboxError::Folder { path: "/full".into(), source: std::io::Error::other("a test") });
        }
        self.0.attached.lock().push((event, snapshot));
        Ok(Attached::InTime)
    }
}

impl Handler<Release> for Outbox {
    type Result = ();

    fn handle(&mut self, Release(event): Release, _: &mut Self::Context) {
        self.0.released.lock().push(event);
    }
}

/// Ends it as if the process had been killed: nothing is finished.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Crash;

impl Handler<Crash> for Evidence {
    type Result = ();

    fn handle(&mut self, _: Crash, ctx: &mut Self::Context) {
        actix::ActorContext::terminate(ctx);
    }
}

/// From now on, whoever removes a group from the spool goes through this first.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct HoldRemovals(pub(super) Arc<dyn Fn() + Send + Sync>);

impl Handler<HoldRemovals> for Evidence {
    type Result = ();

    fn handle(&mut self, HoldRemovals(gate): HoldRemovals, _: &mut Self::Context) {
        let spool = Arc::clone(&self.spool);
        self.removal = Removal::new(move |event| {
            gate();
            spool.remove(event)
        });
    }
}

impl House {
    pub(super) fn open(settings: &Snapshots, spool: &Path) -> Self {
        Self::holding(&BTreeMap::new(), settings, spool)
    }

    /// The outbox holds these events for the pictures that they have in the spool.
    pub(super) fn holding(held: &BTreeMap<EventId, Timestamp>, settings: &Snapshots, spool: &Path) -> Self {
        Self::build(held, settings, spool, Arc::new(|picture, _, _, _| Ok(vec![picture.planes().0[0]; 1000])))
    }

    pub(super) fn with_encode(settings: &Snapshots, spool: &Path, encode: Arc<Encode>) -> Self {
        Self::build(&BTreeMap::new(), settings, spool, encode)
    }

    fn build(held: &BTreeMap<EventId, Timestamp>, settings: &Snapshots, spool: &Path, encode: Arc<Encode>) -> Self {
        let outbox = Arc::new(Ledger::default());
        let clerk = Outbox(Arc::clone(&outbox)).start();
        let board = Arc::new(Board::default());
        let backoff = Backoff { floor: Duration::from_millis(2), ceiling: Duration::from_millis(20) };
        let ends = (clerk.clone().recipient(), clerk.recipient());
        let evidence = Evidence::start_on(Terms { backoff }, settings, spool, held, encode, ends, Arc::clone(&board))
            .expect("sound settings");
        Self { evidence, board, outbox }
    }

    /// `shades.len()` frames at hand and `awaited` to come.
    pub(super) fn secure(&self, shades: &[u8], awaited: u32) -> EventId {
        self.secure_frames(shades.iter().map(|shade| frame(*shade)), awaited)
    }

    /// The same with frames of the test's own.
    pub(super) fn secure_frames(&self, frames: impl IntoIterator<Item = Arc<Frame>>, awaited: u32) -> EventId {
        let event = EventId::fresh();
        self.evidence.do_send(Secure {
            event,
            camera: "door".parse().expect("an id"),
            time: Timestamp::now(),
            shots: frames.into_iter().map(|frame| Shot { frame, detections: Arc::new([]) }).collect(),
            awaited,
            patience: Duration::from_secs(20),
        });
        event
    }

    pub(super) fn burst(&self, event: EventId, shade: u8) {
        self.evidence.do_send(BurstFrame { event, frame: frame(shade) });
    }

    pub(super) async fn attached(&self, events: usize) -> Vec<(EventId, Snapshot)> {
        until("the events have their pictures", || self.outbox.attached.lock().len() >= events).await;
        self.outbox.attached.lock().clone()
    }

    /// Until nothing is under way any more.
    pub(super) async fn settled(&self) {
        until("the spool is empty", || {
            let cell = &self.board.evidence;
            cell.events.get() == 0 && cell.spool_bytes.get() == 0
        })
        .await;
    }
}

/// A grey frame.
pub(super) fn frame(shade: u8) -> Arc<Frame> {
    let picture = I420::from_packed(16, 16, vec![shade; 16 * 16 * 3 / 2]).expect("the length fits");
    let (camera, captured) = ("door".parse().expect("an id"), Moment::now());
    let origin = Origin { camera, generation: Generation(1), sequence: u64::from(shade), captured };
    Arc::new(Frame { origin, picture, coded: None })
}
