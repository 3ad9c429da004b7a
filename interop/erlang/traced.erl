%% What OTP itself does with trace tokens, priorities and aliases toward the demo.
-module(traced).
-export([tokens/1, priority/1, aliases/1, leaders/1]).

%% Under a token of seq_trace every signal that OTP sends carries it.
tokens(Node) ->
    process_flag(trap_exit, true),
    3 = erpc:call(Node, demo, add, [1, 2]),
    seq_trace:set_token(label, {kista, <<"label">>}),
    seq_trace:set_token(send, true),
    hello = gen_server:call({echo, Node}, hello),
    {echo, Node} ! {self(), by_name},
    [by_name] = scenario:collect(1),
    3 = erpc:call(Node, demo, add, [1, 2]),
    3 = rpc:call(Node, demo, add, [1, 2]),
    Idle = spawn_link(Node, demo, idle, []),
    Idle ! {trap, self()},
    Idle ! {monitor, {nobody, node()}, self()},
    [{got_down, noproc}] = scenario:collect(1),
    exit(Idle, {sent, reason}),
    [{trapped, _, {sent, reason}}] = scenario:collect(1),
    Other = spawn(fun() -> seq_trace:set_token(label, 18), link(Idle), exit({linked, reason}) end),
    receive {trapped, Other, {linked, reason}} -> ok after 30000 -> error(no_report) end,
    {Pid, Monitor} = spawn_monitor(Node, demo, exit_with, [why]),
    receive {'DOWN', Monitor, process, Pid, why} -> ok after 30000 -> error(no_down) end,
    Idle ! {exit, done},
    [{'EXIT', Idle, done}] = scenario:collect(1),
    seq_trace:set_token([]),
    scenario:silence(50).

%% Messages and exits with priority, which OTP has since 28. A receiver takes them in front of others only by a priority alias that it
%% made; one that made none takes them in turn.
priority(Node) ->
    case erlang:function_exported(erlang, exit, 3) of
        false -> ok;
        true ->
            Idle = spawn(Node, demo, idle, []),
            Idle ! {trap, self()},
            Idle ! {monitor, {nobody, node()}, self()},
            [{got_down, noproc}] = scenario:collect(1),
            true = apply(erlang, exit, [Idle, first, [priority]]),
            [{trapped, _, first}] = scenario:collect(1),
            %% Taken in front of what is queued, it would be told to somebody else.
            Nobody = spawn(fun() -> receive stop -> ok end end),
            [begin
                 [Idle ! {trap, Nobody} || _ <- lists:seq(1, 1000)],
                 Idle ! {trap, self()},
                 true = apply(erlang, exit, [Idle, {in_turn, N}, [priority]]),
                 Idle ! {trap, Nobody}
             end || N <- lists:seq(1, 10)],
            [[{trapped, _, {in_turn, N}}] = scenario:collect(1) || N <- lists:seq(1, 10)],
            Nobody ! stop,
            Monitor = monitor(process, Idle),
            true = apply(erlang, exit, [Idle, kill, [priority]]),
            receive {'DOWN', Monitor, process, Idle, killed} -> ok after 30000 -> error(no_down) end,
            %% A priority alias of ours takes what the demo sends as any other.
            Alias = alias([priority]),
            {echo, Node} ! {'$gen_call', {self(), [alias | Alias]}, by_priority_alias},
            receive {[alias | Alias], by_priority_alias} -> ok after 30000 -> error(no_answer) end
    end,
    scenario:silence(50).

%% Messages to aliases of ours, while they are active; calls that are over hear nothing.
aliases(Node) ->
    Echo = fun(Alias, Message) -> {echo, Node} ! {'$gen_call', {self(), [alias | Alias]}, Message} end,
    Synced = fun() -> x = gen_server:call({echo, Node}, x) end,
    Explicit = alias([explicit_unalias]),
    Echo(Explicit, 1), Echo(Explicit, 2),
    [{[alias | Explicit], 1}, {[alias | Explicit], 2}] = scenario:collect(2),
    true = unalias(Explicit),
    Echo(Explicit, 3), Synced(),
    Once = alias([reply]),
    Echo(Once, 1), Echo(Once, 2), Synced(),
    [{[alias | Once], 1}] = scenario:collect(1),
    Monitor = monitor(process, {echo, Node}, [{alias, demonitor}]),
    Echo(Monitor, 1),
    [{[alias | Monitor], 1}] = scenario:collect(1),
    true = demonitor(Monitor),
    Echo(Monitor, 2), Synced(),
    scenario:silence(100).

%% A group leader comes with a process, and can be given to it later.
leaders(Node) ->
    Mine = group_leader(),
    Leader = spawn(fun() -> receive stop -> ok end end),
    true = group_leader(Leader, self()),
    Leader = erpc:call(Node, demo, leader, []),
    Waits = spawn(Node, demo, tell_leader, [self()]),
    Other = spawn(fun() -> receive stop -> ok end end),
    true = group_leader(Other, Waits),
    Waits ! tell,
    receive {leader, Told} -> Other = Told after 30000 -> error(no_leader) end,
    true = group_leader(Mine, self()),
    ok.
