%% What Erlang asks of the demo's supervisor, as of one of its own; and the same random trees, played by OTP.
-module(supervised).
-behaviour(gen_server).
-export([demo/1, heals/1, intensity/1, refused/1, ours/1, ours_started/1]).
-export([play/0, init/1, handle_call/3, handle_cast/2, terminate/2]).

-define(PATIENCE, 10000).

demo(Demo) ->
    Sup = {demo_sup, Demo},
    [{counter, Counter, worker, [_]}, {echo, Echo, worker, [_]}] = supervisor:which_children(Sup),
    true = is_pid(Counter) andalso is_pid(Echo) andalso node(Echo) =:= Demo,
    [{specs, 2}, {active, 2}, {supervisors, 0}, {workers, 2}] = supervisor:count_children(Sup),
    {ok, #{id := counter, restart := permanent, shutdown := 5000, type := worker, significant := false,
           start := {_, _, _}, modules := [_]}} = supervisor:get_childspec(Sup, counter),
    {error, not_found} = supervisor:get_childspec(Sup, nobody),
    {error, running} = supervisor:restart_child(Sup, counter),
    {error, running} = supervisor:delete_child(Sup, counter),
    Monitor = monitor(process, Counter),
    ok = supervisor:terminate_child(Sup, counter),
    receive {'DOWN', Monitor, process, Counter, shutdown} -> ok after ?PATIENCE -> error(no_down) end,
    {counter, undefined, worker, [_]} = lists:keyfind(counter, 1, supervisor:which_children(Sup)),
    {specs, 2} = lists:keyfind(specs, 1, supervisor:count_children(Sup)),
    {active, 1} = lists:keyfind(active, 1, supervisor:count_children(Sup)),
    {ok, Again} = supervisor:restart_child(Sup, counter),
    0 = gen_server:call(Again, get),
    ok = supervisor:terminate_child(Sup, counter),
    ok = supervisor:terminate_child(Sup, counter),
    ok = supervisor:delete_child(Sup, counter),
    {error, not_found} = supervisor:delete_child(Sup, counter),
    {error, not_found} = supervisor:terminate_child(Sup, counter),
    {error, not_found} = supervisor:restart_child(Sup, counter),
    [{echo, Echo, worker, [_]}] = supervisor:which_children(Sup),
    ok.

%% A child that crashes, and one that is killed from outside, are there again; the other one is the same.
heals(Demo) ->
    [{counter, Counter, _, _}, {echo, Echo, _, _}] = supervisor:which_children({demo_sup, Demo}),
    5 = gen_server:call(Counter, {add, 5}),
    {panic, _} = scenario:exit_reason(fun() -> gen_server:call(Counter, crash) end),
    0 = scenario:eventually(fun() -> 0 = gen_server:call({counter, Demo}, get) end),
    [{counter, Second, _, _}, {echo, Echo, _, _}] = supervisor:which_children({demo_sup, Demo}),
    exit(Second, kill),
    Third = scenario:eventually(fun() ->
        [{counter, Third, _, _}, {echo, Echo, _, _}] = supervisor:which_children({demo_sup, Demo}),
        true = Third =/= Second andalso is_pid(Third), Third
    end),
    0 = gen_server:call(Third, get),
    ok.

%% Three restarts in five seconds are allowed; with the fourth all of it ends with `shutdown`.
intensity(Demo) ->
    pong = net_adm:ping(Demo),
    Monitors = [monitor(process, {Name, Demo}) || Name <- [demo_sup, echo]],
    [begin
         [{counter, Counter, _, _}, _] = supervisor:which_children({demo_sup, Demo}),
         exit(Counter, kill),
         N =:= 4 orelse scenario:eventually(fun() ->
             [{counter, New, _, _}, _] = supervisor:which_children({demo_sup, Demo}),
             true = is_pid(New) andalso New =/= Counter
         end)
     end || N <- [1, 2, 3, 4]],
    [receive {'DOWN', Monitor, process, _, shutdown} -> ok after ?PATIENCE -> error(no_down) end || Monitor <- Monitors],
    noproc = scenario:exit_reason(fun() -> gen_server:call({counter, Demo}, get) end),
    pong = net_adm:ping(Demo),
    ok.

%% What would run code of ours there.
refused(Demo) ->
    Spec = #{id => new, start => {gen_server, start_link, [?MODULE, {new, none}, []]}},
    {error, code_from_outside} = supervisor:start_child({demo_sup, Demo}, Spec),
    {error, not_simple_one_for_one} = supervisor:start_child({demo_sup, Demo}, [1]),
    {no_reply, unheard_of} = scenario:exit_reason(fun() -> gen_server:call({demo_sup, Demo}, unheard_of) end),
    2 = length(supervisor:which_children({demo_sup, Demo})),
    ok.

%% A supervisor of ours, for a Rust node to ask.
ours(Node) -> ours_started(Node).
ours_started(_) ->
    {ok, _} = supervisor:start_link({local, demo_sup}, demo_reference, demo_sup),
    scenario:serve(node()).

