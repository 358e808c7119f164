use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture};
use tokio::sync::oneshot;

use super::reload::Reloader;
use crate::{
    http::Control,
    roster::{Change, Done, Entry, Order, Refusal},
    settings::Camera,
    supervisor::{ApplyCameras, RestartCamera},
    words::CameraId,
};

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
            let _turn = self.turn.lock().await;
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

    fn entry(&self, id: &str) -> Option<Entry> {
        self.cameras.roster.lock().entry(id)
    }
}

impl Reloader {
    async fn order_in_turn(&self, order: Order) -> Result<Done, Refusal> {
        let _turn = self.turn.lock().await;
        self.unless_ending().map_err(|why| Refusal::NotNow(why.to_string()))?;
        // On a copy and on a thread that may wait: whoever looks at the roster must not wait for a disk.
        let mut roster = self.cameras.roster.lock().clone();
        let carried_out = tokio::task::spawn_blocking(move || roster.carry_out(order).map(|done| (done, roster)));
        let (done, roster) = carried_out.await.map_err(|error| Refusal::NotNow(error.to_string()))??;
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
