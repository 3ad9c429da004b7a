%% A node that is killed in full traffic, again and again (`src/proofs/kills.rs`): one of its lives.
-module(kills).
-export([live/4]).

%% Tells the other side its processes, then sends as fast as it can, and counts nothing: what arrives here is for the victims to judge.
live(Peer, LifeText, VictimsText, SendersText) ->
    [Life, Victims, Senders] = [list_to_integer(atom_to_list(T)) || T <- [LifeText, VictimsText, SendersText]],
    register(traffic, self()),
    Sink = {sink, Peer},
    Pids = [spawn(fun() -> victim(Life, Sink) end) || _ <- lists:seq(1, Victims)],
    Sink ! {ready, Life, Pids},
    [spawn(fun() -> send(Sink, Life, N, 0) end) || N <- lists:seq(1, Senders)],
    drain().

%% Only messages to this life's pids come here.
victim(Life, Sink) ->
    receive
        {life, Life} -> ok;
        Other -> Sink ! {stray, iolist_to_binary(io_lib:format("~0p got ~0p", [Life, Other]))}
    end,
    victim(Life, Sink).

send(Sink, Life, N, Number) ->
    Sink ! {flood, Life, N, Number},
    %% As much as one process on the other side can take, without what is waiting there growing without end.
    [timer:sleep(1) || Number rem 50 =:= 0],
    send(Sink, Life, N, Number + 1).

drain() -> receive _ -> drain() end.
