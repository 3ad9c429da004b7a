//! Event managers within one node. What Erlang asks of one is in `interop/tests/interop/behaviours.rs`.

use std::sync::Arc;
use std::time::Duration;

use kista::gen_event::{
    self, EventHandler, Handled, Handler, HandlerId, Manager, ManagerError, Removed,
};
use kista::{
    Atom, CallError, Cx, Decode, Encode, ExitReason, Info, Me, Node, ReplyTo, ServerRef, Term,
    gen_server, sys,
};
use parking_lot::Mutex;

#[derive(Clone, Debug, Encode, Decode)]
enum Alarm {
    Raised(i64),
    Panic,
    Fail,
    Leave,
    Swap,
    Slow,
    Sleep,
}

type Log = Arc<Mutex<Vec<String>>>;

/// Logs all that happens to it under its name.
struct Recorder {
    name: &'static str,
    log: Log,
    refuses: bool,
}

impl Recorder {
    fn new(name: &'static str, log: &Log) -> Self {
        Self {
            name,
            log: Arc::clone(log),
            refuses: false,
        }
    }

    fn note(&self, what: impl std::fmt::Display) {
        self.log.lock().push(format!("{} {what}", self.name));
    }
}

impl EventHandler<Alarm> for Recorder {
    async fn init(&mut self, swapped: Option<Term>, _me: &Me) -> Result<(), ExitReason> {
        match swapped {
            Some(from) => self.note(format_args!("after {from}")),
            None => self.note("init"),
        }
        match self.refuses {
            true => Err(ExitReason::from("refused")),
            false => Ok(()),
        }
    }

    async fn handle_event(&mut self, event: &Alarm, _me: &Me) -> Handled<Alarm> {
        match event {
            Alarm::Panic if self.name == "bad" => panic!("asked to"),
            Alarm::Fail if self.name == "bad" => return Handled::Fail("failed".into()),
            Alarm::Leave if self.name == "bad" => return Handled::Remove,
            Alarm::Swap if self.name == "bad" => {
                return Handled::Swap {
                    args: Term::from(1),
                    id: "new".into(),
                    handler: Handler::new(Recorder::new("new", &self.log)),
                };
            }
            Alarm::Sleep => {
                self.note("Sleep");
                return Handled::Hibernate;
            }
            Alarm::Slow => tokio::time::sleep(Duration::from_millis(20)).await,
            _ => {}
        }
        self.note(format_args!("{event:?}"));
        Handled::Keep
    }

    async fn handle_call(&mut self, request: Term, _me: &Me) -> (Term, Handled<Alarm>) {
        if request.is_atom("panic") {
            panic!("asked to")
        }
        let handled = match request.is_atom("leave") {
            true => Handled::Remove,
            false => Handled::Keep,
        };
        (Term::tuple([Term::from(1), request]), handled)
    }

    async fn handle_other(&mut self, event: &Term, _me: &Me) -> Handled<Alarm> {
        self.note(format_args!("other {event}"));
        Handled::Keep
    }

    async fn handle_info(&mut self, info: &Info, _me: &Me) -> Handled<Alarm> {
        if let Info::Term(term) = info {
            self.note(format_args!("info {term}"));
        }
        Handled::Keep
    }

    async fn terminate(&mut self, why: &Removed, _me: &Me) -> Term {
        self.note(format_args!("{why:?}"));
        Term::from(Atom::from_static(self.name))
    }

    fn format_status(&self) -> Term {
        Term::from(Atom::from_static("shown"))
    }
}

/// A process that supervises a handler, and tells what it hears.
struct Keeper {
    heard: Vec<Info>,
    waiting: Option<ReplyTo<Info>>,
}

