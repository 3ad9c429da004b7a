%% What OTP's sys asks of the demo's counter. All but refused/1 holds of a gen_server in Erlang too.
-module(sysops).
-export([state/1, status/1, suspended/1, statistics/1, log/1, trace/1, terminate/1, refused/1, remote_tools/1]).

state(Node) ->
    {counter, 0} = plain(sys:get_state({counter, Node})),
    2 = gen_server:call({counter, Node}, {add, 2}),
    {counter, 2} = plain(sys:get_state({counter, Node}, 1000)),
    scenario:silence(50).

%% A newer process answers {ok, State}, theirs or ours, which OTP 25 hands on as it is; OTP 26 and later take the state out.
plain(Answer) ->
    case {list_to_integer(erlang:system_info(otp_release)) >= 26, Answer} of
        {true, State} -> State;
        {false, {ok, State}} -> State;
        {false, State} -> State
    end.

status(Node) ->
    {status, Pid, {module, gen_server}, [Dictionary, running, Parent, [], Misc]} = sys:get_status({counter, Node}),
    true = node(Pid) =:= Node andalso is_pid(Parent),
    {_, {_, init, 1}} = lists:keyfind('$initial_call', 1, Dictionary),
    {_, Ancestors} = lists:keyfind('$ancestors', 1, Dictionary),
    true = is_list(Ancestors),
    [{header, "Status for generic server counter"}, {data, Data} | Specific] = Misc,
    {_, running} = lists:keyfind("Status", 1, Data),
    {_, Parent} = lists:keyfind("Parent", 1, Data),
    {_, []} = lists:keyfind("Logged events", 1, Data),
    {data, [{"State", {counter, 0}}]} = lists:last(Specific),
    %% It prints.
    true = length(lists:flatten(io_lib:format("~p", [sys:get_status({counter, Node})]))) > 100,
    ok.

suspended(Node) ->
    Counter = {counter, Node},
    ok = sys:suspend(Counter),
    [gen_server:cast(Counter, {add, N}) || N <- lists:seq(1, 100)],
    timeout = scenario:exit_reason(fun() -> gen_server:call(Counter, get, 100) end),
    {counter, 0} = plain(sys:get_state(Counter)),
    {status, _, _, [_, suspended, _, _, _]} = sys:get_status(Counter),
    %% Again is the same.
    ok = sys:suspend(Counter),
    ok = sys:resume(Counter),
    5050 = gen_server:call(Counter, get),
    ok = sys:resume(Counter),
    %% A suspended one still ends.
    ok = sys:suspend(Counter),
    Monitor = monitor(process, Counter),
    ok = gen_server:stop(Counter, shutdown, 5000),
    receive {'DOWN', Monitor, process, Counter, shutdown} -> ok after 30000 -> error(no_down) end.

statistics(Node) ->
    Counter = {counter, Node},
    {ok, no_statistics} = sys:statistics(Counter, get),
    ok = sys:statistics(Counter, true),
    2 = gen_server:call(Counter, {add, 2}),
    gen_server:cast(Counter, {add, 2}),
    4 = gen_server:call(Counter, get),
    {ok, Statistics} = sys:statistics(Counter, get),
    {_, {{_, _, _}, {_, _, _}} = Start} = lists:keyfind(start_time, 1, Statistics),
    {_, {{_, _, _}, {_, _, _}} = Now} = lists:keyfind(current_time, 1, Statistics),
    true = Start =< Now,
    {_, Reductions} = lists:keyfind(reductions, 1, Statistics),
    true = is_integer(Reductions),
    {_, 3} = lists:keyfind(messages_in, 1, Statistics),
    {_, 2} = lists:keyfind(messages_out, 1, Statistics),
    ok = sys:statistics(Counter, false),
    {ok, no_statistics} = sys:statistics(Counter, get),
    ok.

log(Node) ->
    Counter = {counter, Node},
    Self = self(),
    ok = sys:log(Counter, true),
    2 = gen_server:call(Counter, {add, 2}),
    gen_server:cast(Counter, reset),
    Counter ! unknown,
    {ok, Events} = sys:log(Counter, get),
    [{in, {'$gen_call', {Self, _} = From, {add, 2}}},
     {out, 2, From, {counter, 2}},
     {in, {'$gen_cast', reset}},
     {noreply, {counter, 0}},
     {in, unknown},
     {noreply, {counter, 0}}] = Events,
    ok = sys:log(Counter, print),
    {status, _, _, [_, _, _, Options, [_, {data, Data} | _]]} = sys:get_status(Counter),
    true = lists:keymember(log, 1, Options),
    {_, Events} = lists:keyfind("Logged events", 1, Data),
    ok = sys:log(Counter, false),
    ok = sys:log(Counter, {true, 2}),
    0 = gen_server:call(Counter, get),
    {ok, [{in, {'$gen_call', _, get}}, {out, 0, _, {counter, 0}}]} = sys:log(Counter, get),
    ok = sys:log(Counter, false),
    {ok, []} = sys:log(Counter, get),
    ok.

trace(Node) ->
    Counter = {counter, Node},
    ok = sys:trace(Counter, true),
    1 = gen_server:call(Counter, {add, 1}),
    ok = sys:trace(Counter, false),
    ok = sys:no_debug(Counter),
    ok = sys:remove(Counter, whatever),
    ok = sys:log_to_file(Counter, false),
    1 = gen_server:call(Counter, get),
    ok.

terminate(Node) ->
    Counter = {counter, Node},
    Monitor = monitor(process, Counter),
    ok = sys:terminate(Counter, {shutdown, asked}),
    receive {'DOWN', Monitor, process, Counter, {shutdown, asked}} -> ok after 30000 -> error(no_down) end,
    0 = scenario:eventually(fun() -> 0 = gen_server:call(Counter, get) end),
    ok.

%% What would run code of ours there, or write its files: refused at once, in words that sys understands.
refused(Node) ->
    Counter = {counter, Node},
    {error, {not_supported, replace_state}} =
        try sys:replace_state(Counter, fun(State) -> State end) catch C:R -> {C, R} end,
    {error, {not_supported, install}} = sys:install(Counter, {fun(State, _, _) -> State end, 0}),
    {error, open_file} = sys:log_to_file(Counter, "must-not-be-written.log"),
    {error, {unknown_system_msg, _}} = sys:change_code(Counter, counter, old, []),
    ok = sys:suspend(Counter),
    {error, {not_supported, change_code}} = sys:change_code(Counter, counter, old, []),
    ok = sys:resume(Counter),
    unknown_debug = sys:log(Counter, nonsense),
    0 = gen_server:call(Counter, get),
    ok.

%% The system processes answer too.
remote_tools(Node) ->
    {status, _, {module, gen_server}, _} = sys:get_status({rex, Node}),
    {status, _, {module, gen_server}, _} = sys:get_status({net_kernel, Node}),
    ok.
