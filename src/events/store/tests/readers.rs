use std::sync::{Arc, mpsc};

use tokio::sync::oneshot;

use super::*;

/// Far beyond what anything takes, so that only a fault reaches it.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(300);

fn readers(store: &Store, count: usize, deadline: Duration) -> Arc<Readers> {
    Arc::new(Readers::open(store.file(), count, deadline).expect("readable"))
}

/// Holds a reader until it is let go.
async fn hold(readers: &Arc<Readers>) -> (mpsc::SyncSender<()>, tokio::task::JoinHandle<Result<(), OutboxError>>) {
    let (let_go, waits) = mpsc::sync_channel(1);
    let (begun, begins) = oneshot::channel();
    let readers = Arc::clone(readers);
    let held = tokio::spawn(async move {
        let question = move |_: &Reader| {
            begun.send(()).expect("the test waits for it");
            waits.recv().map_err(|_| OutboxError::CutShort)
        };
        readers.ask(question).await
    });
    begins.await.expect("it begins");
    (let_go, held)
}

#[actix::test]
async fn invariant_9_a_question_without_end_is_given_up_and_its_reader_serves_again() {
    let folder = temporary();
    let mut store = open(folder.path());
    let event = sample::started("door");
    record(&mut store, std::slice::from_ref(&event));
    let readers = readers(&store, 1, SHORT);
    let counted = readers.ask(Reader::count_for_ever).await;
    assert!(matches!(counted, Err(OutboxError::TooSlow)), "{counted:?}");
    // A busy machine may take longer than the short deadline.
    for _ in 0..100 {
        let id = event.id;
        if let Ok(found) = readers.ask(move |reader| reader.get(id)).await {
            return assert_eq!(found, Some(event));
        }
    }
    panic!("its reader is lost");
}

#[actix::test]
async fn a_slow_question_holds_up_no_other() {
    let folder = temporary();
    let store = open(folder.path());
    let readers = readers(&store, 2, LONG);
    let (let_go, held) = hold(&readers).await;
    assert_eq!(readers.ask(Reader::newest_seq).await.expect("the other reader is free"), 0);
    let_go.send(()).expect("it waits");
    held.await.expect("no panic").expect("answered");
}

#[actix::test]
async fn who_waits_in_vain_for_a_reader_is_told_so() {
    let folder = temporary();
    let store = open(folder.path());
    let readers = readers(&store, 1, SHORT);
    let (let_go, held) = hold(&readers).await;
    let waited = readers.ask(Reader::newest_seq).await;
    assert!(matches!(waited, Err(OutboxError::TooSlow)), "{waited:?}");
    let_go.send(()).expect("it waits");
    held.await.expect("no panic").expect("what ends late is still an answer");
}

#[actix::test]
async fn a_question_that_panics_costs_no_reader() {
    let folder = temporary();
    let store = open(folder.path());
    let readers = readers(&store, 1, LONG);
    let failed = readers.ask(|_| -> Result<(), OutboxError> { panic!("a fault of ours") }).await;
    assert!(matches!(failed, Err(OutboxError::CutShort)), "{failed:?}");
    assert_eq!(readers.ask(Reader::newest_seq).await.expect("it is back"), 0);
}
