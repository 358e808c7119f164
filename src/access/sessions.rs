//! Logins, in memory alone: at a start nobody is logged in.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{FutureExt, future::LocalBoxFuture};
use parking_lot::Mutex;
use tokio::{sync::watch, time::timeout};

use super::{Caller, digest::Digest};
use crate::words::Moment;

/// Who is logged in. Of the ids only digests are kept, so that nothing that shows memory gives a login away.
#[derive(Default)]
pub struct Sessions {
    open: HashMap<Digest, Session>,
}

struct Session {
    caller: Caller,
    begun: Instant,
    used: Arc<Mutex<Instant>>,
    /// Dropped with the session, which whoever waits for its end notices.
    lives: watch::Sender<()>,
}

impl Sessions {
    /// A session that is not used for so long is over.
    pub const IDLE: Duration = Duration::from_secs(12 * 3600);
    /// So is one that is this old.
    pub const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
    /// Of one user; more than all their screens. Users are few, so there are never many of all.
    const EACH: usize = 20;

    /// Somebody has logged in. Of a user with too many sessions the one that was not used for longest ends.
    pub(super) fn open(&mut self, id: &str, caller: Caller, now: Moment) {
        let now = now.steady;
        self.open.retain(|_, session| session.lasts(now));
        let of_user = self.open.iter().filter(|(_, session)| session.caller.name == caller.name);
        if of_user.clone().count() >= Self::EACH {
            let unused =
                of_user.min_by_key(|(_, session)| (session.is_open(), *session.used.lock())).map(|(id, _)| *id);
            if let Some(id) = unused {
                self.open.remove(&id);
            }
        }
        self.open.insert(
            Digest::of(id),
            Session { caller, begun: now, used: Arc::new(Mutex::new(now)), lives: watch::Sender::new(()) },
        );
    }

    /// Whose session it is; it lasts anew.
    pub(super) fn find(&mut self, id: &str, now: Moment) -> Option<Caller> {
        let now = now.steady;
        let session = self.open.get(&Digest::of(id)).filter(|session| session.lasts(now))?;
        let mut used = session.used.lock();
        *used = (*used).max(now);
        drop(used);
        Some(session.caller.clone())
    }

    /// Comes when the session is over: logged out, displaced or as old as sessions get. Until
    /// whoever waits for it is gone, the session is in use.
    pub(super) fn over(&self, id: &str, now: Moment) -> Option<LocalBoxFuture<'static, ()>> {
        let session = self.open.get(&Digest::of(id)).filter(|session| session.lasts(now.steady))?;
        let left = Self::LIFE.saturating_sub(now.steady.saturating_duration_since(session.begun));
        let (mut lives, in_use) = (session.lives.subscribe(), InUse(Arc::clone(&session.used)));
        Some(
            async move {
                let _in_use = in_use;
                _ = timeout(left, async { while lives.changed().await.is_ok() {} }).await;
            }
            .boxed_local(),
        )
    }

    /// Somebody has logged out.
    pub(super) fn close(&mut self, id: &str) {
        self.open.remove(&Digest::of(id));
    }
}

/// Used until it is dropped.
struct InUse(Arc<Mutex<Instant>>);

impl Drop for InUse {
    fn drop(&mut self) {
        let mut used = self.0.lock();
        *used = (*used).max(Instant::now());
    }
}

impl Session {
    /// Whether something that lasts was asked for in it, and lasts.
    fn is_open(&self) -> bool {
        self.lives.receiver_count() > 0
    }

    fn lasts(&self, now: Instant) -> bool {
        // What lasts is use.
        let is_used = self.is_open() || now.saturating_duration_since(*self.used.lock()) < Sessions::IDLE;
        is_used && now.saturating_duration_since(self.begun) < Sessions::LIFE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::Authentication, words::Role};

    const HOUR: Duration = Duration::from_secs(3600);

    fn caller(name: &str) -> Caller {
        Caller { name: Some(name.into()), role: Role::Viewer, authentication: Authentication::Session }
    }

    #[test]
    fn a_session_lasts_while_it_is_used_and_not_for_ever() {
        let (mut sessions, begin) = (Sessions::default(), Moment::now());
        sessions.open("id", caller("ann"), begin);
        assert_eq!(sessions.find("other", begin), None);
        let mut hours = 0;
        while sessions.find("id", begin.after(hours * HOUR)).is_some() {
            hours += 11;
        }
        assert_eq!(hours, 176, "used all the time, it ends after seven days, which are 168 hours");
        sessions.open("id", caller("ann"), begin);
        assert_eq!(sessions.find("id", begin.after(12 * HOUR)), None);
        let just_before = Duration::from_millis(1);
        assert_eq!(sessions.find("id", begin.after(12 * HOUR - just_before)), Some(caller("ann")));
    }

    #[test]
    fn who_logs_out_is_out() {
        let (mut sessions, now) = (Sessions::default(), Moment::now());
        sessions.open("a", caller("ann"), now);
        sessions.open("b", caller("ann"), now);
        sessions.close("a");
        assert_eq!((sessions.find("a", now), sessions.find("b", now)), (None, Some(caller("ann"))));
    }

    #[tokio::test(start_paused = true)]
    async fn what_lasts_ends_with_its_session() {
        let (mut sessions, now) = (Sessions::default(), Moment::now());
        sessions.open("a", caller("ann"), now);
        sessions.open("b", caller("ann"), now);
        let over = |sessions: &Sessions, id| sessions.over(id, now).expect("it is open");
        let [mut out, mut stays, aged] = [over(&sessions, "a"), over(&sessions, "b"), over(&sessions, "b")];
        assert!((&mut out).now_or_never().is_none());
        sessions.close("a");
        assert!(out.now_or_never().is_some() && (&mut stays).now_or_never().is_none());
        sessions.open("c", caller("bob"), now.after(13 * HOUR));
        assert!((&mut stays).now_or_never().is_none(), "it is in use");
        let began = tokio::time::Instant::now();
        aged.await;
        let lasted = began.elapsed();
        assert!(lasted >= Sessions::LIFE && lasted < Sessions::LIFE + Duration::from_secs(1), "{lasted:?}");
        drop(stays);
        assert!(sessions.over("a", now).is_none() && sessions.over("b", now.after(13 * HOUR)).is_none());
    }

    #[test]
    fn a_stream_that_breaks_off_has_been_use_until_then() {
        let Some(long_ago) = Instant::now().checked_sub(13 * HOUR) else { return };
        let now = Moment::now();
        let (mut sessions, begin) = (Sessions::default(), Moment { steady: long_ago, ..now });
        sessions.open("a", caller("ann"), begin);
        drop(sessions.over("a", begin).expect("it is open"));
        assert_eq!(sessions.find("a", now), Some(caller("ann")));
    }

    #[test]
    fn of_too_many_sessions_of_a_user_the_unused_one_ends_and_nobody_elses() {
        let (mut sessions, now) = (Sessions::default(), Moment::now());
        sessions.open("bob", caller("bob"), now);
        for n in 0..20 {
            sessions.open(&format!("ann-{n}"), caller("ann"), now.after(Duration::from_secs(n)));
        }
        let later = now.after(HOUR);
        assert!(sessions.find("ann-0", later).is_some());
        sessions.open("ann-20", caller("ann"), later);
        let lasts: Vec<bool> = (0..21).map(|n| sessions.find(&format!("ann-{n}"), later).is_some()).collect();
        assert_eq!(lasts.iter().filter(|lasts| **lasts).count(), 20);
        assert!(lasts[0] && !lasts[1] && lasts[20]);
        assert!(sessions.find("bob", later).is_some());
    }
}
