%% Observer, etop and an operator at the shell look at another node, as the tools of this very release do: each call that they make.
%% What comes back has the shape of what this node says of itself.
-module(observed).
-export([system/1, processes/1, details/1, applications/1, others/1, functions/1, badarg/1, kista/1, switched_off/1, stops/1, may_not_stop/1, serve/0]).
-export([etop/1]).

%% The other side in Erlang, which proves the scenarios.
serve() -> inspected:serve().

%% The tabs "System", "Load Charts" and "Memory Allocators".
system(Node) ->
    process_flag(trap_exit, true),
    Own = observer_backend:sys_info(),
    Theirs = rpc:call(Node, observer_backend, sys_info, []),
    %% The same keys, in the same order, and values of the same shape.
    same([Key || {Key, _} <- Own], [Key || {Key, _} <- Theirs]),
    [same({Key, shape(A)}, {Key, shape(B)}) || {{Key, A}, {Key, B}} <- lists:zip(Own, Theirs), Key =/= alloc_info],
    [true = alloc(proplists:get_value(alloc_info, Info)) || Info <- [Own, Theirs]],
    %% What observer divides by, and with.
    [true = proplists:get_value(Limit, Theirs) > 0 || Limit <- [process_limit, atom_limit, port_limit, ets_limit]],
    Get = fun(Key) -> proplists:get_value(Key, Theirs) end,
    true = Get(total) =:= Get(processes) + Get(system),
    true = Get(total) > Get(processes) andalso Get(processes) > 0,
    true = Get(process_count) > 2,
    %% The charts: three times, until they are told to end.
    Pid = spawn_link(Node, observer_backend, fetch_stats, [self(), 50]),
    Samples = [receive {stats, 1, _, _, _} = Sample -> Sample after 30000 -> error(no_sample) end || _ <- [1, 2, 3]],
    [begin
         {stats, 1, Workers, {{input, In}, {output, Out}}, Memory} = Sample,
         true = Workers =/= [] andalso lists:all(fun({Id, A, T}) -> is_integer(Id) andalso A >= 0 andalso T >= A end, Workers),
         true = In >= 0 andalso Out >= 0,
         same([K || {K, _} <- erlang:memory()], [K || {K, _} <- Memory])
     end || Sample <- Samples],
    [{stats, 1, First, _, _}, _, {stats, 1, Last, _, _}] = Samples,
    true = [T || {_, _, T} <- lists:sort(First)] < [T || {_, _, T} <- lists:sort(Last)],
    Pid ! exit,
    receive {'EXIT', Pid, normal} -> ok after 30000 -> error(goes_on) end,
    true = is_integer(rpc:call(Node, erlang, system_info, [dirty_cpu_schedulers])),
    ok.

%% The tab "Processes", and what etop asks for.
processes(Node) ->
    process_flag(trap_exit, true),
    {module, observer_backend} = rpc:call(Node, code, ensure_loaded, [observer_backend]),
    [true = rpc:call(Node, erlang, function_exported, [observer_backend, F, A])
     || {F, A} <- [{procs_info, 1}, {get_port_list, 0}, {get_socket_list, 0}, {etop_collect, 1}]],
    Pid = spawn_link(Node, observer_backend, procs_info, [self()]),
    Procs = receive {procs_info, Pid, Rows0} -> Rows0 after 30000 -> error(no_processes) end,
    receive {'EXIT', Pid, normal} -> ok after 30000 -> error(goes_on) end,
    rows(Node, Pid, Procs),
    {ok, [_ | _]} = rpc:call(Node, observer_backend, vsn, []),
    Etop = spawn_link(Node, observer_backend, etop_collect, [self()]),
    Info = receive {Etop, Info0} -> Info0 after 30000 -> error(no_processes) end,
    OwnEtop = spawn_link(observer_backend, etop_collect, [self()]),
    Own = receive {OwnEtop, Own0} -> Own0 after 30000 -> error(no_processes) end,
    {etop_info, Now, Count, _, Runtime, Queue, Areas, Memory, Rows} = Info,
    {etop_info, OwnNow, _, _, _, _, _, OwnMemory, _} = Own,
    same(shape(OwnNow), shape(Now)),
    same(lists:sort([K || {K, _} <- OwnMemory]), lists:sort([K || {K, _} <- Memory])),
    %% Time of the schedulers is measured from the first look on, in Erlang.
    true = (Runtime =:= undefined orelse is_list(Runtime)) andalso is_integer(Queue) andalso is_list(Areas),
    Count = length(Rows),
    rows(Node, Etop, Rows),
    ok.

