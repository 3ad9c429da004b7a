%% Nodes that come, go, are killed, come back, and sit idle.
-module(lifecycle).
-export([nodedown/2, restarted/1, disconnect/1, dialled/2, third/0, simultaneous/2, idle/1, noticed/1]).

%% The test ends the demo after `watching`. One that is `stopped` may say of its servers how they ended; one that is
%% `killed` says nothing.
nodedown(Demo, How) ->
    ok = net_kernel:monitor_nodes(true),
    pong = net_adm:ping(Demo),
    receive {nodeup, Demo} -> ok after 30000 -> error(no_nodeup) end,
    true = monitor_node(Demo, true),
    Monitor = monitor(process, {echo, Demo}),
    Waiting = spawn_monitor(fun() -> gen_server:call({echo, Demo}, x), gen_server:call({silent, Demo}, x) end),
    {WaitingPid, WaitingMonitor} = Waiting,
    receive {'DOWN', WaitingMonitor, process, WaitingPid, {noproc, _}} -> ok after 30000 -> error(no_noproc) end,
    scenario:say("watching"),
    [receive {nodedown, Demo} -> ok after 30000 -> error(no_nodedown) end || _ <- [monitor_nodes, monitor_node]],
    receive
        {'DOWN', Monitor, process, {echo, Demo}, noconnection} -> ok;
        {'DOWN', Monitor, process, {echo, Demo}, shutdown} when How =:= stopped -> ok
    after 30000 -> error(no_down)
    end,
    false = lists:member(Demo, nodes(connected)),
    %% Nothing listens any more.
    pang = net_adm:ping(Demo),
    {nodedown, Demo} = scenario:exit_reason(fun() -> gen_server:call({echo, Demo}, x) end),
    ok.

%% The test ends the demo and starts another under the same name between the steps.
restarted(Demo) ->
    pong = net_adm:ping(Demo),
    7 = gen_server:call({counter, Demo}, {add, 7}),
    scenario:say("first"),
    scenario:next_step(),
    pong = scenario:eventually(fun() -> pong = net_adm:ping(Demo) end),
    0 = gen_server:call({counter, Demo}, get),
    true = lists:member(Demo, nodes()),
    x = gen_server:call({echo, Demo}, x),
    ok.

%% 100 times: use the connection, cut it, use it again at once.
disconnect(Demo) ->
    [begin
         N = scenario:eventually(fun() -> N = gen_server:call({echo, Demo}, N) end),
         true = erlang:disconnect_node(Demo)
     end || N <- lists:seq(1, 100)],
    x = scenario:eventually(fun() -> x = gen_server:call({echo, Demo}, x) end),
    ok.

%% The demo dials: it is asked to send to a process on a node that it does not know.
dialled(Demo, Third) ->
    Pid = third_pid(Third),
    gen_server:cast({echo, Demo}, {Pid, {report_to, self()}}),
    receive
        {third, Connected} -> true = lists:member(Demo, Connected)
    after 30000 -> error(the_demo_did_not_dial)
    end,
    ok.

third() ->
    register(third, self()),
    scenario:say("ready ~s", [node()]),
    third_loop().

third_loop() ->
    receive
        {report_to, Pid} -> Pid ! {third, nodes()};
        {who_are_you, Pid} -> Pid ! {third, self()};
        {disconnect, Node, Pid} -> Pid ! {third, erlang:disconnect_node(Node)};
        {call, Node, Pid} -> Pid ! {third, try gen_server:call({echo, Node}, x, 5000) catch exit:Reason -> Reason end}
    end,
    third_loop().

third_pid(Third) ->
    {third, Third} ! {who_are_you, self()},
    receive {third, Pid} -> Pid after 30000 -> error(no_third) end.

%% 40 times the demo and a node dial each other at the same moment. Whichever connection stays, both can talk by it.
simultaneous(Demo, Third) ->
    Pid = third_pid(Third),
    x = gen_server:call({echo, Demo}, x),
    [begin
         Pid ! {disconnect, Demo, self()},
         receive {third, _} -> ok after 30000 -> error({no_disconnect, N}) end,
         %% Spread over the moments around the other side's notice of it.
         timer:sleep(N rem 5),
         gen_server:cast({echo, Demo}, {Pid, {report_to, self()}}),
         Pid ! {call, Demo, self()},
         settled(Demo, Pid, N)
     end || N <- lists:seq(1, 40)],
    ok.

settled(Demo, Pid, N) ->
    drain(),
    ok = scenario:eventually(fun() ->
        Pid ! {call, Demo, self()},
        receive {third, x} -> ok after 6000 -> error({cannot_call, N}) end,
        gen_server:cast({echo, Demo}, {Pid, {report_to, self()}}),
        receive {third, [_ | _]} -> ok after 1000 -> error({cannot_send, N}) end
    end),
    drain().

drain() -> receive {third, _} -> drain() after 100 -> ok end.

%% 30 seconds without a message; only ticks keep the connection.
idle(Demo) ->
    ok = net_kernel:monitor_nodes(true),
    x = gen_server:call({echo, Demo}, x),
    receive {nodeup, Demo} -> ok after 30000 -> error(no_nodeup) end,
    scenario:say("idle"),
    scenario:silence(30000),
    true = lists:member(Demo, nodes()),
    x = gen_server:call({echo, Demo}, x),
    scenario:silence(100).

%% The test stops the demo's OS process; with a net_ticktime of 8 s silence is taken for death in 6 to 10 s, which `scripts/prove silence`
%% measures. With the usual one it would take longer than is waited here.
noticed(Demo) ->
    x = gen_server:call({echo, Demo}, x),
    true = monitor_node(Demo, true),
    scenario:say("watching"),
    receive {nodedown, Demo} -> ok after 30000 -> error(no_nodedown) end.
