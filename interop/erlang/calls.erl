%% What an Erlang node does to the demo's servers: ping, call, cast, `!`, in every form OTP has.
-module(calls).
-export([stop/1, ping/1, ping_hidden/1, echo/1, plain_messages/1, counter/1, crash/1, dead_name/1, reply_tags/1, late_reply/1,
         multi_call/1, send_request/1, concurrent/1, wrong_cookie/1, links/1, collection/1, abcast/1,
         refused/1, connects/1]).

ping(Demo) ->
    pong = net_adm:ping(Demo),
    true = lists:member(Demo, nodes()),
    pong = net_adm:ping(Demo),
    ok.

ping_hidden(Demo) ->
    pong = net_adm:ping(Demo),
    false = lists:member(Demo, nodes()),
    true = lists:member(Demo, nodes(hidden)),
    hello = gen_server:call({echo, Demo}, hello),
    ok.

echo(Demo) ->
    hello = gen_server:call({echo, Demo}, hello),
    hello = gen_server:call({echo, Demo}, hello, infinity),
    [N = gen_server:call({echo, Demo}, N) || N <- lists:seq(1, 1000)],
    scenario:silence(50).

plain_messages(Demo) ->
    gen_server:cast({echo, Demo}, {self(), {by_cast, 1}}),
    {echo, Demo} ! {self(), {by_send, 2}},
    erlang:send({echo, Demo}, {self(), {by_send, 3}}, [noconnect]),
    abcast = gen_server:abcast([Demo], echo, {self(), {by_abcast, 4}}),
    [{by_cast, 1}, {by_send, 2}, {by_send, 3}, {by_abcast, 4}] = scenario:collect(4),
    %% What nobody understands is nobody's end.
    {echo, Demo} ! nonsense,
    gen_server:cast({echo, Demo}, nonsense),
    {nobody, Demo} ! lost,
    still_here = gen_server:call({echo, Demo}, still_here),
    scenario:silence(50).

counter(Demo) ->
    gen_server:cast({counter, Demo}, reset),
    0 = gen_server:call({counter, Demo}, get),
    2 = gen_server:call({counter, Demo}, {add, 2}),
    -5 = gen_server:call({counter, Demo}, {add, -7}),
    gen_server:cast({counter, Demo}, {add, 47}),
    42 = gen_server:call({counter, Demo}, get),
    gen_server:cast({counter, Demo}, reset),
    0 = gen_server:call({counter, Demo}, get),
    ok.

%% The caller and the monitors of a server that panics learn the panic, and the rest of the node lives on.
crash(Demo) ->
    Monitor = monitor(process, {counter, Demo}),
    {panic, _} = scenario:exit_reason(fun() -> gen_server:call({counter, Demo}, crash) end),
    receive {'DOWN', Monitor, process, {counter, Demo}, {panic, _}} -> ok after 30000 -> error(no_down) end,
    alive = gen_server:call({echo, Demo}, alive),
    scenario:silence(50).

dead_name(Demo) ->
    pong = net_adm:ping(Demo),
    Calls = [fun() -> gen_server:call({nobody, Demo}, x) end,
             fun() -> gen_server:call({nobody, Demo}, x, infinity) end,
             fun() -> gen_server:call({'no such name, and a long one: ååå', Demo}, x, infinity) end],
    [noproc = scenario:exit_reason(Call) || Call <- Calls],
    Monitor = monitor(process, {nobody, Demo}),
    receive {'DOWN', Monitor, process, {nobody, Demo}, noproc} -> ok after 30000 -> error(no_down) end,
    %% A monitor that was taken back is silent.
    demonitor(monitor(process, {echo, Demo}), [flush]),
    pong = net_adm:ping(Demo),
    scenario:silence(50).

