//! Lookout at work with no camera and no settings: simulated cameras, the embedded model, the whole pipeline as `run`
//! wires it, and a receiver that checks what is reported, all in this process and on the loopback.

mod configuration;
mod error;
mod figures;
mod news;
mod receiver;
mod screen;
mod stage;
mod texts;

use std::{io, io::Write, net::SocketAddr, path::PathBuf, pin::pin, time::Duration};

use actix_rt::System;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use crate::{app::Running, words::Moment};
pub use error::DemoError;
use figures::Figures;
use news::{News, Watch};
use receiver::Receiver;
use screen::Screen;
use stage::Stage;

/// What the user may choose.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many cameras to simulate.
    pub cameras: usize,
    /// Where HTTP listens; port 0 takes a free one.
    pub http: SocketAddr,
    /// Ends by itself after this long.
    pub lasts: Option<Duration>,
    /// Plays this instead of the embedded clip.
    pub clip: Option<PathBuf>,
    /// Whether `out` is a terminal, on which a line can be redrawn.
    pub terminal: bool,
}

/// Time between looks at the cameras' states.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// News beyond so many that wait to be shown are counted, not shown.
const MOST_NEWS_WAITING: usize = 64;

/// Runs the demo until it is told to end (Ctrl-C, SIGTERM, SIGHUP), its time is up, or nobody reads `out` any more.
/// What it writes to the disk it removes.
///
/// # Errors
/// What keeps it from starting; or that `out` cannot be written.
pub fn run(options: &Options, out: impl Write) -> Result<(), DemoError> {
    let folder = configuration::folder()?;
    let mut screen = Screen::new(out, options.terminal);
    let shown = System::new().block_on(Box::pin(play(options, &mut screen, folder.path())));
    // Also where showing failed; and a folder that stays is worth a word.
    folder.close().map_err(DemoError::Folder)?;
    match shown {
        Err(DemoError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

async fn play(options: &Options, screen: &mut Screen<impl Write>, folder: &std::path::Path) -> Result<(), DemoError> {
    let mut end = pin!(told_to_end()?);
    let (tell_deliveries, mut deliveries) = mpsc::channel(MOST_NEWS_WAITING);
    let (tell_mishaps, mut mishaps) = mpsc::channel(MOST_NEWS_WAITING);
    let secret = configuration::secret();
    let receiver = Receiver::start(&secret, tell_deliveries)?;
    let stage = Stage::set(options, tell_mishaps).await?;
    let settings = configuration::settings(options.http, stage.cameras(), &receiver.url(), &secret, folder)?;
    let running = Running::start(settings, None).await?;

    let shown = async {
        screen.say(&texts::greeting(running.address(), &stage.names()))?;
        let (mut watch, mut figures) = (Watch::default(), Figures::new(Moment::now(), options.terminal));
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut time_is_up = pin!(time_is_up(options.lasts));
        loop {
            tokio::select! {
                () = &mut end => break,
                () = &mut time_is_up => break,
                Some(delivery) = deliveries.recv() => screen.say(&News::of_delivery(&delivery).line())?,
                Some(mishap) = mishaps.recv() => screen.say(&News::of_mishap(&mishap).line())?,
                _ = looks.tick() => {
                    let now = Moment::now();
                    for news in watch.look(&running.board().cameras(), now) {
                        screen.say(&news.line())?;
                    }
                    if let Some(line) = figures.line(running.board(), now) {
                        screen.figures(&line)?;
                    }
                }
            }
        }
        Ok(())
    }
    .await;

    let summary = texts::summary(running.board());
    running.end().await;
    stage.clear().await;
    let tally = receiver.end().await;
    shown
        .and_then(|()| {
            screen.end_figures()?;
            // What was delivered while it ended.
            while let Ok(delivery) = deliveries.try_recv() {
                screen.say(&News::of_delivery(&delivery).line())?;
            }
            screen.say(&texts::farewell(&summary, &tally))
        })
        .map_err(DemoError::Output)
}

async fn time_is_up(after: Option<Duration>) {
    match after {
        Some(after) => sleep_until(Instant::now() + after).await,
        None => std::future::pending().await,
    }
}

/// Resolves at the first of the signals by which a terminal or a service manager ends a program.
fn told_to_end() -> Result<impl Future<Output = ()>, DemoError> {
    let listen = |kind| signal(kind).map_err(DemoError::System);
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}
