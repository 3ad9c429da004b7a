//! The outbound half of the atom cache.
//!
//! An atom's slot is its index modulo 2048, so that finding it is one array access. Two atoms of one message never share a slot: the later
//! one goes to the next slot that this message does not use. The reader's rules are in `atoms.rs`.

use kista_etf::Atom;

use super::atoms::SLOTS;

const VACANT: u32 = u32::MAX;
const NEW: u16 = 1 << 15;

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The index of the atom that the peer has here.
    atom: u32,
    /// The last message that used the slot.
    message: u32,
}

/// What the peer knows.
#[derive(Debug)]
pub(super) struct OutboundCache {
    slots: Box<[Slot]>,
    message: u32,
    /// The slots of the message at hand, with `NEW`.
    assigned: Vec<u16>,
    /// Atoms that the peer had, and atoms that it was told.
    pub(super) hits: u64,
    pub(super) misses: u64,
}

impl OutboundCache {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![
                Slot {
                    atom: VACANT,
                    message: 0
                };
                SLOTS
            ]
            .into(),
            message: 0,
            assigned: Vec::new(),
            hits: 0,
            misses: 0,
        }
    }

    /// Writes the header part for these atoms (at most 255), from `N` on.
    pub(super) fn write_header(&mut self, atoms: &[Atom], out: &mut Vec<u8>) {
        debug_assert!(atoms.len() <= 255);
        out.push(atoms.len() as u8);
        if atoms.is_empty() {
            return;
        }
        let long = self.assign(atoms);
        let flags_at = out.len();
        out.resize(flags_at + atoms.len() / 2 + 1, 0);
        let flag = |i: usize, nibble: u8, out: &mut Vec<u8>| {
            out[flags_at + i / 2] |= nibble << (4 * (i % 2))
        };
        for (i, (&slot, atom)) in self.assigned.iter().zip(atoms).enumerate() {
            let segment = (slot >> 8 & 7) as u8;
            let index = slot as u8;
            if slot & NEW == 0 {
                flag(i, segment, out);
                out.push(index);
                continue;
            }
            flag(i, segment | 8, out);
            let text = atom.as_str().as_bytes();
            if long {
                let [high, low] = (text.len() as u16).to_be_bytes();
                out.extend_from_slice(&[index, high, low]);
            } else {
                out.extend_from_slice(&[index, text.len() as u8]);
            }
            out.extend_from_slice(text);
        }
        flag(atoms.len(), u8::from(long), out);
    }

    /// Gives each atom a slot; says whether a new one is longer than 255 bytes.
    fn assign(&mut self, atoms: &[Atom]) -> bool {
        self.message = self.message.wrapping_add(1);
        if self.message == 0 {
            self.slots.iter_mut().for_each(|slot| slot.message = 0);
            self.message = 1;
        }
        self.assigned.clear();
        let mut long = false;
        let mut misses = 0;
        for atom in atoms {
            let mut number = atom.index() as usize % SLOTS;
            let new = loop {
                let slot = &mut self.slots[number];
                if slot.atom == atom.index() {
                    slot.message = self.message;
                    break false;
                }
                if slot.message != self.message {
                    *slot = Slot {
                        atom: atom.index(),
                        message: self.message,
                    };
                    break true;
                }
                number = (number + 1) % SLOTS;
            };
            if new {
                long |= atom.as_str().len() > 255;
                misses += 1;
            }
            self.assigned
                .push(number as u16 | if new { NEW } else { 0 });
        }
        self.misses += misses;
        self.hits += atoms.len() as u64 - misses;
        long
    }
}

#[cfg(test)]
mod tests {
    use super::super::atoms::{AtomList, InboundCache};
    use super::*;
    use kista_etf::{AtomName, AtomQuota};

    fn check(out: &mut OutboundCache, inbound: &mut InboundCache, atoms: &[Atom]) -> usize {
        let mut bytes = Vec::new();
        out.write_header(atoms, &mut bytes);
        let mut read = AtomList::default();
        let used = inbound
            .read_header(&bytes, &AtomQuota::unlimited(), &mut read)
            .unwrap();
        assert_eq!(used, bytes.len());
        let want: Vec<AtomName> = atoms.iter().map(|&a| a.into()).collect();
        assert!(read.iter().eq(want));
        used
    }

    #[test]
    fn three_thousand_atoms_are_read_back_through_colliding_slots() {
        let atoms: Vec<Atom> = (0..3000)
            .map(|i| Atom::new(&format!("outcache_{i}")).unwrap())
            .collect();
        let (mut out, mut inbound) = (OutboundCache::new(), InboundCache::new());
        for round in 0..3 {
            for list in atoms.chunks(17 + round) {
                check(&mut out, &mut inbound, list);
            }
        }
    }

    #[test]
    fn a_known_atom_costs_one_byte_and_a_nibble() {
        let (mut out, mut inbound) = (OutboundCache::new(), InboundCache::new());
        let atoms = [kista_etf::atoms::OK, kista_etf::atoms::ERROR];
        check(&mut out, &mut inbound, &atoms);
        assert_eq!(check(&mut out, &mut inbound, &atoms), 1 + 2 + 2);
    }

    #[test]
    fn atoms_of_one_message_that_want_one_slot_get_two() {
        let mut same: Vec<Atom> = Vec::new();
        for i in 0.. {
            let atom = Atom::new(&format!("collide_{i}")).unwrap();
            if same
                .first()
                .is_none_or(|first| first.index() as usize % SLOTS == atom.index() as usize % SLOTS)
            {
                same.push(atom);
            }
            if same.len() == 3 {
                break;
            }
        }
        let (mut out, mut inbound) = (OutboundCache::new(), InboundCache::new());
        for _ in 0..3 {
            check(&mut out, &mut inbound, &same);
            check(&mut out, &mut inbound, &[same[2], same[1]]);
        }
    }

    #[test]
    fn long_atoms_switch_the_length_width() {
        let long = Atom::new(&"é".repeat(200)).unwrap();
        let (mut out, mut inbound) = (OutboundCache::new(), InboundCache::new());
        check(
            &mut out,
            &mut inbound,
            &[kista_etf::atoms::OK, long, kista_etf::atoms::TRUE],
        );
        check(&mut out, &mut inbound, &[long]);
        let many: Vec<Atom> = (0..255)
            .map(|i| Atom::new(&format!("many_{i}")).unwrap())
            .collect();
        check(&mut out, &mut inbound, &many);
    }
}
