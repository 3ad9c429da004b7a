//! What stands in front of a monitor, of its taking back, and of an answer to an alias: each names another reference, and is else what it
//! was before. So what was written or read last is the template of the next, in which a sender's numbers and a reference's are exchanged.
//!
//! ```text
//! header  104,4,97,19  88,82,i, id:4 serial:4 creation:4   to  90,0,w,82,k, creation:4 word:4 ...     monitor; 20: its taking back
//! header  104,3,97,33  88,82,i, id:4 serial:4 creation:4       90,0,w,82,k, creation:4 word:4 ...     to an alias, payload
//! header  104,4,97,37,97,4  the same                                                                  as of OTP 28
//! ```
//! The rules are those of `memo.rs`: kept is only what changed nothing in the atom cache, for as long as nothing changes there; what
//! does not look just like this goes the usual way.

use kista_etf::{Atom, AtomName, Pid, Reference};

use super::AtomList;
use crate::control::{Control, Target};

/// Templates that are kept, in each direction.
const PLACES: usize = 32;
/// Longer ones are not worth it.
const MOST_BYTES: usize = 256;
/// How many bytes a pid's numbers take.
const NUMBERS: usize = 12;

/// The parts of such a signal.
struct Parts<'a> {
    kind: Kind,
    from: &'a Pid,
    to: Option<&'a Target>,
    reference: &'a Reference,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Monitor,
    Demonitor,
    Alias,
}

#[inline]
fn parts(control: &Control) -> Option<Parts<'_>> {
    let (kind, from, to, reference) = match control {
        Control::Monitor {
            from,
            to,
            reference,
        } => (Kind::Monitor, from, Some(to), reference),
        Control::Demonitor {
            from,
            to,
            reference,
        } => (Kind::Demonitor, from, Some(to), reference),
        Control::AliasSend {
            from,
            to,
            token: None,
        } => (Kind::Alias, from, None, to),
        _ => return None,
    };
    Some(Parts {
        kind,
        from,
        to,
        reference,
    })
}

impl Parts<'_> {
    /// Where it is kept: by whom it is for, or else from.
    fn place(&self) -> usize {
        place(
            self.kind,
            match self.to {
                Some(Target::Pid(pid)) => pid.id,
                Some(Target::Name(AtomName::Interned(name))) => name.index(),
                Some(Target::Name(AtomName::Text(_))) => 0,
                None => self.from.id,
            },
        )
    }

    /// Whether one is the template of the other: the same but for the numbers.
    #[inline]
    fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.to == other.to
            && self.from.node == other.from.node
            && self.reference.node() == other.reference.node()
            && self.reference.words().len() == other.reference.words().len()
    }
}

#[inline]
const fn place(kind: Kind, number: u32) -> usize {
    // The kinds of one process stand beside each other.
    let mixed = number.wrapping_mul(0x9e37_79b9) >> 16;
    (mixed as usize * 3 + kind as usize) % PLACES
}

/// Where in the bytes in front of a payload the numbers are.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    /// Of the sender: [`NUMBERS`] bytes.
    from_at: usize,
    /// Of the reference: its creation and its words, which are the last.
    reference_at: usize,
}

/// `None`: `bytes`, of which the last `control` are the control tuple, do not look as they usually do.
fn numbers(bytes: &[u8], control: usize, reference: &Reference) -> Option<Numbers> {
    if bytes.len() > MOST_BYTES {
        return None;
    }
    let control_at = bytes.len().checked_sub(control)?;
    let reference_at = bytes.len().checked_sub(4 + 4 * reference.words().len())?;
    let from_at = control_at + in_front_of_sender(&bytes[control_at..])? + 3;
    let sender = bytes.get(from_at.checked_sub(3)?..from_at - 1);
    let end = bytes.get(reference_at.checked_sub(5)?..reference_at - 1)?;
    let words = reference.words().len() as u8;
    let usual = sender == Some(&[88, 82])
        && end == [90, 0, words, 82]
        && from_at + NUMBERS <= reference_at - 5;
    usual.then_some(Numbers {
        from_at,
        reference_at,
    })
}

/// How many bytes of a control tuple of these kinds stand in front of its sender.
#[inline]
fn in_front_of_sender(control: &[u8]) -> Option<usize> {
    match control {
        [104, 4, 97, 19 | 20, ..] | [104, 3, 97, 33, ..] => Some(4),
        [104, 4, 97, 37, 97, _, ..] => Some(6),
        _ => None,
    }
}

/// Templates of what is written.
#[derive(Debug, Default)]
pub(super) struct WriteTemplates(Vec<Option<Box<WriteTemplate>>>);

