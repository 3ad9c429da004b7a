use std::collections::VecDeque;

use super::*;

fn pid(node: &str, id: u32) -> Pid {
    Pid {
        node: Atom::new(node).unwrap(),
        id,
        serial: 0,
        creation: 4,
    }
}

fn reference(n: u32) -> Reference {
    Reference::from_words(Atom::from_static("here@h"), 4, [n, 0, 0])
}

fn here(id: u32) -> Pid {
    pid("here@h", id)
}

fn there(id: u32) -> Pid {
    pid("there@h", id)
}

fn group(n: i64) -> Term {
    Term::from(n)
}

fn core() -> Core {
    Core::new(Atom::from_static("scope"), Arc::default())
}

fn effects<T>(step: impl FnOnce(&mut Vec<Effect>) -> T) -> Vec<Effect> {
    let mut effects = Vec::new();
    step(&mut effects);
    effects
}

/// A core that knows the scope `there(1)`.
fn met() -> Core {
    let mut core = core();
    let met = effects(|e| core.said(discover(there(1)), e));
    assert_eq!(
        met,
        [
            Effect::Say(there(1), Say::All(vec![])),
            Effect::Watch(there(1)),
            Effect::Say(there(1), Say::Discover),
        ]
    );
    core
}

fn discover(peer: Pid) -> Said {
    Said {
        peer,
        what: What::Discover,
    }
}

fn all(peer: Pid, groups: &[(i64, &[Pid])]) -> Said {
    let groups = groups.iter().map(|(n, pids)| (group(*n), pids.to_vec()));
    Said {
        peer,
        what: What::All(groups.collect()),
    }
}

fn update(peer: Pid, n: i64, joined: &[Pid], left: &[Pid]) -> Said {
    let update = Update {
        group: group(n),
        joined: joined.to_vec(),
        left: left.to_vec(),
    };
    Said {
        peer,
        what: What::Update(vec![update]),
    }
}

fn tell(who: Pid, n: u32, joined: bool, of: i64, pids: &[Pid]) -> Effect {
    let change = Change {
        reference: reference(n),
        joined,
        group: group(of),
        pids: pids.to_vec(),
    };
    Effect::Tell(who, change)
}

#[test]
fn a_process_is_in_as_often_as_it_joined_and_leaves_as_often() {
    let mut core = met();
    let joined = effects(|e| core.join(&group(1), vec![here(7), here(7), here(8)], e));
    let three = vec![here(7), here(7), here(8)];
    assert_eq!(
        joined,
        [
            Effect::Watch(here(7)),
            Effect::Watch(here(8)),
            Effect::Say(there(1), Say::Join(group(1), three)),
        ]
    );
    assert_eq!(core.table.members(&group(1)).len(), 3);
    // It was in twice; the third time is void, and not told, since OTP 25 does not survive a leave of a group that is not there.
    let left = effects(|e| assert!(core.leave(&group(1), &[here(7), here(7), here(7)], e)));
    let twice = vec![here(7), here(7)];
    assert_eq!(
        left,
        [
            Effect::Unwatch(here(7)),
            Effect::Say(there(1), Say::Leave(twice, vec![group(1)])),
        ]
    );
    assert_eq!(core.table.local_members(&group(1)), [here(8)]);
    let nothing = effects(|e| assert!(!core.leave(&group(1), &[here(7)], e)));
    assert_eq!(nothing, []);
    let nothing = effects(|e| assert!(!core.leave(&group(2), &[here(8)], e)));
    assert_eq!(nothing, []);
    assert_eq!(effects(|e| core.join(&group(3), vec![], e)), []);
    assert_eq!(core.table.groups(), [group(1)]);
}

#[test]
fn a_member_that_ends_leaves_every_group_as_often_as_it_joined() {
    let mut core = met();
    core.join(&group(1), vec![here(7), here(7)], &mut Vec::new());
    core.join(&group(2), vec![here(7), here(8)], &mut Vec::new());
    let ended = effects(|e| core.ended(here(7), e));
    let groups = vec![group(1), group(1), group(2)];
    assert_eq!(
        ended,
        [Effect::Say(there(1), Say::Leave(vec![here(7)], groups))]
    );
    assert_eq!(core.table.groups(), [group(2)]);
    assert_eq!(core.table.members(&group(2)), [here(8)]);
    assert_eq!(effects(|e| core.ended(here(7), e)), []);
}