rows(Node, Asking, Rows) ->
    Good = fun({etop_proc_info, Pid, Memory, Reductions, _, 0, {_, _, _}, Queue}) ->
                   node(Pid) =:= Node andalso Memory > 0 andalso Reductions >= 0 andalso Queue >= 0
           end,
    [] = [Row || Row <- Rows, not Good(Row)],
    false = lists:keymember(Asking, 2, Rows),
    [true = lists:keymember(Name, 5, Rows) || Name <- [inspected_sup, inspected_child, net_kernel, rex]],
    Child = rpc:call(Node, erlang, whereis, [inspected_child]),
    {_, Child, _, _, _, _, _, _} = lists:keyfind(inspected_child, 5, Rows).

%% The window of one process: a server, a supervisor, and one without a behaviour.
details(Node) ->
    Child = rpc:call(Node, erlang, whereis, [inspected_child]),
    Sup = rpc:call(Node, erlang, whereis, [inspected_sup]),
    Own = whereis(kernel_sup),
    Items = [binary, catchlevel, current_function, error_handler, garbage_collection, group_leader, heap_size, initial_call, last_calls,
             links, memory, message_queue_len, monitored_by, monitors, priority, reductions, registered_name, sequential_trace_token,
             stack_size, status, suspending, total_heap_size, trace, trap_exit],
    Wordsize = erpc:call(Node, erlang, system_info, [wordsize]),
    true = is_integer(Wordsize),
    [begin
         Info = erpc:call(Node, erlang, process_info, [Pid, Items]),
         Items = [K || {K, _} <- Info],
         OwnInfo = process_info(Own, Items),
         %% Lists may be empty on one side.
         [alike(shape(A), shape(B)) orelse is_list(A) andalso is_list(B) orelse error({Key, A, B})
          || {{Key, A}, {Key, B}} <- lists:zip(OwnInfo, Info), Key =/= last_calls],
         Gc = proplists:get_value(garbage_collection, Info),
         [true = is_integer(proplists:get_value(K, Gc)) || K <- [min_heap_size, fullsweep_after]],
         [Id || {_, Id} <- proplists:get_value(monitors, Info)],
         true = is_pid(proplists:get_value(group_leader, Info)),
         {registered_name, Name} = erpc:call(Node, erlang, process_info, [Pid, registered_name]),
         {messages, []} = erpc:call(Node, erlang, process_info, [Pid, messages]),
         {dictionary, Dict} = erpc:call(Node, erlang, process_info, [Pid, dictionary]),
         {_, [_ | _]} = lists:keyfind('$ancestors', 1, Dict),
         {current_stacktrace, Stack} = erpc:call(Node, erlang, process_info, [Pid, current_stacktrace]),
         true = is_list(Stack),
         {M, _, _} = rpc:call(Node, proc_lib, translate_initial_call, [Pid]),
         Attributes = rpc:call(Node, M, module_info, [attributes]),
         true = lists:keymember(behaviour, 1, Attributes) orelse lists:keymember(behavior, 1, Attributes),
         true = is_list(rpc:call(Node, M, module_info, [exports])),
         {status, Pid, {module, _}, [_, running, _, _, Misc]} = rpc:call(Node, sys, get_status, [Pid, 200]),
         [{header, _}, {data, _}, {data, _} | _] = Misc,
         same(process_keys(Own), [K || {K, _} <- erpc:call(Node, erlang, process_info, [Pid])])
     end || {Pid, Name} <- [{Child, inspected_child}, {Sup, inspected_sup}]],
    {links, Links} = erpc:call(Node, erlang, process_info, [Child, links]),
    [Sup] = Links,
    undefined = case erlang:function_exported(proc_lib, get_label, 1) of
                    true -> erpc:call(Node, proc_lib, get_label, [Child]);
                    false -> undefined
                end,
    %% One that runs a function: it has no state to ask for.
    Plain = spawn(Node, observer_backend, fetch_stats, [self(), 600000]),
    {proc_lib, init_p, 5} = rpc:call(Node, proc_lib, translate_initial_call, [Plain]),
    [] = erpc:call(Node, erlang, process_info, [Plain, registered_name]),
    {group_leader, Leader} = erpc:call(Node, erlang, process_info, [Plain, group_leader]),
    Leader = group_leader(),
    [{status, _}, {registered_name, []}, {trap_exit, true}]
        = erpc:call(Node, erlang, process_info, [Plain, [status, registered_name, trap_exit]]),
    %% It is asked how it is, and not disturbed by that.
    true = is_list(erpc:call(Node, erlang, process_info, [Plain])),
    %% One that ended.
    Watch = monitor(process, Plain),
    exit(Plain, kill),
    receive {'DOWN', Watch, _, _, killed} -> ok after 30000 -> error(lives) end,
    undefined = erpc:call(Node, erlang, process_info, [Plain]),
    undefined = erpc:call(Node, erlang, process_info, [Plain, Items]),
    undefined = erpc:call(Node, erlang, process_info, [Plain, status]),
    false = erpc:call(Node, erlang, is_process_alive, [Plain]),
    ok.

