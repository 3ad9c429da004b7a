%% A node that is told to end while it is called: what it has taken is answered, and everybody else hears why.
-module(ending).
-export([load/1]).

-define(PATIENCE, 60000).

load(Demo) ->
    pong = net_adm:ping(Demo),
    monitor_node(Demo, true),
    Monitors = [monitor(process, {Name, Demo}) || Name <- [demo_sup, echo, counter]],
    %% The first is taken, those behind it are queued. One process asks all of it, so that it arrives in this order.
    [Taken | Queued] = [gen_server:send_request({counter, Demo}, Request)
                        || Request <- [{wait, 3000} | lists:duplicate(20, {add, 1})]],
    Endless = [caller(fun() -> calls(Demo, Name, Request) end)
               || _ <- lists:seq(1, 50), {Name, Request} <- [{echo, hello}, {counter, get}]],
    %% It went the same way as the requests, behind them: they are there.
    hello = gen_server:call({echo, Demo}, hello, infinity),
    [receive {Caller, calls} -> ok after ?PATIENCE -> error(no_call) end || Caller <- Endless],
    scenario:say("loaded"),
    {reply, 0} = gen_server:wait_response(Taken, ?PATIENCE),
    %% Each added one.
    [{reply, N} = gen_server:wait_response(Asked, ?PATIENCE) || {N, Asked} <- lists:zip(lists:seq(1, 20), Queued)],
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
