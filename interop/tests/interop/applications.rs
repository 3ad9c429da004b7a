//! Random scripts of applications (loaded, started as this or that, stopped, failing, dying), played by OTP and by us: the same
//! answers, callbacks in the same order, the same applications left, and the node ended by the same steps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use kista::application::{Application, ApplicationCx, ApplicationError, Callbacks, StartType};
use kista::{Atom, ExitReason, Info, Node, Pid, ProcessCx};
use kista_interop::{Otp, ask};
use tokio::sync::oneshot::{Sender, channel};

/// What happened, in Erlang's words.
type Seen = Arc<Mutex<Vec<String>>>;
/// Whose next start is to fail, and why.
type Fails = Arc<Mutex<HashMap<Atom, Atom>>>;

struct Player {
    name: Atom,
    seen: Seen,
    fails: Fails,
}

impl Player {
    fn say(&self, event: &str) {
        let event = format!("{{{event},{}}}", self.name);
        self.seen.lock().unwrap().push(event);
    }
}

impl Callbacks for Player {
    type State = ();

    async fn start(&self, cx: &ApplicationCx) -> Result<(Pid, ()), ExitReason> {
        let fails = self.fails.lock().unwrap().remove(&self.name);
        if let Some(reason) = fails {
            self.say("failed");
            return Err(ExitReason::from(reason));
        }
        self.say("started");
        let (name, seen) = (self.name, Arc::clone(&self.seen));
        let (ready, is_ready) = channel();
        let top = cx.spawn_fn_link(move |cx| top(cx, name, seen, ready))?;
        is_ready.await.expect("it traps exits");
        cx.node()
            .register(top_of(name).as_str(), top)
            .expect("the name is free");
        Ok((top, ()))
    }

    async fn prep_stop(&self, _state: &mut (), _cx: &ApplicationCx) {
        self.say("prep_stop");
    }

    async fn stop(&self, _state: (), _cx: &ApplicationCx) {
        self.say("stop");
    }
}

async fn top(mut cx: ProcessCx, name: Atom, seen: Seen, ready: Sender<()>) -> ExitReason {
    cx.trap_exit(true);
    ready.send(()).expect("it is waited for");
    match cx.receive().await {
        Info::Term(reason) => ExitReason::from(reason),
        Info::Exit { reason, .. } => {
            seen.lock()
                .unwrap()
                .push(format!("{{ended,{name},{reason}}}"));
            reason
        }
        other => panic!("{other:?}"),
    }
}

fn top_of(name: Atom) -> Atom {
    Atom::new(&format!("top_{name}")).unwrap()
}

/// A small generator, so that a seed says everything.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len() as u64) as usize]
    }
}

