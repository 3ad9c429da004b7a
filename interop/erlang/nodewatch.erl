%% Who is told of nodes that come and go, on an Erlang node, driven from outside by calls of these functions.
-module(nodewatch).
-export([subscribe/2, monitor/1, heard/1, bursts/3]).

%% A process that calls monitor_nodes/2 with each of these, and notes what it gets. It may have a name.
subscribe(Name, Calls) ->
    watcher(Name, fun() -> [ok = net_kernel:monitor_nodes(On, Options) || {On, Options} <- Calls] end).

%% The same of monitor_node/2.
monitor(Calls) ->
    watcher(undefined, fun() -> [true = monitor_node(Node, On) || {Node, On} <- Calls] end).

watcher(Name, Begin) ->
    Asker = self(),
    Pid = spawn(fun() ->
        Name =:= undefined orelse register(Name, self()),
        Begin(),
        Asker ! {self(), begun},
        note([])
    end),
    receive {Pid, begun} -> Pid after 30000 -> error(no_watcher) end.

note(Heard) ->
    receive
        {heard, From} -> From ! {self(), lists:reverse(Heard)}, note(Heard);
        Message -> note([Message | Heard])
    end.

heard(Pid) ->
    Pid ! {heard, self()},
    receive {Pid, Heard} -> Heard after 30000 -> error(no_answer) end.

%% In each round a connection, so many messages, and the end of it; in every other one not before all have arrived.
bursts({_, Node} = Dest, Rounds, Count) ->
    [begin
         [Dest ! {burst, Round, N} || N <- lists:seq(1, Count)],
         Round rem 2 =:= 0 orelse (pong = net_adm:ping(Node)),
         erlang:disconnect_node(Node)
     end || Round <- lists:seq(1, Rounds)],
    ok.