process_keys(Pid) -> [K || {K, _} <- process_info(Pid)].

%% The tab "Applications".
applications(Node) ->
    process_flag(trap_exit, true),
    {ok, Serv} = appmon_info:start_link(Node, self(), []),
    Node = node(Serv),
    appmon_info:app_ctrl(Serv, Node, true, []),
    Apps = receive {delivery, Serv, app_ctrl, Node, Apps0} -> Apps0 after 30000 -> error(no_applications) end,
    {Master, inspected, {inspected, "is looked at", "1.2"}} = lists:keyfind(inspected, 2, Apps),
    true = is_pid(Master),
    appmon_info:app(Serv, inspected, true, [{timeout, 200}]),
    {Root, Procs, Links, Others} = receive {delivery, Serv, app, inspected, Tree} -> Tree after 30000 -> error(no_tree) end,
    [$< | _] = Root,
    {Master, Root} = lists:keyfind(Root, 2, Procs),
    [true = lists:keymember(Name, 2, Procs) || Name <- ["inspected_sup", "inspected_child"]],
    true = lists:all(fun({Pid, _}) -> node(Pid) =:= Node end, Procs),
    true = lists:member({"inspected_sup", "inspected_child"}, Links),
    true = lists:keymember("inspected_sup", 2, Links),
    %% All but the root are below exactly one.
    [1 = length([x || {_, C} <- Links, C =:= P]) || {_, P} <- Procs, P =/= Root],
    true = is_list(Others),
    %% What changes is told, what does not is not.
    Told = erlang:monotonic_time(),
    receive {delivery, Serv, app, inspected, Again} -> error({unchanged, Again, Told}) after 700 -> ok end,
    exit(rpc:call(Node, erlang, whereis, [inspected_child]), kill),
    appmon_info:app(Serv, nobody, true, [{timeout, at_most_once}]),
    receive {delivery, Serv, app, nobody, {[], [], [], []}} -> ok after 30000 -> error(no_answer) end,
    appmon_info:load(Serv, Node, true, [{timeout, at_most_once}]),
    receive {delivery, Serv, load, Node, {Load0, Load1}} when Load0 >= 0, Load1 >= 0, Load1 =< 16 -> ok after 30000 -> error(no_load) end,
    appmon_info:pinfo(Serv, Master, true, [{timeout, at_most_once}]),
    receive {delivery, Serv, pinfo, Master, Text} -> true = is_list(lists:flatten(Text)) after 30000 -> error(no_text) end,
    %% A second one looks, too, and the first leaves.
    Me = self(),
    Second = spawn_link(fun() ->
        {ok, Serv} = appmon_info:start_link(Node, self(), []),
        appmon_info:app_ctrl(Serv, Node, true, []),
        receive {delivery, Serv, app_ctrl, Node, _} -> Me ! seen after 30000 -> error(no_applications) end,
        receive stop -> ok end
    end),
    receive seen -> ok after 30000 -> error(second) end,
    Second ! stop,
    receive {'EXIT', Second, normal} -> ok after 30000 -> error(second) end,
    appmon_info:app(Serv, inspected, false, []),
    Watch = monitor(process, Serv),
    %% As observer leaves.
    exit(Serv, normal),
    receive {'DOWN', Watch, _, _, normal} -> ok after 30000 -> error(stays) end,
    ok.

