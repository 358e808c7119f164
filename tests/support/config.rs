use std::fmt::Write;

use super::{Receiver, receiver::SECRET};
use crate::testing::brightness_model;

/// A settings file for tests: a free port, the brightness model, quick rules, and what is added. The brightness model
/// sees everybody in the same place, so nobody is taken to have stayed there.
pub struct Config(String);

impl Config {
    pub fn new() -> Self {
        let model = brightness_model();
        Self(format!(
            "[server]\nbind = \"127.0.0.1:0\"\n\
             [detector]\nmodel = \"{}\"\nmin_score = 0.5\nworkers = 1\n\
             [visits]\nhits = 1\nwindow = 1\nquiet = \"1s\"\nblind = \"60s\"\ndown_after = \"2s\"\n\
             stationary = \"0s\"\n",
            model.display()
        ))
    }

    pub fn camera(self, id: &str, url: &str) -> Self {
        self.camera_with(id, url, "")
    }

    /// `more` is TOML of the camera's table.
    pub fn camera_with(mut self, id: &str, url: &str, more: &str) -> Self {
        let every = if more.contains("every") { "" } else { "every = \"200ms\"\n" };
        write!(self.0, "[[cameras]]\nid = \"{id}\"\nurl = \"{url}\"\n{every}{more}\n").expect("a string takes it");
        self
    }

    pub fn sink(mut self, name: &str, receiver: &Receiver) -> Self {
        let url = receiver.url();
        write!(self.0, "[[sinks]]\nname = \"{name}\"\ntype = \"webhook\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\ntimeout = \"2s\"\n")
            .expect("a string takes it");
        self
    }

    /// The sink that was added last is told each event by itself, however many there are.
    pub fn without_budget(mut self) -> Self {
        self.0.push_str("[sinks.budget]\nper_camera = 0\ntotal = 0\n");
        self
    }

    pub fn replace(self, from: &str, to: &str) -> Self {
        assert!(self.0.contains(from), "{from} is not in\n{}", self.0);
        Self(self.0.replace(from, to))
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}
