//! Names, and starts that fail.

use super::*;

#[tokio::test]
async fn a_name_has_one_holder() {
    let node = node().await;
    let first = node
        .spawn(Keeper::spec(Log::default()))
        .name("one")
        .await
        .unwrap();
    let second = node.spawn(Keeper::spec(Log::default())).name("one").await;
    assert_eq!(second.unwrap_err(), StartError::AlreadyStarted(pid(&first)));
    let by_name = node.server::<Keeper>("one");
    assert_eq!(by_name.answer_kept(0).await, Ok(0));
    first.stop().await.unwrap();
    assert_eq!(by_name.answer_kept(0).await, Err(CallError::NoProc));
    node.spawn(Keeper::spec(Log::default()))
        .name("one")
        .await
        .unwrap();
    assert_eq!(
        by_name.answer_kept(0).await,
        Ok(0),
        "a name survives its holder"
    );
    node.stop().await;
}

/// Fails in `init` in every way there is.
struct Failing;

impl GenServer for Failing {
    type Args = &'static str;
    type Msg = Nothing;
    type Client = Address<Nothing>;

    async fn init(how: &'static str, _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        match how {
            "ignore" => Err(InitStop::Ignore),
            "stop" => Err(InitStop::Stop(ExitReason::from("no disk"))),
            _ => panic!("in init"),
        }
    }

    async fn handle(&mut self, message: Nothing, _cx: &mut Cx<Self>) -> Flow {
        match message {}
    }
}

enum Nothing {}
impl Message for Nothing {}

#[tokio::test]
async fn the_starter_hears_why_init_failed() {
    let node = node().await;
    let before = node.processes().len();
    let start = async |how| {
        node.spawn(spec::<Failing>(how))
            .name("failing")
            .await
            .unwrap_err()
    };
    assert_eq!(start("ignore").await, StartError::Ignored);
    assert_eq!(
        start("stop").await,
        StartError::Init(ExitReason::from("no disk"))
    );
    assert_eq!(
        start("panic").await,
        StartError::Init(ExitReason::Panic("in init".into()))
    );
    assert_eq!(node.whereis("failing"), None);
    assert_eq!(node.processes().len(), before);
    node.stop().await;
}

#[tokio::test]
async fn nodes_in_one_program_share_nothing() {
    let (a, b) = (node().await, node().await);
    a.spawn(Keeper::spec(Log::default()))
        .name("mine")
        .await
        .unwrap();
    assert_eq!(b.whereis("mine"), None);
    a.stop().await;
    b.spawn(Keeper::spec(Log::default())).await.unwrap();
    b.stop().await;
}

#[tokio::test]
async fn a_stopped_node_starts_nothing() {
    let node = node().await;
    let (_server, log) = keeper(&node).await;
    node.stop().await;
    assert_eq!(
        lines(&log),
        ["terminate shutdown"],
        "stop waits for the servers"
    );
    let refused = node.spawn(Keeper::spec(Log::default())).await;
    assert_eq!(refused.unwrap_err(), StartError::NodeStopped);
}

#[tokio::test]
async fn a_name_is_registered_before_init_runs() {
    let node = node().await;
    let (_, log) = odd(&node).await;
    assert_eq!(lines(&log), ["registered true"]);
    node.stop().await;
}