enum Step {
    Load(Atom),
    Unload(Atom),
    Stop(Atom),
    Start(Atom, StartType),
    Ensure(Atom, StartType),
    Fail(Atom, &'static str),
    Die(Atom, &'static str),
    Set(Atom, i64),
}

impl Step {
    fn to_erlang(&self) -> String {
        match self {
            Self::Load(name) => format!("{{load,{name}}}"),
            Self::Unload(name) => format!("{{unload,{name}}}"),
            Self::Stop(name) => format!("{{stop,{name}}}"),
            Self::Start(name, start_type) => format!("{{start,{name},{start_type}}}"),
            Self::Ensure(name, start_type) => format!("{{ensure,{name},{start_type}}}"),
            Self::Fail(name, reason) => format!("{{fail,{name},{reason}}}"),
            Self::Die(name, reason) => format!("{{die,{name},{reason}}}"),
            Self::Set(name, value) => format!("{{set,{name},{value}}}"),
        }
    }
}

struct Script {
    name: String,
    /// Each depends only on some before it.
    applications: Vec<(Atom, Vec<Atom>)>,
    steps: Vec<Step>,
}

impl Script {
    fn random(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let names: Vec<Atom> = ["a", "b", "c", "d"]
            .iter()
            .map(|name| Atom::new(name).unwrap())
            .collect();
        let applications = names.iter().enumerate().map(|(n, name)| {
            let before = names[..n].iter().copied();
            (*name, before.filter(|_| dice.roll(3) == 0).collect())
        });
        let applications = applications.collect();
        // A third of them may take the node along, which costs OTP a new one.
        let types: &[StartType] = match seed % 3 {
            0 => &[
                StartType::Temporary,
                StartType::Transient,
                StartType::Permanent,
            ],
            _ => &[StartType::Temporary],
        };
        let steps = (0..16).map(|n| {
            let name = dice.pick(&names);
            let start_type = dice.pick(types);
            match dice.roll(16) {
                0 => Step::Load(name),
                1 | 2 => Step::Unload(name),
                3 | 4 => Step::Stop(name),
                5..=7 => Step::Start(name, start_type),
                8..=10 => Step::Ensure(name, start_type),
                11 => Step::Fail(name, dice.pick(&["normal", "oops", "shutdown"])),
                12 => Step::Set(name, n + 10),
                _ => Step::Die(name, dice.pick(&["normal", "normal", "shutdown", "crash"])),
            }
        });
        Self {
            name: format!("s{seed}"),
            applications,
            steps: steps.collect(),
        }
    }

    fn to_erlang(&self) -> String {
        let list = |names: &[Atom]| {
            let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
            names.join(",")
        };
        let applications: Vec<_> = self
            .applications
            .iter()
            .map(|(name, on)| format!("{{{name},[{}]}}", list(on)))
            .collect();
        let steps: Vec<_> = self.steps.iter().map(Step::to_erlang).collect();
        let (applications, steps) = (applications.join(","), steps.join(","));
        format!("{{{},[{applications}],[{steps}]}}.\n", self.name)
    }
}

/// Plays a script, and says what Erlang prints.
async fn play(script: &Script, lines: &mut Vec<String>) {
    let (seen, fails) = (Seen::default(), Fails::default());
    let node = Node::builder("applications@127.0.0.1").no_network();
    let node = node.start().await.expect("a node without a network starts");
    let applications = node.applications();
    for (name, depends_on) in &script.applications {
        let player = Player {
            name: *name,
            seen: Arc::clone(&seen),
            fails: Arc::clone(&fails),
        };
        let application = Application::new(name.as_str())
            .version("1")
            .env("n", 1)
            .depends_on(depends_on.iter().map(|name| name.as_str()))
            .callbacks(player);
        applications.add(application);
    }
    for (n, step) in script.steps.iter().enumerate() {
        let answer = act(&node, script, step, &fails).await;
        let down = is_down(&node).await;
        let events = std::mem::take(&mut *seen.lock().unwrap()).join(",");
        if down {
            // There, one that wanted to stop again what it had started found nobody to ask.
            let answer = match step {
                Step::Ensure(..) => "none",
                _ => &answer,
            };
            lines.push(format!(
                "{} {} {answer} [{events}] down",
                script.name,
                n + 1
            ));
            return;
        }
        let line = format!("{} {} {answer} [{events}]", script.name, n + 1);
        let names = |infos: Vec<kista::application::ApplicationInfo>| {
            let names: Vec<_> = infos.iter().map(|info| info.name.as_str()).collect();
            names.join(",")
        };
        let values: Vec<_> = script
            .applications
            .iter()
            .map(|(name, _)| match applications.env(name.as_str(), "n") {
                Some(value) => value.to_string(),
                None => "undefined".to_owned(),
            })
            .collect();
        let (running, loaded) = (names(applications.which()), names(applications.loaded()));
        lines.push(format!(
            "{line} [{running}] [{loaded}] [{}]",
            values.join(",")
        ));
    }
    node.stop().await;
}

async fn act(node: &Node, script: &Script, step: &Step, fails: &Fails) -> String {
    let applications = node.applications();
    match step {
        Step::Load(name) => said(applications.load(name.as_str()).await),
        Step::Unload(name) => said(applications.unload(name.as_str()).await),
        Step::Stop(name) => said(applications.stop(name.as_str()).await),
        Step::Start(name, start_type) => {
            load_all(node, script, *name).await;
            said(applications.start_as(name.as_str(), *start_type).await)
        }
        Step::Ensure(name, start_type) => {
            load_all(node, script, *name).await;
            match applications
                .ensure_all_started(name.as_str(), *start_type)
                .await
            {
                Ok(started) => {
                    let started: Vec<_> = started.iter().map(|name| name.as_str()).collect();
                    format!("[{}]", started.join(","))
                }
                Err(error) => said(Err(error)),
            }
        }
        Step::Fail(name, reason) => {
            let reason = Atom::new(reason).unwrap();
            fails.lock().unwrap().insert(*name, reason);
            "ok".to_owned()
        }
        Step::Set(name, value) => {
            applications.set_env(name.as_str(), "n", *value).unwrap();
            "ok".to_owned()
        }
        Step::Die(name, reason) => {
            let Some(top) = node.whereis(top_of(*name).as_str()) else {
                return "nobody".to_owned();
            };
            node.send(top, &Atom::new(reason).unwrap());
            while applications.which().iter().any(|info| info.name == *name) {
                tokio::task::yield_now().await;
            }
            "ok".to_owned()
        }
    }
}

/// As the other side, which has to say where a specification is.
async fn load_all(node: &Node, script: &Script, name: Atom) {
    let of = script.applications.iter().find(|(is, _)| *is == name);
    for on in of.map_or(&[][..], |(_, on)| on) {
        Box::pin(load_all(node, script, *on)).await;
    }
    let _ = node.applications().load(name.as_str()).await;
}

/// Whether the node ends by what was done last; then it has ended.
async fn is_down(node: &Node) -> bool {
    // Behind whatever the controller has to do.
    match node.applications().stop("nobody").await {
        Err(ApplicationError::NotStarted(_)) => false,
        Err(ApplicationError::NodeStopping | ApplicationError::Call(_)) => {
            node.stopped().await;
            true
        }
        other => panic!("{other:?}"),
    }
}

fn said(answer: Result<(), ApplicationError>) -> String {
    match answer {
        Ok(()) => "ok".to_owned(),
        Err(ApplicationError::Start { reason, .. }) => format!("{{start,{reason}}}"),
        Err(error) => error.to_term().to_string(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_scripts_go_as_with_otp() {
    let scripts: Vec<Script> = (1..=150).map(Script::random).collect();
    let text: String = scripts.iter().map(Script::to_erlang).collect();
    let otp = Otp::current();
    let file = otp.temporary(&format!("kista-scripts-{}", std::process::id()));
    std::fs::write(otp.outside(&file), text).expect("a file can be written");
    let name = file.to_str().expect("UTF-8");
    let theirs = ask(otp, "applications", "play", &[name]);
    let _ = std::fs::remove_file(otp.outside(&file));
    // The rest are the last words of nodes that ended.
    let theirs: Vec<_> = theirs
        .into_iter()
        .filter(|line| line.starts_with('s'))
        .collect();

    let mut ours = Vec::new();
    for script in &scripts {
        play(script, &mut ours).await;
    }
    for (n, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let name = theirs.split(' ').next().unwrap_or_default();
        let script = scripts.iter().find(|script| script.name == name);
        let script = script.map(Script::to_erlang);
        assert_eq!(ours, theirs, "line {n}, ours and theirs, of {script:?}");
    }
    assert_eq!(ours.len(), theirs.len());
    let downs = ours.iter().filter(|line| line.ends_with(" down")).count();
    assert!(
        downs > 20,
        "enough of them take the node with them: {downs}"
    );
}
