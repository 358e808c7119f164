use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{
    Link, Order,
    allowance::Allowance,
    discovery::Entity,
    extra::Extra,
    life::{self, End},
    mirror::{Facts, Mirror},
    plan::Plan,
    refused,
    snapshots::Snapshots,
    topics::Topics,
};
use crate::{
    settings,
    sinks::{Pictures, Surroundings},
    status::{Board, CameraCell, SinkCell},
    words::CameraId,
};

/// What outlives a connection, and the loop that makes a new one whenever one ends.
pub(super) struct Lives {
    pub(super) plan: Plan,
    pub(super) topics: Topics,
    pub(super) orders: mpsc::Receiver<Order>,
    /// Events whose connection was lost before they were acknowledged, oldest first.
    pub(super) returned: VecDeque<Order>,
    pub(super) link: watch::Sender<Link>,
    pub(super) closing: watch::Receiver<bool>,
    pub(super) mirror: Mirror,
    pub(super) snapshots: Snapshots,
    /// The picture that is being made; one at a time.
    pub(super) painting: Option<(CameraId, JoinHandle<Option<Vec<u8>>>)>,
    pub(super) pictures: Option<Pictures>,
    /// What pictures a connection bears.
    pub(super) allowance: Allowance,
    /// Descriptions for Home Assistant.
    pub(super) discovery: Extra<Entity>,
    /// Subscriptions to what others say.
    pub(super) listening: Extra<()>,
    board: Arc<Board>,
    /// The cameras that are mirrored; empty: all.
    pub(super) cameras: Vec<CameraId>,
    cell: Arc<SinkCell>,
}

impl Lives {
    /// Connections that an event may lose; then it is suspected of ending them.
    const LOSSES_AT_MOST: u32 = 3;
    /// A connection that held for so long was a good one.
    const SETTLED: Duration = Duration::from_secs(30);

    #[expect(clippy::too_many_arguments, reason = "the ends of four channels, made where their other ends are kept")]
    pub(super) fn new(
        plan: Plan,
        topics: Topics,
        orders: mpsc::Receiver<Order>,
        link: watch::Sender<Link>,
        closing: watch::Receiver<bool>,
        cell: Arc<SinkCell>,
        sink: &settings::Sink,
        surroundings: &Surroundings,
    ) -> Self {
        let pictures = surroundings.pictures.clone();
        let mut entities = Entity::ALL.to_vec();
        entities.retain(|entity| *entity != Entity::Snapshot || pictures.is_some());
        Self {
            plan,
            mirror: Mirror::new(topics.clone(), entities),
            topics,
            orders,
            returned: VecDeque::new(),
            link,
            closing,
            snapshots: Snapshots::default(),
            painting: None,
            pictures,
            allowance: Allowance::default(),
            discovery: Extra::default(),
            listening: Extra::default(),
            board: Arc::clone(&surroundings.board),
            cameras: sink.filter.cameras.clone(),
            cell,
        }
    }

    /// One connection after the other, until the sink is closed.
    pub(super) async fn run(mut self: Box<Self>) {
        let mut failures = 0;
        loop {
            let (why, held) = match life::live(&mut self).await {
                End::Closed => return,
                End::Lost { why, held } => (why, held),
            };
            failures = if held >= Self::SETTLED { 1 } else { failures + 1 };
            let pause = self.plan.pace.backoff.wait(failures, fastrand::f64());
            self.went_down(why, pause);
            tokio::select! {
                () = rest(&mut self.orders, &mut self.returned, pause) => {}
                () = closed(&mut self.closing) => return,
            }
        }
    }

    /// The cameras to mirror.
    pub(super) fn cells(&self) -> Vec<Arc<CameraCell>> {
        let mut cells = self.board.cameras();
        cells.retain(|cell| self.cameras.is_empty() || self.cameras.contains(&cell.id));
        cells
    }