#[derive(Debug)]
struct WriteTemplate {
    time: u64,
    control: Control,
    /// Those of the payload; the control tuple's own are behind them in the header.
    atoms: Vec<Atom>,
    bytes: Vec<u8>,
    header_atoms: usize,
    numbers: Numbers,
}

impl WriteTemplates {
    /// Writes header and control tuple; gives how many atoms the header lists. `None`: nothing was written.
    #[inline]
    pub(super) fn write(
        &self,
        control: &Control,
        atoms: &[Atom],
        time: u64,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let parts = parts(control)?;
        let template = self.0.get(parts.place())?.as_deref()?;
        if template.time != time
            || !parts.is_like(&self::parts(&template.control)?)
            || template.atoms != atoms
        {
            return None;
        }
        let start = out.len();
        out.extend_from_slice(&template.bytes);
        let new = out.get_mut(start..)?;
        let Pid {
            id,
            serial,
            creation,
            ..
        } = *parts.from;
        put_words(
            new.get_mut(template.numbers.from_at..)?,
            &[id, serial, creation],
        );
        let (creation, words) = new
            .get_mut(template.numbers.reference_at..)?
            .split_at_mut_checked(4)?;
        put_words(creation, &[parts.reference.creation()]);
        put_words(words, parts.reference.words());
        Some(template.header_atoms)
    }

    /// Remembers what was just written: `bytes`, of which the last `control_length` are the control tuple.
    pub(super) fn keep(
        &mut self,
        control: &Control,
        atoms: &[Atom],
        bytes: &[u8],
        control_length: usize,
        header_atoms: usize,
        time: u64,
    ) {
        let Some(parts) = parts(control) else {
            return;
        };
        let Some(numbers) = numbers(bytes, control_length, parts.reference) else {
            return;
        };
        put(
            &mut self.0,
            parts.place(),
            WriteTemplate {
                time,
                control: control.clone(),
                atoms: atoms.to_vec(),
                bytes: bytes.to_vec(),
                header_atoms,
                numbers,
            },
        );
    }
}

/// Templates of what is read.
#[derive(Debug, Default)]
pub(super) struct ReadTemplates(Vec<Option<Box<ReadTemplate>>>);

#[derive(Debug)]
struct ReadTemplate {
    time: u64,
    control: Control,
    atoms: AtomList,
    bytes: Vec<u8>,
    numbers: Numbers,
}

impl ReadTemplates {
    /// What `frame`, from its header on, begins with: the control tuple, the atoms, and how many bytes these took. What is behind
    /// them is a payload if there is to be one, and else nothing.
    #[inline]
    pub(super) fn find(&self, frame: &[u8], time: u64) -> Option<(Control, &AtomList, usize)> {
        let template = self.0.get(beginning(frame)?)?.as_deref()?;
        let ReadTemplate { bytes, numbers, .. } = template;
        let (front, rest) = frame.split_at_checked(bytes.len())?;
        let Numbers {
            from_at,
            reference_at,
        } = *numbers;
        let between = from_at + NUMBERS..reference_at;
        if template.time != time
            || template.control.takes_payload() == rest.is_empty()
            || front.get(..from_at) != bytes.get(..from_at)
            || front.get(between.clone()) != bytes.get(between)
        {
            return None;
        }
        let parts = parts(&template.control)?;
        let from = Pid {
            node: parts.from.node,
            id: word(front, from_at)?,
            serial: word(front, from_at + 4)?,
            creation: word(front, from_at + 8)?,
        };
        let mut words = [0; Reference::MAX_WORDS];
        let used = parts.reference.words().len();
        for (n, place) in words.iter_mut().enumerate().take(used) {
            *place = word(front, reference_at + 4 + 4 * n)?;
        }
        let creation = word(front, reference_at)?;
        let reference = Reference::new(parts.reference.node(), creation, words.get(..used)?)?;
        let control = match (parts.kind, parts.to) {
            (Kind::Monitor, Some(to)) => Control::Monitor {
                from,
                to: to.clone(),
                reference,
            },
            (Kind::Demonitor, Some(to)) => Control::Demonitor {
                from,
                to: to.clone(),
                reference,
            },
            _ => Control::AliasSend {
                from,
                to: reference,
                token: None,
            },
        };
        Some((control, &template.atoms, bytes.len()))
    }

    /// Remembers what was just read: `bytes`, of which the last `control_length` are the control tuple, say `control` and `atoms`.
    pub(super) fn keep(
        &mut self,
        bytes: &[u8],
        control_length: usize,
        control: &Control,
        atoms: &AtomList,
        time: u64,
    ) {
        let Some(parts) = parts(control) else {
            return;
        };
        let Some(numbers) = numbers(bytes, control_length, parts.reference) else {
            return;
        };
        let Some(place) = beginning(bytes) else {
            return;
        };
        put(
            &mut self.0,
            place,
            ReadTemplate {
                time,
                control: control.clone(),
                atoms: atoms.clone(),
                bytes: bytes.to_vec(),
                numbers,
            },
        );
    }
}

