//! Logins. They are in memory; what a process leaves of them for the next is [`KeptSessions`].

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{FutureExt, future::LocalBoxFuture};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::timeout};

use super::{Caller, digest::Digest};
use crate::words::Moment;

/// What outlasts a process of its sessions, as it lies on disk: nobody can log in with it.
#[derive(Serialize, Deserialize)]
pub struct KeptSessions {
    written: Timestamp,
    sessions: Vec<KeptSession>,
}

impl KeptSessions {
    /// Whether nobody was logged in.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }
}

#[derive(Serialize, Deserialize)]
struct KeptSession {
    id: Digest,
    user: Arc<str>,
    /// What the user's password was compared with: with another password the session is over.
    password: Digest,
    lived_s: u64,
    unused_s: u64,
}

/// Who is logged in. Of the ids only digests are kept, so that nothing that shows memory gives a login away.
#[derive(Default)]
pub struct Sessions {
    open: HashMap<Digest, Session>,
    changed: watch::Sender<()>,
}

struct Session {
    caller: Caller,
    /// Before this process.
    lived: Duration,
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
        self.open.insert(Digest::of(id), Session::new(caller, Duration::ZERO, now));
        self.changed.send_replace(());
    }

    /// Says when somebody has logged in or out.
    pub(super) fn changed(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// What to write down of those that last and whose user has a password still.
    pub(super) fn kept(&self, password_of: impl Fn(&str) -> Option<Digest>, now: Moment) -> KeptSessions {
        let lasting = self.open.iter().filter(|(_, session)| session.lasts(now.steady));
        let sessions = lasting.filter_map(|(id, session)| {
            let user = session.caller.name.clone()?;
            Some(KeptSession {
                id: *id,
                password: password_of(&user)?,
                user,
                lived_s: session.age(now.steady).as_secs(),
                unused_s: session.unused(now.steady).as_secs(),
            })
        });
        KeptSessions { written: now.wall, sessions: sessions.collect() }
    }

    /// Goes on with the sessions of an earlier process, as far as they last. `caller_of` knows whose password is still
    /// the one that it was. To begin anew counts as use: whoever was cut off has time to come back.
    pub(super) fn restore(
        &mut self,
        kept: KeptSessions,
        caller_of: impl Fn(&str, &Digest) -> Option<Caller>,
        now: Moment,
    ) {
        // Where the clock was set back, no time has passed: what they had lived counts all the same.
        let passed =
            Duration::try_from(now.wall.duration_since(kept.written).max(SignedDuration::ZERO)).unwrap_or_default();
        for KeptSession { id, user, password, lived_s, unused_s } in kept.sessions {
            let [lived, unused] = [lived_s, unused_s].map(|s| Duration::from_secs(s).saturating_add(passed));
            if let (true, true, Some(caller)) = (lived < Self::LIFE, unused < Self::IDLE, caller_of(&user, &password)) {
                self.open.insert(id, Session::new(caller, lived, now.steady));
            }
        }
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
        let left = Self::LIFE.saturating_sub(session.age(now.steady));
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
        if self.open.remove(&Digest::of(id)).is_some() {
            self.changed.send_replace(());
        }
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
    fn new(caller: Caller, lived: Duration, now: Instant) -> Self {
        Self { caller, lived, begun: now, used: Arc::new(Mutex::new(now)), lives: watch::Sender::new(()) }
    }

    fn age(&self, now: Instant) -> Duration {
        self.lived.saturating_add(now.saturating_duration_since(self.begun))
    }

    /// For how long nothing was asked in it. What lasts is use.
    fn unused(&self, now: Instant) -> Duration {
        if self.is_open() { Duration::ZERO } else { now.saturating_duration_since(*self.used.lock()) }
    }

    /// Whether something that lasts was asked for in it, and lasts.
    fn is_open(&self) -> bool {
        self.lives.receiver_count() > 0
    }

    fn lasts(&self, now: Instant) -> bool {
        self.unused(now) < Sessions::IDLE && self.age(now) < Sessions::LIFE
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

    /// Through a file, as after a restart.
    fn restarted(sessions: &Sessions, password: &str, before: Moment, after: Moment) -> Sessions {
        let kept = sessions.kept(|user| Some(Digest::of(user)), before);
        let text = serde_json::to_string(&kept).expect("it can be written");
        let mut restored = Sessions::default();
        let right = Digest::of(password);
        let caller_of = |user: &str, compared: &Digest| compared.is(&right).then(|| caller(user));
        restored.restore(serde_json::from_str(&text).expect("it can be read"), caller_of, after);
        restored
    }

    #[test]
    fn a_session_outlasts_the_process_and_not_its_own_end() {
        let (mut sessions, begin) = (Sessions::default(), Moment::now());
        sessions.open("id", caller("ann"), begin);
        let at = |hours| begin.after(hours * HOUR);
        assert_eq!(restarted(&sessions, "ann", at(2), at(3)).find("id", at(3)), Some(caller("ann")));
        assert_eq!(restarted(&sessions, "another", at(2), at(3)).find("id", at(3)), None, "the password was changed");
        assert_eq!(restarted(&sessions, "ann", at(2), at(12)).find("id", at(12)), None, "not used for too long");
        let back = restarted(&sessions, "ann", at(2), begin);
        assert_eq!(
            back.kept(|user| Some(Digest::of(user)), begin).sessions[0].lived_s,
            2 * 3600,
            "the clock was set back"
        );
        let (mut again, mut hours) = (restarted(&sessions, "ann", begin, begin), 0);
        while again.find("id", at(hours)).is_some() {
            again = restarted(&again, "ann", at(hours), at(hours + 11));
            hours += 11;
        }
        assert_eq!(hours, 176, "begun anew every eleven hours, it ends after seven days, which are 168 hours");
        sessions.close("id");
        assert!(sessions.kept(|user| Some(Digest::of(user)), begin).is_empty());
    }

    #[test]
    fn whoever_keeps_them_hears_of_each_login_and_logout() {
        let (mut sessions, now) = (Sessions::default(), Moment::now());
        let mut changed = sessions.changed();
        let mut heard = || changed.has_changed().expect("they live").then(|| changed.mark_unchanged()).is_some();
        assert!(!heard());
        sessions.open("id", caller("ann"), now);
        assert!(heard() && !heard());
        sessions.close("another");
        assert!(!heard());
        sessions.close("id");
        assert!(heard());
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
        let long_ago = Instant::now().checked_sub(13 * HOUR).expect("a time before the machine began is one, too");
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
