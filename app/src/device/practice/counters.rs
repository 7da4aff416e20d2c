//! What a board counts besides its flash: requests by name, and the modelled time on every link of the report.

use std::collections::BTreeMap;

use crate::model::cost::{Clock, Exchange, Link, Part};

/// Counts since the board was started.
#[derive(Clone, Debug)]
pub struct Counters {
    commands: BTreeMap<&'static str, u64>,
    clocks: [(&'static str, Clock); 3],
}

impl Counters {
    /// Nothing counted yet; modelled times are for this flash chip.
    pub fn new(part: Part) -> Self {
        Self {
            commands: BTreeMap::new(),
            clocks: Link::REPORTED.map(|(name, link)| (name, Clock::new(link, part))),
        }
    }

    /// Counts a request.
    pub fn count(&mut self, command: &'static str) {
        *self.commands.entry(command).or_default() += 1;
    }

    /// Adds a request with its answers to the modelled times.
    pub fn exchange(&mut self, exchange: &Exchange) {
        for (_, clock) in &mut self.clocks {
            clock.exchange(exchange);
        }
    }

    /// Adds bytes that belong to no request.
    pub fn carry(&mut self, bytes: u64) {
        for (_, clock) in &mut self.clocks {
            clock.carry(bytes);
        }
    }

    /// Requests by name.
    pub fn commands(&self) -> &BTreeMap<&'static str, u64> {
        &self.commands
    }

    /// Modelled seconds by link.
    pub fn modelled_seconds(&self) -> BTreeMap<&'static str, f64> {
        self.clocks
            .iter()
            .map(|(name, clock)| (*name, clock.elapsed().as_secs_f64()))
            .collect()
    }
}
