%% Plays the trees of a file with OTP's supervisors, and prints for each step, when the tree is at rest again,
%% `Tree Step Answer [Event, ..] [Report, ..] Children`: what the step was answered, who started, failed, ignored and ended in
%% which order, what the supervisors reported in which order, and who is there then.
%%
%% A tree is `{Name, Supervisor, [Step]}`.
%% A supervisor is `{sup, Id, Strategy, Intensity, AutoShutdown, Restart, Significant, [Child]}`; that of dynamic children has
%% one child, the template. A worker is `{worker, Id, Restart, Significant, Shutdown, Manner}`. Its manner:
%% `traps` exits, so that its `terminate` is told of its end; is `deaf`, so that it is not; `breaks` in `terminate` when it is told
%% to end; is `stubborn` then, so that it has to be killed.
%% A step is `{die, Id, Reason}`; `{terminate | restart | delete, Sup, Id}`; `{start, Sup, Worker}`; `{start_dynamic |
%% terminate_dynamic, Sup, Id}`; `{fail | ignore, Id, Times}`: what the next starts of a worker come to.
-module(trees).
-behaviour(supervisor).
-export([play/0, init/1, start_sup/1, start_dynamic/3, log/2]).
-export([handle_call/3, handle_cast/2, terminate/2]).