#[test]
fn the_members_of_a_lost_scope_vanish_and_no_others() {
    let mut core = met();
    core.join(&group(1), vec![here(7)], &mut Vec::new());
    let mut said = |said| core.said(said, &mut Vec::new());
    said(all(
        there(1),
        &[(1, &[there(5), there(5)]), (2, &[there(6)])],
    ));
    said(discover(there(2)));
    said(update(there(2), 2, &[there(9)], &[]));
    assert_eq!(core.table.members(&group(1)), [here(7), there(5), there(5)]);
    core.ended(there(1), &mut Vec::new());
    assert_eq!(core.table.members(&group(1)), [here(7)]);
    assert_eq!(core.table.members(&group(2)), [there(9)]);
    // What it still says is void: it was not met again.
    core.said(update(there(1), 1, &[there(5)], &[]), &mut Vec::new());
    assert_eq!(core.table.members(&group(1)), [here(7)]);
}

#[test]
fn who_says_all_anew_is_believed_and_only_the_difference_is_told() {
    let mut core = met();
    core.monitor(here(3), reference(1), None, &mut Vec::new());
    let first = effects(|e| {
        let groups: &[(i64, &[Pid])] = &[(1, &[there(5), there(5), there(6)]), (2, &[there(5)])];
        core.said(all(there(1), groups), e);
    });
    assert_eq!(
        first,
        [
            tell(here(3), 1, true, 1, &[there(5), there(5), there(6)]),
            tell(here(3), 1, true, 2, &[there(5)]),
        ]
    );
    let again = effects(|e| {
        let groups: &[(i64, &[Pid])] = &[(1, &[there(7), there(5), there(6)])];
        core.said(all(there(1), groups), e);
    });
    assert_eq!(
        again,
        [
            tell(here(3), 1, true, 1, &[there(7)]),
            tell(here(3), 1, false, 1, &[there(5)]),
            tell(here(3), 1, false, 2, &[there(5)]),
        ]
    );
    assert_eq!(core.table.groups(), [group(1)]);
    assert_eq!(core.table.members(&group(1)).len(), 3);
}

#[test]
fn a_leave_of_whom_the_peer_did_not_announce_takes_nobody_out() {
    let mut core = met();
    core.join(&group(1), vec![here(7)], &mut Vec::new());
    core.said(discover(there(2)), &mut Vec::new());
    core.said(update(there(2), 1, &[there(9)], &[]), &mut Vec::new());
    let forged = update(there(1), 1, &[], &[here(7), there(9), there(4)]);
    assert_eq!(effects(|e| core.said(forged, e)), []);
    let unknown = update(there(1), 3, &[], &[here(7)]);
    assert_eq!(effects(|e| core.said(unknown, e)), []);
    assert_eq!(core.table.members(&group(1)), [here(7), there(9)]);
    assert_eq!(core.table.groups(), [group(1)]);
}

#[test]
fn a_second_discover_is_answered_and_not_returned() {
    let mut core = met();
    core.join(&group(1), vec![here(7)], &mut Vec::new());
    let answer = Say::All(vec![(group(1), vec![here(7)])]);
    let second = effects(|e| core.said(discover(there(1)), e));
    assert_eq!(second, [Effect::Say(there(1), answer)]);
}