#[gen_server(local)]
impl Keeper {
    #[init]
    fn new(cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(true);
        Keeper {
            heard: Vec::new(),
            waiting: None,
        }
    }
    #[call]
    async fn keep(
        &mut self,
        manager: ServerRef<Manager<Alarm>>,
        handler: Recorder,
    ) -> Result<(), ManagerError> {
        manager.add_sup_handler(handler.name, handler).await
    }
    #[call]
    async fn swap(
        &mut self,
        manager: ServerRef<Manager<Alarm>>,
        old: &'static str,
        handler: Recorder,
    ) -> Result<(), ManagerError> {
        manager
            .swap_sup_handler(old, Term::from(1), handler.name, handler)
            .await
    }
    #[call]
    fn next(&mut self, reply: ReplyTo<Info>) {
        self.waiting = Some(reply);
        self.answer();
    }
    #[info(other)]
    fn info(&mut self, info: Info) {
        self.heard.push(info);
        self.answer();
    }
}

impl Keeper {
    fn answer(&mut self) {
        if !self.heard.is_empty()
            && let Some(reply) = self.waiting.take()
        {
            reply.reply(self.heard.remove(0));
        }
    }
}

struct Bed {
    node: Node,
    manager: ServerRef<Manager<Alarm>>,
    log: Log,
}

impl Bed {
    async fn new(name: &str) -> Self {
        let node = Node::builder(name).no_network().start().await;
        let node = node.expect("a node without a network starts");
        let manager = node.spawn(gen_event::manager::<Alarm>()).name("alarms");
        Self {
            manager: manager.await.expect("it starts"),
            node,
            log: Log::default(),
        }
    }

    fn recorder(&self, name: &'static str) -> Recorder {
        Recorder::new(name, &self.log)
    }

    async fn add(&self, name: &'static str) {
        let added = self.manager.add_handler(name, self.recorder(name)).await;
        added.expect("it is added");
    }

    async fn handlers(&self) -> Vec<String> {
        let handlers = self.manager.which_handlers().await.expect("answered");
        handlers.iter().map(HandlerId::to_string).collect()
    }

    async fn tell(&self, event: Alarm) {
        self.manager.sync_notify(event).await.expect("all had it");
    }

    fn log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock())
    }

    async fn keeper(&self) -> ServerRef<Keeper> {
        self.node.spawn(Keeper::spec()).await.expect("it starts")
    }
}