play() ->
    process_flag(trap_exit, true),
    logger:set_primary_config(level, debug),
    logger:set_module_level(application_controller, none),
    ok = logger:remove_handler(default),
    ok = logger:add_handler(trees, ?MODULE, #{level => debug}),
    [File] = init:get_plain_arguments(),
    {ok, Trees} = file:consult(File),
    [tree(Tree) || Tree <- Trees],
    io:format("done~n"),
    halt(0).

tree({Name, Sup, Steps}) ->
    [ets:new(Table, [named_table, public, ordered_set]) || Table <- [events, reports, starts, pids]],
    {ok, Top} = start_sup(Sup),
    print(Name, 0, ok, settle(Top)),
    steps(Name, 1, Steps, Top),
    unlink(Top),
    Monitor = monitor(process, Top),
    exit(Top, shutdown),
    receive {'DOWN', Monitor, _, _, _} -> ok end,
    receive {'EXIT', Top, _} -> ok after 0 -> ok end,
    print(Name, stop, ok, ended),
    [ets:delete(Table) || Table <- [events, reports, starts, pids]].

steps(_, _, [], _) -> ok;
steps(Name, N, [Step | Steps], Top) ->
    Answer = step(Step),
    View = settle(Top),
    print(Name, N, Answer, View),
    View =:= ended orelse steps(Name, N + 1, Steps, Top).

step({fail, Id, Times}) -> ets:insert(starts, {Id, fail, Times}), ok;
step({ignore, Id, Times}) -> ets:insert(starts, {Id, ignore, Times}), ok;
step({die, Id, Reason}) ->
    case alive(Id) of
        false -> nobody;
        Pid ->
            Monitor = monitor(process, Pid),
            gen_server:cast(Pid, {die, Reason}),
            receive {'DOWN', Monitor, _, _, _} -> ok end
    end;
step({start, Sup, Worker}) -> ask(Sup, fun(Pid) -> supervisor:start_child(Pid, spec(Worker)) end);
step({terminate, Sup, Id}) -> ask(Sup, fun(Pid) -> supervisor:terminate_child(Pid, Id) end);
step({restart, Sup, Id}) -> ask(Sup, fun(Pid) -> supervisor:restart_child(Pid, Id) end);
step({delete, Sup, Id}) -> ask(Sup, fun(Pid) -> supervisor:delete_child(Pid, Id) end);
step({start_dynamic, Sup, Id}) -> ask(Sup, fun(Pid) -> supervisor:start_child(Pid, [Id]) end);
step({terminate_dynamic, Sup, Id}) ->
    case ets:lookup(pids, Id) of
        [{_, Child}] -> ask(Sup, fun(Pid) -> supervisor:terminate_child(Pid, Child) end);
        [] -> nobody
    end.

ask(Sup, Ask) ->
    case alive(Sup) of
        false -> nobody;
        Pid -> answer(Ask(Pid))
    end.

answer(ok) -> ok;
answer({ok, undefined}) -> ignored;
answer({ok, _}) -> ok;
answer({error, Why}) when is_atom(Why) -> Why;
answer({error, {already_started, _}}) -> already_started;
answer({error, _}) -> failed.

alive(Id) ->
    case ets:lookup(pids, Id) of
        [{_, Pid}] -> is_process_alive(Pid) andalso Pid;
        [] -> false
    end.

%% What is there when nothing moves any more: twice the same, and nobody in it is restarting or dead.
settle(Top) -> settle(Top, none).

settle(Top, Before) ->
    case is_process_alive(Top) andalso view(Top) of
        false -> ended;
        Before -> Before;
        View -> settle(Top, View)
    end.

%% In the order of the supervisor; dynamic children, which have none, by name.
view(Sup) ->
    try supervisor:which_children(Sup) of
        Children ->
            View = [child(Child) || Child <- Children],
            case lists:any(fun({Id, _, _, _}) -> Id =:= undefined end, Children) of
                true -> lists:sort(View);
                false -> View
            end
    catch exit:_ -> {moving, make_ref()}
    end.

child({Id, undefined, _, _}) -> {Id, down};
child({Id, restarting, _, _}) -> {Id, restarting, make_ref()};
child({Id, Pid, Type, _}) ->
    case is_process_alive(Pid) of
        false -> {Id, moving, make_ref()};
        true when Type =:= supervisor -> {Id, view(Pid)};
        true when Id =:= undefined ->
            [[Name]] = ets:match(pids, {'$1', Pid}),
            {Name, up};
        true -> {Id, up}
    end.

print(Name, N, Answer, View) ->
    io:format("~w ~w ~w ~0p ~0p ~0p~n", [Name, N, Answer, taken(events), taken(reports), View]).

taken(Table) ->
    All = [What || {_, What} <- ets:tab2list(Table)],
    ets:delete_all_objects(Table),
    All.

note(Table, What) -> ets:insert(Table, {erlang:unique_integer([monotonic]), What}).

%% The handler of the logger: runs in the supervisor that reports.
log(#{msg := {report, #{label := {supervisor, progress}, report := Report}}}, _) ->
    note(reports, {progress, id(started, Report)});
log(#{msg := {report, #{label := {supervisor, Context}, report := Report}}}, _) ->
    note(reports, {Context, id(offender, Report), proplists:get_value(reason, Report)});
log(_, _) -> ok.

id(Which, Report) ->
    Child = proplists:get_value(Which, Report),
    case proplists:get_value(nb_children, Child, 1) of
        1 -> proplists:get_value(id, Child);
        Many -> {proplists:get_value(id, Child), Many}
    end.

start_sup(Sup) -> supervisor:start_link(?MODULE, Sup).

start_dynamic(Template, Manner, Id) -> gen_server:start_link(?MODULE, {worker, Template, Id, Manner}, []).

spec({sup, Id, _, _, _, Restart, Significant, _} = Sup) ->
    #{id => Id, start => {?MODULE, start_sup, [Sup]}, type => supervisor, restart => Restart, significant => Significant};
spec({worker, Id, Restart, Significant, Shutdown, Manner}) ->
    #{id => Id, start => {gen_server, start_link, [?MODULE, {worker, Id, Id, Manner}, []]},
      restart => Restart, significant => Significant, shutdown => Shutdown}.

template({worker, Id, _, _, _, Manner} = Worker) ->
    (spec(Worker))#{start => {?MODULE, start_dynamic, [Id, Manner]}}.

init({sup, Id, Strategy, Intensity, Auto, _, _, Children}) ->
    ets:insert(pids, {Id, self()}),
    Flags = #{strategy => Strategy, intensity => Intensity, period => 3600, auto_shutdown => Auto},
    Specs = case Strategy of
        simple_one_for_one -> [template(Child) || Child <- Children];
        _ -> [spec(Child) || Child <- Children]
    end,
    {ok, {Flags, Specs}};
init({worker, _, Id, Manner}) ->
    case ets:lookup(starts, Id) of
        [{_, What, Times}] when Times > 0 ->
            ets:insert(starts, {Id, What, Times - 1}),
            note(events, {What, Id}),
            case What of
                fail -> {stop, {oops}};
                ignore -> ignore
            end;
        _ ->
            process_flag(trap_exit, Manner =/= deaf),
            ets:insert(pids, {Id, self()}),
            note(events, {started, Id}),
            {ok, {Id, Manner}}
    end.

handle_call(_, _, State) -> {reply, ok, State}.

handle_cast({die, Reason}, {Id, _}) -> {stop, Reason, {Id, traps}}.

terminate(_, {_, stubborn}) -> receive after infinity -> ok end;
terminate(Reason, {Id, Manner}) ->
    note(events, {ended, Id, Reason}),
    Manner =:= breaks andalso exit({panic, <<"broken">>}).
