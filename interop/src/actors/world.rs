use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use kista::{Atom, ExitReason, Info, Node, Pid, ProcessCx, Reference, Term};
use tokio::sync::{mpsc, oneshot};

use super::actor;

/// What a scenario's actors and their player share.
#[derive(Clone)]
pub(super) struct World {
    pub(super) node: Node,
    shared: Arc<Mutex<Shared>>,
    watcher: mpsc::UnboundedSender<(Pid, oneshot::Sender<()>)>,
}

/// An actor or a label that nobody made.
pub(super) struct Unknown(pub(super) Atom);

#[derive(Default)]
struct Shared {
    pids: HashMap<Atom, Pid>,
    actors: HashMap<Pid, Atom>,
    references: HashMap<Atom, Reference>,
    labels: HashMap<Reference, Atom>,
    paused: HashSet<Atom>,
    /// In the order in which it was seen, by the actors' names.
    seen: BTreeMap<String, Vec<Term>>,
    entries: usize,
    pongs: HashMap<Pid, oneshot::Sender<()>>,
}

impl World {
    pub(super) fn new(node: Node) -> Self {
        let (watcher, asked) = mpsc::unbounded_channel();
        let world = Self {
            node: node.clone(),
            shared: Arc::default(),
            watcher,
        };
        node.spawn_fn({
            let world = world.clone();
            async move |cx| world.watch(cx, asked).await
        })
        .expect("a process starts");
        world
    }

    /// Hears of every actor's end.
    async fn watch(
        self,
        mut cx: ProcessCx,
        mut asked: mpsc::UnboundedReceiver<(Pid, oneshot::Sender<()>)>,
    ) {
        loop {
            tokio::select! {
                biased;
                Some((pid, watched)) = asked.recv() => {
                    cx.monitor(pid);
                    let _ = watched.send(());
                }
                info = cx.receive() => match info {
                    Info::Down { from: kista::Dest::Pid(pid), reason, .. } => {
                        let actor = self.lock().actors[&pid];
                        self.saw(actor, ended(&reason));
                    }
                    Info::Term(_) => self.pong(cx.pid()),
                    other => panic!("the watcher got {other:?}"),
                }
            }
        }
    }

    /// Starts an actor by `start`, and makes it known.
    pub(super) async fn start(&self, name: Atom, start: impl FnOnce(ActorCode) -> Pid) -> Pid {
        let world = self.clone();
        let pid = start(Box::new(move |cx| Box::pin(actor::act(world, name, cx))));
        {
            let mut shared = self.lock();
            shared.pids.insert(name, pid);
            shared.actors.insert(pid, name);
        }
        let (watched, watching) = oneshot::channel();
        let _ = self.watcher.send((pid, watched));
        watching.await.expect("the watcher lives");
        pid
    }

    pub(super) fn pid(&self, actor: Atom) -> Result<Pid, Unknown> {
        self.lock().pids.get(&actor).copied().ok_or(Unknown(actor))
    }

    /// The actors that live.
    pub(super) fn living(&self) -> Vec<(Atom, Pid)> {
        let shared = self.lock();
        let living = shared.pids.iter().map(|(name, pid)| (*name, *pid));
        living.filter(|(_, pid)| self.node.is_alive(*pid)).collect()
    }

    pub(super) fn reference(&self, label: Atom) -> Result<Reference, Unknown> {
        self.lock()
            .references
            .get(&label)
            .copied()
            .ok_or(Unknown(label))
    }

    pub(super) fn label(&self, label: Atom, reference: Reference) {
        let mut shared = self.lock();
        shared.labels.insert(reference, label);
        shared.references.insert(label, reference);
    }

    pub(super) fn pause(&self, actor: Atom, paused: bool) {
        let mut shared = self.lock();
        if paused {
            shared.paused.insert(actor);
        } else {
            shared.paused.remove(&actor);
        }
    }

    pub(super) fn is_paused(&self, actor: Atom) -> bool {
        self.lock().paused.contains(&actor)
    }

    pub(super) fn saw(&self, actor: Atom, what: Term) {
        let mut shared = self.lock();
        let what = shared.plain(&what);
        shared.entries += 1;
        shared
            .seen
            .entry(actor.as_str().to_owned())
            .or_default()
            .push(what);
    }

    pub(super) fn entries(&self) -> usize {
        self.lock().entries
    }

    /// What was seen since the last time, by actor.
    pub(super) fn take_seen(&self) -> BTreeMap<String, Vec<Term>> {
        std::mem::take(&mut self.lock().seen)
    }

    /// Ready when `pid` has answered: it has done all that came before.
    pub(super) fn ask(&self, pid: Pid) -> oneshot::Receiver<()> {
        let (pong, ponged) = oneshot::channel();
        self.lock().pongs.insert(pid, pong);
        drop(self.node.send(pid, &actor::ping()));
        ponged
    }

    pub(super) fn pong(&self, pid: Pid) {
        if let Some(pong) = self.lock().pongs.remove(&pid) {
            let _ = pong.send(());
        }
    }

    /// Names and labels in place of pids and references.
    pub(super) fn plain(&self, term: &Term) -> Term {
        self.lock().plain(term)
    }

    /// Pids and references in place of `{pid, Actor}` and `{ref, Label}`.
    pub(super) fn real(&self, term: &Term) -> Term {
        if let Some([kind, name]) = term.as_tuple()
            && let (Some(kind), Some(name)) = (kind.as_atom_str(), name.as_atom())
        {
            match kind {
                "pid" => return self.pid(name).map_or(Term::NIL, Term::from),
                "ref" => return self.reference(name).map_or(Term::NIL, Term::from),
                _ => {}
            }
        }
        map(term, &mut |part| self.real(part))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no panic under the lock")
    }
}

/// An actor's code, for whatever way of starting it.
pub(super) type ActorCode =
    Box<dyn FnOnce(ProcessCx) -> std::pin::Pin<Box<dyn Future<Output = ExitReason> + Send>> + Send>;

impl Shared {
    fn plain(&self, term: &Term) -> Term {
        let name = match term {
            Term::Pid(pid) => Some(self.actors.get(pid)),
            Term::Reference(reference) => Some(self.labels.get(&**reference)),
            _ => None,
        };
        match name {
            Some(name) => Term::from(
                name.copied()
                    .unwrap_or_else(|| Atom::from_static("unknown")),
            ),
            None => map(term, &mut |part| self.plain(part)),
        }
    }
}

/// The same tuple or list of other elements; anything else as it is.
fn map(term: &Term, f: &mut dyn FnMut(&Term) -> Term) -> Term {
    if let Some(elements) = term.as_tuple() {
        Term::tuple(elements.iter().map(f).collect::<Vec<_>>())
    } else if let Some(elements) = term.as_list() {
        Term::list(elements.iter().map(f).collect::<Vec<_>>())
    } else {
        term.clone()
    }
}

fn ended(reason: &ExitReason) -> Term {
    Term::tuple([Term::from(Atom::from_static("ended")), reason.to_term()])
}