%% Plays the trees of a file and prints, for each step, what it was answered, who started and ended, and who is there then:
%% `Tree Step Answer [Event, ..] [{Child, up | down}, ..]`.
%% A tree is `{Name, Flags, [Child], [Step]}`, a child `{Id, Restart, Significant}`, a step `{die, Id, Reason}`,
%% `{terminate | restart | delete, Id}`, `{start, Child}` or `{fail, Id, Times}`.
play() ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    [File] = init:get_plain_arguments(),
    {ok, Trees} = file:consult(File),
    [tree(Tree) || Tree <- Trees],
    io:format("done~n"),
    halt(0).

tree({Name, {Strategy, Intensity, Auto}, Children, Steps}) ->
    ets:new(seen, [named_table, public, ordered_set]),
    ets:new(fails, [named_table, public]),
    Flags = #{strategy => Strategy, intensity => Intensity, period => 3600, auto_shutdown => Auto},
    {ok, Sup} = supervisor:start_link(?MODULE, {sup, Flags, [spec(Child) || Child <- Children]}),
    print(Name, 0, ok, Sup),
    steps(Name, 1, Steps, Sup),
    unlink(Sup),
    Monitor = monitor(process, Sup),
    exit(Sup, shutdown),
    receive {'DOWN', Monitor, _, _, _} -> ok end,
    receive {'EXIT', Sup, _} -> ok after 0 -> ok end,
    ets:delete(seen),
    ets:delete(fails).

steps(_, _, [], _) -> ok;
steps(Name, N, [Step | Steps], Sup) ->
    Answer = step(Step, Sup),
    settle(Sup),
    print(Name, N, Answer, Sup),
    is_process_alive(Sup) andalso steps(Name, N + 1, Steps, Sup).

spec({Id, Restart, Significant}) ->
    #{id => Id, start => {gen_server, start_link, [?MODULE, {child, Id}, []]},
      restart => Restart, significant => Significant}.

step({fail, Id, Times}, _) -> ets:insert(fails, {Id, Times}), ok;
step({die, Id, Reason}, Sup) ->
    case lists:keyfind(Id, 1, supervisor:which_children(Sup)) of
        {_, Pid, _, _} when is_pid(Pid) ->
            Monitor = monitor(process, Pid),
            gen_server:cast(Pid, {die, Reason}),
            receive {'DOWN', Monitor, _, _, _} -> ok end,
            handled(Sup, Id, Pid);
        _ -> nobody
    end;
step({start, Child}, Sup) -> answer(supervisor:start_child(Sup, spec(Child)));
step({terminate, Id}, Sup) -> answer(supervisor:terminate_child(Sup, Id));
step({restart, Id}, Sup) -> answer(supervisor:restart_child(Sup, Id));
step({delete, Id}, Sup) -> answer(supervisor:delete_child(Sup, Id)).

answer(ok) -> ok;
answer({ok, _}) -> ok;
answer({error, Why}) when is_atom(Why) -> Why;
answer({error, {already_started, _}}) -> already_started;
answer({error, _}) -> failed.

%% Until the supervisor knows that this process is no more.
handled(Sup, Id, Pid) ->
    case children(Sup) of
        ended -> ok;
        Children ->
            case lists:keyfind(Id, 1, Children) of
                {_, Pid, _, _} -> handled(Sup, Id, Pid);
                _ -> ok
            end
    end.

%% Until nobody is restarting.
settle(Sup) ->
    case children(Sup) of
        ended -> ok;
        Children ->
            case lists:keymember(restarting, 2, Children) of
                true -> settle(Sup);
                false -> ok
            end
    end.

children(Sup) ->
    try supervisor:which_children(Sup)
    catch exit:_ ->
        Monitor = monitor(process, Sup),
        receive {'DOWN', Monitor, _, _, _} -> ended end
    end.

print(Name, N, Answer, Sup) ->
    Now = case children(Sup) of
        ended -> ended;
        Children -> [{Id, case is_pid(Pid) of true -> up; false -> down end} || {Id, Pid, _, _} <- Children]
    end,
    Events = [What || {_, What} <- ets:tab2list(seen)],
    ets:delete_all_objects(seen),
    io:format("~w ~w ~w ~w ~w~n", [Name, N, Answer, Events, Now]).

saw(What) -> ets:insert(seen, {erlang:unique_integer([monotonic]), What}).

init({sup, Flags, Specs}) -> {ok, {Flags, Specs}};
init({child, Id}) ->
    case ets:lookup(fails, Id) of
        [{_, Times}] when Times > 0 ->
            ets:insert(fails, {Id, Times - 1}),
            saw({failed, Id}),
            {stop, {oops}};
        _ ->
            process_flag(trap_exit, true),
            saw({started, Id}),
            {ok, Id}
    end.

handle_call(_, _, Id) -> {reply, ok, Id}.
handle_cast({die, Reason}, Id) -> {stop, Reason, Id}.
terminate(Reason, Id) -> saw({ended, Id, Reason}).
