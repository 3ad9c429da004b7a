%% What looks at a node from outside, asked of another node: it answers as this release does of the same things.
-module(inspected).
-behaviour(application).
-export([applications/1, nothing/1, serve/0]).
-export([start/2, stop/1, init/1, handle_call/3, handle_cast/2]).

%% The other side has started the same two applications: `inspected_lib`, then `inspected`.
applications(Node) ->
    start_both(),
    Ask = fun(Function, Arguments) -> rpc:call(Node, application, Function, Arguments) end,
    Own = fun(Function, Arguments) -> apply(application, Function, Arguments) end,
    Same = fun(Function, Arguments) ->
        Expected = sorted(Function, Own(Function, Arguments)),
        case sorted(Function, Ask(Function, Arguments)) of
            Expected -> ok;
            Answer -> error({Function, Arguments, Answer, Expected})
        end
    end,
    Ours = fun(Infos) -> [Info || {Name, _, _} = Info <- Infos, Name =:= inspected orelse Name =:= inspected_lib] end,
    [begin
         [{inspected, _, "1.2"}, {inspected_lib, _, _}] = Expected = Ours(Own(which_applications, Arguments)),
         %% The last started first.
         Expected = Ours(Ask(which_applications, Arguments)),
         Expected = Ours(gen_server:call({application_controller, Node}, which_applications)),
         Loaded = lists:sort(Ours(Own(loaded_applications, []))),
         Loaded = lists:sort(Ours(Ask(loaded_applications, [])))
     end || Arguments <- [[], [5000], [infinity]]],
    Keys = [description, id, vsn, modules, maxP, maxT, registered, included_applications, optional_applications, applications, env,
            mod, start_phases, nothing, "vsn", 1],
    [Same(get_key, [Name, Key]) || Name <- [inspected, inspected_lib, nobody, "inspected"], Key <- Keys],
    [Same(get_all_key, [Name]) || Name <- [inspected, inspected_lib, nobody, "inspected"]],
    [Same(get_env, [Name, Key]) || Name <- [inspected, inspected_lib, nobody, "inspected"],
                                   Key <- [port, name, levels, set, nothing, "port", 1]],
    [Same(get_env, [Name, Key, {default, 1}]) || Name <- [inspected, nobody], Key <- [port, nothing]],
    [Same(get_all_env, [Name]) || Name <- [inspected, inspected_lib, nobody, "inspected"]],
    %% By the group leader, which is of no application here.
    [Same(Function, Arguments) || {Function, Arguments} <- [{get_application, []}, {get_env, [port]}, {get_all_env, []},
                                                            {get_key, [vsn]}, {get_all_key, []}]],
    %% And with that of one there.
    [{child, Child, _, _}] = supervisor:which_children({inspected_sup, Node}),
    Leader = gen_server:call(Child, leader),
    Old = group_leader(),
    group_leader(gen_server:call(inspected_child, leader), self()),
    Led = [{{F, A}, sorted(F, Own(F, A))} || {F, A} <- [{get_application, []}, {get_env, [port]}, {get_all_env, []}, {get_key, [vsn]},
                                                        {get_all_key, []}]],
    group_leader(Leader, self()),
    [Expected = sorted(F, Ask(F, A)) || {{F, A}, Expected} <- Led],
    group_leader(Old, self()),
    %% By a pid; of another node, which is an error; of a module that is in no application; of what is neither.
    {ok, inspected} = Ask(get_application, [Child]),
    {badrpc, {'EXIT', {badarg, _}}} = Ask(get_application, [self()]),
    Same(get_application, [nomodule]),
    exit(Child, kill),
    scenario:eventually(fun() -> undefined = Ask(get_application, [Child]) end),
    [{badrpc, {'EXIT', {function_clause, [{application, F, A, _} | _]}}} = Ask(F, A)
     || {F, A} <- [{get_application, ["inspected"]}, {which_applications, [soon]}, {which_applications, [-1]}]],
    %% Any other way to run a function elsewhere gets there too.
    {ok, "1.2"} = erpc:call(Node, application, get_key, [inspected, vsn]),
    ok.

%% What has been switched off is `undef`, as any other function that is not there.
nothing(Node) ->
    [{badrpc, {'EXIT', {undef, [{application, F, A, []} | _]}}} = rpc:call(Node, application, F, A)
     || {F, A} <- [{which_applications, []}, {which_applications, [5000]}, {loaded_applications, []}, {get_application, []},
                   {get_application, [self()]}, {get_env, [port]}, {get_env, [inspected, port]}, {get_env, [inspected, port, 1]},
                   {get_all_env, []}, {get_all_env, [inspected]}, {get_key, [vsn]}, {get_key, [inspected, vsn]}, {get_all_key, []},
                   {get_all_key, [inspected]}]],
    ok.

%% The other side in Erlang, which proves the scenario.
serve() ->
    start_both(),
    scenario:serve(node()).

%% What is in a table of OTP has no order.
sorted(get_all_env, Env) -> lists:sort(Env);
sorted(get_key, {ok, [{_, _} | _] = Env}) -> {ok, lists:sort(Env)};
sorted(get_all_key, {ok, Keys}) -> {ok, lists:keyreplace(env, 1, Keys, {env, lists:sort(proplists:get_value(env, Keys))})};
sorted(_, Answer) -> Answer.

start_both() ->
    ok = application:load({application, inspected_lib, [{vsn, "0.1"}, {description, "nothing to run, Å and 京"}]}),
    ok = application:load({application, inspected, [
        {vsn, "1.2"}, {description, "is looked at"}, {applications, [inspected_lib]}, {registered, [inspected_sup, inspected_child]},
        {maxT, 3600000}, {env, [{port, 8080}, {name, <<"web">>}, {levels, [1, 2, 300]}]}, {mod, {?MODULE, []}}]}),
    ok = application:start(inspected_lib),
    ok = application:start(inspected),
    ok = application:set_env(inspected, set, later).

start(normal, []) -> supervisor:start_link({local, inspected_sup}, ?MODULE, supervisor).

stop(_) -> ok.

init(supervisor) ->
    Child = #{id => child, start => {gen_server, start_link, [{local, inspected_child}, ?MODULE, child, []]}},
    {ok, {#{strategy => one_for_one}, [Child]}};
init(child) -> {ok, none}.

handle_call(leader, _, State) -> {reply, group_leader(), State}.

handle_cast(_, State) -> {noreply, State}.
