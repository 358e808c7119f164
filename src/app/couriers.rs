use std::sync::Arc;

use actix::{Actor, Addr};
use actix_rt::Arbiter;
use parking_lot::Mutex;
use tokio::time::timeout;

use super::deadlines;
use crate::{
    events::{Addressee, ApplySinks, Outbox},
    settings,
    sinks::{self, Courier, Drain, SinkError, Surroundings, Terms},
    status::SinkCell,
};

struct OpenSink {
    settings: settings::Sink,
    open: Arc<dyn sinks::Sink>,
    cell: Arc<SinkCell>,
}

/// The couriers of today, on one thread of their own.
pub(super) struct Couriers {
    arbiter: actix_rt::ArbiterHandle,
    outbox: Addr<Outbox>,
    surroundings: Surroundings,
    staff: Mutex<Staff>,
}

#[derive(Default)]
struct Staff {
    /// Also those that are on their way out: whoever ends the house waits for them.
    running: Vec<(settings::Sink, Addr<Courier>)>,
    /// The house ends: nobody is taken on any more.
    closed: bool,
}

impl Couriers {
    pub(super) fn new(outbox: Addr<Outbox>, surroundings: Surroundings) -> Self {
        Self { arbiter: Arbiter::new().handle(), outbox, surroundings, staff: Mutex::default() }
    }

    /// Starts what is new or changed, ends what is gone or changed, and leaves alone what is the same. After `close` it
    /// starts nothing. One at a time.
    pub(super) async fn apply(&self, wanted: &[settings::Sink]) -> Result<(), SinkError> {
        let is_running = |sink: &&settings::Sink| self.staff.lock().running.iter().any(|(known, _)| known == *sink);
        // First what can fail; then nothing was changed.
        let fresh: Vec<_> =
            wanted.iter().filter(|sink| !is_running(sink)).map(|sink| self.open(sink)).collect::<Result<_, _>>()?;
        let is_wanted = |(known, _): &(settings::Sink, Addr<Courier>)| wanted.contains(known);
        let ending: Vec<_> = self.staff.lock().running.iter().filter(|known| !is_wanted(known)).cloned().collect();
        // An old courier ends before a new one of its name begins: otherwise an event might go out twice.
        drain(&ending).await;
        let mut staff = self.staff.lock();
        staff.running.retain(is_wanted);
        for (old, _) in &ending {
            self.surroundings.board.remove_sink(&old.name);
        }
        if staff.closed {
            return Ok(());
        }
        self.outbox.do_send(ApplySinks(wanted.iter().map(Addressee::of).collect()));
        for OpenSink { settings, open, cell } in fresh {
            self.surroundings.board.add_sink(Arc::clone(&cell));
            let outbox = self.outbox.clone();
            let courier =
                Courier::start_in_arbiter(&self.arbiter, move |_| Courier::new(open, cell, outbox, Terms::default()));
            staff.running.push((settings, courier));
        }
        Ok(())
    }

    fn open(&self, sink: &settings::Sink) -> Result<OpenSink, SinkError> {
        let (open, cell) = sinks::open(sink, &self.surroundings)?;
        Ok(OpenSink { settings: sink.clone(), open, cell })
    }

    /// Starts nothing from now on.
    pub(super) fn close(&self) {
        self.staff.lock().closed = true;
    }

    /// Lets all deliveries in flight end, and closes the sinks, for good.
    pub(super) async fn drain(&self) {
        self.close();
        let running = self.staff.lock().running.clone();
        drain(&running).await;
    }
}

/// Side by side.
async fn drain(couriers: &[(settings::Sink, Addr<Courier>)]) {
    let drained = couriers.iter().map(|(_, courier)| courier.send(Drain { deadline: deadlines::DELIVERIES }));
    let drained = futures::future::join_all(drained);
    let Ok(drained) = timeout(deadlines::SINKS, drained).await else {
        return tracing::error!("couriers do not answer: deliveries may go on, and are told again");
    };
    let left: usize = drained.into_iter().flatten().sum();
    if left > 0 {
        tracing::warn!(left, "deliveries were cut short; they are told again");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        events::Store,
        settings::{Settings, load_from},
    };

    fn settings(folder: &Path, sinks: &[&str]) -> Settings {
        let sink = |name: &&str| format!("[[sinks]]\nname = \"{name}\"\ntype = \"file\"\npath = \"{name}.jsonl\"\n");
        load_from(&sinks.iter().map(sink).collect::<String>(), [], folder).expect("sound settings")
    }

    #[actix::test]
    async fn authorities_that_were_renewed_under_the_same_name_make_another_courier() {
        let folder = tempfile::tempdir().expect("a folder");
        let pem = include_str!("../../tests/fixtures/tls/ca.pem");
        let write = |text: &str| std::fs::write(folder.path().join("ca.pem"), text).expect("written");
        let load = || {
            let sink = "name = \"a\"\ntype = \"webhook\"\nurl = \"https://a.example/\"\nca_file = \"ca.pem\"\n";
            load_from(&format!("[[sinks]]\n{sink}"), [], folder.path()).expect("sound settings")
        };
        write(pem);
        let storage = load().storage;
        let store = Store::open(&storage).expect("a sound folder");
        let surroundings = Surroundings::of_no_cameras();
        let board = Arc::clone(&surroundings.board);
        let couriers = Couriers::new(Outbox::start(store, storage, Vec::new(), Arc::clone(&board)), surroundings);
        let shown = || <[_; 1]>::try_from(board.sinks()).expect("one");
        couriers.apply(&load().sinks).await.expect("they open");
        let [first] = shown();
        couriers.apply(&load().sinks).await.expect("they open");
        assert!(Arc::ptr_eq(&shown()[0], &first), "nothing changed");
        write(&format!("{pem}{pem}"));
        couriers.apply(&load().sinks).await.expect("they open");
        assert!(!Arc::ptr_eq(&shown()[0], &first), "it still trusts whom nobody trusts any more");
    }

    #[actix::test]
    async fn a_reload_that_the_end_overtakes_starts_no_courier() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = |sinks: &[&str]| settings(folder.path(), sinks);
        let storage = settings(&[]).storage;
        let store = Store::open(&storage).expect("a sound folder");
        let surroundings = Surroundings::of_no_cameras();
        let board = Arc::clone(&surroundings.board);
        let outbox = Outbox::start(store, storage, Vec::new(), Arc::clone(&board));
        let couriers = Couriers::new(outbox, surroundings);
        let shown = || board.sinks().iter().map(|cell| cell.name.to_string()).collect::<Vec<_>>();
        couriers.apply(&settings(&["a", "b"]).sinks).await.expect("they open");
        assert_eq!(shown(), ["a", "b"]);
        couriers.apply(&settings(&["b", "c"]).sinks).await.expect("they open");
        assert_eq!(shown(), ["b", "c"]);
        couriers.drain().await;
        couriers.apply(&settings(&["b", "d"]).sinks).await.expect("they open");
        assert_eq!(shown(), ["b"]);
    }
}
