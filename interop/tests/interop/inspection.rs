//! Erlang looks at our node with the functions that its tools call, and compares with what its own release says of the same.

use std::time::Duration;

use kista::application::Application;
use kista::supervisor::{Child, Supervisor};
use kista::{Cx, Node, NodeBuilder, Peers, Pid, Term, gen_server};
use kista_interop::Bed;

pub(crate) const ERL: &str = "erl@127.0.0.1";
pub(crate) const OURS: &str = "ours@127.0.0.1";
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

struct Led;

#[gen_server]
impl Led {
    #[init]
    fn new() -> Self {
        Self
    }
    #[call]
    fn leader(&self, cx: &mut Cx<Self>) -> Option<Pid> {
        cx.group_leader()
    }
}

/// The applications that `inspected.erl` has.
pub(crate) async fn node(bed: &Bed, inspectors: Peers) -> Node {
    let builder = builder(bed).inspectable_by(inspectors);
    let node = builder.start().await.expect("our node starts");
    let later = kista::Atom::from_static("later");
    node.applications()
        .set_env("inspected", "set", later)
        .expect("a name");
    node
}

/// A visible node that runs them.
pub(crate) fn builder(bed: &Bed) -> NodeBuilder {
    let library = Application::new("inspected_lib")
        .version("0.1")
        .description("nothing to run, Å and 京");
    let levels: Term = "[1,2,300]".parse().expect("a term");
    let application = Application::new("inspected")
        .version("1.2")
        .description("is looked at")
        .depends_on(["inspected_lib"])
        .registered(["inspected_sup", "inspected_child"])
        .max_time(Duration::from_secs(3600))
        .env("port", 8080)
        .env("name", "web")
        .env("levels", levels)
        .start("inspected_sup", |_| {
            let child = Child::new("child", Led::spec()).name("inspected_child");
            Supervisor::one_for_one().child(child)
        });
    bed.node(OURS)
        .visible()
        .application(library)
        .boot(application, kista::application::StartType::Temporary)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_are_shown_as_this_release_shows_its_own() {
    let bed = Bed::new();
    let node = node(&bed, Peers::any()).await;
    bed.erlang(ERL, "inspected", "applications", &[OURS])
        .expect_ok(PATIENCE);
    node.stop().await;
}

#[test]
fn the_same_of_a_node_in_erlang() {
    let bed = Bed::new();
    let mut theirs = bed.erlang(OURS, "inspected", "serve", &[]);
    theirs.expect(&format!("ready {OURS}"), PATIENCE);
    bed.erlang(ERL, "inspected", "applications", &[OURS])
        .expect_ok(PATIENCE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_not_to_be_looked_at_has_none_of_these_functions() {
    let bed = Bed::new();
    let node = node(&bed, Peers::none()).await;
    bed.erlang(ERL, "inspected", "nothing", &[OURS])
        .expect_ok(PATIENCE);
    node.stop().await;
}