async fn heard(keeper: &ServerRef<Keeper>) -> String {
    let next = keeper.next().timeout(Duration::from_secs(60)).await;
    match next.expect("something is heard") {
        Info::Term(term) => term.to_string(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn the_newest_handler_has_each_event_first_and_sync_waits_for_the_last() {
    let bed = Bed::new("order@test").await;
    bed.add("a").await;
    bed.add("b").await;
    assert_eq!(bed.handlers().await, ["b", "a"]);
    bed.manager.notify(Alarm::Slow);
    bed.tell(Alarm::Raised(1)).await;
    assert_eq!(
        bed.log(),
        [
            "a init",
            "b init",
            "b Slow",
            "a Slow",
            "b Raised(1)",
            "a Raised(1)"
        ]
    );
    bed.node.stop().await;
}

#[tokio::test]
async fn a_handler_that_fails_is_removed_and_nobody_else() {
    for (event, why) in [
        (Alarm::Panic, "bad Failed({panic,<<\"asked to\">>})"),
        (Alarm::Fail, "bad Failed(<<\"failed\">>)"),
        (Alarm::Leave, "bad Removed"),
    ] {
        let bed = Bed::new("fails@test").await;
        bed.add("a").await;
        bed.add("bad").await;
        bed.add("b").await;
        bed.log();
        bed.tell(event.clone()).await;
        assert_eq!(
            bed.log(),
            [
                format!("b {event:?}"),
                why.to_owned(),
                format!("a {event:?}")
            ]
        );
        assert_eq!(bed.handlers().await, ["b", "a"]);
        bed.node.stop().await;
    }
}

#[tokio::test]
async fn a_handler_that_asks_for_hibernation_stays() {
    let bed = Bed::new("sleep@test").await;
    bed.add("a").await;
    bed.tell(Alarm::Sleep).await;
    bed.tell(Alarm::Raised(1)).await;
    assert_eq!(bed.log(), ["a init", "a Sleep", "a Raised(1)"]);
    bed.node.stop().await;
}

#[tokio::test]
async fn a_handler_can_give_its_place_to_another() {
    let bed = Bed::new("place@test").await;
    bed.add("a").await;
    bed.add("bad").await;
    bed.add("b").await;
    bed.log();
    bed.tell(Alarm::Swap).await;
    assert_eq!(
        bed.log(),
        ["b Swap", "bad Swapped(1)", "new after bad", "a Swap"],
        "the new one does not get the event that brought it"
    );
    assert_eq!(bed.handlers().await, ["b", "new", "a"]);
    bed.node.stop().await;
}

#[tokio::test]
async fn a_handler_that_cannot_start_is_not_added() {
    let bed = Bed::new("init@test").await;
    let refuses = Recorder {
        refuses: true,
        ..bed.recorder("a")
    };
    assert_eq!(
        bed.manager.add_handler("a", refuses).await,
        Err(ManagerError::Failed("refused".into()))
    );
    assert_eq!(bed.handlers().await, [""; 0]);
    bed.node.stop().await;
}

#[tokio::test]
async fn a_request_goes_to_one_handler_and_a_failure_costs_it_only() {
    let bed = Bed::new("call@test").await;
    bed.add("a").await;
    bed.add("b").await;
    let answer = bed.manager.call_handler::<(i64, i64)>("a", &5).await;
    assert_eq!(answer, Ok((1, 5)));
    assert_eq!(
        bed.manager.call_handler::<Term>("c", &5).await,
        Err(ManagerError::NoHandler)
    );
    assert!(matches!(
        bed.manager.call_handler::<Atom>("a", &5).await,
        Err(ManagerError::Call(CallError::Reply(_)))
    ));
    let leave = Atom::from_static("leave");
    assert_eq!(
        bed.manager.call_handler::<(i64, Atom)>("a", &leave).await,
        Ok((1, leave))
    );
    let panic = Atom::from_static("panic");
    assert_eq!(
        bed.manager.call_handler::<Term>("b", &panic).await,
        Err(ManagerError::Failed(ExitReason::Panic("asked to".into())))
    );
    assert_eq!(bed.handlers().await, [""; 0]);
    bed.node.stop().await;
}

#[tokio::test]
async fn deleting_gives_what_terminate_returns() {
    let bed = Bed::new("delete@test").await;
    bed.add("a").await;
    let left = bed.manager.delete_handler("a", Term::from(7)).await;
    assert_eq!(left, Ok(Term::from(Atom::from_static("a"))));
    assert_eq!(bed.log(), ["a init", "a Deleted(7)"]);
    assert_eq!(
        bed.manager.delete_handler("a", Term::NIL).await,
        Err(ManagerError::NoHandler)
    );
    bed.node.stop().await;
}

#[tokio::test]
async fn swapping_hands_over_what_the_old_one_left_also_when_there_is_none() {
    let bed = Bed::new("swap@test").await;
    bed.add("a").await;
    let swapped = bed
        .manager
        .swap_handler("a", Term::from(2), "b", bed.recorder("b"));
    assert_eq!(swapped.await, Ok(()));
    let swapped = bed
        .manager
        .swap_handler("a", Term::from(2), "c", bed.recorder("c"));
    assert_eq!(swapped.await, Ok(()));
    assert_eq!(
        bed.log(),
        ["a init", "a Swapped(2)", "b after a", "c after error"]
    );
    assert_eq!(bed.handlers().await, ["c", "b"]);
    bed.node.stop().await;
}

#[tokio::test]
async fn a_supervisor_hears_of_the_end_of_its_handler() {
    let bed = Bed::new("sup@test").await;
    let keeper = bed.keeper().await;
    let keep = |name| keeper.keep(bed.manager.clone(), bed.recorder(name));
    assert_eq!(keep("bad").await, Ok(Ok(())));
    bed.tell(Alarm::Panic).await;
    assert_eq!(
        heard(&keeper).await,
        "{gen_event_EXIT,bad,{panic,<<\"asked to\">>}}"
    );
    assert_eq!(keep("a").await, Ok(Ok(())));
    bed.manager
        .delete_handler("a", Term::NIL)
        .await
        .expect("it is there");
    assert_eq!(heard(&keeper).await, "{gen_event_EXIT,a,normal}");
    assert_eq!(keep("b").await, Ok(Ok(())));
    let swapped = bed
        .manager
        .swap_handler("b", Term::NIL, "c", bed.recorder("c"));
    assert_eq!(swapped.await, Ok(()));
    let told = heard(&keeper).await;
    assert!(told.starts_with("{gen_event_EXIT,b,{swapped,c,<"), "{told}");
    // The new one has the old one's supervisor.
    bed.manager.stop().await.expect("it stops");
    assert_eq!(heard(&keeper).await, "{gen_event_EXIT,c,shutdown}");
    bed.node.stop().await;
}

#[tokio::test]
async fn a_handler_ends_with_its_supervisor() {
    let bed = Bed::new("ends@test").await;
    let [first, second] = [bed.keeper().await, bed.keeper().await];
    for (keeper, name) in [(&first, "a"), (&first, "b"), (&second, "c")] {
        let kept = keeper.keep(bed.manager.clone(), bed.recorder(name)).await;
        assert_eq!(kept, Ok(Ok(())));
    }
    let swapped = second.swap(bed.manager.clone(), "b", bed.recorder("d"));
    assert_eq!(swapped.await, Ok(Ok(())), "its supervisor is another now");
    bed.log();
    first
        .stop_with(ExitReason::Shutdown, None)
        .await
        .expect("it stops");
    while bed.handlers().await != ["d", "c"] {
        tokio::task::yield_now().await;
    }
    assert_eq!(bed.log(), ["a SupervisorEnded(shutdown)"]);
    bed.node.stop().await;
}

#[tokio::test]
async fn only_a_process_supervises() {
    let bed = Bed::new("task@test").await;
    assert_eq!(
        bed.manager.add_sup_handler("a", bed.recorder("a")).await,
        Err(ManagerError::NotAProcess)
    );
    bed.node.stop().await;
}

#[tokio::test]
async fn handlers_end_with_the_manager_and_supervisors_do_not() {
    let bed = Bed::new("stop@test").await;
    let keeper = bed.keeper().await;
    bed.add("a").await;
    let kept = keeper.keep(bed.manager.clone(), bed.recorder("b")).await;
    assert_eq!(kept, Ok(Ok(())));
    bed.log();
    let crash = ExitReason::from("crash");
    bed.manager.stop_with(crash, None).await.expect("it stops");
    assert_eq!(bed.log(), ["b Stop", "a Stop"]);
    // Told by message only: no exit signal follows.
    assert_eq!(heard(&keeper).await, "{gen_event_EXIT,b,shutdown}");
    bed.node.send(keeper.dest(), &Term::from(1));
    assert_eq!(heard(&keeper).await, "1");
    assert_eq!(
        bed.manager.sync_notify(Alarm::Leave).await,
        Err(CallError::NoProc)
    );
    bed.node.stop().await;
}

#[tokio::test]
async fn what_is_no_event_of_its_type_comes_as_a_term() {
    let bed = Bed::new("terms@test").await;
    bed.add("a").await;
    bed.log();
    let notify = |event: Term| Term::tuple([Term::from(Atom::from_static("notify")), event]);
    let alarms = bed.manager.dest();
    let raised = Term::tuple([Term::from(Atom::from_static("raised")), Term::from(3)]);
    bed.node.send(alarms, &notify(raised));
    bed.node.send(alarms, &notify(Term::from(4)));
    bed.node.send(alarms, &Term::from(5));
    bed.handlers().await;
    assert_eq!(bed.log(), ["a Raised(3)", "a other 4", "a info 5"]);
    bed.node.stop().await;
}

#[tokio::test]
async fn a_handle_of_another_type_speaks_as_erlang_does() {
    let bed = Bed::new("wire@test").await;
    bed.add("a").await;
    bed.log();
    let other = bed.node.server::<Manager<i64>>("alarms");
    other.sync_notify(4).await.expect("it had it");
    assert_eq!(bed.log(), ["a other 4"]);
    assert_eq!(other.which_handlers().await, Ok(vec!["a".into()]));
    assert_eq!(other.call_handler::<(i64, i64)>("a", &6).await, Ok((1, 6)));
    assert_eq!(
        other.call_handler::<Term>("b", &6).await,
        Err(ManagerError::NoHandler)
    );
    struct Nobody;
    impl EventHandler<i64> for Nobody {
        async fn handle_event(&mut self, _event: &i64, _me: &Me) -> Handled<i64> {
            Handled::Keep
        }
    }
    assert_eq!(
        other.add_handler("b", Nobody).await,
        Err(ManagerError::Elsewhere)
    );
    let panic = Atom::from_static("panic");
    let Err(ManagerError::Failed(why)) = other.call_handler::<Term>("a", &panic).await else {
        panic!("it fails")
    };
    assert_eq!(why.to_string(), "{panic,<<\"asked to\">>}");
    assert_eq!(
        other.delete_handler("a", Term::NIL).await,
        Err(ManagerError::NoHandler)
    );
    bed.node.stop().await;
}

#[tokio::test]
async fn only_what_the_manager_was_made_with_can_be_added_by_name() {
    let bed = Bed::new("names@test").await;
    let log = Arc::clone(&bed.log);
    let make = move |args: Term| match args.as_int() {
        Some(_) => Ok(Handler::new(Recorder::new("made", &log))),
        None => Err(ExitReason::from("no number")),
    };
    let spec = gen_event::manager_with::<Alarm>([("made", Arc::new(make) as _)]);
    let manager = bed.node.spawn(spec).await.expect("it starts");
    assert_eq!(manager.add_by_name(("made", 1), &5).await, Ok(()));
    assert_eq!(manager.which_handlers().await, Ok(vec![("made", 1).into()]));
    assert_eq!(
        manager.add_by_name("made", &"text").await,
        Err(ManagerError::Failed("no number".into()))
    );
    let Err(ManagerError::Failed(undef)) = manager.add_by_name("other", &5).await else {
        panic!("there is no such module")
    };
    assert_eq!(undef.to_string(), "{undef,[{other,init,[5],[]}]}");
    bed.node.stop().await;
}

#[tokio::test]
async fn sys_shows_the_handlers() {
    let bed = Bed::new("sys@test").await;
    bed.add("a").await;
    let added = bed.manager.add_handler(("b", 2), bed.recorder("b")).await;
    added.expect("it is added");
    let status = sys::get_status(&bed.manager).await.expect("answered");
    let [_, module, _] = status.as_tagged("status").expect("a status") else {
        panic!("not a status: {status}")
    };
    assert_eq!(module.to_string(), "{module,gen_event}");
    let state = sys::get_state(&bed.manager).await.expect("answered");
    assert_eq!(state.to_string(), "[{b,2,shown},{a,false,shown}]");
    let status = sys::get_status(&bed.manager).await.expect("answered");
    assert!(
        status.to_string().contains("{module,gen_event}"),
        "{status}"
    );
    bed.node.stop().await;
}

/// A handler that does not go quietly.
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("dropped")
    }
}

impl EventHandler<Alarm> for Fragile {
    async fn handle_event(&mut self, _: &Alarm, _: &Me) -> Handled<Alarm> {
        Handled::Remove
    }
}

#[tokio::test]
async fn a_handler_that_panics_when_it_is_dropped_costs_the_others_nothing() {
    let bed = Bed::new("fragile@test").await;
    bed.add("good").await;
    for id in ["removed", "deleted"] {
        bed.manager.add_handler(id, Fragile).await.expect("added");
        if id == "deleted" {
            let left = bed.manager.delete_handler(id, Term::NIL).await;
            left.expect("it was there");
        }
        bed.tell(Alarm::Raised(1)).await;
    }
    assert_eq!(bed.handlers().await, ["good"]);
    bed.manager
        .add_handler("last", Fragile)
        .await
        .expect("added");
    assert_eq!(bed.manager.stop().await, Ok(()));
    let log = ["good init", "good Raised(1)", "good Raised(1)", "good Stop"];
    assert_eq!(bed.log(), log);
    bed.node.stop().await;
}
