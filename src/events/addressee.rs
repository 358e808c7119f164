use std::sync::Arc;

use crate::settings;

/// Who is told of events: a sink's name, which events it wants, and how many at most.
#[derive(Debug, Clone, PartialEq)]
pub struct Addressee {
    /// The sink's name.
    pub name: Arc<str>,
    /// Which events it wants.
    pub filter: settings::Filter,
    /// How many a minute it is told one by one; `None`: all.
    pub budget: Option<settings::Budget>,
}

impl Addressee {
    /// The addressee that a sink's settings describe.
    pub fn of(sink: &settings::Sink) -> Self {
        Self { name: Arc::clone(&sink.name), filter: sink.filter.clone(), budget: sink.budget }
    }

    /// One that wants everything.
    pub fn of_everything(name: &str) -> Self {
        Self { name: name.into(), filter: settings::Filter::default(), budget: None }
    }
}