%% Each form of `From` that a release of OTP or an older library has ever sent.
reply_tags(Demo) ->
    Call = fun(Tag) -> {echo, Demo} ! {'$gen_call', {self(), Tag}, {request, Tag}}, Tag end,
    Answered = fun(Tag) ->
        receive {Tag, {request, Tag}} -> ok after 30000 -> error({no_reply, Tag}) end
    end,
    Answered(Call(make_ref())),
    Answered(Call({make_ref(), node()})),
    Answered(Call({any, "term", 17, #{<<"a">> => []}})),
    Answered(Call([])),
    Answered(Call([alias | alias([explicit_unalias])])),
    Answered(Call([[alias | alias([explicit_unalias])] | make_ref()])),
    Answered(Call([something | make_ref()])),
    Monitor = monitor(process, {echo, Demo}, [{alias, reply_demonitor}]),
    Answered(Call([alias | Monitor])),
    false = demonitor(Monitor, [info]),
    scenario:silence(50).

%% A reply to an alias that is gone by now reaches nobody.
late_reply(Demo) ->
    Alias = alias([explicit_unalias]),
    true = unalias(Alias),
    {echo, Demo} ! {'$gen_call', {self(), [alias | Alias]}, late},
    {echo, Demo} ! {'$gen_call', {self(), [[alias | Alias] | make_ref()]}, late},
    now = gen_server:call({echo, Demo}, now),
    scenario:silence(200).

multi_call(Demo) ->
    {[{Demo, x}], []} = gen_server:multi_call([Demo], echo, x),
    {[{Demo, x}], []} = gen_server:multi_call([Demo], echo, x, 2000),
    {[], [Demo]} = gen_server:multi_call([Demo], nobody, x, 2000),
    scenario:silence(50).

send_request(Demo) ->
    Requests = [{N, gen_server:send_request({echo, Demo}, N)} || N <- lists:seq(1, 100)],
    [{reply, N} = gen_server:receive_response(Request, 5000) || {N, Request} <- lists:reverse(Requests)],
    {error, {noproc, _}} = gen_server:receive_response(gen_server:send_request({nobody, Demo}, x), 5000),
    scenario:silence(50).

%% OTP 25's collections of requests: every answer finds its label.
collection(Demo) ->
    Requests = lists:foldl(fun(N, Ids) -> gen_server:send_request({echo, Demo}, N, {label, N}, Ids) end,
                           gen_server:reqids_new(), lists:seq(1, 100)),
    100 = gen_server:reqids_size(Requests),
    drain(Requests, 100),
    Nobody = gen_server:send_request({nobody, Demo}, x, nobody, gen_server:reqids_new()),
    {{error, {noproc, _}}, nobody, _} = gen_server:receive_response(Nobody, 5000, true),
    scenario:silence(50).

drain(Requests, 0) -> no_request = gen_server:receive_response(Requests, 100, true);
drain(Requests, Left) ->
    {{reply, N}, {label, N}, Rest} = gen_server:receive_response(Requests, 5000, true),
    drain(Rest, Left - 1).

%% Casts to all nodes; those that are not there are passed over.
abcast(Demo) ->
    abcast = gen_server:abcast([Demo, 'missing@127.0.0.1'], counter, {add, 2}),
    abcast = gen_server:abcast([Demo], counter, {add, 3}),
    5 = gen_server:call({counter, Demo}, get),
    scenario:silence(50).

%% 200 callers at once; each gets its own answers.
concurrent(Demo) ->
    Callers = [spawn_monitor(fun() ->
        [{Caller, N} = gen_server:call({echo, Demo}, {Caller, N}, 30000) || N <- lists:seq(1, 50)]
    end) || Caller <- lists:seq(1, 200)],
    [receive {'DOWN', Monitor, process, Pid, Reason} -> normal = Reason end || {Pid, Monitor} <- Callers],
    ok.

%% Started with another cookie than the demo's.
%% Once, so that there is one line of it.
refused(Demo) ->
    logger:set_primary_config(level, none),
    pang = net_adm:ping(Demo),
    false = lists:member(Demo, nodes(connected)),
    ok.

connects(Node) ->
    pong = net_adm:ping(Node),
    ok.

wrong_cookie(Demo) ->
    logger:set_primary_config(level, none),
    pang = net_adm:ping(Demo),
    pang = net_adm:ping(Demo),
    false = lists:member(Demo, nodes(connected)),
    erlang:set_cookie(Demo, kista),
    pong = net_adm:ping(Demo),
    ok.

%% Links and monitors by a node that ends them in all the ways there are: the demo stays as it was.
links(Demo) ->
    [begin
         {Pid, Monitor} = spawn_monitor(fun() ->
             [monitor(process, {echo, Demo}) || _ <- lists:seq(1, 10)],
             x = gen_server:call({echo, Demo}, x),
             exit(Reason)
         end),
         receive {'DOWN', Monitor, process, Pid, Reason} -> ok end
     end || Reason <- [normal, shutdown, kill, {some, <<"reason">>}]],
    x = gen_server:call({echo, Demo}, x),
    ok.

%% gen_server:stop/1,3 ends a server through sys, with the reason asked for, and returns when it has ended.
stop(Node) ->
    Monitor = monitor(process, {echo, Node}),
    ok = gen_server:stop({echo, Node}),
    receive {'DOWN', Monitor, process, {echo, Node}, normal} -> ok after 30000 -> error(no_down) end,
    %% Its supervisor starts another.
    hello = scenario:eventually(fun() -> hello = gen_server:call({echo, Node}, hello) end),
    ok = gen_server:stop({counter, Node}, {shutdown, asked}, infinity),
    0 = scenario:eventually(fun() -> 0 = gen_server:call({counter, Node}, get) end),
    ok.
