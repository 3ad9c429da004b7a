use std::sync::Arc;

use super::Dest;

/// Generations that are remembered. Each child that starts the next one and ends would else keep all before it.
const MOST: u8 = 32;

/// Who started a process, and who started that one, nearest first: `$ancestors` of OTP's `proc_lib`. Siblings share it.
#[derive(Clone, Default)]
pub(crate) struct Ancestry(Option<Arc<Ancestor>>);

struct Ancestor {
    /// By name when it has one.
    who: Dest,
    above: Ancestry,
    depth: u8,
}

impl Ancestry {
    /// The ancestry of a child of `who`, whose own ancestry is `above`.
    pub(crate) fn below(who: Dest, above: &Self) -> Self {
        match above.depth() {
            MOST => {
                let kept = above.list();
                let nearer = kept.into_iter().take(usize::from(MOST / 2)).rev();
                let above = nearer.fold(Self::default(), |above, who| above.with(who));
                above.with(who)
            }
            _ => above.clone().with(who),
        }
    }

    fn with(self, who: Dest) -> Self {
        let depth = self.depth() + 1;
        Self(Some(Arc::new(Ancestor {
            who,
            above: self,
            depth,
        })))
    }

    fn depth(&self) -> u8 {
        self.0.as_ref().map_or(0, |nearest| nearest.depth)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The one who started this process.
    pub(crate) fn nearest(&self) -> Option<Dest> {
        self.0.as_ref().map(|nearest| nearest.who)
    }

    /// Nearest first.
    pub(crate) fn list(&self) -> Vec<Dest> {
        let mut list = Vec::with_capacity(usize::from(self.depth()));
        let mut next = self;
        while let Some(ancestor) = &next.0 {
            list.push(ancestor.who);
            next = &ancestor.above;
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_of_ancestors_is_cut_at_its_far_end() {
        const NAMES: [&str; 3] = ["first", "second", "third"];
        let mut line = Ancestry::default();
        for n in 0..1_000 {
            line = Ancestry::below(Dest::from(NAMES[n % 3]), &line);
            let list = line.list();
            assert!(list.len() <= usize::from(MOST));
            let nearest: Vec<_> = (0..=n).rev().take(list.len().min(16)).collect();
            for (n, who) in nearest.into_iter().zip(&list) {
                assert_eq!(*who, Dest::from(NAMES[n % 3]));
            }
        }
        assert!(line.list().len() > 16);
    }
}
