%% Processes that an Erlang node starts at the demo: every way to spawn, every option, every reply.
-module(spawns).
-export([plain/1, linked/1, monitored/1, options/1, requests/1, replies/1, bad_options/1, abandoned/1, old/1, idle/1, ends/1,
         group_leader/1, lost/1, many/1, relinked/1]).

plain(Node) ->
    Pid = spawn(Node, demo, pinger, [self(), 100]),
    Node = node(Pid),
    Pings = scenario:collect(100),
    Pings = [{ping, Pid, I} || I <- lists:seq(1, 100)],
    scenario:silence(50).

linked(Node) ->
    process_flag(trap_exit, true),
    Normal = spawn_link(Node, demo, pinger, [self(), 1]),
    [{ping, Normal, 1}, {'EXIT', Normal, normal}] = scenario:collect(2),
    Fails = spawn_link(Node, demo, fail, []),
    receive {'EXIT', Fails, {boom, [{demo, fail, 0, _} | _]}} -> ok after 30000 -> error(no_exit) end,
    Exits = spawn_link(Node, demo, exit_with, [{why, [1, 2]}]),
    receive {'EXIT', Exits, {why, [1, 2]}} -> ok after 30000 -> error(no_exit) end,
    %% Ours ends: theirs, which is linked, ends as well.
    Test = self(),
    Ours = spawn(fun() -> Test ! {child, spawn_link(Node, demo, idle, [])}, receive Reason -> exit(Reason) end end),
    Child = receive {child, Pid} -> Pid end,
    Monitor = monitor(process, Child),
    Ours ! {ours, ended},
    receive {'DOWN', Monitor, process, Child, {ours, ended}} -> ok after 30000 -> error(no_down) end,
    scenario:silence(50).

monitored(Node) ->
    {Pid, Monitor} = spawn_monitor(Node, demo, exit_with, [why]),
    receive {'DOWN', Monitor, process, Pid, why} -> ok after 30000 -> error(no_down) end,
    {Idle, Taken} = spawn_monitor(Node, demo, idle, []),
    true = demonitor(Taken, [flush, info]),
    exit(Idle, kill),
    scenario:silence(100).

