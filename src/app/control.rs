use std::{sync::Arc, thread, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{OwnedMutexGuard, oneshot},
    time::timeout,
};

use super::reload::Reloader;
use crate::{
    http::Control,
    roster::{Change, Done, Entry, Order, Origin, Refusal, Roster},
    settings::Camera,
    supervisor::{ApplyCameras, RestartCamera},
    words::CameraId,
};

/// How long a change waits for its turn, and for the disk.
const PATIENCE: Duration = Duration::from_secs(10);

impl Control for Reloader {
    fn carry_out(self: Arc<Self>, order: Order) -> BoxFuture<'static, Result<Done, Refusal>> {
        let (answer, answered) = oneshot::channel();
        let home = self.home.clone();
        // At home, as a reload: what has begun is finished, whatever becomes of who asked.
        home.spawn(async move {
            let _ = answer.send(self.order_in_turn(order).await); // nobody waits for it any more
        });
        async move { answered.await.unwrap_or_else(|_| Err(Refusal::NotNow("it was cut short".into()))) }.boxed()
    }

    fn relay(self: Arc<Self>, id: CameraId, on: bool) -> BoxFuture<'static, Result<(), Refusal>> {
        async move {
            let _turn = self.turn().await?;
            let cameras = self.cameras.roster.lock().cameras();
            let camera = cameras.iter().find(|camera| camera.id == id).ok_or_else(|| Refusal::Unknown(id.clone()))?;
            if camera.relay.is_none() {
                return Err(Refusal::NoRelay(id));
            }
            self.cameras.relays.switch(id, on);
            self.pass_on(&cameras);
            Ok(())
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
        let turn = self.turn().await?;
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

    /// One change at a time. A disk that hangs holds up the change that waits for it, and tells those behind it so.
    async fn turn(&self) -> Result<OwnedMutexGuard<()>, Refusal> {
        let turn = timeout(PATIENCE, Arc::clone(&self.turn).lock_owned()).await;
        let turn = turn.map_err(|_| Refusal::NotNow("another change is still under way".into()))?;
        self.unless_ending().map_err(|why| Refusal::NotNow(why.to_string()))?;
        Ok(turn)
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

/// Carries out an order on a copy, so that whoever looks at the roster does not wait for a disk, and on a thread that nobody
/// waits for at the end. The turn goes along: what is written late must not overtake what was written since.
async fn write_down(
    mut roster: Roster,
    order: Order,
    turn: OwnedMutexGuard<()>,
) -> Result<(Done, Roster, OwnedMutexGuard<()>), Refusal> {
    let (tell, told) = oneshot::channel();
    let write = move || {
        let done = roster.carry_out(order);
        let _ = tell.send((done, roster, turn)); // nobody waits for it any more
    };
    let begun = thread::Builder::new().name("roster".into()).spawn(write);
    begun.map_err(|error| Refusal::NotNow(format!("no thread for it: {error}")))?;
    let told = timeout(PATIENCE, told).await;
    let told = told.map_err(|_| Refusal::NotSaved("the disk does not answer".into()))?;
    let (done, roster, turn) = told.map_err(|_| Refusal::NotNow("it was cut short".into()))?;
    Ok((done?, roster, turn))
}
