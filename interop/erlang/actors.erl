%% Plays scenarios of signals with real Erlang processes and prints what each process saw.
%%
%% A scenario file holds terms `{Name, [Step, ...]}.` A step is `{Actor, Command}`, `{Actor, [Command, ...]}` (done in one go,
%% without receiving in between), or one of the commands of the player itself, see step/3. After each step the player waits
%% until nothing moves any more, so that the outcome does not depend on who runs first.
%%
%% What is printed, by print/1, is one term a line: `{Name, StepNumber, Actor, [Seen, ...]}` for each actor that saw
%% something in that step, actors in the order of their names. Pids are printed as the actors' names, references
%% as the labels under which they were made, this node as `here`.
%%
%% Who or what is not known (its maker was gone already) is passed over: `{unknown, Name}` is what the actor saw.
%%
%% Kista plays the same files (`src/actors/`), and the tests compare what both print.
-module(actors).
-export([play/1, actor/1]).

%% Plays every scenario of a file.
play(File) ->
    {ok, Scenarios} = file:consult(File),
    lists:foreach(fun scenario/1, Scenarios).

scenario({Name, Steps}) ->
    ets:new(names, [named_table, public]),
    ets:new(seen, [named_table, public, ordered_set]),
    Watcher = spawn_link(fun watch/0),
    register(watcher, Watcher),
    lists:foldl(fun(Step, N) -> known_step(Step), settle(), print(Name, N), N + 1 end, 1, Steps),
    [exit(Pid, kill) || {Pid, _} <- actors()],
    settle(),
    unlink(Watcher),
    Monitor = monitor(process, Watcher),
    exit(Watcher, kill),
    receive {'DOWN', Monitor, _, _, _} -> ok end,
    ets:delete(names),
    ets:delete(seen).

known_step(Step) -> try step(Step) catch throw:{unknown, _} -> ok end.

%% The player's own commands.
step({start, Actor}) ->
    named(Actor, spawn(?MODULE, actor, [Actor]));
step({exit, Actor, Reason}) ->
    exit(pid(Actor), Reason);
step({send, Actor, Message}) ->
    pid(Actor) ! {message, Message};
step({sleep, Ms}) ->
    timer:sleep(Ms);
step({Actor, Commands}) when is_list(Commands) ->
    [ets:insert(names, {{paused, Actor}, true}) || pause <- Commands],
    pid(Actor) ! {'$do', Commands};
step({Actor, resume}) ->
    ets:delete(names, {paused, Actor}),
    pid(Actor) ! '$resume';
step({Actor, Command}) ->
    step({Actor, [Command]}).

%% Hears of every actor's end; an actor is watched before anybody knows it.
watch() ->
    receive
        {watch, From, Pid} -> monitor(process, Pid), From ! {watched, Pid};
        {'DOWN', _, process, Pid, Reason} -> saw(ets:lookup_element(names, Pid, 2), {ended, Reason});
        {'$ping', From, Key} -> From ! {'$pong', Key}
    end,
    watch().

%% Until two rounds brought nothing new: nothing seen, nobody ended. Who pauses is not asked.
settle() -> settle(-1).

settle(Before) ->
    Asked = [{whereis(watcher), watcher} | [A || {_, Actor} = A <- actors(), not ets:member(names, {paused, Actor})]],
    Monitors = [{monitor(process, Pid), Pid ! {'$ping', self(), Key}} || {Pid, Key} <- Asked],
    [receive {'$pong', Key} -> demonitor(Ref, [flush]);
             {'DOWN', Ref, process, _, _} -> gone
     end || {Ref, {_, _, Key}} <- Monitors],
    timer:sleep(1),
    case ets:info(seen, size) of
        Before -> ok;
        Now -> settle(Now)
    end.

actors() -> [{Pid, Actor} || {Pid, Actor} <- ets:tab2list(names), is_pid(Pid), is_process_alive(Pid)].

print(Name, N) ->
    Entries = ets:tab2list(seen),
    ets:delete_all_objects(seen),
    Actors = lists:usort([Actor || {{Actor, _}, _} <- Entries]),
    lists:foreach(
        fun(Actor) ->
            Seen = [plain(What) || {{A, _}, What} <- Entries, A =:= Actor],
            io:format("~tw.~n", [{Name, N, Actor, Seen}])
        end, Actors).

named(Actor, Pid) ->
    ets:insert(names, [{Pid, Actor}, {{pid, Actor}, Pid}]),
    watcher ! {watch, self(), Pid},
    receive {watched, Pid} -> Pid end.

pid(Actor) -> known({pid, Actor}, Actor).

label(Label, Ref) ->
    ets:insert(names, [{Ref, Label}, {{ref, Label}, Ref}]),
    Ref.

ref(Label) -> known({ref, Label}, Label).

known(Key, Name) ->
    case ets:lookup(names, Key) of
        [{_, Value}] -> Value;
        [] -> throw({unknown, Name})
    end.

saw(Actor, What) ->
    ets:insert(seen, {{Actor, erlang:unique_integer([monotonic])}, What}).

%% Names and labels in place of pids and references.
plain(T) when is_pid(T); is_reference(T) ->
    case ets:lookup(names, T) of [{_, Name}] -> Name; [] -> unknown end;
plain({Name, Node}) when Node =:= node() -> {Name, here};
plain(T) when is_tuple(T) -> list_to_tuple(plain(tuple_to_list(T)));
plain([H | T]) -> [plain(H) | plain(T)];
plain(T) -> T.

