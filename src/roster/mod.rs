//! Which cameras there are: those of the settings file, and those that were added while it ran, which are kept on disk.
//!
//! The roster decides and remembers; what it says is carried out by the supervisor. What was added is checked as the
//! file is, by the same rules, and is on disk before anybody is told that it was taken.

mod kept;
mod order;
mod seal;

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use ipnet::IpNet;
use serde_json::{Value, json};

use self::kept::{Kept, KeptFile, Switched};
pub use self::{
    kept::RosterError,
    order::{Change, Done, Order, Refusal},
};
use crate::{
    settings::{Camera, CameraDefaults, Problem, Problems, Settings, camera_as_written, refuse_masked},
    words::CameraId,
};

/// The cameras that there are.
#[derive(Debug, Clone)]
pub struct Roster {
    defaults: CameraDefaults,
    from_file: Vec<Camera>,
    kept: BTreeMap<CameraId, Kept>,
    switched: Switched,
    max_cameras: usize,
    networks: Vec<IpNet>,
    file: Arc<KeptFile>,
}

/// Where a camera comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The settings file: it is changed there.
    File,
    /// It was added while Lookout ran.
    Added,
}

/// What is written of a camera.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
pub struct Entry {
    /// Where it comes from.
    pub origin: Origin,
    /// Its settings, in the form of the file; secrets are `***`.
    pub settings: Value,
}

impl Roster {
    /// The roster of these settings, with what was added to them before.
    ///
    /// # Errors
    /// When what was added cannot be read: cameras that silently are no more would be worse.
    pub fn open(settings: &Settings) -> Result<Self, RosterError> {
        let (file, content) = KeptFile::open(&settings.storage.path, &settings.defaults)?;
        Ok(Self {
            defaults: settings.defaults.clone(),
            from_file: settings.cameras.clone(),
            kept: content.cameras,
            switched: content.switched,
            max_cameras: settings.control.max_cameras,
            networks: settings.control.networks.clone(),
            file: Arc::new(file),
        })
    }