    /// Looks at the board.
    pub(super) fn look(&mut self) {
        let cells = self.cells();
        let open: BTreeMap<_, _> = cells.iter().map(|cell| (cell.id.clone(), cell.open_visits.get())).collect();
        self.snapshots.look(&open);
        self.mirror.look(cells.iter().map(|cell| (cell.id.clone(), Facts::of(cell))).collect());
        // Before, cameras may still be missing on the board.
        if self.board.is_ready() {
            self.mirror.forget_strangers();
        }
    }

    /// A connection was made.
    pub(super) fn came_up(&mut self) {
        tracing::info!(sink = %self.cell.name, broker = self.plan.target(), "connected to the broker");
        if let Link::Down { why, .. } = self.link.send_replace(Link::Up) {
            // What is left out stays said.
            let now = Instant::now();
            let left_out = self.listening.why(now).or(self.discovery.why(now));
            self.cell.update(|state| {
                if state.last_error.as_deref() == Some(&*why) {
                    state.last_error = left_out.map(str::to_owned);
                }
            });
        }
    }

    fn went_down(&mut self, why: String, pause: Duration) {
        let (sink, retry_in) = (&self.cell.name, pause);
        let since = match &*self.link.borrow() {
            // What stays as it was is said once.
            Link::Down { since, why: before } if **before == *why => {
                tracing::debug!(%sink, why, ?retry_in, "still no connection to the broker");
                *since
            }
            Link::Down { since, .. } => {
                tracing::warn!(%sink, why, ?retry_in, "no connection to the broker");
                *since
            }
            Link::Up => {
                tracing::warn!(%sink, why, ?retry_in, "the connection to the broker is lost");
                Instant::now()
            }
        };
        self.cell.update(|state| state.last_error = Some(why.clone()));
        self.link.send_replace(Link::Down { since, why: why.into() });
    }

    /// A connection ended while a picture of so many bytes was on its way.
    pub(super) fn lost_over_picture(&mut self, bytes: usize) {
        if let Some(bound) = self.allowance.lost(bytes, Instant::now()) {
            let (sink, broker, resting_for) = (&self.cell.name, self.plan.target(), Allowance::LASTS);
            tracing::warn!(%sink, broker, bytes, bound, ?resting_for, "two connections ended while a picture was on its way: it may be too large for the line or the broker; such pictures are not published for a while");
        }
    }

    /// A picture that may not be published. The first is said, all are counted.
    pub(super) fn give_up_picture(&self, camera: &CameraId, bytes: usize) {
        let (sink, is_first) = (&self.cell.name, self.cell.pictures_given_up.get() == 0);
        self.cell.pictures_given_up.one();
        if is_first {
            tracing::warn!(%sink, %camera, bytes, "a picture is too large to be published; the next ones are only counted");
        } else {
            tracing::debug!(%sink, %camera, bytes, "a picture is too large to be published");
        }
    }

    /// An event comes back from a connection that was lost before its acknowledgement.
    pub(super) fn take_back(&mut self, mut order: Order) {
        order.losses += 1;
        if order.losses < Self::LOSSES_AT_MOST {
            self.returned.push_back(order);
        } else {
            let error = format!(
                "the connection to {} was lost {} times before it acknowledged the event",
                self.plan.target(),
                order.losses
            );
            let _ = order.answer.send(refused(error)); // nobody waits for it any more: the same
        }
    }
}

/// Waits, and meanwhile lets go of what nobody waits for any more, so that it takes no place from what comes.
async fn rest(orders: &mut mpsc::Receiver<Order>, returned: &mut VecDeque<Order>, pause: Duration) {
    let wait = sleep(pause);
    tokio::pin!(wait);
    loop {
        returned.retain(|order| !order.answer.is_closed());
        tokio::select! {
            () = &mut wait => return,
            Some(order) = orders.recv(), if returned.len() < super::Mqtt::DESK => returned.push_back(order),
        }
    }
}

/// Comes to an end when the sink is closed, or nobody holds it any more.
pub(super) async fn closed(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await; // an error says that the sink is gone
}