%% Names and labels in a scenario's own terms become pids and references: `{pid, a}`, `{ref, m}`.
real({pid, Actor}) -> pid(Actor);
real({ref, Label}) -> ref(Label);
real(T) when is_tuple(T) -> list_to_tuple(real(tuple_to_list(T)));
real([H | T]) -> [real(H) | real(T)];
real(T) -> T.

actor(Me) ->
    receive
        {'$do', Commands} -> lists:foreach(fun(C) -> do(Me, C) end, Commands);
        {'$ping', From, Me} -> From ! {'$pong', Me};
        Message -> saw(Me, message(Message))
    end,
    actor(Me).

message({message, M}) -> {message, M};
message({'EXIT', From, Reason}) -> {exit, From, Reason};
message({'DOWN', Ref, process, What, Reason}) -> {down, Ref, What, Reason};
message({timeout, Ref, M}) -> {timeout, Ref, M};
message(Other) -> {other, Other}.

do(Me, Command) ->
    try command(Me, Command) of
        quiet -> ok;
        Result -> saw(Me, Result)
    catch
        throw:Unknown -> saw(Me, Unknown)
    end.

command(_, {spawn, New}) -> named(New, spawn(?MODULE, actor, [New])), quiet;
command(_, {spawn_link, New}) -> named(New, spawn_link(?MODULE, actor, [New])), quiet;
command(_, {spawn_monitor, New, Label}) ->
    {Pid, Ref} = spawn_monitor(?MODULE, actor, [New]),
    named(New, Pid), label(Label, Ref), quiet;
%% To a dead process of this node OTP raises an error where it would otherwise send the signal.
command(_, {link, To}) -> try quiet(link(pid(To))) catch error:noproc -> exit(noproc) end;
command(_, {unlink, To}) -> quiet(unlink(pid(To)));
command(_, {monitor, To, Label}) -> label(Label, monitor(process, pid(To))), quiet;
command(_, {monitor_name, Name, Label}) -> label(Label, monitor(process, Name)), quiet;
command(_, {monitor_alias, To, Label, Kind}) -> label(Label, monitor(process, pid(To), [{alias, Kind}])), quiet;
command(_, {demonitor, Label}) -> quiet(demonitor(ref(Label)));
command(_, {demonitor, Label, flush}) -> quiet(demonitor(ref(Label), [flush]));
command(_, {demonitor, Label, info}) -> {demonitor, demonitor(ref(Label), [info])};
command(_, {demonitor, Label, flush_info}) -> {demonitor, demonitor(ref(Label), [flush, info])};
command(_, {alias, Label}) -> label(Label, alias()), quiet;
command(_, {alias, Label, reply}) -> label(Label, alias([reply])), quiet;
command(_, {unalias, Label}) -> {unalias, unalias(ref(Label))};
command(_, {send, To, M}) -> pid(To) ! {message, real(M)}, quiet;
command(_, {send_name, Name, M}) ->
    try Name ! {message, real(M)}, quiet catch error:badarg -> {send_name, badarg} end;
command(_, {send_alias, Label, M}) -> ref(Label) ! {message, real(M)}, quiet;
command(_, {exit, To, Reason}) -> quiet(exit(pid(To), Reason));
command(_, {exit, Reason}) -> exit(Reason);
command(_, {trap, Flag}) -> {trap, process_flag(trap_exit, Flag)};
command(_, {register, Name}) -> try register(Name, self()), quiet catch error:badarg -> {register, badarg} end;
command(_, {unregister, Name}) -> try unregister(Name), quiet catch error:badarg -> {unregister, badarg} end;
command(_, {whereis, Name}) -> {whereis, whereis(Name)};
command(_, {leader, To}) -> quiet(group_leader(pid(To), self()));
command(_, {leader_of, To, Who}) -> quiet(group_leader(pid(Who), pid(To)));
command(_, leader) -> {leader, group_leader()};
command(_, {timer, Label, Ms, M}) -> label(Label, erlang:start_timer(Ms, self(), M)), quiet;
command(_, {cancel, Label}) -> {cancel, is_integer(erlang:cancel_timer(ref(Label)))};
command(_, {alive, To}) -> {alive, is_process_alive(pid(To))};
command(_, links) ->
    {links, Links} = process_info(self(), links),
    {links, lists:sort([plain(L) || L <- Links])};
command(_, monitors) ->
    {monitors, Monitors} = process_info(self(), monitors),
    {monitors, lists:sort([plain(M) || {process, M} <- Monitors])};
command(_, {info, To, queue}) ->
    {queue, case process_info(pid(To), message_queue_len) of undefined -> undefined; {_, N} -> N end};
%% Receives nothing until it is told to; signals act all the same.
command(_, pause) ->
    receive '$resume' -> quiet end;
%% Selective receive of one message; what was there before it stays where it was.
command(_, {'receive', M, Ms}) ->
    Wanted = real(M),
    receive {message, Wanted} -> {received, Wanted} after Ms -> {received, timeout} end;
%% The next message, whatever it is; the player's question waits until the commands are done.
command(_, {next, Ms}) ->
    receive Message when element(1, Message) =/= '$ping' -> {received, message(Message)} after Ms -> {received, timeout} end;
command(_, {receive_down, Label, Ms}) ->
    Ref = ref(Label),
    receive {'DOWN', Ref, process, What, Reason} -> {received, {down, Ref, What, Reason}} after Ms -> {received, timeout} end.

quiet(true) -> quiet.
