%% A node of a cluster whose nodes come and go (`src/proofs/churn.rs`): what it does by itself meanwhile, and what it sees when it is asked.
-module(churn).
-export([serve/1, live/1, rest/0, view/0, processes/0]).

%% Told what to do line by line, as `names`.
serve(Ready) ->
    {ok, _} = pg:start(pg),
    names:serve(Ready).

%% From now on it takes names, groups and locks, and gives them up, as the seed draws.
live(Seed) ->
    Pid = spawn(fun() ->
        rand:seed(exsss, Seed),
        act([])
    end),
    register(life, Pid),
    ok.

%% What is under way is brought to its end, and no more is begun. Those who have names and are in groups live on.
rest() ->
    Life = whereis(life),
    Monitor = monitor(process, Life),
    Life ! rest,
    receive {'DOWN', Monitor, process, _, Reason} -> Reason end.

act(Held) ->
    receive rest -> ok
    after rand:uniform(60) ->
        act(few(one(rand:uniform(9), [Pid || Pid <- Held, is_process_alive(Pid)])))
    end.

%% Not more and more of them.
few(Held) when length(Held) > 20 -> exit(lists:last(Held), kill), lists:droplast(Held);
few(Held) -> Held.

one(1, Held) -> take(fun(Name, Pid) -> global:register_name(Name, Pid) end, Held);
one(2, Held) -> take(fun(Name, Pid) -> global:re_register_name(Name, Pid) end, Held);
one(3, Held) -> rand:uniform(4) =:= 1 andalso global:unregister_name(name()), Held;
one(4, [Pid | Held]) -> exit(Pid, kill), Held;
one(5, Held) -> Pid = names:holder(), ok = pg:join(group(), Pid), [Pid | Held];
one(6, [Pid | _] = Held) -> _ = pg:join(group(), Pid), Held;
one(7, [Pid | _] = Held) -> _ = pg:leave(group(), Pid), Held;
one(8, Held) -> lock(fun() -> timer:sleep(rand:uniform(20)) end), Held;
%% Who has the lock is killed.
one(9, Held) -> lock(fun() -> timer:sleep(rand:uniform(20)), exit(self(), kill) end), Held;
one(_, []) -> [].

take(How, Held) ->
    Pid = names:holder(),
    _ = How(name(), Pid),
    [Pid | Held].

lock(Fun) ->
    Id = {lock, rand:uniform(4)},
    {Pid, Monitor} = spawn_monitor(fun() -> global:trans({Id, self()}, Fun, [node() | nodes()], 3) end),
    receive {'DOWN', Monitor, process, Pid, _} -> ok end.

name() -> {name, rand:uniform(20)}.
group() -> {group, rand:uniform(6)}.

%% Nodes that have the same names; locks; names and groups with who has them and is in them.
view() ->
    {lists:sort(gen_server:call(global_name_server, get_synced)),
     [iolist_to_binary(io_lib:format("~0p", [Lock])) || Lock <- ets:tab2list(global_locks)],
     lists:sort([{Name, parts(global:whereis_name(Name))} || Name <- global:registered_names()]),
     lists:sort([{Group, lists:sort([parts(Pid) || Pid <- pg:get_members(Group)])} || Group <- pg:which_groups()])}.

processes() -> [parts(Pid) || Pid <- erlang:processes()].

%% The same on all nodes.
parts(undefined) -> undefined;
parts(Pid) ->
    Bytes = term_to_binary(Pid, [{minor_version, 2}]),
    Size = byte_size(Bytes) - 12,
    <<_:Size/binary, Id:32, Serial:32, Creation:32>> = Bytes,
    {node(Pid), Id, Serial, Creation}.
