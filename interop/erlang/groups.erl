%% `pg` on an Erlang node, driven from outside by calls of these functions: members that live until they are told to end.
-module(groups).
-export([serve/1, start/1, stop/1, join/3, leave/3, kill/1, view/1, local/1, groups/1, watch/2, heard/1, cut/1]).

%% The scope `pg` runs, and the node stays.
serve(Ready) ->
    {ok, _} = pg:start(pg),
    scenario:serve(Ready).

start(Scope) ->
    {ok, Pid} = pg:start(Scope),
    Pid.

%% The scope's process ends, and with it all that it knew.
stop(Scope) ->
    Monitor = monitor(process, Scope),
    exit(whereis(Scope), kill),
    receive {'DOWN', Monitor, process, _, _} -> ok end.

%% So many new processes join the group with one call; several times, if several times is asked for.
join(Scope, Group, {Count, Times}) ->
    Pids = [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, Count)],
    ok = pg:join(Scope, Group, lists:append(lists:duplicate(Times, Pids))),
    Pids;
join(Scope, Group, Pids) ->
    ok = pg:join(Scope, Group, Pids),
    Pids.

leave(Scope, Group, Pids) ->
    pg:leave(Scope, Group, Pids).

%% When this returns they are dead; `pg` learns of it by itself.
kill(Pids) ->
    [begin
         Monitor = monitor(process, Pid),
         exit(Pid, kill),
         receive {'DOWN', Monitor, process, Pid, _} -> ok end
     end || Pid <- Pids],
    ok.

%% All groups with their members, sorted.
view(Scope) ->
    lists:sort([{Group, lists:sort(pg:get_members(Scope, Group))} || Group <- pg:which_groups(Scope)]).

local(Scope) ->
    lists:sort([{Group, lists:sort(pg:get_local_members(Scope, Group))}
                || Group <- pg:which_groups(Scope), pg:get_local_members(Scope, Group) =/= []]).

groups(Scope) ->
    lists:sort(pg:which_groups(Scope)).

%% A process that notes what changes in a group (or, by `scope`, in all), to be asked by heard/1.
watch(Scope, Group) ->
    Asker = self(),
    Watcher = spawn(fun() ->
        {Ref, Now} = case Group of
            scope -> pg:monitor_scope(Scope);
            _ -> pg:monitor(Scope, Group)
        end,
        Asker ! {self(), Now},
        note(Ref, [])
    end),
    receive {Watcher, Now} -> {Watcher, Now} end.

note(Ref, Heard) ->
    receive
        {Ref, Verb, Group, Pids} -> note(Ref, [{Verb, Group, lists:sort(Pids)} | Heard]);
        {heard, From} -> From ! {self(), lists:reverse(Heard)}, note(Ref, Heard)
    end.

heard(Watcher) ->
    Watcher ! {heard, self()},
    receive {Watcher, Heard} -> Heard end.

%% The connection to another node is closed from here.
cut(Node) ->
    erlang:disconnect_node(Node).