#[test]
fn watchers_are_told_of_their_group_only_and_until_they_take_it_back() {
    let mut core = met();
    core.join(&group(1), vec![here(7)], &mut Vec::new());
    let mut now = Vec::new();
    let first = effects(|e| now = core.monitor(here(3), reference(1), Some(group(1)), e));
    assert_eq!(first, [Effect::Watch(here(3))]);
    assert_eq!(now, [(group(1), vec![here(7)])]);
    let second = effects(|e| now = core.monitor(here(3), reference(2), None, e));
    assert_eq!((second, now.len()), (vec![], 1));
    let joined = effects(|e| core.said(update(there(1), 2, &[there(5)], &[]), e));
    assert_eq!(joined, [tell(here(3), 2, true, 2, &[there(5)])]);
    let joined = effects(|e| core.said(update(there(1), 1, &[there(5)], &[]), e));
    assert_eq!(
        joined,
        [
            tell(here(3), 2, true, 1, &[there(5)]),
            tell(here(3), 1, true, 1, &[there(5)]),
        ]
    );
    assert_eq!(effects(|e| assert!(core.demonitor(reference(2), e))), []);
    assert_eq!(effects(|e| assert!(!core.demonitor(reference(2), e))), []);
    let lost = effects(|e| core.ended(there(1), e));
    assert_eq!(lost, [tell(here(3), 1, false, 1, &[there(5)])]);
    let last = effects(|e| assert!(core.demonitor(reference(1), e)));
    assert_eq!(last, [Effect::Unwatch(here(3))]);
    assert!(core.by_group.is_empty() && core.of_all.is_empty());
}

#[test]
fn who_plays_two_parts_is_watched_once_and_until_the_last() {
    let mut core = core();
    core.join(&group(1), vec![here(3)], &mut Vec::new());
    let monitor = effects(|e| drop(core.monitor(here(3), reference(1), None, e)));
    assert_eq!(monitor, []);
    let left = effects(|e| assert!(core.leave(&group(1), &[here(3)], e)));
    assert_eq!(left, [tell(here(3), 1, false, 1, &[here(3)])]);
    core.join(&group(1), vec![here(3)], &mut Vec::new());
    assert_eq!(effects(|e| assert!(core.demonitor(reference(1), e))), []);
    core.monitor(here(3), reference(2), Some(group(1)), &mut Vec::new());
    core.ended(here(3), &mut Vec::new());
    assert!(core.monitors.is_empty() && core.by_group.is_empty() && core.members.is_empty());
    assert!(core.table.groups().is_empty());
}

/// Three nodes whose connections come and go under one seed, while processes join, leave and end. What was said over a connection that
/// is gone is lost, each end hears of that in its own time. When all are connected again and everything has arrived, all see the same.
#[test]
fn all_views_are_the_same_when_the_storm_is_over() {
    for seed in 1..=300 {
        Storm::new(seed).rage();
    }
}

const NODES: [&str; 3] = ["a@h", "b@h", "c@h"];

struct Storm {
    seed: u64,
    rng: u64,
    cores: Vec<Core>,
    /// For each ordered pair of nodes: what is under way, and which connection of the two it is.
    ways: Vec<Vec<Way>>,
    next: u32,
}

#[derive(Default)]
struct Way {
    up: bool,
    queue: VecDeque<Signal>,
    /// Whom the receiver watches at the sender; the end of the connection is a DOWN of each.
    watched: Vec<Pid>,
}

enum Signal {
    Up,
    Said(Say),
    Greeted,
    Down,
}

