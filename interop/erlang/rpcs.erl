%% What rpc, erpc and rex of an Erlang node do with the functions that the demo exposes.
-module(rpcs).
-export([call/1, cast/1, multicall/1, async/1, block_call/1, plain/1, erpc_call/1, erpc_multicall/1, requests/1, exceptions/1,
         undefined/1, not_the_arguments/1, timeouts/1, killed/1, slow_and_fast/1, applied/1, closures/1, nobody/1, many/1, big/1,
         broadcast/1, dial_and_serve/1]).

call(Node) ->
    3 = rpc:call(Node, demo, add, [1, 2]),
    -5 = rpc:call(Node, demo, add, [300, -305], 5000),
    [X = rpc:call(Node, demo, echo, [X]) || X <- [a, [], "text", [1, 2], <<"bin">>, {}, #{k => 1.5}, self(), make_ref(), {ok, 1}]],
    ok = rpc:call(Node, demo, sleep, [1], infinity),
    {badrpc, {'EXIT', {boom, [{demo, fail, 0, _} | _]}}} = rpc:call(Node, demo, fail, []),
    {badrpc, {'EXIT', why}} = rpc:call(Node, demo, exit_with, [why]),
    {badrpc, {'EXIT', normal}} = rpc:call(Node, demo, exit_with, [normal]),
    scenario:silence(50).

cast(Node) ->
    true = rpc:cast(Node, demo, pinger, [self(), 3]),
    pings(3),
    ok = erpc:cast(Node, demo, pinger, [self(), 2]),
    pings(2),
    ok = erpc:multicast([Node, Node], demo, pinger, [self(), 1]),
    [{ping, _, 1}, {ping, _, 1}] = scenario:collect(2),
    gen_server:cast({rex, Node}, {cast, demo, pinger, [self(), 4], group_leader()}),
    pings(4),
    %% What fails is nobody's business.
    true = rpc:cast(Node, demo, fail, []),
    true = rpc:cast(Node, nobody, nothing, []),
    ok = erpc:cast(Node, demo, add, [a, b]),
    true = rpc:eval_everywhere([Node], demo, pinger, [self(), 1]) =/= error,
    pings(1),
    scenario:silence(50).

pings(N) ->
    Pings = scenario:collect(N),
    [{ping, From, 1} | _] = Pings,
    Pings = [{ping, From, I} || I <- lists:seq(1, N)].

multicall(Node) ->
    {[3, 3], []} = rpc:multicall([Node, Node], demo, add, [1, 2]),
    {[Seven], ['missing@127.0.0.1']} = rpc:multicall([Node, 'missing@127.0.0.1'], demo, echo, [{7}]),
    {7} = Seven,
    {[{badrpc, {'EXIT', {boom, _}}}], []} = rpc:multicall([Node], demo, fail, [], 5000),
    scenario:silence(50).

async(Node) ->
    Slow = rpc:async_call(Node, demo, sleep, [200]),
    Keys = [rpc:async_call(Node, demo, add, [N, 1]) || N <- lists:seq(1, 20)],
    timeout = rpc:nb_yield(Slow, 0),
    [N = rpc:yield(Key) - 1 || {N, Key} <- lists:zip(lists:seq(1, 20), Keys)],
    ok = rpc:yield(Slow),
    Results = rpc:parallel_eval([{demo, echo, [N]} || N <- lists:seq(1, 5)]),
    [1, 2, 3, 4, 5] = Results,
    scenario:silence(50).

block_call(Node) ->
    3 = rpc:block_call(Node, demo, add, [1, 2]),
    {badrpc, {'EXIT', {boom, [{demo, fail, 0, _} | _]}}} = rpc:block_call(Node, demo, fail, [], 5000),
    {badrpc, {'EXIT', why}} = rpc:block_call(Node, demo, exit_with, [why]),
    {badrpc, {'EXIT', {undef, [{demo, nothing, [1], []} | _]}}} = rpc:block_call(Node, demo, nothing, [1]),
    7 = gen_server:call({rex, Node}, {call, demo, add, [3, 4], group_leader()}),
    scenario:silence(50).

%% rex's plain form, as C nodes use it.
plain(Node) ->
    Call = fun(F, A, Leader) ->
        {rex, Node} ! {self(), {call, demo, F, A, Leader}},
        receive {rex, Reply} -> Reply after 30000 -> error(no_reply) end
    end,
    3 = Call(add, [1, 2], user),
    {some, "term"} = Call(echo, [{some, "term"}], group_leader()),
    {badrpc, {'EXIT', {boom, [{demo, fail, 0, _} | _]}}} = Call(fail, [], user),
    {badrpc, {'EXIT', why}} = Call(exit_with, [why], user),
    {badrpc, {'EXIT', {undef, [{demo, nothing, [], []} | _]}}} = Call(nothing, [], user),
    {badrpc, {'EXIT', {function_clause, [{demo, add, [a, b], _} | _]}}} = Call(add, [a, b], user),
    {rex, Node} ! {self(), features_request},
    receive {features_reply, Node, [erpc]} -> ok after 30000 -> error(no_features) end,
    scenario:silence(50).

erpc_call(Node) ->
    3 = erpc:call(Node, demo, add, [1, 2]),
    [X = erpc:call(Node, demo, echo, [X], 5000) || X <- [a, [], "text", <<"bin">>, {return, 1}, {'EXIT', x}]],
    ok = erpc:call(Node, demo, sleep, [0]),
    ok = erpc:call(Node, demo, pinger, [self(), 2]),
    pings(2),
    scenario:silence(50).

erpc_multicall(Node) ->
    [{ok, 3}, {ok, 3}] = erpc:multicall([Node, Node], demo, add, [1, 2]),
    [{ok, 3}, {error, {erpc, noconnection}}] = erpc:multicall([Node, 'missing@127.0.0.1'], demo, add, [1, 2]),
    [{error, {exception, boom, [{demo, fail, 0, _} | _]}}] = erpc:multicall([Node], demo, fail, []),
    [{exit, {exception, why}}] = erpc:multicall([Node], demo, exit_with, [why]),
    [{error, {erpc, timeout}}, {error, {erpc, timeout}}] = erpc:multicall([Node, Node], demo, sleep, [10000], 50),
    scenario:silence(50).

requests(Node) ->
    Requests = [{N, erpc:send_request(Node, demo, add, [N, N])} || N <- lists:seq(1, 50)],
    [N = erpc:receive_response(Request, 5000) div 2 || {N, Request} <- lists:reverse(Requests)],
    Slow = erpc:send_request(Node, demo, sleep, [100]),
    no_response = erpc:wait_response(Slow, 0),
    {response, ok} = erpc:wait_response(Slow, infinity),
    Message = erpc:send_request(Node, demo, echo, [x]),
    receive M -> {response, x} = erpc:check_response(M, Message) after 30000 -> error(no_response) end,
    Failed = erpc:send_request(Node, demo, fail, []),
    {error, {exception, boom, _}} = try erpc:receive_response(Failed) catch Class:Reason -> {Class, Reason} end,
    %% A collection of requests.
    Ids = lists:foldl(fun(N, Ids) -> erpc:send_request(Node, demo, echo, [N], {label, N}, Ids) end,
                      erpc:reqids_new(), lists:seq(1, 20)),
    drain(Ids, 20),
    scenario:silence(50).

drain(Ids, 0) -> no_request = erpc:receive_response(Ids, 100, true);
drain(Ids, Left) ->
    {N, {label, N}, Rest} = erpc:receive_response(Ids, 5000, true),
    drain(Rest, Left - 1).

caught(Fun) ->
    try Fun() of Value -> {returned, Value}
    catch Class:Reason -> {Class, Reason}
    end.

%% The forms in which a function ends otherwise than by a value.
exceptions(Node) ->
    {error, {exception, boom, [{demo, fail, 0, _} | _]}} = caught(fun() -> erpc:call(Node, demo, fail, []) end),
    {exit, {exception, why}} = caught(fun() -> erpc:call(Node, demo, exit_with, [why]) end),
    {exit, {exception, kill}} = caught(fun() -> erpc:call(Node, demo, exit_with, [kill]) end),
    {exit, {exception, {a, <<"term">>}}} = caught(fun() -> erpc:call(Node, demo, exit_with, [{a, <<"term">>}]) end),
    scenario:silence(50).

%% What does not exist, by each way to ask for it.
undefined(Node) ->
    [begin
         {error, {exception, undef, [{M, F, A, []} | _]}} = caught(fun() -> erpc:call(Node, M, F, A) end),
         {badrpc, {'EXIT', {undef, [{M, F, A, []} | _]}}} = rpc:call(Node, M, F, A),
         {Pid, Monitor} = spawn_monitor(Node, M, F, A),
         receive {'DOWN', Monitor, process, Pid, Down} -> {undef, [{M, F, A, []} | _]} = Down after 30000 -> error(no_down) end
     end || {M, F, A} <- [{demo, nothing, []}, {demo, add, [1]}, {demo, add, [1, 2, 3]}, {nobody, add, [1, 2]},
                          {'no such module, and a long name: ååå', 'no such function', [lists:seq(1, 100)]},
                          {demo, echo, lists:seq(1, 100)}]],
    scenario:silence(50).

%% Arguments that are not of the function's types.
not_the_arguments(Node) ->
    [begin
         {error, {exception, function_clause, [{demo, F, A, _} | _]}} = caught(fun() -> erpc:call(Node, demo, F, A) end),
         {badrpc, {'EXIT', {function_clause, [{demo, F, A, _} | _]}}} = rpc:call(Node, demo, F, A),
         {Pid, Monitor} = spawn_monitor(Node, demo, F, A),
         receive {'DOWN', Monitor, process, Pid, Down} -> {function_clause, [{demo, F, A, _} | _]} = Down after 30000 -> error(no_down) end
     end || {F, A} <- [{add, [a, b]}, {add, [1, "b"]}, {add, [1, #{}]}, {sleep, [-1]}, {pinger, [not_a_pid, 3]}]],
    {error, {erpc, badarg}} = caught(fun() -> erpc:call(Node, demo, add, none) end),
    {error, {exception, badarg, [{erlang, apply, [demo, add, [1 | 2]], _} | _]}} =
        caught(fun() -> erpc:call(Node, demo, add, [1 | 2]) end),
    3 = erpc:call(Node, demo, add, [1, 2]),
    scenario:silence(50).

timeouts(Node) ->
    {badrpc, timeout} = rpc:call(Node, demo, sleep, [10000], 50),
    {error, {erpc, timeout}} = caught(fun() -> erpc:call(Node, demo, sleep, [10000], 50) end),
    {error, {erpc, timeout}} = caught(fun() -> erpc:call(Node, demo, sleep, [10000], 0) end),
    scenario:silence(100).

%% A process that is killed while it works has no answer.
killed(Node) ->
    Request = erpc:send_request(Node, demo, idle, []),
    %% Nobody knows its pid; but its links are ours: a linked victim takes it along.
    {Victim, _} = spawn_monitor(Node, demo, idle, []),
    Victim ! {exit, kill},
    Killed = spawn(Node, demo, idle, []),
    Monitor = monitor(process, Killed),
    exit(Killed, kill),
    receive {'DOWN', Monitor, process, Killed, killed} -> ok after 30000 -> error(no_down) end,
    no_response = erpc:wait_response(Request, 0),
    receive {'DOWN', _, process, Victim, kill} -> ok after 30000 -> error(no_down) end.

%% A slow function keeps nobody waiting.
slow_and_fast(Node) ->
    Slow = [erpc:send_request(Node, demo, sleep, [10000]) || _ <- lists:seq(1, 100)],
    {rex, Node} ! {self(), {call, demo, sleep, [10000], user}},
    3 = erpc:call(Node, demo, add, [1, 2], 9000),
    3 = rpc:call(Node, demo, add, [1, 2], 9000),
    {rex, Node} ! {self(), {call, demo, add, [1, 2], user}},
    receive {rex, 3} -> ok; {rex, Other} -> error(Other) after 9000 -> error(blocked) end,
    [ok = erpc:receive_response(Request) || Request <- Slow],
    receive {rex, ok} -> ok after 30000 -> error(no_reply) end.

%% Functions named by values: exports, and apply.
applied(Node) ->
    3 = erpc:call(Node, erlang, apply, [demo, add, [1, 2]]),
    3 = erpc:call(Node, erlang, apply, [fun demo:add/2, [1, 2]]),
    3 = rpc:call(Node, erlang, apply, [erlang, apply, [demo, add, [1, 2]]]),
    {error, {exception, undef, [{demo, nothing, [x], []} | _]}} =
        caught(fun() -> erpc:call(Node, erlang, apply, [demo, nothing, [x]]) end),
    {error, {exception, {badarity, {_, [1]}}, _}} = caught(fun() -> erpc:call(Node, erlang, apply, [fun demo:add/2, [1]]) end),
    {error, {exception, {badfun, no_fun}, _}} = caught(fun() -> erpc:call(Node, erlang, apply, [no_fun, []]) end),
    {error, {exception, badarg, _}} = caught(fun() -> erpc:call(Node, erlang, apply, [1, 2, []]) end),
    {error, {exception, boom, _}} = caught(fun() -> erpc:call(Node, fun demo:fail/0) end),
    Pid = spawn(Node, fun demo:idle/0),
    Monitor = monitor(process, Pid),
    Pid ! {exit, {by, request}},
    receive {'DOWN', Monitor, process, Pid, {by, request}} -> ok after 30000 -> error(no_down) end.

%% A closure's module is not there.
closures(Node) ->
    {error, {exception, undef, [{Fun, [], []} | _]}} = caught(fun() -> erpc:call(Node, fun() -> {Node} end) end),
    true = is_function(Fun, 0),
    {Pid, Monitor} = spawn_monitor(Node, fun() -> {Node} end),
    receive {'DOWN', Monitor, process, Pid, Down} -> {undef, [{_, [], []} | _]} = Down after 30000 -> error(no_down) end,
    3 = erpc:call(Node, demo, add, [1, 2]),
    ok.

%% Nobody there, and a node that goes while a call is under way.
nobody(Node) ->
    {badrpc, nodedown} = rpc:call('missing@127.0.0.1', demo, add, [1, 2]),
    {error, {erpc, noconnection}} = caught(fun() -> erpc:call('missing@127.0.0.1', demo, add, [1, 2]) end),
    Request = erpc:send_request(Node, demo, sleep, [60000]),
    3 = erpc:call(Node, demo, add, [1, 2]),
    true = erlang:disconnect_node(Node),
    {error, {erpc, noconnection}} = caught(fun() -> erpc:receive_response(Request, 5000) end),
    3 = scenario:eventually(fun() -> 3 = erpc:call(Node, demo, add, [1, 2]) end),
    ok.

many(Node) ->
    Callers = [spawn_monitor(fun() ->
        [begin Sum = Caller + N, Sum = rpc:call(Node, demo, add, [Caller, N]) end || N <- lists:seq(1, 50)]
    end) || Caller <- lists:seq(1, 100)],
    [receive {'DOWN', Monitor, process, Pid, Reason} -> normal = Reason end || {Pid, Monitor} <- Callers],
    ok.

%% Arguments and values that travel in many fragments.
big(Node) ->
    Big = binary:copy(<<"0123456789abcdef">>, 500000),
    Big = erpc:call(Node, demo, echo, [Big]),
    Big = rpc:call(Node, demo, echo, [Big]),
    Big = rpc:block_call(Node, demo, echo, [Big]),
    List = lists:seq(1, 200000),
    List = erpc:call(Node, demo, echo, [List]),
    ok.

%% Connects, calls, and stays for the other side to call.
dial_and_serve(Node) ->
    pong = net_adm:ping(Node),
    3 = erpc:call(Node, demo, add, [1, 2]),
    scenario:serve(node()).

broadcast(Node) ->
    {[Node], []} = rpc:sbcast([Node], echo, {self(), hello}),
    receive hello -> ok after 30000 -> error(no_hello) end,
    {[], [Node]} = rpc:sbcast([Node], nobody, hello),
    abcast = rpc:abcast([Node], echo, {self(), again}),
    receive again -> ok after 30000 -> error(no_again) end,
    scenario:silence(50).
