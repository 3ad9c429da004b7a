//! Connections that were lost, of this node and of others: who hears of them, and who is left so that partitions do not overlap.

use std::time::{Duration, Instant};

use kista_etf::Atom;

use super::{Core, Down, Effect};
use crate::global::wire::{Lost, say};

/// How long a lost connection is remembered, as in OTP, and how many at most.
pub(super) const REMEMBERED: Duration = Duration::from_secs(60 * 60);
pub(super) const MOST_REMEMBERED: usize = 10_000;

impl Core {
    pub(super) fn tell_loss(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        if self.connect_all && self.prevent {
            let lost = Lost {
                a: self.me,
                life: self.life.into(),
                number: self.count(),
                b: node,
            };
            self.multicast(&lost, node, effects);
        }
    }

    pub(super) fn multicast(&self, lost: &Lost, but: Atom, effects: &mut Vec<Effect>) {
        let members = self.known.iter().chain(&self.pending);
        let members = members.filter(|(_, version)| **version >= 7);
        let to = members.map(|(node, _)| node).chain(&self.leaving);
        let to = to.filter(|node| **node != but);
        effects.extend(to.map(|node| Effect::Send(*node, say::lost_connection(lost))));
    }

    pub(super) fn lost_connection(&mut self, lost: Lost, now: Instant, effects: &mut Vec<Effect>) {
        if !(self.connect_all && self.prevent) {
            return;
        }
        self.lost
            .retain(|(_, at)| now.saturating_duration_since(*at) < REMEMBERED);
        let before = self
            .lost
            .iter()
            .position(|(l, _)| (l.a, l.b) == (lost.a, lost.b));
        if let Some(place) = before {
            let (old, _) = &self.lost[place];
            if old.life == lost.life && lost.number <= old.number {
                return;
            }
            self.lost.remove(place);
        }
        self.multicast(&lost, lost.a, effects);
        if self.lost.len() >= MOST_REMEMBERED {
            self.lost.pop_front();
        }
        let ours = self.me == lost.b;
        let remove = match ours {
            true => lost.a,
            false => lost.b,
        };
        self.lost.push_back((lost, now));
        if !self.is_member(remove) {
            return;
        }
        if ours {
            // It is our loss as well, and will not be told when it is noticed here. (Ours: OTP tells it only if it is noticed before.)
            self.tell_loss(remove, effects);
        }
        match self.version_of(remove) < 7 {
            true => effects.push(Effect::Disconnect(remove)),
            false => effects.push(Effect::Send(remove, say::remove_connection(self.me))),
        }
        effects.push(Effect::Log("requested disconnect from", remove));
        self.down(remove, Down::Remove, effects);
    }
}
