%% The demo's echo server in the cluster: its group and its global name, in every life of it.
-module(membership).
-export([demo/1, hidden/1]).

-define(PATIENCE, 10000).

%% Found by the group and by the name, used by both, and after each death the next one is found. Three crashes, which the supervisor
%% bears; then restarts that it does not count.
demo(Demo) ->
    meet(Demo),
    Echo = lists:foldl(fun(_, Echo) -> crash(Demo, Echo) end, is_found(Demo, echo(Demo)), lists:seq(1, 3)),
    lists:foldl(fun(_, Old) -> restart(Demo, Old) end, Echo, lists:seq(1, 20)),
    ok.

%% A hidden node keeps its names and its groups to itself.
hidden(Demo) ->
    {ok, _} = pg:start(pg),
    pong = net_adm:ping(Demo),
    {hello, 1} = gen_server:call({echo, Demo}, {hello, 1}),
    ok = global:sync(),
    undefined = global:whereis_name(demo_global),
    [] = pg:get_members(demo_group),
    ok.

meet(Demo) ->
    {ok, _} = pg:start(pg),
    pong = net_adm:ping(Demo),
    ok = global:sync(),
    true = lists:member(demo_global, global:registered_names()).

crash(Demo, Old) ->
    Monitor = monitor(process, Old),
    exit(Old, kill),
    receive {'DOWN', Monitor, process, Old, killed} -> ok after ?PATIENCE -> error(no_down) end,
    is_found(Demo, successor(Demo, Old)).

restart(Demo, Old) ->
    ok = supervisor:terminate_child({demo_sup, Demo}, echo),
    {ok, New} = supervisor:restart_child({demo_sup, Demo}, echo),
    true = New =/= Old,
    is_found(Demo, New).

successor(Demo, Old) ->
    case echo(Demo) of
        New when is_pid(New), New =/= Old -> New;
        _ -> timer:sleep(1), successor(Demo, Old)
    end.

echo(Demo) ->
    {echo, Pid, worker, _} = lists:keyfind(echo, 1, supervisor:which_children({demo_sup, Demo})),
    Pid.

%% From its first answer on it has the name on every node; the group is told of by a message of its own.
is_found(Demo, Echo) ->
    {who, Echo} = gen_server:call({echo, Demo}, {who, Echo}),
    Echo = global:whereis_name(demo_global),
    {by, name} = gen_server:call({global, demo_global}, {by, name}),
    global:send(demo_global, {self(), by_send}),
    receive by_send -> ok after ?PATIENCE -> error(no_echo) end,
    [Echo] = await_members([Echo], erlang:monotonic_time(millisecond) + ?PATIENCE),
    Echo.

await_members(Wanted, End) ->
    case pg:get_members(demo_group) of
        Wanted -> Wanted;
        Other ->
            erlang:monotonic_time(millisecond) < End orelse error({members, Other}),
            timer:sleep(1),
            await_members(Wanted, End)
    end.
