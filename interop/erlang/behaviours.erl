%% What Erlang asks of an event manager `alarms` and of a state machine `door` on another node.
-module(behaviours).
-export([reference/0, events/1, door/1]).

%% The other node, in Erlang.
reference() ->
    logger:set_primary_config(level, none),
    {ok, _} = gen_event:start({local, alarms}),
    {ok, _} = gen_statem:start({local, door}, door, [1, 2], []),
    scenario:serve(node()).

events(Node) ->
    Alarms = {alarms, Node},
    [] = gen_event:which_handlers(Alarms),
    ok = gen_event:add_handler(Alarms, tally, 10),
    ok = gen_event:add_handler(Alarms, {tally, 2}, 0),
    [{tally, 2}, tally] = gen_event:which_handlers(Alarms),
    ok = gen_event:notify(Alarms, {add, 5}),
    ok = gen_event:notify(Alarms, {unknown, [event]}),
    ok = gen_event:sync_notify(Alarms, {add, 1}),
    ok = gen_event:sync_notify(Alarms, "also unknown"),
    16 = gen_event:call(Alarms, tally, get),
    6 = gen_event:call(Alarms, {tally, 2}, get, 5000),
    {error, bad_module} = gen_event:call(Alarms, nobody, get),
    %% What cannot start is not added.
    {error, {no_number, x}} = gen_event:add_handler(Alarms, {tally, 3}, x),
    {'EXIT', {undef, _}} = gen_event:add_handler(Alarms, no_such_module, []),
    %% The new one goes on with what the old one had.
    ok = gen_event:swap_handler(Alarms, {{tally, 2}, give}, {{tally, 3}, take}),
    6 = gen_event:call(Alarms, {tally, 3}, get),
    [{tally, 3}, tally] = gen_event:which_handlers(Alarms),
    %% A failure costs the handler.
    {error, {'EXIT', _}} = gen_event:call(Alarms, {tally, 3}, crash),
    [tally] = gen_event:which_handlers(Alarms),
    %% A handler of ours tells us of its end.
    process_flag(trap_exit, true),
    ok = gen_event:add_sup_handler(Alarms, {tally, 4}, 0),
    ok = gen_event:notify(Alarms, {leave, 0}),
    {{tally, 4}, normal} = receive {gen_event_EXIT, H1, R1} -> {H1, R1} after 30000 -> error(no_exit) end,
    ok = gen_event:add_sup_handler(Alarms, {tally, 5}, 0),
    {error, {'EXIT', _}} = gen_event:call(Alarms, {tally, 5}, crash),
    {tally, 5} = receive {gen_event_EXIT, H2, _} -> H2 after 30000 -> error(no_exit) end,
    %% And ends with its supervisor.
    {_, Monitor} = spawn_monitor(fun() ->
        ok = gen_event:add_sup_handler(Alarms, {tally, 6}, 0),
        [{tally, 6}, tally] = gen_event:which_handlers(Alarms)
    end),
    receive {'DOWN', Monitor, process, _, normal} -> ok after 30000 -> error(no_down) end,
    scenario:eventually(fun() -> [tally] = gen_event:which_handlers(Alarms) end),
    [{tally, false, 16}] = case sys:get_state(Alarms) of {ok, S} -> S; S -> S end,
    {status, _, {module, gen_event}, _} = sys:get_status(Alarms),
    16 = gen_event:delete_handler(Alarms, tally, give),
    {error, module_not_found} = gen_event:delete_handler(Alarms, tally, give),
    ok = gen_event:stop(Alarms),
    noproc = try gen_event:which_handlers(Alarms) catch exit:Reason -> Reason end,
    ok.

door(Node) ->
    Door = {door, Node},
    locked = gen_statem:call(Door, state),
    ok = gen_statem:cast(Door, {button, 2}),
    ok = gen_statem:cast(Door, {button, 1}),
    locked = gen_statem:call(Door, state, 5000),
    %% Waits for the door, which nobody has opened yet.
    Request = gen_statem:send_request(Door, pass),
    timeout = gen_statem:wait_response(Request, 100),
    press(Door),
    {reply, passed} = gen_statem:wait_response(Request, 5000),
    %% Pressed while it is open: for the time after it closed by itself.
    press(Door),
    passed = gen_statem:call(Door, pass),
    scenario:eventually(fun() -> locked = gen_statem:call(Door, state) end),
    {State, _} = case sys:get_state(Door) of {ok, S} -> S; S -> S end,
    true = is_atom(State),
    {status, _, {module, gen_statem}, _} = sys:get_status(Door),
    ok = sys:suspend(Door),
    exit = try gen_statem:call(Door, state, 100) catch Class:_ -> Class end,
    ok = sys:resume(Door),
    Monitor = monitor(process, Door),
    bye = gen_statem:call(Door, leave),
    receive {'DOWN', Monitor, process, _, {shutdown, left}} -> ok after 30000 -> error(no_down) end,
    {noproc, _} = try gen_statem:call(Door, state) catch exit:Reason -> Reason end,
    ok.

press(Door) -> [ok = gen_statem:cast(Door, {button, B}) || B <- [1, 2]], ok.
