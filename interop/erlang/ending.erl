%% A node that is told to end while it is called: what it has taken is answered, and everybody else hears why.
-module(ending).
-export([load/1]).

-define(PATIENCE, 60000).

load(Demo) ->
    pong = net_adm:ping(Demo),
    monitor_node(Demo, true),
    Monitors = [monitor(process, {Name, Demo}) || Name <- [demo_sup, echo, counter]],
    %% This one is taken; those behind it are queued.
    Taken = caller(fun() -> gen_server:call({counter, Demo}, {wait, 3000}, infinity) end),
    Queued = [caller(fun() -> gen_server:call({counter, Demo}, {add, 1}, infinity) end) || _ <- lists:seq(1, 20)],
    Endless = [caller(fun() -> calls(Demo, Name, Request) end)
               || _ <- lists:seq(1, 50), {Name, Request} <- [{echo, hello}, {counter, get}]],
    [receive {Caller, calls} -> ok after ?PATIENCE -> error(no_call) end || Caller <- [Taken | Queued ++ Endless]],
    %% What they sent is there: the server was busy all the time, and is asked behind them.
    timer:sleep(300),
    hello = gen_server:call({echo, Demo}, hello),
    scenario:say("loaded"),
    {returned, 0} = outcome(Taken),
    %% Each added one.
    Sums = lists:seq(1, 20),
    Sums = lists:sort([begin {returned, N} = outcome(Caller), N end || Caller <- Queued]),
    [shutdown = outcome(Caller) || Caller <- Endless],
    [receive {'DOWN', Monitor, process, _, shutdown} -> ok;
             {'DOWN', Monitor, process, _, Other} -> error({wrong_reason, Other})
     after ?PATIENCE -> error(no_down) end || Monitor <- Monitors],
    receive {nodedown, Demo} -> ok after ?PATIENCE -> error(no_nodedown) end.

%% Calls until it fails.
calls(Demo, Name, Request) ->
    gen_server:call({Name, Demo}, Request, infinity),
    calls(Demo, Name, Request).

caller(Fun) ->
    Parent = self(),
    spawn(fun() ->
        Parent ! {self(), calls},
        Parent ! {self(), ended, scenario:exit_reason(Fun)}
    end).

outcome(Caller) ->
    receive {Caller, ended, Outcome} -> Outcome after ?PATIENCE -> error(no_outcome) end.
