//! Copies terms between encodings that differ in how atoms are written: references into a message's table become inline
//! atoms, or entries of another message's table; or in what a node is called. All else is copied byte for byte.

use crate::decoder::fun_end;
use crate::{AtomName, DecodeError, Decoder, Encoder, Kind, Renaming, tag};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// A fun that is being copied: its size is known only at its end.
struct OpenFun {
    owed: usize,
    /// Where it ends in the input, by its own account.
    end: usize,
    /// Where its size is in the output.
    size_at: usize,
}

impl Decoder<'_> {
    /// Copies one whole term into an encoder: `82, i` becomes whatever the encoder does with that atom. Names are not
    /// interned, nothing recurses, and what is copied is checked as [`skip`](Self::skip) does.
    ///
    /// A fun's own atoms always become inline ones, so that its bytes stand by themselves.
    pub fn transcode(&mut self, out: &mut Encoder) -> Result<()> {
        self.copy_term(out, &mut Vec::new(), None)
    }

    /// The same, with pids, ports and references of two incarnations of a node changing places, those inside of funs too.
    pub fn transcode_renamed(&mut self, out: &mut Encoder, renaming: &Renaming) -> Result<()> {
        self.copy_term(out, &mut Vec::new(), Some(renaming))
    }

    /// The same; notes where each closure starts, those inside of others too.
    pub(crate) fn transcode_noting_funs(
        &mut self,
        out: &mut Encoder,
        starts: &mut Vec<usize>,
    ) -> Result<()> {
        self.copy_term(out, starts, None)
    }

    fn copy_term(
        &mut self,
        out: &mut Encoder,
        starts: &mut Vec<usize>,
        renaming: Option<&Renaming>,
    ) -> Result<()> {
        let mut owed = 1usize;
        let mut funs: Vec<OpenFun> = Vec::new();
        while owed > 0 {
            owed -= 1;
            let start = self.position();
            let tag = self.tag()?;
            let inline = !funs.is_empty();
            match crate::kind::kind_of(tag)? {
                Kind::Atom => self.copy_atom(out, inline)?,
                Kind::Pid | Kind::Port | Kind::Reference => {
                    let before = if matches!(tag, tag::NEWER_REF | tag::NEW_REFERENCE) {
                        3
                    } else {
                        1
                    };
                    let mut probe = self.clone();
                    probe.skip_head(tag)?;
                    let end = probe.position();
                    out.raw(self.take(before)?);
                    match renaming {
                        None => {
                            self.copy_atom(out, inline)?;
                            let rest = end - self.position();
                            out.raw(self.take(rest)?);
                        }
                        Some(renaming) => self.copy_renamed(out, inline, tag, end, renaming)?,
                    }
                }
                Kind::Fun if tag == tag::EXPORT => {
                    let mut probe = self.clone();
                    probe.skip_head(tag)?;
                    out.raw(self.take(1)?);
                    self.copy_atom(out, inline)?;
                    self.copy_atom(out, inline)?;
                    out.raw(self.take(2)?);
                }
                Kind::Fun => {
                    if funs.len() >= self.limits_ref().depth {
                        return Err(DecodeError::TooDeep(self.limits_ref().depth));
                    }
                    let inside = self.skip_head(tag)?;
                    let end = fun_end(self.input(), start)?;
                    self.check_fun_parts()?;
                    starts.push(start);
                    funs.push(OpenFun {
                        owed,
                        end,
                        size_at: out.inline_bytes().len() + 1,
                    });
                    out.raw(&self.input()[start..self.position()]);
                    owed += inside;
                }
                _ => {
                    owed += self.skip_head(tag)?;
                    out.raw(&self.input()[start..self.position()]);
                }
            }
            self.expect_terms(owed)?;
            while funs.last().is_some_and(|fun| fun.owed == owed) {
                let Some(fun) = funs.pop() else { break };
                if fun.end != self.position() {
                    return Err(DecodeError::BadFun);
                }
                let bytes = out.buffer();
                let size =
                    u32::try_from(bytes.len() - fun.size_at).map_err(|_| DecodeError::BadFun)?;
                bytes[fun.size_at..fun.size_at + 4].copy_from_slice(&size.to_be_bytes());
            }
        }
        Ok(())
    }

    /// The node and what follows, of what ends at `end`.
    fn copy_renamed(
        &mut self,
        out: &mut Encoder,
        inline: bool,
        tag: u8,
        end: usize,
        renaming: &Renaming,
    ) -> Result<()> {
        let mut ahead = self.clone();
        let node = ahead.atom()?;
        let after = ahead.position();
        let creation_at = match tag {
            tag::NEWER_REF => Some(after),
            tag::NEW_PID | tag::NEW_PORT | tag::V4_PORT => Some(end - 4),
            // In the old forms a creation has no room for one of ours.
            _ => None,
        };
        let input = self.input();
        let renamed = creation_at.and_then(|at| {
            let creation = input.get(at..at + 4)?.try_into().ok()?;
            let to = renaming.of(node.as_str(), u32::from_be_bytes(creation))?;
            Some((at, to))
        });
        let Some((at, to)) = renamed else {
            self.copy_atom(out, inline)?;
            let rest = end - self.position();
            out.raw(self.take(rest)?);
            return Ok(());
        };
        match inline {
            false => out.atom(to.node),
            true => out
                .atom_str(to.node.as_str())
                .map_err(|_| DecodeError::AtomTooLong)?,
        }
        out.raw(&input[after..at]);
        out.raw(&to.creation.to_be_bytes());
        out.raw(&input[at + 4..end]);
        let node_and_rest = end - self.position();
        self.take(node_and_rest)?;
        Ok(())
    }

    fn copy_atom(&mut self, out: &mut Encoder, inline: bool) -> Result<()> {
        let start = self.position();
        let tag = self.tag()?;
        if tag != tag::ATOM_REF {
            self.skip_head(tag)?;
            out.raw(&self.input()[start..self.position()]);
            return Ok(());
        }
        match self.atom()? {
            AtomName::Interned(atom) if !inline => out.atom(atom),
            name => out
                .atom_str(name.as_str())
                .map_err(|_| DecodeError::AtomTooLong)?,
        }
        Ok(())
    }

    /// After the head of a closure: module, two integers, a pid. The free variables may be anything.
    fn check_fun_parts(&self) -> Result<()> {
        let mut probe = self.clone();
        for kind in [Kind::Atom, Kind::Integer, Kind::Integer, Kind::Pid] {
            if probe.peek()? != kind {
                return Err(DecodeError::BadFun);
            }
            let tag = probe.tag()?;
            probe.skip_head(tag)?;
        }
        Ok(())
    }
}
