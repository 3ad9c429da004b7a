%% Half of a race: actors that link, unlink, monitor, demonitor, end each other and themselves, here and on another node, where the
%% same goes on (`src/proofs/races.rs` is the other half, and says what must hold). Nobody waits for anybody.
%%
%% An actor lives in a slot; when it ends, its keeper starts the next one there, which goes on with the slot's operations. Every
%% operation is drawn from the seed, the slot and its number. What an actor believes of its monitors is its book: the reference and
%% target of each that it made, has not taken back, and has not heard of.
%%
%% OTP 25, 27 and 29 do not take a monitor of a name at another node back while the connection that it was made on is still being set up: not
%% when it is asked for, nor when the monitoring process ends. The other node then has it until the connection or the monitored process
%% ends. `early` has the monitors that this can happen to, and the view tells those that it did happen to, or may have.
-module(races).
-export([run/4]).

-define(TELL_AGAIN, 50).
%% Operations between two pauses of a millisecond.
-define(BURST, 8).

run(Peer, SeedText, SlotsText, OperationsText) ->
    [Seed, Slots, Operations] = [list_to_integer(atom_to_list(T)) || T <- [SeedText, SlotsText, OperationsText]],
    ets:new(slots, [named_table, public, {read_concurrency, true}]),
    ets:new(early, [named_table, public]),
    ets:new(strays, [named_table, public, bag]),
    World = #{peer => Peer, seed => Seed, slots => Slots, quota => Operations div Slots, done => counters:new(Slots, [])},
    register(races, self()),
    process_flag(message_queue_data, off_heap),
    scenario:say("ready ~s", [node()]),
    %% The other half says that it is there by telling its slots.
    everybody(Slots),
    [spawn_link(fun() -> keeper(World, Slot) end) || Slot <- lists:seq(1, Slots)],
    erlang:send_after(?TELL_AGAIN, self(), tell),
    serve(World).

everybody(Slots) ->
    receive {slot, N, Pid} -> ets:insert(slots, {{peer, N}, Pid}) end,
    [everybody(Slots) || ets:info(slots, size) < Slots].

