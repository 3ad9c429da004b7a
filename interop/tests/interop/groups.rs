//! Process groups across the border: `pg` of OTP and ours in one scope. What Erlang does is in `erlang/groups.erl`, called by `erpc`.

use std::time::Duration;

use kista::pg::{Change, Scope};
use kista::{Atom, Info, Node, NodeEvent, Pid, Term};
use kista_interop::{Bed, Program, Random};

const ERL: &str = "erl@127.0.0.1";
const OURS: &str = "ours@127.0.0.1";
const PATIENCE: Duration = Duration::from_secs(60);

type View = Vec<(Term, Vec<Pid>)>;

/// One Erlang node with the scope `pg`, and a visible one of ours; not connected yet.
struct Pair {
    bed: Bed,
    erl: Program,
    node: Node,
}

impl Pair {
    async fn new() -> Self {
        let bed = Bed::new();
        let erl = erlang(&bed);
        let node = ours(&bed, OURS).await;
        Self { bed, erl, node }
    }

    async fn ask<T>(&self, function: &'static str, arguments: Vec<Term>) -> T
    where
        T: for<'a> kista::Decode<'a> + Send + 'static,
    {
        let answer = self.node.erpc::<T>(ERL, ("groups", function), arguments);
        let answer = answer.timeout(PATIENCE).await;
        answer.unwrap_or_else(|error| panic!("groups:{function}: {error:?}"))
    }

    /// New processes there that join with one call, each so many times.
    async fn join_there(&self, scope: &Scope, group: i64, count: u8, times: u8) -> Vec<Pid> {
        let many = Term::from((count, times));
        let arguments = vec![scope.name().into(), group.into(), many];
        self.ask("join", arguments).await
    }

    async fn kill_there(&self, pids: &[Pid]) {
        let pids = pids.iter().map(|pid| Term::from(*pid));
        self.ask::<Atom>("kill", vec![Term::list(pids)]).await;
    }

    async fn view_there(&self, scope: &Scope) -> View {
        sorted(self.ask("view", vec![scope.name().into()]).await)
    }

    /// Both see the same at last, and it satisfies `wanted`.
    async fn agree(&self, scope: &Scope, wanted: impl Fn(&View) -> bool) -> View {
        let mut seen = (Vec::new(), Vec::new());
        let agreed = eventually(async || {
            seen = (view(scope), self.view_there(scope).await);
            seen.0 == seen.1 && wanted(&seen.0)
        });
        assert!(agreed.await, "here {:?}\nthere {:?}", seen.0, seen.1);
        seen.0
    }
}

fn erlang(bed: &Bed) -> Program {
    let mut erl = bed.erlang(ERL, "groups", "serve", &[ERL]);
    erl.expect(&format!("ready {ERL}"), PATIENCE);
    erl
}

async fn ours(bed: &Bed, name: &str) -> Node {
    let node = bed.node(name).visible().start().await;
    node.expect("our node starts")
}

async fn eventually(mut check: impl AsyncFnMut() -> bool) -> bool {
    let end = std::time::Instant::now() + PATIENCE;
    while !check().await {
        if std::time::Instant::now() > end {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}

fn view(scope: &Scope) -> View {
    let groups = scope.groups().into_iter();
    sorted(
        groups
            .map(|group| (group.clone(), scope.members(group)))
            .collect(),
    )
}

fn sorted(mut view: View) -> View {
    for (_, pids) in &mut view {
        pids.sort();
    }
    view.sort();
    view
}

fn sleeper(node: &Node) -> Pid {
    let code = async |mut cx: kista::ProcessCx| drop(cx.receive().await);
    node.spawn_fn(code).expect("it starts")
}

fn members(view: &View, group: i64) -> usize {
    let group = Term::from(group);
    let found = view.iter().find(|(held, _)| *held == group);
    found.map_or(0, |(_, pids)| pids.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_there_is_seen_here_and_who_ends_is_gone() {
    let pair = Pair::new().await;
    let pg = pair.node.pg().await.unwrap();
    assert!(pair.node.ping(ERL).await);
    let twice = pair.join_there(&pg, 1, 2, 2).await;
    let once = pair.join_there(&pg, 1, 1, 1).await;
    let other = pair.join_there(&pg, 2, 1, 1).await;
    pair.agree(&pg, |view| members(view, 1) == 5 && members(view, 2) == 1)
        .await;
    assert!(pg.local_groups().is_empty());
    let leave = vec!["pg".parse::<Term>().unwrap(), 1.into(), twice[0].into()];
    pair.ask::<Atom>("leave", leave).await;
    pair.agree(&pg, |view| members(view, 1) == 4).await;
    pair.kill_there(&[twice[1], other[0]]).await;
    let end = pair.agree(&pg, |view| members(view, 1) == 2).await;
    let mut left = vec![twice[0], once[0]];
    left.sort();
    assert_eq!(end, [(Term::from(1), left)]);
    pair.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_here_is_seen_there_and_who_ends_is_gone() {
    let pair = Pair::new().await;
    let pg = pair.node.pg().await.unwrap();
    assert!(pair.node.ping(ERL).await);
    let [a, b, c] = [0; 3].map(|_| sleeper(&pair.node));
    pg.join(1, [a, a, b]).await.unwrap();
    pg.join(2, c).await.unwrap();
    pair.agree(&pg, |view| members(view, 1) == 3 && members(view, 2) == 1)
        .await;
    // More leaves than joins: what is too much is void, and breaks nothing there.
    assert!(pg.leave(1, [b, b, b]).await.unwrap());
    assert!(!pg.leave(1, c).await.unwrap());
    assert!(!pg.leave(7, c).await.unwrap());
    pair.agree(&pg, |view| members(view, 1) == 2).await;
    pair.node.exit(a, kista::ExitReason::Kill);
    pair.agree(&pg, |view| members(view, 1) == 0 && members(view, 2) == 1)
        .await;
    // All were in the same scope process of theirs all the time.
    pg.join(3, [a, c]).await.unwrap();
    pair.agree(&pg, |view| members(view, 3) == 1).await;
    pair.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_node_takes_its_members_with_it_on_either_side() {
    let mut pair = Pair::new().await;
    let pg = pair.node.pg().await.unwrap();
    assert!(pair.node.ping(ERL).await);
    let second = ours(&pair.bed, "second@127.0.0.1").await;
    let pg_of_second = second.pg().await.unwrap();
    assert!(second.ping(ERL).await);
    assert!(second.ping(OURS).await);
    pg.join(1, sleeper(&pair.node)).await.unwrap();
    pg_of_second.join(1, sleeper(&second)).await.unwrap();
    pair.join_there(&pg, 1, 1, 1).await;
    pair.agree(&pg, |view| members(view, 1) == 3).await;
    assert!(eventually(async || pg_of_second.members(1).len() == 3).await);
    second.stop().await;
    pair.agree(&pg, |view| members(view, 1) == 2).await;
    pair.erl.kill();
    assert!(eventually(async || pg.members(1).len() == 1).await);
    assert_eq!(pg.members(1), pg.local_members(1));
    // Its next life knows nobody until it hears of us.
    pair.erl = erlang(&pair.bed);
    assert!(eventually(async || pair.node.ping(ERL).await).await);
    pair.agree(&pg, |view| members(view, 1) == 1).await;
    pair.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_scopes_and_new_ones_learn_all_and_scopes_do_not_mix() {
    let pair = Pair::new().await;
    assert!(pair.node.ping(ERL).await);
    // Theirs was there before ours.
    let start = |scope: &str| vec![Term::from(Atom::new(scope).unwrap())];
    pair.ask::<Pid>("start", start("theirs_first")).await;
    pair.ask::<Vec<Pid>>(
        "join",
        vec!["theirs_first".parse().unwrap(), 1.into(), (2, 1).into()],
    )
    .await;
    let theirs_first = pair.node.start_pg("theirs_first").await.unwrap();
    pair.agree(&theirs_first, |view| members(view, 1) == 2)
        .await;
    // Ours was there before theirs.
    let ours_first = pair.node.start_pg("ours_first").await.unwrap();
    ours_first.join("g", sleeper(&pair.node)).await.unwrap();
    pair.ask::<Pid>("start", start("ours_first")).await;
    pair.agree(&ours_first, |view| view.len() == 1).await;
    assert!(theirs_first.members("g").is_empty());
    // Their scope's process dies, and ours: what it announced is gone, and its successor is met again.
    pair.ask::<Atom>("stop", start("theirs_first")).await;
    assert!(eventually(async || theirs_first.groups().is_empty()).await);
    theirs_first.join(5, sleeper(&pair.node)).await.unwrap();
    pair.ask::<Pid>("start", start("theirs_first")).await;
    pair.agree(&theirs_first, |view| members(view, 5) == 1)
        .await;
    let scope = pair.node.whereis("ours_first").unwrap();
    pair.node.exit(scope, kista::ExitReason::Kill);
    assert!(eventually(async || pair.view_there(&ours_first).await.is_empty()).await);
    assert!(ours_first.groups().is_empty());
    pair.ask::<Vec<Pid>>(
        "join",
        vec!["ours_first".parse().unwrap(), 8.into(), (1, 1).into()],
    )
    .await;
    let again = pair.node.start_pg("ours_first").await.unwrap();
    pair.agree(&again, |view| members(view, 8) == 1).await;
    pair.node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_node_keeps_its_groups_to_itself() {
    let bed = Bed::new();
    let _erl = erlang(&bed);
    let node = bed.node(OURS).start().await.unwrap();
    let pg = node.pg().await.unwrap();
    assert!(node.ping(ERL).await);
    pg.join(1, sleeper(&node)).await.unwrap();
    let groups = || {
        node.erpc::<View>(
            ERL,
            ("groups", "view"),
            [Term::from(Atom::from_static("pg"))],
        )
    };
    node.erpc::<Vec<Pid>>(
        ERL,
        ("groups", "join"),
        (Atom::from_static("pg"), 2, (1, 1)),
    )
    .await
    .unwrap();
    assert_eq!(groups().await.unwrap().len(), 1);
    assert_eq!(pg.groups(), [Term::from(1)]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_watches_a_group_is_told_of_the_other_sides_members() {
    let pair = Pair::new().await;
    let pg = pair.node.pg().await.unwrap();
    assert!(pair.node.ping(ERL).await);
    pair.join_there(&pg, 9, 1, 1).await;
    pair.agree(&pg, |view| members(view, 9) == 1).await;
    let scope = || Term::from(Atom::from_static("pg"));
    let (of_one, now): (Pid, Vec<Pid>) = pair.ask("watch", vec![scope(), 1.into()]).await;
    assert!(now.is_empty());
    let all = Term::from(Atom::from_static("scope"));
    let (of_all, now): (Pid, Term) = pair.ask("watch", vec![scope(), all]).await;
    assert_eq!(now.as_map().unwrap().len(), 1);
    let (told, mut changes) = tokio::sync::mpsc::unbounded_channel();
    let watching = pg.clone();
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let watch = async move |mut cx: kista::ProcessCx| {
        let (one, now) = watching.monitor(&cx, 1).await.unwrap();
        assert!(now.is_empty());
        let (all, now) = watching.monitor_scope(&cx).await.unwrap();
        assert_eq!(now.len(), 1);
        ready.send((one, all)).unwrap();
        loop {
            if let Info::Term(term) = cx.receive().await {
                let change = Change::from_term(&term).expect("nothing else comes");
                told.send(change).unwrap();
            }
        }
    };
    let watcher = pair.node.spawn_fn(watch).unwrap();
    let (one, all) = is_ready.await.unwrap();
    // Theirs come and go.
    let theirs = pair.join_there(&pg, 1, 1, 2).await;
    pair.kill_there(&theirs).await;
    // Ours too.
    pair.agree(&pg, |view| members(view, 1) == 0).await;
    let [a, b] = [0; 2].map(|_| sleeper(&pair.node));
    pg.join(1, [a, b]).await.unwrap();
    pg.leave(1, a).await.unwrap();
    pg.join(2, b).await.unwrap();
    pair.node.exit(b, kista::ExitReason::Kill);
    let mut heard: Vec<Change> = Vec::new();
    let sum = |heard: &[Change], reference, joined| -> usize {
        let of = |change: &&Change| change.reference == reference && change.joined == joined;
        heard
            .iter()
            .filter(of)
            .map(|change| change.pids.len())
            .sum()
    };
    while sum(&heard, one, false) < 4 || sum(&heard, all, false) < 5 {
        let change = tokio::time::timeout(PATIENCE, changes.recv()).await;
        heard.push(change.unwrap_or_else(|_| panic!("{heard:?}")).unwrap());
    }
    assert_eq!((sum(&heard, one, true), sum(&heard, one, false)), (4, 4));
    assert_eq!((sum(&heard, all, true), sum(&heard, all, false)), (5, 5));
    let one_heard = |change: &&Change| change.reference == one;
    assert!(
        heard
            .iter()
            .filter(one_heard)
            .all(|change| change.group == Term::from(1))
    );
    // Theirs heard as much.
    let verb = |heard: &Vec<(Atom, Term, Vec<Pid>)>, verb: &str| -> usize {
        let of = heard.iter().filter(|(said, ..)| said.as_str() == verb);
        of.map(|(_, _, pids)| pids.len()).sum()
    };
    for (watcher, count) in [(of_one, 4), (of_all, 5)] {
        let mut heard = Vec::new();
        let enough = eventually(async || {
            heard = pair.ask("heard", vec![watcher.into()]).await;
            verb(&heard, "leave") >= count
        });
        assert!(enough.await, "{heard:?}");
        assert_eq!(
            (verb(&heard, "join"), verb(&heard, "leave")),
            (count, count),
            "{heard:?}"
        );
    }
    pair.node.exit(watcher, kista::ExitReason::Kill);
    pair.node.stop().await;
}

/// Joins, leaves and deaths on both sides at random, with cuts of the connection: both see the same when it is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_lives_on_both_sides_end_in_one_view() {
    let seed = std::env::var("KISTA_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let mut random = Random::new(seed.unwrap_or(20_250));
    let pair = Pair::new().await;
    let pg = pair.node.pg().await.unwrap();
    let mut events = pair.node.events();
    assert!(pair.node.ping(ERL).await);
    let (mut here, mut there): (Vec<Pid>, Vec<Pid>) = (Vec::new(), Vec::new());
    for step in 0..400 {
        let group = random.below(5) as i64;
        match random.below(12) {
            0..3 => {
                let times = 1 + random.below(3);
                let pid = sleeper(&pair.node);
                pg.join(group, vec![pid; times]).await.unwrap();
                here.push(pid);
            }
            3..6 => {
                let (count, times) = (1 + random.below(2) as u8, 1 + random.below(2) as u8);
                there.extend(pair.join_there(&pg, group, count, times).await);
            }
            6 => {
                if let Some(pid) = pick(&mut random, &pg.local_members(group)) {
                    assert!(pg.leave(group, pid).await.unwrap(), "step {step}");
                }
            }
            7 => {
                if let Some(pid) = pick(&mut random, &there) {
                    let arguments = vec![
                        Term::from(pg.name()),
                        group.into(),
                        Term::list([pid.into()]),
                    ];
                    pair.ask::<Atom>("leave", arguments).await;
                }
            }
            8 => {
                if let Some(pid) = take(&mut random, &mut here) {
                    pair.node.exit(pid, kista::ExitReason::Kill);
                }
            }
            9 => {
                if let Some(pid) = take(&mut random, &mut there) {
                    pair.kill_there(&[pid]).await;
                }
            }
            10 if random.below(3) == 0 => {
                let here = random.below(2) == 0;
                if here {
                    pair.node.disconnect(ERL);
                } else {
                    let cut = (Term::from(pair.node.name()),);
                    let cut = pair.node.erpc::<Term>(ERL, ("groups", "cut"), cut);
                    drop(cut.timeout(PATIENCE).await);
                }
                while !matches!(events.next().await, Some(NodeEvent::Down { .. })) {}
                assert!(eventually(async || pair.node.ping(ERL).await).await);
            }
            _ => {}
        }
    }
    let view = pair.agree(&pg, |view| !view.is_empty()).await;
    let mut locals = 0;
    for (group, pids) in &view {
        locals += pg.local_members(group.clone()).len();
        assert!(
            pids.iter()
                .all(|pid| here.contains(pid) || there.contains(pid))
        );
    }
    assert!(locals > 0, "seed {seed:?} left nobody here");
    pair.node.stop().await;
}

fn pick(random: &mut Random, from: &[Pid]) -> Option<Pid> {
    (!from.is_empty()).then(|| from[random.below(from.len())])
}

fn take(random: &mut Random, from: &mut Vec<Pid>) -> Option<Pid> {
    (!from.is_empty()).then(|| from.swap_remove(random.below(from.len())))
}