%% The tabs of what there is none of: ports, sockets, tables; the log view; the overview of what could be traced.
others(Node) ->
    true = is_list(rpc:call(Node, observer_backend, get_port_list, [])),
    true = is_list(rpc:call(Node, observer_backend, get_socket_list, [])),
    same([K || {K, _} <- observer_backend:socket_info()], [K || {K, _} <- rpc:call(Node, observer_backend, socket_info, [])]),
    true = is_list(rpc:call(Node, observer_backend, get_table_list, [ets, [{sys_hidden, true}, {unread_hidden, true}]])),
    {error, Why} = rpc:call(Node, observer_backend, get_table_list, [mnesia, [{sys_hidden, true}, {unread_hidden, true}]]),
    "Mnesia is not running on: " ++ _ = Why,
    Table = rpc:call(Node, observer_backend, get_table, [self(), nobody_has_this_table, ets]),
    receive {Table, '$end_of_table'} -> ok after 30000 -> error(no_end) end,
    Apps = rpc:block_call(Node, application, which_applications, []),
    false = lists:keyfind(sasl, 1, Apps),
    {badrpc, {'EXIT', noproc}} = rpc:block_call(Node, gen_event, which_handlers, [error_logger]),
    undefined = rpc:block_call(Node, erlang, whereis, [rb_server]),
    Loaded = erpc:call(Node, code, all_loaded, []),
    [true = is_atom(M) || {M, _} <- Loaded],
    [[true = is_atom(F) andalso is_integer(A) || {F, A} <- erpc:call(Node, M, module_info, [Item])]
     || M <- [erlang, observer_backend], Item <- [functions, exports]],
    true = lists:member({sys_info, 0}, erpc:call(Node, observer_backend, module_info, [exports])),
    {module, erlang} = rpc:call(Node, code, ensure_loaded, [erlang]),
    {error, nofile} = rpc:call(Node, code, ensure_loaded, [no_such_module]),
    false = rpc:call(Node, code, is_loaded, [no_such_module]),
    non_existing = rpc:call(Node, code, which, [no_such_module]),
    false = rpc:call(Node, erlang, function_exported, [no_such_module, f, 1]),
    {badrpc, {'EXIT', {undef, _}}} = rpc:call(Node, no_such_module, module_info, [exports]),
    ok.