impl Storm {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            rng: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            cores: (0..3).map(|_| core()).collect(),
            ways: (0..3)
                .map(|_| (0..3).map(|_| Way::default()).collect())
                .collect(),
            next: 100,
        }
    }

    fn below(&mut self, n: usize) -> usize {
        self.rng ^= self.rng << 13;
        self.rng ^= self.rng >> 7;
        self.rng ^= self.rng << 17;
        (self.rng % n as u64) as usize
    }

    /// A node's scope process is number 1 of it.
    fn act(&mut self, at: usize, step: impl FnOnce(&mut Core, &mut Vec<Effect>)) {
        let mut effects = Vec::new();
        step(&mut self.cores[at], &mut effects);
        for effect in effects {
            let (to, signal) = match effect {
                Effect::Say(peer, say) => (peer.node, Signal::Said(say)),
                Effect::Greet(node) => (node, Signal::Greeted),
                Effect::Watch(pid) if pid.node.as_str() != NODES[at] => {
                    let from = place(pid.node);
                    self.ways[from][at].watched.push(pid);
                    continue;
                }
                _ => continue,
            };
            let way = &mut self.ways[at][place(to)];
            if way.up {
                way.queue.push_back(signal);
            }
        }
    }

    fn deliver(&mut self, from: usize, to: usize) {
        let peer = pid(NODES[from], 1);
        let Some(signal) = self.ways[from][to].queue.pop_front() else {
            return;
        };
        match signal {
            Signal::Up => self.act(to, |core, e| core.node_up(peer.node, e)),
            Signal::Greeted => self.act(to, |core, e| core.said(discover(peer), e)),
            Signal::Said(say) => {
                let text = say.to_term(peer);
                let said = Said::parse(&text, Some(peer.node)).expect("ours is read by ours");
                self.act(to, |core, e| core.said(said, e));
            }
            Signal::Down => {
                for pid in std::mem::take(&mut self.ways[from][to].watched) {
                    self.act(to, |core, e| core.ended(pid, e));
                }
            }
        }
    }

    fn connect(&mut self, a: usize, b: usize) {
        // A successor is announced when both have heard the end.
        let quiet = |way: &Way| !way.up && way.queue.is_empty();
        if a != b && quiet(&self.ways[a][b]) && quiet(&self.ways[b][a]) {
            for (from, to) in [(a, b), (b, a)] {
                let way = &mut self.ways[from][to];
                way.up = true;
                way.queue.push_back(Signal::Up);
            }
        }
    }

    fn cut(&mut self, a: usize, b: usize) {
        if a == b || !self.ways[a][b].up {
            return;
        }
        for (from, to) in [(a, b), (b, a)] {
            let lost = self.below(4);
            let way = &mut self.ways[from][to];
            way.up = false;
            let arrives = way.queue.len().saturating_sub(lost);
            let up = way.queue.iter().position(|s| matches!(s, Signal::Up));
            // Who was told that it is up was told before anything was lost.
            way.queue.truncate(arrives.max(up.map_or(0, |up| up + 1)));
            way.queue.push_back(Signal::Down);
        }
    }

    fn rage(mut self) {
        for _ in 0..400 {
            let (a, b) = (self.below(3), self.below(3));
            match self.below(12) {
                0 => self.connect(a, b),
                1 if self.below(4) == 0 => self.cut(a, b),
                2 | 3 => {
                    let fresh = pid(NODES[a], self.next);
                    self.next += 1;
                    let pids = vec![fresh; 1 + self.below(2)];
                    let n = self.below(4) as i64;
                    self.act(a, |core, e| core.join(&group(n), pids, e));
                }
                4 => {
                    let n = self.below(4) as i64;
                    let members = self.cores[a].table.local_members(&group(n));
                    if !members.is_empty() {
                        let left = members[self.below(members.len())];
                        self.act(a, |core, e| assert!(core.leave(&group(n), &[left], e)));
                    }
                }
                5 => {
                    let members: Vec<_> = self.cores[a].members.keys().copied().collect();
                    if let Some(pid) = members.iter().min() {
                        self.act(a, |core, e| core.ended(*pid, e));
                    }
                }
                _ => self.deliver(a, b),
            }
        }
        // So that there is something of each to compare.
        for (n, node) in NODES.iter().enumerate() {
            self.act(n, |core, e| core.join(&group(9), vec![pid(node, 2)], e));
        }
        for _ in 0..3 {
            for (a, b) in [(0, 1), (0, 2), (1, 2)] {
                self.connect(a, b);
            }
            while self.ways.iter().flatten().any(|way| !way.queue.is_empty()) {
                for (a, b) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)] {
                    self.deliver(a, b);
                }
            }
        }
        let view = |core: &Core| {
            let mut all = core.table.all();
            for (_, pids) in &mut all {
                pids.sort();
            }
            all.sort_by(|a, b| a.0.cmp(&b.0));
            all
        };
        let first = view(&self.cores[0]);
        assert_eq!(self.cores[0].table.members(&group(9)).len(), 3);
        for core in &self.cores[1..] {
            assert_eq!(view(core), first, "seed {}", self.seed);
        }
    }
}

fn place(node: Atom) -> usize {
    NODES
        .iter()
        .position(|name| *name == node.as_str())
        .unwrap()
}
