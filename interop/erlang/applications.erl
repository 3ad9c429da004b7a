%% Scripts of applications, played by OTP: each in a node of its own, or in one that the script before left as it was.
%% A script is `{Name, [{Application, [Dependency]}], [Step]}`, a step `{load | unload | stop, A}`, `{start | ensure, A, Type}`,
%% `{fail, A, Reason}` (its next start fails), `{die, A, Reason}` or `{set, A, Value}`. Printed is, for each step,
%% `Script Step Answer [Event, ..] [Running, ..] [Loaded, ..] [Value, ..]`, or `down` for the last three when the node has ended.
-module(applications).
-behaviour(application).
-export([play/0, prepare/1, step/1, settle/1, rest/1, clean/1]).
-export([start/2, prep_stop/1, stop/1]).

play() ->
    logger:set_primary_config(level, none),
    [File] = init:get_plain_arguments(),
    {ok, Scripts} = file:consult(File),
    lists:foldl(fun script/2, none, Scripts),
    io:format("done~n"),
    halt(0).

script({Name, Applications, Steps}, Peer0) ->
    Peer = peer(Peer0),
    ok = peer:call(Peer, ?MODULE, prepare, [Applications], 60000),
    Events = peer:call(Peer, ets, lookup_element, [player, events, 2], 60000),
    file:delete(Events),
    steps(Name, 1, Steps, [A || {A, _} <- Applications], Events, Peer).

peer(none) ->
    Args = ["-pz", filename:dirname(code:which(?MODULE)), "-env", "ERL_CRASH_DUMP_SECONDS", "0"],
    %% By default it gives the node 15 s, which a machine that does other things as well may take.
    {ok, Peer, _} = peer:start(#{connection => standard_io, wait_boot => 300000, args => Args}),
    Peer;
peer(Peer) -> Peer.

steps(_, _, [], Names, _, Peer) ->
    ok = peer:call(Peer, ?MODULE, clean, [Names], 60000),
    Peer;
steps(Script, N, [Step | Steps], Names, Events, Peer) ->
    put(answer, none),
    try
        Answer = peer:call(Peer, ?MODULE, step, [Step], 60000),
        put(answer, Answer),
        ok = peer:call(Peer, ?MODULE, settle, [Step], 60000),
        {Running, Loaded, Values} = peer:call(Peer, ?MODULE, rest, [Names], 60000),
        io:format("~s ~b ~0p [~s] ~0p ~0p ~0p~n", [Script, N, Answer, events(Events), Running, Loaded, Values]),
        true
    of
        true -> steps(Script, N + 1, Steps, Names, Events, Peer)
    catch
        _:_ ->
            %% Everything that was to end has, when the node itself has.
            Monitor = monitor(process, Peer),
            receive {'DOWN', Monitor, _, _, _} -> ok end,
            %% One that wanted to stop again what it had started found nobody to ask.
            Heard = case Step of {ensure, _, _} -> none; _ -> get(answer) end,
            io:format("~s ~b ~0p [~s] down~n", [Script, N, Heard, events(Events)]),
            none
    end.

%% What happened since it was last looked.
events(File) ->
    {ok, Text} = case file:read_file(File) of {error, enoent} -> {ok, <<>>}; Read -> Read end,
    file:delete(File),
    lists:join(",", string:lexemes(binary_to_list(Text), "\n")).

%% What follows is for the other node.

prepare(Applications) ->
    logger:set_primary_config(level, none),
    whereis(player) =:= undefined andalso begin
        Parent = self(),
        spawn(fun() -> register(player, self()), ets:new(player, [named_table, public]), Parent ! ready, timer:sleep(infinity) end),
        receive ready -> ok end
    end,
    ets:delete_all_objects(player),
    ets:insert(player, {events, filename:join("/tmp", "kista-events-" ++ os:getpid())}),
    [ets:insert(player, {{spec, A}, {application, A, [{vsn, "1"}, {description, ""}, {applications, On}, {env, [{n, 1}]},
                                                      {mod, {?MODULE, A}}]}}) || {A, On} <- Applications],
    ok.

step({load, A}) -> answer(application:load(spec(A)));
step({unload, A}) -> answer(application:unload(A));
step({stop, A}) -> answer(application:stop(A));
step({start, A, Type}) -> known(A), answer(application:start(A, Type));
step({ensure, A, Type}) -> known(A), ensured(application:ensure_all_started(A, Type));
step({fail, A, Reason}) -> ets:insert(player, {{fail, A}, Reason}), ok;
step({set, A, Value}) -> application:set_env(A, n, Value);
step({die, A, Reason}) ->
    case whereis(top_of(A)) of
        undefined -> nobody;
        Pid -> Pid ! {die, Reason}, ok
    end.

settle({die, A, _}) -> ended(A);
settle(_) -> ok.

%% It is where `application` looks for it, for this start.
known(A) ->
    {application, A, Keys} = spec(A),
    [known(On) || On <- proplists:get_value(applications, Keys)],
    application:load(spec(A)).

spec(A) -> ets:lookup_element(player, {spec, A}, 2).

ended(A) ->
    case lists:keymember(A, 1, application:which_applications(infinity)) of
        true -> ended(A);
        false -> ok
    end.

answer(ok) -> ok;
answer({error, {already_loaded, {application, A, _}}}) -> {already_loaded, A};
answer({error, {{'EXIT', normal}, {?MODULE, start, _}}}) -> {start, normal};
answer({error, {Reason, {?MODULE, start, _}}}) -> {start, Reason};
answer({error, Reason}) -> Reason.

ensured({ok, Started}) -> Started;
ensured({error, {_, Reason}}) -> answer({error, Reason}).

rest(Names) ->
    Ours = fun(Infos) -> [A || {A, "", "1"} <- Infos, lists:member(A, Names)] end,
    {Ours(application:which_applications(infinity)), lists:sort(Ours(application:loaded_applications())),
     [case application:get_env(A, n) of {ok, Value} -> Value; undefined -> undefined end || A <- Names]}.

clean(Names) ->
    [application:stop(A) || A <- lists:reverse(Names)],
    [application:unload(A) || A <- Names],
    [application:unset_env(A, n) || A <- Names],
    ok.

%% The application.

start(normal, A) ->
    case ets:take(player, {fail, A}) of
        [] ->
            say({started, A}),
            Parent = self(),
            Top = spawn_link(fun() -> top(A, Parent) end),
            receive {Top, ready} -> {ok, Top, A} end;
        [{_, normal}] -> say({failed, A}), exit(normal);
        [{_, Reason}] -> say({failed, A}), {error, Reason}
    end.

prep_stop(A) -> say({prep_stop, A}), A.

stop(A) -> say({stop, A}).

top(A, Parent) ->
    process_flag(trap_exit, true),
    register(top_of(A), self()),
    Parent ! {self(), ready},
    receive
        {die, Reason} -> exit(Reason);
        {'EXIT', _, Reason} -> say({ended, A, Reason}), exit(Reason)
    end.

top_of(A) -> list_to_atom("top_" ++ atom_to_list(A)).

say(Event) ->
    File = ets:lookup_element(player, events, 2),
    ok = file:write_file(File, io_lib:format("~0p~n", [Event]), [append, raw]).
