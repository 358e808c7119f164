use std::{sync::Arc, thread, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{OwnedMutexGuard, oneshot},
    time::timeout,
};

use super::reload::Reloader;
use crate::{
    http::{Control, NotReloaded},
    roster::{Change, Done, Entry, Order, Origin, Refusal, Roster},
    settings::Camera,
    supervisor::{ApplyCameras, RestartCamera},
    words::CameraId,
};

/// How long a change waits for its turn. Whoever asked for it waits twice as long.
const PATIENCE: Duration = Duration::from_secs(10);

impl Control for Reloader {
    fn carry_out(self: Arc<Self>, order: Order) -> BoxFuture<'static, Result<Done, Refusal>> {
        let (answer, answered) = oneshot::channel();
        let home = self.home.clone();
        // At home, as a reload: what has begun is finished, whatever becomes of who asked.
        home.spawn(async move {
            let _ = answer.send(self.order_in_turn(order).await); // nobody waits for it any more
        });
        async move {
            let answered = timeout(2 * PATIENCE, answered).await;
            let hangs = "the disk does not answer: it is done when it does, if it ever does; look again later";
            let answered = answered.map_err(|_| Refusal::NotNow(hangs.into()))?;
            answered.unwrap_or_else(|_| Err(Refusal::NotNow("it was cut short".into())))
        }
        .boxed()
    }

    fn origin(&self, id: &str) -> Option<Origin> {
        self.cameras.roster.lock().origin(id)
    }

    fn entry(&self, id: &str) -> Option<Entry> {
        self.cameras.roster.lock().entry(id)
    }
}

impl Reloader {
    async fn order_in_turn(&self, order: Order) -> Result<Done, Refusal> {
        let turn = self.turn(PATIENCE).await.map_err(not_now)?;
        let roster = self.cameras.roster.lock().clone();
        let (done, roster, _turn) = write_down(roster, order, turn).await?;
        let cameras = roster.cameras();
        *self.cameras.roster.lock() = roster;
        match (&done.id, done.change) {
            (_, Change::Same) => return Ok(done),
            (Some(id), Change::Restarted) => {
                let restarted = self.supervisor.send(RestartCamera(id.clone())).await;
                restarted.map_err(|_| Refusal::NotNow("the supervisor is gone".into()))?;
            }
            _ => {
                let kept = "it is kept, and takes effect at the next start: the supervisor is gone";
                self.watch(cameras).await.map_err(|_| Refusal::NotNow(kept.into()))?;
            }
        }
        tracing::info!(camera = done.id.as_ref().map(CameraId::as_str), change = ?done.change, "cameras changed");
        Ok(done)
    }

    /// Has these cameras watched, and no others; when it is done, the board shows them.
    pub(super) async fn watch(&self, cameras: Vec<Camera>) -> Result<(), actix::MailboxError> {
        self.supervisor.send(ApplyCameras(cameras.clone())).await?;
        self.pass_on(&cameras);
        Ok(())
    }

    /// Has those passed on that are to be.
    fn pass_on(&self, cameras: &[Camera]) {
        let wanted = cameras.iter().filter(|camera| camera.enabled).filter_map(|camera| {
            let target = camera.relay.clone()?;
            Some((self.cameras.board.camera(camera.id.as_str())?, target))
        });
        self.cameras.relays.apply(wanted.collect());
    }
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn not_now(why: NotReloaded) -> Refusal {
    Refusal::NotNow(why.to_string())
}

/// Carries out an order on a copy, so that whoever looks at the roster does not wait for a disk, and on a thread that nobody
/// waits for at the end. However long it takes, what comes of it counts: the turn goes along, and nothing overtakes it.
async fn write_down(
    mut roster: Roster,
    order: Order,
    turn: OwnedMutexGuard<()>,
) -> Result<(Done, Roster, OwnedMutexGuard<()>), Refusal> {
    let (tell, told) = oneshot::channel();
    let write = move || {
        let done = roster.carry_out(order);
        let _ = tell.send((done, roster, turn)); // the end does not wait for it
    };
    let begun = thread::Builder::new().name("roster".into()).spawn(write);
    begun.map_err(|error| Refusal::NotNow(format!("no thread for it: {error}")))?;
    let (done, roster, turn) = told.await.map_err(|_| Refusal::NotNow("it was cut short".into()))?;
    Ok((done?, roster, turn))
}