serve(#{peer := Peer, done := Done, slots := Slots, quota := Quota} = World) ->
    receive
        {slot, N, Pid} ->
            ets:insert(slots, {{peer, N}, Pid});
        tell ->
            [{races, Peer} ! {slot, Slot, Pid} || {{own, Slot}, Pid} <- ets:tab2list(slots)],
            erlang:send_after(?TELL_AGAIN, self(), tell);
        {'$gen_call', From, view} ->
            All = lists:all(fun(Slot) -> counters:get(Done, Slot) >= Quota end, lists:seq(1, Slots)),
            Strays = [iolist_to_binary(io_lib:format("~0p", [S])) || {stray, S} <- ets:tab2list(strays)],
            gen_server:reply(From, {All, views(), Strays, left_behind()});
        {'$gen_call', From, cut} ->
            gen_server:reply(From, ok),
            erlang:disconnect_node(Peer);
        {'$gen_call', From, stop} ->
            gen_server:reply(From, ok),
            timer:sleep(100),
            exit(normal)
    end,
    serve(World).

views() ->
    Living = [Pid || {{own, _}, Pid} <- ets:tab2list(slots), is_process_alive(Pid)],
    Asked = [begin Monitor = monitor(process, Pid), Pid ! {view, self(), Monitor}, Monitor end || Pid <- Living],
    lists:append([
        receive
            {Monitor, View} -> demonitor(Monitor, [flush]), [View];
            {'DOWN', Monitor, _, _, _} -> []
        end || Monitor <- Asked]).

keeper(#{peer := Peer} = World, Slot) ->
    Name = list_to_atom("race_" ++ integer_to_list(Slot)),
    {Pid, Monitor} = spawn_monitor(fun() ->
        register(Name, self()),
        process_flag(trap_exit, Slot rem 4 =/= 0),
        actor(World, Slot, #{})
    end),
    ets:insert(slots, {{own, Slot}, Pid}),
    {races, Peer} ! {slot, Slot, Pid},
    receive {'DOWN', Monitor, process, Pid, _} -> ok end,
    keeper(World, Slot).

actor(#{done := Done, quota := Quota, seed := Seed} = World, Slot, Book0) ->
    Book = hear(Book0, 0),
    case counters:get(Done, Slot) of
        N when N >= Quota ->
            actor(World, Slot, hear(Book, infinity));
        N ->
            rand:seed(exsss, {Seed, Slot, N}),
            counters:add(Done, Slot, 1),
            [timer:sleep(1) || N rem ?BURST =:= 0],
            actor(World, Slot, operation(World, Slot, Book))
    end.

%% Who has not taken a monitor of which name back.
left_behind() ->
    [{Pid, Name} || {_, Pid, Name, State} <- ets:tab2list(early), State =:= left_behind orelse not is_process_alive(Pid)].

%% Connected afterwards, what becomes of the monitor is told to the other node.
monitor_name(Name, Peer) ->
    Ref = monitor(process, {Name, Peer}),
    [ets:insert(early, {Ref, self(), Name, active}) || Peer =/= node(), not lists:member(Peer, nodes(connected))],
    Ref.

take_back(Ref, Flush) ->
    Early = ets:member(early, Ref),
    case demonitor(Ref, [info | [flush || Flush, not Early]]) of
        true ->
            ets:delete(early, Ref),
            true;
        false when Early, Flush ->
            receive {'DOWN', Ref, process, _, _} -> ets:delete(early, Ref)
            after 0 -> ets:update_element(early, Ref, {4, left_behind})
            end,
            false;
        %% Until its DOWN is heard.
        false ->
            ets:update_element(early, Ref, {4, left_behind}),
            false
    end.

%% Everything that has arrived, or at least one message.
hear(Book, Wait) ->
    receive
        {'DOWN', Ref, process, _, _} ->
            ets:delete(early, Ref),
            case maps:take(Ref, Book) of
                {_, Rest} -> hear(Rest, 0);
                error -> ets:insert(strays, {stray, {down, self(), Ref}}), hear(Book, 0)
            end;
        {'EXIT', _, _} ->
            hear(Book, 0);
        {view, From, Tag} ->
            [{links, Links}, {monitors, Monitors}, {monitored_by, By}] =
                process_info(self(), [links, monitors, monitored_by]),
            From ! {Tag, {self(), [L || L <- Links, is_pid(L)], [M || {process, M} <- Monitors],
                          [B || B <- By, is_pid(B)], maps:values(maps:filter(fun(_, V) -> V =/= taken_back end, Book))}},
            hear(Book, 0);
        Other ->
            ets:insert(strays, {stray, {message, self(), Other}}),
            hear(Book, 0)
    after Wait -> Book
    end.

operation(#{slots := Slots, peer := Peer}, Slot, Book) ->
    Where = case rand:uniform(5) of 1 -> own; _ -> peer end,
    Number = rand:uniform(Slots),
    Target = case ets:lookup(slots, {Where, Number}) of [{_, Pid}] -> Pid; [] -> self() end,
    case rand:uniform(100) of
        _ when Target =:= self() -> Book;
        N when N =< 28 -> linked(Target), Book;
        N when N =< 50 -> unlink(Target), Book;
        N when N =< 56 -> linked(Target), unlink(Target), linked(Target), Book;
        N when N =< 68 -> Book#{monitor(process, Target) => Target};
        N when N =< 74 ->
            Name = list_to_atom("race_" ++ integer_to_list(Number)),
            Node = case Where of own -> node(); peer -> Peer end,
            Book#{monitor_name(Name, Node) => {Name, Node}};
        N when N =< 90, map_size(Book) > 0 ->
            Ref = lists:nth(rand:uniform(map_size(Book)), maps:keys(Book)),
            case rand:uniform(2) of
                1 -> take_back(Ref, true), maps:remove(Ref, Book);
                %% What was on its way may still be in the queue.
                2 -> case take_back(Ref, false) of true -> maps:remove(Ref, Book); false -> Book#{Ref => taken_back} end
            end;
        N when N =< 94 -> exit(Target, {raced, Slot}), Book;
        95 -> exit(Target, kill), Book;
        96 -> exit(Target, normal), Book;
        97 -> exit({ended, Slot});
        98 -> exit(normal);
        _ -> Book
    end.

%% A process of this node that is dead is an error here, when exits are not trapped.
linked(Target) -> try link(Target) catch error:noproc -> true end.