/// The place of a frame's template, as far as its bytes tell: `None` unless it looks like one of these kinds.
#[inline]
fn beginning(frame: &[u8]) -> Option<usize> {
    let atoms = usize::from(*frame.first()?);
    let control = frame.get(2 + atoms / 2 + atoms..)?;
    let sender = in_front_of_sender(control)?;
    let (kind, number_at) = match control.get(3)? {
        19 => (Kind::Monitor, sender + 3 + NUMBERS),
        20 => (Kind::Demonitor, sender + 3 + NUMBERS),
        _ => (Kind::Alias, sender + 3),
    };
    Some(place(kind, word(control, number_at)?))
}

#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[inline]
fn put_words(place: &mut [u8], words: &[u32]) {
    for (place, word) in place.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *place = word.to_be_bytes();
    }
}

fn put<T>(places: &mut Vec<Option<Box<T>>>, place: usize, template: T) {
    if places.is_empty() {
        places.resize_with(PLACES, || None);
    }
    places[place] = Some(Box::new(template));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kista_etf::{AtomQuota, Decoder, Encoder};

    use super::super::atoms::InboundCache;
    use super::super::{FrameReader, FrameWriter, Inbound, Outbox, ReaderLimits, WriteBuffer};
    use super::*;
    use crate::control::Decoded;
    use crate::flags::Flags;

    fn pid(node: &'static str, id: u32) -> Pid {
        Pid {
            node: Atom::from_static(node),
            id,
            serial: id.wrapping_mul(7),
            creation: id % 3 + 4,
        }
    }

    fn reference(node: &'static str, n: u32) -> Reference {
        let words = [n, n ^ 5, n.rotate_left(9), 8, 9];
        let used = if n.is_multiple_of(5) { 5 } else { 3 };
        Reference::new(Atom::from_static(node), n % 2 + 1, &words[..used]).unwrap()
    }

    /// Each kind, to few processes and names, from and about many, and others in between that teach new atoms now and then.
    fn signals() -> Vec<(Control, bool)> {
        let name = |n: u32| AtomName::from(Atom::new(&format!("template_{n}")).unwrap());
        (0..600u32)
            .map(|n| {
                let from = pid("a@template", n * 31 + 1);
                let to = match n % 3 {
                    0 => Target::Pid(pid("b@template", n % 4)),
                    1 => Target::Name(name(n % 2)),
                    _ => Target::Name(name(n / 100)),
                };
                match n % 7 {
                    0 | 4 => Control::Monitor {
                        from,
                        to,
                        reference: reference("a@template", n),
                    },
                    1 | 5 => Control::Demonitor {
                        from,
                        to,
                        reference: reference("a@template", n),
                    },
                    2 | 6 => Control::AliasSend {
                        from: pid("a@template", n % 5),
                        to: reference("b@template", n),
                        token: None,
                    },
                    _ => Control::message(from, to),
                }
            })
            .map(|control| {
                let payload = control.takes_payload();
                (control, payload)
            })
            .collect()
    }

    fn flags(with_alternatives: bool) -> Flags {
        match with_alternatives {
            true => Flags::ours(false),
            false => Flags::ours(false) - Flags::ALTACT_SIG,
        }
    }

    fn payload(n: usize) -> Encoder {
        let mut payload = Encoder::with_atom_table();
        payload.atom(Atom::new(&format!("template_payload_{}", n % 3)).unwrap());
        payload
    }

    fn written(flags: Flags, signals: &[(Control, bool)]) -> Vec<u8> {
        let mut writer = FrameWriter::new(flags);
        let mut out = WriteBuffer::new();
        for (n, (control, with_payload)) in signals.iter().enumerate() {
            let mut outbox = Outbox::new();
            let payload = with_payload.then(|| payload(n));
            outbox.push(control.clone(), payload.as_ref()).unwrap();
            writer.accept(&mut outbox);
            assert!(!writer.fill(&mut out, usize::MAX));
        }
        out.to_vec()
    }

    #[test]
    fn what_a_template_writes_and_reads_is_what_was_sent() {
        for with_alternatives in [true, false] {
            let (flags, signals) = (flags(with_alternatives), signals());
            let bytes = written(flags, &signals);
            let quota = Arc::new(AtomQuota::unlimited());
            let mut reader = FrameReader::new(flags, ReaderLimits::default(), quota);
            reader.push(&bytes);
            for (n, (sent, with_payload)) in signals.iter().enumerate() {
                let Some(Inbound::Signal { control, payload }) = reader.next().unwrap() else {
                    panic!("{n}: {sent:?} has not arrived");
                };
                assert_eq!(control, *sent, "{n}");
                assert_eq!(payload.is_some(), *with_payload, "{n}");
                if let Some(found) = payload {
                    let atom = found.decoder().atom().unwrap();
                    assert_eq!(atom.as_str(), format!("template_payload_{}", n % 3));
                }
            }
            assert_eq!(reader.next().unwrap(), None);
        }
    }

    /// A call is all of these, so they must not take each other's places.
    #[test]
    fn the_kinds_of_one_process_have_places_of_their_own() {
        for number in 0..10_000 {
            let places = [Kind::Monitor, Kind::Demonitor, Kind::Alias].map(|k| place(k, number));
            assert!(places[0] != places[1] && places[1] != places[2] && places[0] != places[2]);
        }
    }

    #[test]
    fn templates_are_what_most_of_them_are_made_by() {
        let flags = flags(true);
        let monitor = |n| Control::Monitor {
            from: pid("a@template", n),
            to: Target::Name(Atom::from_static("template").into()),
            reference: Reference::from_words(Atom::from_static("a@template"), 1, [n, 2, 3]),
        };
        let bytes = written(flags, &[(monitor(1), false), (monitor(2), false)]);
        let second = {
            let first = u32::from_be_bytes(*bytes.first_chunk().unwrap()) as usize;
            &bytes[4 + first + 6..]
        };
        let mut cache = InboundCache::new();
        let mut atoms = AtomList::default();
        cache
            .read_header(&bytes[6..], &AtomQuota::unlimited(), &mut atoms)
            .unwrap();
        let mut atoms = AtomList::default();
        let header = cache
            .read_header(second, &AtomQuota::unlimited(), &mut atoms)
            .unwrap();
        let mut templates = ReadTemplates::default();
        let control_length = second.len() - header;
        templates.keep(second, control_length, &monitor(2), &atoms, 0);
        let found = templates.find(second, 0);
        assert_eq!(found, Some((monitor(2), &atoms, second.len())));
        assert_eq!(templates.find(second, 1), None, "the cache has changed");
        let mut writer = WriteTemplates::default();
        writer.keep(&monitor(2), &[], second, control_length, atoms.len(), 0);
        let mut out = Vec::new();
        let time = 0;
        assert_eq!(
            writer.write(&monitor(2), &[], time, &mut out),
            Some(atoms.len())
        );
        assert_eq!(out, second);
        assert_eq!(writer.write(&monitor(3), &[], 1, &mut out), None);
    }

    /// Whatever a peer makes of a frame: it is read as it would be without a template, or not by one.
    #[test]
    fn a_damaged_frame_is_read_by_a_template_as_it_is_without_one() {
        for with_alternatives in [true, false] {
            let (flags, signals) = (flags(with_alternatives), signals());
            let bytes = written(flags, &signals[..200]);
            let mut cache = InboundCache::new();
            let mut templates = ReadTemplates::default();
            let (mut rest, mut found) = (&bytes[..], 0);
            while let Some((length, after)) = rest.split_first_chunk() {
                let (frame, after) = after.split_at(u32::from_be_bytes(*length) as usize);
                rest = after;
                let frame = &frame[2..];
                let time = cache.misses;
                let (control, atoms, used, in_tuple) =
                    read(&mut cache, frame).expect("what was written can be read");
                if cache.misses != time {
                    continue;
                }
                templates.keep(&frame[..used], in_tuple, &control, &atoms, time);
                for at in 0..used {
                    for change in [1, 2, 0x80] {
                        let mut damaged = frame.to_vec();
                        damaged[at] ^= change;
                        let Some((control, atoms, length)) = templates.find(&damaged, time) else {
                            continue;
                        };
                        found += 1;
                        let mut same = InboundCache::new();
                        same.clone_from(&cache);
                        let (control_without, atoms_without, used, _) =
                            read(&mut same, &damaged).expect("what a template reads is lawful");
                        assert_eq!(control, control_without);
                        assert_eq!((atoms, length), (&atoms_without, used));
                    }
                }
                for length in 0..frame.len() {
                    if let Some((control, ..)) = templates.find(&frame[..length], time) {
                        assert!(control.takes_payload() && length > used);
                    }
                }
            }
            assert!(found > 1000, "{found}");
        }
    }

    fn read(cache: &mut InboundCache, frame: &[u8]) -> Option<(Control, AtomList, usize, usize)> {
        let mut atoms = AtomList::default();
        let header = cache
            .read_header(frame, &AtomQuota::unlimited(), &mut atoms)
            .ok()?;
        let mut d = Decoder::new(&frame[header..]).atom_table(atoms.table());
        let Decoded::Signal { control, .. } = Control::decode(&mut d).ok()? else {
            return None;
        };
        let used = d.position();
        Some((control, atoms, header + used, used))
    }
}