options(Node) ->
    process_flag(trap_exit, true),
    {Both, M1} = spawn_opt(Node, demo, exit_with, [why], [link, monitor]),
    %% The link's signal is before the monitor's.
    [{'EXIT', Both, why}, {'DOWN', M1, process, Both, why}] = scenario:collect(2),
    Ignored = [{priority, low}, {min_heap_size, 233}, {min_bin_vheap_size, 100}, {fullsweep_after, 10}, {max_heap_size, 0},
               {max_heap_size, #{size => 0, kill => true}}, {message_queue_data, off_heap}],
    Plain = spawn_opt(Node, demo, pinger, [self(), 1], Ignored),
    [{ping, Plain, 1}] = scenario:collect(1),
    {Tagged, M2} = spawn_opt(Node, demo, exit_with, [why], [{monitor, [{tag, my_tag}]}]),
    receive {my_tag, M2, process, Tagged, why} -> ok after 30000 -> error(no_down) end,
    %% The monitor is an alias as well: the process answers to it.
    {Idle, Alias} = spawn_opt(Node, demo, idle, [], [{monitor, [{alias, explicit_unalias}]}]),
    {echo, Node} ! {'$gen_call', {self(), [alias | Alias]}, by_alias},
    receive {[alias | Alias], by_alias} -> ok after 30000 -> error(no_answer) end,
    exit(Idle, kill),
    receive {'DOWN', Alias, process, Idle, killed} -> ok after 30000 -> error(no_down) end,
    scenario:silence(50).

requests(Node) ->
    process_flag(trap_exit, true),
    R1 = spawn_request(Node, demo, exit_with, [why], [link, monitor]),
    [{spawn_reply, R1, ok, P1}, {'EXIT', P1, why}, {'DOWN', R1, process, P1, why}] = scenario:collect(3),
    R2 = spawn_request(Node, demo, exit_with, [why], [monitor, {reply_tag, {my, tag}}]),
    [{{my, tag}, R2, ok, P2}, {'DOWN', R2, process, P2, why}] = scenario:collect(2),
    R3 = spawn_request(Node, demo, exit_with, [why], [monitor, {reply, no}]),
    [{'DOWN', R3, process, _, why}] = scenario:collect(1),
    R4 = spawn_request(Node, demo, exit_with, [why], [{monitor, [{tag, gone}]}, {reply, error_only}]),
    [{gone, R4, process, _, why}] = scenario:collect(1),
    R5 = spawn_request(Node, demo, exit_with, [why], [monitor, {reply, success_only}]),
    [{spawn_reply, R5, ok, P5}, {'DOWN', R5, process, P5, why}] = scenario:collect(2),
    _R6 = spawn_request(Node, demo, pinger, [self(), 1], [{reply, no}]),
    [{ping, _, 1}] = scenario:collect(1),
    R7 = spawn_request(Node, fun demo:fail/0),
    [{spawn_reply, R7, ok, _}] = scenario:collect(1),
    scenario:silence(50).

%% The replies that say why there is no process.
replies(Node) ->
    R1 = spawn_request('missing@127.0.0.1', demo, idle, [], [monitor]),
    [{spawn_reply, R1, error, noconnection}] = scenario:collect(1),
    spawn_request('missing@127.0.0.1', demo, idle, [], [monitor, {reply, no}]),
    spawn_request('missing@127.0.0.1', demo, idle, [], [monitor, {reply, success_only}]),
    R4 = spawn_request('missing@127.0.0.1', demo, idle, [], [monitor, {reply, error_only}]),
    [{spawn_reply, R4, error, noconnection}] = scenario:collect(1),
    {Pid, Monitor} = spawn_monitor('missing@127.0.0.1', demo, idle, []),
    receive {'DOWN', Monitor, process, Pid, noconnection} -> ok after 30000 -> error(no_down) end,
    3 = erpc:call(Node, demo, add, [1, 2]),
    scenario:silence(50).

%% Options that are none. Those that the asking node passes on are refused by the one that is asked.
bad_options(Node) ->
    [begin
         Request = spawn_request(Node, demo, idle, [], Options),
         receive {spawn_reply, Request, error, badopt} -> ok after 30000 -> error({no_reply, Options}) end
     end || Options <- [[no_option], [link, {no_option, 1}], [{priority, urgent}], [{monitor, [{alias, sometimes}]}], [{link, true}]]],
    {badarg, _} = try spawn_opt(Node, demo, idle, [], [no_option]) catch error:Reason -> {Reason, opt} end,
    3 = erpc:call(Node, demo, add, [1, 2]),
    scenario:silence(50).

%% A request that is abandoned: nothing of it is heard, and a linked process ends.
abandoned(Node) ->
    process_flag(trap_exit, true),
    [begin
         Request = spawn_request(Node, demo, pinger, [self(), 1], [link, monitor, {reply, success_only}]),
         case spawn_request_abandon(Request) of
             true -> ok;
             %% Too late: it has started, and all of it is heard.
             false ->
                 Pid = receive {spawn_reply, Request, ok, Spawned} -> Spawned after 30000 -> error(no_reply) end,
                 receive {'EXIT', Pid, _} -> ok after 30000 -> error(no_exit) end,
                 receive {'DOWN', Request, process, Pid, _} -> ok after 30000 -> error(no_down) end
         end
     end || _ <- lists:seq(1, 100)],
    3 = erpc:call(Node, demo, add, [1, 2]),
    drop_pings(),
    scenario:silence(100).

drop_pings() -> receive {ping, _, 1} -> drop_pings() after 100 -> ok end.

%% The spawn of nodes that know nothing of spawn requests.
old(Node) ->
    process_flag(trap_exit, true),
    Ask = fun(Request) -> gen_server:call({net_kernel, Node}, Request) end,
    P1 = Ask({spawn, demo, pinger, [self(), 2], group_leader()}),
    [{ping, P1, 1}, {ping, P1, 2}] = scenario:collect(2),
    P2 = Ask({spawn_link, demo, exit_with, [why], group_leader()}),
    [{'EXIT', P2, why}] = scenario:collect(1),
    P3 = Ask({spawn_opt, demo, exit_with, [why], [{priority, low}], link, group_leader()}),
    [{'EXIT', P3, why}] = scenario:collect(1),
    P4 = Ask({spawn_opt, demo, pinger, [self(), 1], [], no_link, group_leader()}),
    [{ping, P4, 1}] = scenario:collect(1),
    P5 = Ask({spawn_link, demo, nothing, [], group_leader()}),
    receive {'EXIT', P5, {undef, [{demo, nothing, [], []} | _]}} -> ok after 30000 -> error(no_exit) end,
    pong = net_adm:ping(Node),
    scenario:silence(50).

%% What the idle process does on demand: links, traps, monitors, exits.
idle(Node) ->
    Idle = spawn(Node, demo, idle, []),
    Idle ! nonsense,
    Idle ! {trap, self()},
    Ours = spawn(fun() -> receive Reason -> exit(Reason) end end),
    Idle ! {link, Ours},
    Idle ! {monitor, Ours, self()},
    Idle ! {monitor, {nobody, node()}, self()},
    receive {got_down, noproc} -> ok after 30000 -> error(no_noproc) end,
    Ours ! {ours, ended},
    Got = lists:sort(scenario:collect(2)),
    Got = [{got_down, {ours, ended}}, {trapped, Ours, {ours, ended}}],
    exit(Idle, {by, exit2}),
    [{trapped, Self, {by, exit2}}] = scenario:collect(1),
    Self = self(),
    Monitor = monitor(process, Idle),
    Idle ! {exit, done},
    receive {'DOWN', Monitor, process, Idle, done} -> ok after 30000 -> error(no_down) end,
    scenario:silence(50).

%% exit/2 with each kind of reason, to one who traps and one who does not.
ends(Node) ->
    Ended = fun(Reason) ->
        {Pid, Monitor} = spawn_monitor(Node, demo, idle, []),
        exit(Pid, Reason),
        %% Signals of one sender stay in order: who gets so far was not ended.
        Pid ! {exit, not_before},
        receive {'DOWN', Monitor, process, Pid, Down} -> Down after 30000 -> error(no_down) end
    end,
    why = Ended(why),
    killed = Ended(kill),
    {a, [<<"term">>, 1.5]} = Ended({a, [<<"term">>, 1.5]}),
    shutdown = Ended(shutdown),
    not_before = Ended(normal),
    Traps = spawn(Node, demo, idle, []),
    Traps ! {trap, self()},
    %% It traps by now: an exit signal does not wait for the messages before it.
    Traps ! {monitor, {nobody, node()}, self()},
    [{got_down, noproc}] = scenario:collect(1),
    [begin
         exit(Traps, Reason),
         receive {trapped, From, Reason} -> From = self() after 30000 -> error(no_report) end
     end || Reason <- [why, normal, shutdown, {a, [<<"term">>]}]],
    Monitor = monitor(process, Traps),
    exit(Traps, kill),
    receive {'DOWN', Monitor, process, Traps, killed} -> ok after 30000 -> error(no_down) end,
    scenario:silence(50).

%% The caller's group leader comes with the process.
group_leader(Node) ->
    Mine = group_leader(),
    Leader = spawn(fun() -> receive stop -> ok end end),
    true = group_leader(Leader, self()),
    Pid = spawn(Node, demo, idle, []),
    true = group_leader(Mine, self()),
    true = group_leader(Leader, Pid),
    Pid ! {exit, done},
    3 = erpc:call(Node, demo, add, [1, 2]),
    Leader ! stop,
    ok.

%% The connection is lost: links and monitors of spawned processes fire once, a request under way fails.
lost(Node) ->
    process_flag(trap_exit, true),
    logger:set_primary_config(level, none),
    Linked = spawn_link(Node, demo, idle, []),
    {Watched, Monitor} = spawn_monitor(Node, demo, idle, []),
    true = erlang:disconnect_node(Node),
    Got = lists:sort(scenario:collect(2)),
    Got = lists:sort([{'EXIT', Linked, noconnection}, {'DOWN', Monitor, process, Watched, noconnection}]),
    3 = scenario:eventually(fun() -> 3 = erpc:call(Node, demo, add, [1, 2]) end),
    %% The linked one ended there as well; the watched one did not.
    M1 = monitor(process, Linked),
    receive {'DOWN', M1, process, Linked, noproc} -> ok after 30000 -> error(no_down) end,
    M2 = monitor(process, Watched),
    Watched ! {exit, still_there},
    receive {'DOWN', M2, process, Watched, still_there} -> ok after 30000 -> error(no_down) end,
    scenario:silence(50).

many(Node) ->
    process_flag(trap_exit, true),
    Pids = [spawn_link(Node, demo, exit_with, [{n, N}]) || N <- lists:seq(1, 2000)],
    [receive {'EXIT', Pid, {n, N}} -> ok after 30000 -> error({no_exit, N}) end || {N, Pid} <- lists:zip(lists:seq(1, 2000), Pids)],
    2000 = length(lists:usort(Pids)),
    scenario:silence(50).

%% Links that are made, taken away and made again with a process that was spawned linked.
relinked(Node) ->
    process_flag(trap_exit, true),
    Pid = spawn_link(Node, demo, idle, []),
    [begin unlink(Pid), link(Pid) end || _ <- lists:seq(1, 1000)],
    unlink(Pid),
    Monitor = monitor(process, Pid),
    Pid ! {exit, one},
    receive {'DOWN', Monitor, process, Pid, one} -> ok after 30000 -> error(no_down) end,
    scenario:silence(100).