    /// The settings file was read anew.
    ///
    /// # Errors
    /// What is wrong by these settings with cameras that were added; then nothing has changed.
    pub fn reloaded(&mut self, settings: &Settings) -> Result<(), Problems> {
        let (mut kept, mut problems) = (self.kept.clone(), Problems::default());
        for (id, kept) in &mut kept {
            match settings.defaults.read(&kept.written) {
                Ok(camera) => kept.camera = camera,
                Err(wrong) => {
                    for Problem { path, text } in wrong.into_list() {
                        problems.add(&of_added(id.as_str(), &path), text);
                    }
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        self.kept = kept;
        self.from_file.clone_from(&settings.cameras);
        self.defaults = settings.defaults.clone();
        (self.max_cameras, self.networks) = (settings.control.max_cameras, settings.control.networks.clone());
        Ok(())
    }

    /// Forgets what was switched by hand of cameras that are no more: another of that name is not meant.
    ///
    /// # Errors
    /// It cannot be written down; then it is not forgotten.
    pub fn put_in_order(&mut self) -> Result<(), Refusal> {
        for id in self.kept.keys().filter(|id| self.in_file(id.as_str()).is_some()) {
            tracing::warn!(camera = %id, "it was added before and stands in the settings file now: the file counts");
        }
        let Switched { mut cameras, mut relays_off } = self.switched.clone();
        cameras.retain(|id, _| self.find(id.as_str()).is_some());
        relays_off.retain(|id| self.find(id.as_str()).is_some());
        if self.keep_switched(Switched { cameras, relays_off })? != Change::Same {
            tracing::info!("what was switched by hand of cameras that are no more is forgotten");
        }
        Ok(())
    }

    /// What is to be watched now.
    pub fn cameras(&self) -> Vec<Camera> {
        let added =
            self.kept.iter().filter(|(id, _)| self.in_file(id.as_str()).is_none()).map(|(_, kept)| &kept.camera);
        let switched = |camera: &Camera| {
            let enabled = self.switched.cameras.get(&camera.id).copied().unwrap_or(camera.enabled);
            let relay = camera.relay.clone().filter(|_| !self.switched.relays_off.contains(&camera.id));
            Camera { enabled, relay, ..camera.clone() }
        };
        self.from_file.iter().chain(added).map(switched).collect()
    }

    /// Where a camera comes from.
    pub fn origin(&self, id: &str) -> Option<Origin> {
        let in_file = self.in_file(id).map(|_| Origin::File);
        in_file.or_else(|| self.kept.get(id).map(|_| Origin::Added))
    }

    /// What is written of a camera.
    pub fn entry(&self, id: &str) -> Option<Entry> {
        let camera = self.find(id)?;
        Some(Entry { origin: self.origin(id)?, settings: camera_as_written(camera) })
    }

    /// A camera that might be added; it need not say what it is to be called.
    ///
    /// # Errors
    /// What is wrong with what is written of it.
    pub fn look_at(&self, mut written: Value) -> Result<Camera, Refusal> {
        if let Some(table) = written.as_object_mut() {
            table.entry("id").or_insert_with(|| "probe".into());
        }
        unmasked(&written)?;
        self.check(written).map(|kept| kept.camera)
    }

    /// Carries out an order, but for what the supervisor has to do. When it is done, it is on disk.
    ///
    /// # Errors
    /// Why not; then nothing has changed.
    pub fn carry_out(&mut self, order: Order) -> Result<Done, Refusal> {
        match order {
            Order::Add(written) => self.add(written),
            Order::Put(id, written) => {
                unmasked(&written)?;
                self.put(id, written)
            }
            Order::Patch(id, patch) => self.patch(&id, &patch),
            Order::Remove(id) => self.remove(id),
            Order::Start(id) => self.switch(&[id], true),
            Order::Stop(id) => self.switch(&[id], false),
            Order::StopAll => {
                let all: Vec<CameraId> = self.cameras().into_iter().map(|camera| camera.id).collect();
                self.switch(&all, false)
            }
            Order::StartRelay(id) => self.switch_relay(id, true),
            Order::StopRelay(id) => self.switch_relay(id, false),
            Order::Play(id, url) => self.play(id, &url),
            Order::Restart(id) => {
                let written = self.known(&id)?.enabled;
                let is_watched = self.switched.cameras.get(&id).copied().unwrap_or(written);
                Ok(Done { id: Some(id), change: if is_watched { Change::Restarted } else { Change::Same } })
            }
        }
    }

    fn add(&mut self, written: Value) -> Result<Done, Refusal> {
        unmasked(&written)?;
        let kept = self.check(written)?;
        let id = kept.camera.id.clone();
        if let Some(there) = self.find(id.as_str()) {
            let same = Camera { enabled: there.enabled, ..kept.camera.clone() } == *there;
            return if same { Ok(Done { id: Some(id), change: Change::Same }) } else { Err(Refusal::Exists(id)) };
        }
        self.keep(kept)
    }

    fn put(&mut self, id: CameraId, mut written: Value) -> Result<Done, Refusal> {
        if let Some(table) = written.as_object_mut() {
            let said = table.entry("id").or_insert_with(|| id.as_str().into());
            if said.as_str() != Some(id.as_str()) {
                return Err(Refusal::invalid(
                    "id",
                    format!("the address says \"{id}\": say the same, or leave it out"),
                ));
            }
        }
        self.may_change(&id)?;
        let kept = self.check(written)?;
        // What is said out loud is kept, also where it is today's default: that may change.
        if self.kept.get(&id).is_some_and(|there| there.camera == kept.camera && there.written == kept.written) {
            return Ok(Done { id: Some(id), change: Change::Same });
        }
        self.keep(kept)
    }

    fn patch(&mut self, id: &CameraId, patch: &Value) -> Result<Done, Refusal> {
        self.may_change(id)?;
        let mut written = self.kept.get(id).ok_or_else(|| Refusal::Unknown(id.clone()))?.written.clone();
        if !patch.is_object() {
            return Err(Refusal::invalid("(the whole body)", "an object with what is to change"));
        }
        unmasked(patch)?;
        merge(&mut written, patch);
        self.put(id.clone(), written)
    }

    fn remove(&mut self, id: CameraId) -> Result<Done, Refusal> {
        self.may_change(&id)?;
        let mut kept = self.kept.clone();
        if kept.remove(&id).is_none() {
            return Err(Refusal::Unknown(id));
        }
        let mut switched = self.switched.clone();
        switched.cameras.remove(&id);
        switched.relays_off.remove(&id);
        self.save(kept, switched)?;
        Ok(Done { id: Some(id), change: Change::Removed })
    }

    fn switch(&mut self, ids: &[CameraId], on: bool) -> Result<Done, Refusal> {
        let mut switched = self.switched.clone();
        for id in ids {
            let written = self.known(id)?.enabled;
            if written == on {
                switched.cameras.remove(id);
            } else {
                switched.cameras.insert(id.clone(), on);
            }
        }
        let change = self.keep_switched(switched)?;
        let id = match ids {
            [id] => Some(id.clone()),
            _ => None,
        };
        Ok(Done { id, change })
    }

    fn switch_relay(&mut self, id: CameraId, on: bool) -> Result<Done, Refusal> {
        if self.known(&id)?.relay.is_none() {
            return Err(Refusal::NoRelay(id));
        }
        let mut switched = self.switched.clone();
        if on {
            switched.relays_off.remove(&id);
        } else {
            switched.relays_off.insert(id.clone());
        }
        let change = self.keep_switched(switched)?;
        Ok(Done { id: Some(id), change })
    }

    fn keep_switched(&mut self, switched: Switched) -> Result<Change, Refusal> {
        if switched == self.switched {
            return Ok(Change::Same);
        }
        self.save(self.kept.clone(), switched)?;
        Ok(Change::Switched)
    }

    fn play(&mut self, id: CameraId, url: &str) -> Result<Done, Refusal> {
        let written = json!({ "id": id.as_str(), "url": url });
        let asked = self.check(written.clone())?.camera;
        let moved = match self.find(id.as_str()) {
            None => return self.add(written),
            Some(there) if there.url == asked.url && there.credentials == asked.credentials => None,
            Some(_) => Some(self.patch(&id, &json!({ "url": url, "username": null, "password": null }))?),
        };
        let switched = self.switch(&[id], true)?;
        Ok(moved.unwrap_or(switched))
    }

    fn check(&self, written: Value) -> Result<Kept, Refusal> {
        if written.get("password_file").is_some() {
            let why = "whoever adds cameras may not read files here: write the password itself; it is kept encrypted";
            return Err(Refusal::invalid("password_file", why));
        }
        let camera = self.defaults.read(&written).map_err(|problems| Refusal::Invalid(problems.into_list()))?;
        self.may_reach(&camera)?;
        Ok(Kept { camera, written })
    }

    /// Whoever may add cameras must not have the whole network behind this machine asked about.
    fn may_reach(&self, camera: &Camera) -> Result<(), Refusal> {
        if self.networks.is_empty() {
            return Ok(());
        }
        self.is_allowed("url", camera.url.host_str().unwrap_or_default())?;
        camera.relay.as_ref().map_or(Ok(()), |target| self.is_allowed("relay", target.address().0))
    }

    fn is_allowed(&self, path: &str, host: &str) -> Result<(), Refusal> {
        let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() else {
            // A name can mean another address at every question.
            return Err(Refusal::invalid(path, "write its IP address: with control.networks, names are not taken"));
        };
        let address = address.to_canonical();
        if self.networks.iter().any(|network| network.contains(&address)) {
            return Ok(());
        }
        let networks: Vec<String> = self.networks.iter().map(ToString::to_string).collect();
        let why = format!("{address} is in none of the networks that control.networks allows: {}", networks.join(", "));
        Err(Refusal::invalid(path, why))
    }

    fn keep(&mut self, camera: Kept) -> Result<Done, Refusal> {
        let id = camera.camera.id.clone();
        let is_new = !self.kept.contains_key(&id);
        let there = self.cameras().len();
        if is_new && there >= self.max_cameras {
            return Err(Refusal::Full { max_cameras: self.max_cameras });
        }
        let (mut kept, mut switched) = (self.kept.clone(), self.switched.clone());
        let enabled = camera.camera.enabled;
        // Whoever writes something else about a camera does not mean to stop or start it.
        if kept.insert(id.clone(), camera).is_none_or(|before| before.camera.enabled != enabled) {
            switched.cameras.remove(&id);
        }
        self.save(kept, switched)?;
        Ok(Done { id: Some(id), change: if is_new { Change::Added } else { Change::Changed } })
    }

    fn save(&mut self, kept: BTreeMap<CameraId, Kept>, switched: Switched) -> Result<(), Refusal> {
        self.file.save(&kept, &switched).map_err(|error| Refusal::NotSaved(error.to_string()))?;
        (self.kept, self.switched) = (kept, switched);
        Ok(())
    }

    fn may_change(&self, id: &CameraId) -> Result<(), Refusal> {
        if self.in_file(id.as_str()).is_some() { Err(Refusal::InFile(id.clone())) } else { Ok(()) }
    }

    fn known(&self, id: &CameraId) -> Result<&Camera, Refusal> {
        self.find(id.as_str()).ok_or_else(|| Refusal::Unknown(id.clone()))
    }

    fn find(&self, id: &str) -> Option<&Camera> {
        self.in_file(id).or_else(|| self.kept.get(id).map(|kept| &kept.camera))
    }

    fn in_file(&self, id: &str) -> Option<&Camera> {
        self.from_file.iter().find(|camera| camera.id.as_str() == id)
    }
}

fn unmasked(written: &Value) -> Result<(), Refusal> {
    refuse_masked(written).map_err(|problems| Refusal::Invalid(problems.into_list()))
}

/// Where the cameras that were added are kept, in the folder of the database.
pub fn kept_in(storage: &Path) -> PathBuf {
    storage.join(kept::FILE)
}

/// What the path of a problem within a camera that was added is called.
pub fn of_added(camera: &str, path: &str) -> String {
    format!("{path} of \"{camera}\", which was added")
}

/// JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let table = target.as_object_mut().expect("it was just made one");
    for (key, change) in changes {
        match change {
            Value::Null => drop(table.remove(key)),
            change => merge(table.entry(key.clone()).or_insert(Value::Null), change),
        }
    }
}

#[cfg(test)]
mod tests;
