use bytes::Bytes;

use super::*;
use crate::words::Moment;

fn unit(n: i64, key: bool) -> AccessUnit {
    sized(n, key, 10, Moment::now())
}

fn sized(n: i64, key: bool, len: usize, received: Moment) -> AccessUnit {
    let data = Bytes::from(vec![1; len]);
    AccessUnit { data, timestamp: n * 3600, received, key, disposable: false, lost_packets: 0 }
}

fn number(piece: &Piece) -> i64 {
    piece.picture().expect("a picture").unit.timestamp / 3600
}

fn at_hand(follower: &mut Follower) -> Vec<i64> {
    std::iter::from_fn(|| follower.take()).map(|piece| number(&piece)).collect()
}

#[test]
fn one_who_comes_starts_at_the_newest_key_frame_and_misses_nothing_after() {
    let feed = Arc::new(Feed::default());
    feed.begin(None, None);
    let mut early = feed.follow();
    assert_eq!(at_hand(&mut early), [0; 0]);
    feed.push(&unit(0, false));
    assert_eq!(at_hand(&mut early), [0; 0], "nothing before a key frame");
    feed.push(&unit(1, true));
    assert_eq!(at_hand(&mut early), [1]);
    for n in 2..=25 {
        feed.push(&unit(n, n % 10 == 1));
    }
    let mut late = feed.follow();
    assert_eq!(at_hand(&mut late), (21..=25).collect::<Vec<_>>());
    assert_eq!(at_hand(&mut early), (2..=25).collect::<Vec<_>>(), "kept, as somebody follows");
    feed.push(&unit(26, false));
    assert_eq!((at_hand(&mut late), at_hand(&mut early)), (vec![26], vec![26]));
    assert_eq!((early.skipped(), feed.followers()), (0, 2));
    drop(early);
    assert_eq!(feed.followers(), 1);
}

#[test]
fn one_who_is_too_slow_goes_on_at_the_newest_key_frame() {
    let (feed, began) = (Arc::new(Feed::default()), Moment::now());
    feed.begin(None, None);
    let mut slow = feed.follow();
    let push = |n: i64| feed.push(&sized(n, n % 10 == 0, 10, began.after(Duration::from_millis(n as u64 * 100))));
    (0..=5).for_each(push);
    assert_eq!(slow.take().map(|piece| number(&piece)), Some(0));
    (6..=75).for_each(push);
    assert_eq!(at_hand(&mut slow), (70..=75).collect::<Vec<_>>());
    assert_eq!(slow.skipped(), 1);
}

#[test]
fn without_followers_only_what_came_since_the_key_frame_is_kept_or_what_was_asked_for() {
    let (feed, began) = (Feed::default(), Moment::now());
    feed.begin(None, None);
    let push = |n: i64| feed.push(&sized(n, n % 10 == 0, 10, began.after(Duration::from_millis(n as u64 * 100))));
    (0..=25).for_each(push);
    let all = |feed: &Feed| feed.since(began.steady).iter().map(|piece| number(piece)).collect::<Vec<_>>();
    assert_eq!(all(&feed), (20..=25).collect::<Vec<_>>());
    feed.keep(Duration::from_millis(1500));
    (26..=61).for_each(push);
    assert_eq!(all(&feed), (40..=61).collect::<Vec<_>>(), "1.5 s before the key frame at 60");
    let since = began.after(Duration::from_millis(5400)).steady;
    assert_eq!(feed.since(since).first().map(|piece| number(piece)), Some(50));
}

#[test]
fn invariant_2_it_is_bounded() {
    let (feed, now) = (Arc::new(Feed::default()), Moment::now());
    feed.begin(None, None);
    feed.push(&sized(0, true, 10, now));
    let mut follower = feed.follow();
    (1..100).for_each(|n| feed.push(&sized(n, false, 1 << 20, now)));
    let reel = feed.reel.lock();
    assert!(reel.bytes <= Feed::MAX_BYTES && reel.keys.is_empty());
    drop(reel);
    assert_eq!(follower.take().map(|piece| number(&piece)), None, "its key frame is gone: it waits for the next");
    (100..10_000).for_each(|n| feed.push(&sized(n, n == 9_999, 1, now)));
    assert_eq!(at_hand(&mut follower), [9_999]);
    assert!(feed.reel.lock().pieces.len() <= Feed::MAX_PIECES);
}

#[test]
fn invariant_5_behind_a_loss_nothing_until_a_whole_key_frame() {
    let feed = Arc::new(Feed::default());
    feed.begin(None, None);
    let mut follower = feed.follow();
    let push = |n, key, lost_packets| feed.push(&AccessUnit { lost_packets, ..unit(n, key) });
    push(0, true, 0);
    assert_eq!(at_hand(&mut follower), [0]);
    for (n, key, lost) in [(1, false, 0), (2, false, 1), (3, false, 0), (4, true, 2), (5, true, 0)] {
        push(n, key, lost);
    }
    assert_eq!(at_hand(&mut follower), [1, 5]);
}

#[test]
fn another_connection_begins_anew() {
    let feed = Arc::new(Feed::default());
    let mut follower = feed.follow();
    let life = |piece: Arc<Piece>| piece.picture().map(|picture| picture.life);
    feed.begin(None, None);
    feed.push(&unit(1000, true));
    assert_eq!(follower.take().and_then(life), Some(1));
    feed.begin(None, None);
    assert!(follower.take().is_none() && feed.newest_key().is_none());
    feed.push(&unit(0, false));
    feed.push(&unit(1, true));
    assert_eq!(follower.take().and_then(life), Some(2));
}

#[tokio::test]
async fn who_waits_is_woken_and_told_of_the_end() {
    let feed = Arc::new(Feed::default());
    feed.begin(None, None);
    let mut follower = feed.follow();
    let waiting =
        tokio::spawn(async move { (follower.next().await.map(|p| number(&p)), follower.next().await.is_none()) });
    tokio::task::yield_now().await;
    feed.push(&unit(7, true));
    tokio::task::yield_now().await;
    feed.end();
    assert_eq!(waiting.await.expect("it ends"), (Some(7), true));
}
