%% What Erlang asks of the demo's supervisor, as of one of its own.
-module(supervised).
-export([demo/1, heals/1, intensity/1, refused/1, ours/1, ours_started/1]).

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
