%% `global` on an Erlang node, told what to do line by line; and what those lines use.
-module(names).
-export([serve/1, holder/0, holder/1, register/1, register/2, kill/1, where/1, heard/1, mine/3, tally/0, add/1, adds/2,
         lock/1, lock/2, unlock/1, call/2, counter/1]).

%% Evaluates each line, an expression, and prints `= Value`.
serve(Ready) ->
    scenario:say("ready ~s", [Ready]),
    loop().

loop() ->
    case io:get_line("") of
        eof -> receive after infinity -> ok end;
        Line ->
            {ok, Tokens, _} = erl_scan:string(Line),
            {ok, Expressions} = erl_parse:parse_exprs(Tokens),
            Value = try erl_eval:exprs(Expressions, []) of {value, V, _} -> V
                    catch Class:Reason -> {Class, Reason}
                    end,
            scenario:say("= ~0p", [Value]),
            loop()
    end.

%% A process that does nothing but note what it is sent.
holder() -> spawn(fun() -> note([]) end).
holder(Name) ->
    Pid = holder(),
    true = erlang:register(Name, Pid),
    Pid.

note(Heard) ->
    receive
        {heard, From} -> From ! {self(), lists:reverse(Heard)}, note(Heard);
        Message -> note([Message | Heard])
    end.

register(Name) -> global:register_name(Name, holder()).
register(Name, Method) -> global:register_name(Name, holder(), Method).

kill(Name) -> exit(global:whereis_name(Name), kill).

%% On which node.
where(Name) ->
    case global:whereis_name(Name) of
        undefined -> undefined;
        Pid -> node(Pid)
    end.

heard(Name) ->
    Pid = whereis(Name),
    Pid ! {heard, self()},
    receive {Pid, Heard} -> [setelement(tuple_size(M), M, x) || M <- Heard] end.

%% A method that keeps the process of this node, and leaves a trace of where it ran.
mine(_Name, A, B) ->
    put_trace(),
    case node(A) =:= node() of true -> A; false -> B end.

put_trace() -> application:set_env(kernel, names_ran_here, true).

%% A number that is read and written in two steps, which only a lock makes one.
tally() ->
    Pid = spawn(fun() -> count(0) end),
    yes = global:register_name(tally, Pid),
    ok.

count(N) ->
    receive
        {get, From} -> From ! {tally, N}, count(N);
        {set, From, M} -> From ! {tally, M}, count(M)
    end.

add(0) -> ok;
add(Times) ->
    ok = global:trans({the_tally, self()}, fun() ->
        Tally = global:whereis_name(tally),
        Tally ! {get, self()},
        N = receive {tally, Read} -> Read end,
        Tally ! {set, self(), N + 1},
        receive {tally, _} -> ok end
    end),
    add(Times - 1).

%% In a process of its own, which says when it is done.
adds(Times, Done) ->
    spawn(fun() -> ok = add(Times), true = erlang:register(Done, self()), receive after infinity -> ok end end),
    ok.

%% A process that holds a lock until it is told.
lock(Resource) -> lock(Resource, infinity).
lock(Resource, Retries) ->
    Asker = self(),
    Pid = spawn(fun() ->
        Set = global:set_lock({Resource, self()}, [node() | nodes()], Retries),
        Asker ! {self(), Set},
        receive unlock -> true = global:del_lock({Resource, self()}) end,
        Asker ! unlocked
    end),
    receive {Pid, true} -> erlang:register(locker, Pid), true;
            {Pid, false} -> exit(Pid, kill), false
    end.

unlock(How) ->
    case How of
        kill -> exit(whereis(locker), kill);
        _ -> locker ! unlock, receive unlocked -> true end
    end.

call(Name, Request) -> gen_server:call({global, Name}, Request).

%% The demo's counter under a name of the cluster.
counter(Name) ->
    {ok, _} = gen_server:start({global, Name}, demo_reference, {counter, 0}, []),
    ok.
