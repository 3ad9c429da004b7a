%% Monitors, links and exits between this node and a node in Rust that spawns processes when it is asked to.
-module(signals).
-export([monitor_then_exit/1, links/1, victims/0]).

%% Monitor a process that is busy in one of several ways, then end it: DOWN always has the reason given.
monitor_then_exit(Node) -> rounds(Node, 20000).

rounds(_, 0) -> scenario:silence(100);
rounds(Node, N) ->
    Pid = gen_server:call({spawner, Node}, spawn, 20000),
    busy(Pid, N rem 3),
    Monitor = monitor(process, Pid),
    exit(Pid, {round, N}),
    receive
        {'DOWN', Monitor, process, Pid, {round, N}} -> ok;
        {'DOWN', Monitor, process, Pid, Other} -> error({wrong_reason, N, Other})
    after 30000 -> error({no_down, N})
    end,
    rounds(Node, N - 1).

busy(_, 0) -> ok;
busy(Pid, 1) -> gen_server:cast(Pid, wait);
busy(Pid, 2) -> [gen_server:cast(Pid, work) || _ <- lists:seq(1, 20)].

%% Links in both directions, taken away and made again, and the exit signals that they carry.
links(Node) ->
    process_flag(trap_exit, true),
    First = gen_server:call({spawner, Node}, spawn),
    link(First),
    exit(First, {because, 1}),
    receive {'EXIT', First, {because, 1}} -> ok after 30000 -> error(no_exit) end,
    %% To the dead: noproc.
    link(First),
    receive {'EXIT', First, noproc} -> ok after 30000 -> error(no_noproc) end,
    %% Unlinked: silence. Linked again: not.
    Second = gen_server:call({spawner, Node}, spawn),
    [begin link(Second), unlink(Second) end || _ <- lists:seq(1, 1000)],
    Third = gen_server:call({spawner, Node}, spawn),
    [begin link(Third), unlink(Third) end || _ <- lists:seq(1, 1000)],
    link(Third),
    exit(Second, kill),
    exit(Third, kill),
    receive {'EXIT', Third, killed} -> ok after 30000 -> error(no_killed) end,
    %% Our process ends; theirs, linked to it, ends with it.
    Fourth = gen_server:call({spawner, Node}, spawn),
    Monitor = monitor(process, Fourth),
    spawn(fun() -> link(Fourth), exit({ours, ended}) end),
    receive {'DOWN', Monitor, process, Fourth, {ours, ended}} -> ok after 30000 -> error(no_down) end,
    %% A normal end takes nobody along, and exit(Pid, normal) does nothing.
    Fifth = gen_server:call({spawner, Node}, spawn),
    spawn(fun() -> link(Fifth) end),
    exit(Fifth, normal),
    Fifth = gen_server:call(Fifth, who),
    unlink(Fifth),
    scenario:silence(200).

%% Processes for the other side to watch and to end: `victim` gives a new one, which exits with what it is sent.
victims() ->
    logger:set_primary_config(level, none),
    register(victim, self()),
    scenario:say("ready ~s", [node()]),
    victims_loop().

victims_loop() ->
    receive
        {'$gen_call', From, new} -> gen_server:reply(From, spawn(fun() -> receive Reason -> exit(Reason) end end))
    end,
    victims_loop().