%% What else tools and operators ask, in the shapes that this release has.
functions(Node) ->
    Child = rpc:call(Node, erlang, whereis, [inspected_child]),
    Calls = [{erlang, nodes, []}, {erlang, nodes, [connected]}, {erlang, nodes, [[visible, hidden]]}, {erlang, processes, []},
             {erlang, registered, []}, {erlang, memory, []}, {erlang, memory, [total]}, {erlang, memory, [[processes, atom]]}, {erlang, ports, []},
             {erlang, is_alive, []}, {erlang, timestamp, []}, {c, memory, []}, {c, memory, [ets]},
             {erlang, unique_integer, []}, {erlang, unique_integer, [[positive, monotonic]]}, {ets, all, []}, {ets, info, [no_such_table]},
             {ets, info, [no_such_table, size]}, {net_kernel, get_net_ticktime, []}, {net_adm, localhost, []},
             {init, get_argument, [no_such_flag]}, {init, get_plain_arguments, []}, {init, script_id, []}, {os, type, []}, {os, version, []}, {os, getpid, []},
             {os, timestamp, []}, {os, system_time, []}, {os, system_time, [second]}, {erlang, garbage_collect, []},
             {global, registered_names, []}, {global, whereis_name, [nobody]}, {code, get_mode, []}, {code, root_dir, []}],
    Times = [{erlang, F, A} || F <- [monotonic_time, system_time, time_offset],
                               A <- [[], [second], [millisecond], [microsecond], [nanosecond], [native], [7]]],
    Info = [{erlang, system_info, [K]}
            || K <- [otp_release, version, system_version, system_architecture, wordsize, {wordsize, internal}, {wordsize, external}, schedulers,
                     schedulers_online, dirty_cpu_schedulers, dirty_cpu_schedulers_online, dirty_io_schedulers, logical_processors,
                     logical_processors_online, logical_processors_available, process_count, process_limit, port_count, port_limit, ets_limit,
                     ets_count, atom_count, atom_limit, dist_buf_busy_limit, thread_pool_size, threads, smp_support, kernel_poll, creation,
                     multi_scheduling, scheduler_id, scheduler_bind_type, heap_type, debug_compiled, compat_rel, trace_control_word,
                     message_queue_data, min_heap_size, min_bin_vheap_size, fullsweep_after, garbage_collection, machine, driver_version,
                     nif_version, build_type, emu_type, emu_flavor, time_correction, start_time, end_time, time_offset, time_warp_mode,
                     tolerant_timeofday, update_cpu_info, dynamic_trace, dynamic_trace_probes, port_parallelism, modified_timing_level]],
    Statistics = [{erlang, statistics, [K]}
                  || K <- [wall_clock, runtime, reductions, exact_reductions, io, run_queue, total_run_queue_lengths,
                           total_run_queue_lengths_all, total_active_tasks, total_active_tasks_all, garbage_collection, context_switches]],
    [begin
         Own = shape(apply(M, F, A)),
         Theirs = shape(erpc:call(Node, M, F, A)),
         alike(Own, Theirs) orelse error({M, F, A, Theirs, Own})
     end || {M, F, A} <- Calls ++ Times ++ Info ++ Statistics],
    %% Texts of a crash dump. Not asked of this node: OTP 29 can crash over the first while signals are on their way.
    [true = is_binary(erpc:call(Node, erlang, system_info, [K])) || K <- [procs, info, loaded, dist]],
    %% Lists of one for each worker, and others behind them.
    Workers = erpc:call(Node, erlang, system_info, [schedulers]),
    [Length = length(erpc:call(Node, erlang, statistics, [K]))
     || {K, Length} <- [{run_queue_lengths, Workers + 1}, {run_queue_lengths_all, Workers + 2}, {active_tasks, Workers + 1}]],
    %% And what is there is what is said.
    true = is_list(erpc:call(Node, init, get_arguments, [])),
    Node = erpc:call(Node, erlang, node, []),
    Node = erpc:call(Node, erlang, node, [Child]),
    [true = lists:member(node(), erpc:call(Node, erlang, nodes, A)) || A <- [[], [visible], [connected], [known], [[this, connected]]]],
    [Node] = erpc:call(Node, erlang, nodes, [this]),
    All = erpc:call(Node, erlang, processes, []),
    true = lists:member(Child, All),
    true = lists:all(fun(P) -> node(P) =:= Node end, All),
    true = lists:member(inspected_child, erpc:call(Node, erlang, registered, [])),
    undefined = erpc:call(Node, erlang, whereis, [nobody]),
    true = erpc:call(Node, erlang, is_process_alive, [Child]),
    pong = erpc:call(Node, net_adm, ping, [node()]),
    pang = erpc:call(Node, net_adm, ping, ['nobody@127.0.0.1']),
    {ok, Names} = erpc:call(Node, net_adm, names, []),
    [true = lists:keymember(N, 1, Names) || N <- ["ours", "erl"]],
    {ok, [_ | _] = Nodes} = erpc:call(Node, net_kernel, nodes_info, []),
    {_, Own} = lists:keyfind(node(), 1, Nodes),
    {ok, OwnNodes} = net_kernel:nodes_info(),
    {_, Theirs} = lists:keyfind(Node, 1, OwnNodes),
    same(lists:sort([K || {K, _} <- Theirs, K =/= owner]), lists:sort([K || {K, _} <- Own, K =/= owner])),
    %% Supervisors and servers, asked there.
    [{child, Child, worker, _}] = erpc:call(Node, supervisor, which_children, [inspected_sup]),
    [{specs, 1}, {active, 1}, {supervisors, 0}, {workers, 1}] = erpc:call(Node, supervisor, count_children, [inspected_sup]),
    {ok, #{id := child}} = erpc:call(Node, supervisor, get_childspec, [inspected_sup, child]),
    {status, Child, _, _} = erpc:call(Node, sys, get_status, [inspected_child]),
    _ = erpc:call(Node, sys, get_state, [Child, infinity]),
    {noproc, {sys, get_status, _}} = exit_of(fun() -> erpc:call(Node, sys, get_status, [nobody]) end),
    %% A name of the cluster, a group.
    yes = global:register_name(observed, self()),
    Me = self(),
    scenario:eventually(fun() -> Me = erpc:call(Node, global, whereis_name, [observed]) end),
    [observed] = erpc:call(Node, global, registered_names, []),
    {ok, _} = pg:start_link(),
    ok = pg:join(watchers, self()),
    scenario:eventually(fun() -> [Me] = erpc:call(Node, pg, get_members, [watchers]) end),
    [Me] = erpc:call(Node, pg, get_members, [pg, watchers]),
    [] = erpc:call(Node, pg, get_local_members, [watchers]),
    [watchers] = erpc:call(Node, pg, which_groups, []),
    [] = erpc:call(Node, pg, which_local_groups, [pg]),
    [] = erpc:call(Node, pg, get_members, [nobody]),
    %% In a scope that is not there nobody is a member, and there are not even no groups.
    [] = erpc:call(Node, pg, get_members, [no_scope, watchers]),
    [] = erpc:call(Node, pg, get_local_members, [no_scope, watchers]),
    [badarg = try erpc:call(Node, pg, Groups, [no_scope]) catch error:{exception, Why, _} -> Why end || Groups <- [which_groups, which_local_groups]],
    ok.

%% The exit of what a function there calls.
exit_of(Fun) ->
    try Fun() of Value -> {returned, Value}
    catch exit:{exception, Reason} -> Reason
    end.

%% What there is not is an error there as here.
badarg(Node) ->
    Child = rpc:call(Node, erlang, whereis, [inspected_child]),
    Calls = [{erlang, process_info, [Child, nothing]}, {erlang, process_info, [Child, [status, nothing]]}, {erlang, process_info, [Child, [status | x]]},
             {erlang, process_info, [self()]}, {erlang, process_info, [self(), status]}, {erlang, is_process_alive, [self()]},
             {erlang, system_info, [nothing]}, {erlang, system_info, ["version"]}, {erlang, system_info, [{wordsize, other}]},
             {erlang, statistics, [nothing]}, {erlang, statistics, [1]}, {erlang, memory, [nothing]}, {erlang, memory, [[total, nothing]]},
             {erlang, nodes, [nothing]}, {erlang, whereis, ["name"]}, {erlang, monotonic_time, [nothing]}, {erlang, monotonic_time, [0]},
             {erlang, unique_integer, [[nothing]]}, {erlang, node, [here]}],
    [try erpc:call(Node, M, F, A) of
         Value -> error({M, F, A, Value})
     catch error:{exception, badarg, _} -> ok
     end || {M, F, A} <- Calls],
    ok.

%% The operator's functions of our own.
kista(Node) ->
    Info = rpc:call(Node, kista, info, []),
    Node = proplists:get_value(node, Info),
    true = lists:member(inspected, proplists:get_value(applications, Info)),
    true = lists:member(node(), proplists:get_value(nodes, Info)),
    {0, {0, _, _}} = proplists:get_value(uptime, Info),
    true = proplists:get_value(processes, Info) > 3,
    Child = rpc:call(Node, erlang, whereis, [inspected_child]),
    Processes = rpc:call(Node, kista, processes, []),
    {Child, inspected_child, waiting, 0} = lists:keyfind(Child, 1, Processes),
    Tree = rpc:call(Node, kista, tree, []),
    {inspected_sup, _, [{inspected_child, _}]} = below(inspected_sup, Tree),
    {application_controller, _, Masters} = below(application_controller, Tree),
    true = is_tuple(below(inspected_sup, Masters)),
    [{links, [inspected_sup]}, {monitors, []}, {monitored_by, []}] = rpc:call(Node, kista, links, [Child]),
    [{links, [inspected_sup]} | _] = rpc:call(Node, kista, links, [inspected_child]),
    undefined = rpc:call(Node, kista, links, [nobody]),
    undefined = rpc:call(Node, kista, links, [self()]),
    %% Short enough to be read.
    true = length(string:split(io_lib:format("~p", [Info]), "\n", all)) < 25,
    ok.

below(_, []) -> false;
below(Who, [{Who, _} = Leaf | _]) -> Leaf;
below(Who, [{Who, _, _} = Branch | _]) -> Branch;
below(Who, [{_, _, Children} | Rest]) ->
    case below(Who, Children) of
        false -> below(Who, Rest);
        Branch -> Branch
    end;
below(Who, [_ | Rest]) -> below(Who, Rest).

%% All of these are `undef` when nobody may look.
switched_off(Node) ->
    [{badrpc, {'EXIT', {undef, [{M, F, A, []} | _]}}} = rpc:call(Node, M, F, A)
     || {M, F, A} <- [{observer_backend, sys_info, []}, {observer_backend, procs_info, [self()]}, {appmon_info, start_link2, [self(), self(), []]},
                      {erlang, processes, []}, {erlang, process_info, [self()]}, {erlang, memory, []}, {erlang, system_info, [version]},
                      {erlang, node, []}, {kista, info, []}, {kista, tree, []}, {kista, stop, []}, {erlang, module_info, [exports]},
                      {io, format, ["x"]}, {sys, get_status, [rex]}, {code, all_loaded, []}, {dbg, do_relay, [x, self(), self()]}, {pg, which_groups, []}, {global, registered_names, []}]],
    ok.

stops(Node) ->
    monitor_node(Node, true),
    ok = rpc:call(Node, kista, stop, []),
    receive {nodedown, Node} -> ok after 30000 -> error(goes_on) end,
    ok.

may_not_stop(Node) ->
    {badrpc, {'EXIT', {undef, _}}} = rpc:call(Node, kista, stop, []),
    true = is_list(rpc:call(Node, kista, info, [])),
    ok.

%% etop as text: it writes to a group leader of ours, twice, and is stopped.
etop(Node) ->
    Me = self(),
    {Etop, Watch} = spawn_monitor(fun() ->
        group_leader(Me, self()),
        etop:start([{node, Node}, {output, text}, {tracing, off}, {interval, 1}, {lines, 200}])
    end),
    Text = written(Etop, Watch, [], 2),
    etop:stop(),
    _ = written(Etop, Watch, [], infinity),
    %% The head, and a line for each process.
    [{match, _} = re:run(Text, Expected)
     || Expected <- [atom_to_list(Node), "Load: +cpu +[0-9]+ +Memory: +total +[1-9][0-9]*", "procs +[1-9][0-9]*", "Pid +Name or Initial Func",
                     "inspected_sup", "inspected_child", "net_kernel"]],
    nomatch = re:run(Text, "crashed|Error|undef"),
    ok.

%% What is written until so many updates of the display are whole, or until etop ends.
written(Etop, Watch, Text, Updates) ->
    receive
        {io_request, From, As, Request} ->
            {Reply, More} = io(Request),
            From ! {io_reply, As, Reply},
            All = [Text, More],
            %% The line below all processes.
            Lines = re:run(All, "={60,}", [global]),
            case Lines of
                {match, Double} when length(Double) >= 2 * Updates -> iolist_to_binary(All);
                _ -> written(Etop, Watch, All, Updates)
            end;
        {'DOWN', Watch, _, _, Reason} when Updates =:= infinity, Reason =:= normal -> iolist_to_binary(Text);
        {'DOWN', Watch, _, _, Reason} -> error({etop, Reason, iolist_to_binary(Text)})
    after 30000 -> error({nothing_more, iolist_to_binary(Text)})
    end.

io({put_chars, _, Chars}) -> {ok, unicode:characters_to_binary(Chars)};
io({put_chars, _, M, F, A}) -> {ok, unicode:characters_to_binary(apply(M, F, A))};
io({requests, Requests}) -> lists:foldl(fun(R, {_, Text}) -> {Reply, More} = io(R), {Reply, [Text, More]} end, {ok, []}, Requests);
io(getopts) -> {[{encoding, unicode}], []};
io({get_geometry, _}) -> {{error, enotsup}, []};
io(_) -> {eof, []}.

%% Of what kind it is, through and through.
shape(X) when is_boolean(X) -> boolean;
shape(X) when is_atom(X) -> atom;
shape(X) when is_integer(X) -> integer;
shape(X) when is_float(X) -> float;
shape(X) when is_pid(X) -> pid;
shape(X) when is_reference(X) -> reference;
shape(X) when is_port(X) -> port;
shape(X) when is_binary(X) -> binary;
shape(X) when is_tuple(X) -> list_to_tuple([case is_atom(E) of true -> E; false -> shape(E) end || E <- tuple_to_list(X)]);
shape(X) when is_map(X) -> maps:map(fun(_, V) -> shape(V) end, X);
shape([]) -> [];
shape([{K, _} | _] = X) when is_atom(K) -> [shape(E) || E <- X];
shape(X) when is_list(X) ->
    case io_lib:printable_unicode_list(X) of
        true -> string;
        false -> lists:usort([shape(E) || E <- X])
    end.

%% Shapes that differ in how much there is. Atoms in tuples are keys, but for those of another system.
alike(Same, Same) -> true;
alike([], X) when is_list(X) -> true;
alike(X, []) when is_list(X) -> true;
alike(string, []) -> true;
alike([], string) -> true;
alike(integer, [integer]) -> false;
alike(A, B) when is_tuple(A), is_tuple(B) -> tuple_size(A) =:= tuple_size(B) andalso
    lists:all(fun({X, Y}) -> is_key(X) andalso is_key(Y) orelse alike(X, Y) end, lists:zip(tuple_to_list(A), tuple_to_list(B)));
alike(A, B) when is_list(A), is_list(B) ->
    [K || K <- keys(A), not lists:member(K, keys(B))] =:= [];
alike(A, B) when is_map(A), is_map(B) -> maps:keys(A) -- maps:keys(B) =:= [];
alike(_, _) -> false.

is_key(X) -> is_atom(X) andalso not lists:member(X, [boolean, atom, integer, float, pid, reference, port, binary, string]).

keys(Shapes) -> [case S of {K, _} -> K; _ -> S end || S <- Shapes].

%% `alloc_info`, by the forms that observer reads.
alloc(Info) ->
    lists:all(fun({Type, Instances}) when is_atom(Type), is_list(Instances) ->
                      lists:all(fun({instance, N, Data}) when is_integer(N) -> lists:all(fun carriers/1, Data) end, Instances)
              end, Info).

carriers({_, [{blocks, Blocks}, {carriers_size, Size, _, _}]}) ->
    is_integer(Size) andalso lists:all(fun({T, [{size, Now, _, _}]}) -> is_atom(T) andalso is_integer(Now) end, Blocks);
%% What observer passes over.
carriers({Kind, _}) -> Kind =/= mbcs andalso Kind =/= sbcs.

same(Same, Same) -> ok;
same(Expected, Found) -> error({expected, Expected, found, Found}).
