%% Counts what it gets (`src/proofs/stalls.rs`).
-module(stalls).
-export([count/0, numbers/1, watch/1]).

count() ->
    register(count, self()),
    Counter = counters:new(1, []),
    register(asked, spawn_link(fun() -> asked(Counter) end)),
    scenario:say("ready ~s", [node()]),
    count(Counter).

count(Counter) ->
    receive _ -> counters:add(Counter, 1, 1) end,
    count(Counter).

asked(Counter) ->
    receive {'$gen_call', From, count} -> gen_server:reply(From, counters:get(Counter, 1)) end,
    asked(Counter).

%% Numbers, one each millisecond, to the other side's `numbers`; and checks those that come from there. Says how far both came when it
%% is asked.
numbers(Peer) ->
    register(numbers, self()),
    ok = net_kernel:monitor_nodes(true, [{node_type, all}]),
    scenario:say("ready ~s", [node()]),
    {numbers, Peer} ! {number, 0},
    erlang:send_after(1, self(), tick),
    numbers(Peer, 1, 0).

numbers(Peer, Sent, Got) ->
    receive
        tick ->
            {numbers, Peer} ! {number, Sent},
            erlang:send_after(1, self(), tick),
            numbers(Peer, Sent + 1, Got);
        {number, Got} ->
            numbers(Peer, Sent, Got + 1);
        {number, Other} ->
            error({number, Other, Got});
        {'$gen_call', From, last} ->
            %% No more from here; what came from there is told until nothing comes any more.
            gen_server:reply(From, {Sent, Got}),
            rest(Peer, Sent, Got);
        {nodeup, _, _} ->
            numbers(Peer, Sent, Got);
        {nodedown, Node, _} ->
            error({nodedown, Node})
    end.

rest(Peer, Sent, Got) ->
    receive
        {number, Got} -> rest(Peer, Sent, Got + 1);
        {'$gen_call', From, last} -> gen_server:reply(From, {Sent, Got}), rest(Peer, Sent, Got);
        tick -> rest(Peer, Sent, Got);
        {nodeup, _, _} -> rest(Peer, Sent, Got);
        Other -> error(Other)
    end.

%% Says after how many milliseconds from the test's word on the other node is down.
watch(Peer) ->
    true = net_kernel:connect_node(Peer),
    true = monitor_node(Peer, true),
    scenario:say("watching"),
    scenario:next_step(),
    {Millis, ok} = scenario:millis(fun() -> receive {nodedown, Peer} -> ok end end),
    scenario:say("down ~w", [Millis]),
    ok.
