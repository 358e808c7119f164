use std::{path::PathBuf, sync::Arc};

use actix::Addr;
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::couriers::Couriers;
use crate::{
    http::Reload,
    settings::{self, Settings},
    supervisor::{ApplyCameras, Supervisor},
    words::CameraId,
};

/// Reads the settings anew and applies what changed.
pub(super) struct Reloader {
    pub(super) file: Option<PathBuf>,
    /// What runs, and what only a new start would change.
    pub(super) at_start: Settings,
    pub(super) settings: Mutex<Settings>,
    /// One reload at a time.
    pub(super) turn: tokio::sync::Mutex<()>,
    pub(super) supervisor: Addr<Supervisor>,
    pub(super) couriers: Couriers,
}

impl Reload for Reloader {
    fn reload(self: Arc<Self>) -> BoxFuture<'static, Result<Value, String>> {
        // In a task of its own: a reload that has begun is finished, whether or not somebody still waits for it.
        let done = actix_rt::spawn(async move {
            let _turn = self.turn.lock().await;
            let done = self.reload_now().await;
            match &done {
                Ok(report) => tracing::info!(%report, "settings applied"),
                Err(problems) => tracing::error!("the settings have problems; nothing was changed: {problems}"),
            }
            done
        });
        async move { done.await.unwrap_or_else(|_| Err("the reload was cut short".into())) }.boxed()
    }
}

impl Reloader {
    async fn reload_now(&self) -> Result<Value, String> {
        let file = self.file.clone().ok_or("these settings came from no file")?;
        let loaded = tokio::task::spawn_blocking(move || settings::load(Some(&file))).await;
        let (new, _) = loaded.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
        let changes = settings::changes(&self.settings.lock(), &new);
        // Sinks first, as they alone can still refuse; what did not change goes on meanwhile.
        self.couriers.apply(&new.sinks).await.map_err(|e| e.to_string())?;
        self.supervisor.do_send(ApplyCameras(new.cameras.clone()));
        let is_enabled = |id: &&CameraId| new.cameras.iter().any(|camera| camera.id == **id && camera.enabled);
        let (restarted, stopped): (Vec<_>, Vec<_>) = changes.restart.iter().partition(is_enabled);
        let report = json!({
            "added": changes.added,
            "removed": changes.removed,
            "restarted": restarted,
            "stopped": stopped,
            "reconfigured": changes.reconfigure,
            "sinks_changed": changes.sinks_changed,
            "needs_restart": settings::changes(&self.at_start, &new).needs_restart,
        });
        *self.settings.lock() = new;
        Ok(report)
    }
}
