%% Numbered messages of mixed sizes from several senders at once: each sender's arrive in its order, whole.
-module(order).
-export([through/1, collect/0, size_of/2]).

-define(SENDERS, 20).
-define(MESSAGES, 200).

%% Senders here, through the demo's echo, back to here.
through(Demo) ->
    Collector = self(),
    [spawn_link(fun() ->
        [{echo, Demo} ! {Collector, message(Sender, N)} || N <- lists:seq(0, ?MESSAGES - 1)]
    end) || Sender <- lists:seq(0, ?SENDERS - 1)],
    collect_all().

%% Senders elsewhere, who send `{Sender, N, Binary}` to the name `collector`.
collect() ->
    register(collector, self()),
    scenario:say("ready ~s", [node()]),
    collect_all().

collect_all() -> collect_all(#{}, ?SENDERS * ?MESSAGES).

collect_all(Next, 0) ->
    true = Next =:= maps:from_list([{Sender, ?MESSAGES} || Sender <- lists:seq(0, ?SENDERS - 1)]),
    scenario:silence(200);
collect_all(Next, Left) ->
    receive
        {Sender, N, Binary} ->
            case maps:get(Sender, Next, 0) of
                N -> ok;
                Other -> error({out_of_order, {sender, Sender}, {got, N}, {expected, Other}})
            end,
            true = byte_size(Binary) =:= size_of(Sender, N),
            true = Binary =:= binary:copy(<<N>>, size_of(Sender, N)),
            collect_all(Next#{Sender => N + 1}, Left - 1)
    after 60000 ->
        error({stalled, {left, Left}, Next})
    end.

message(Sender, N) -> {Sender, N, binary:copy(<<N>>, size_of(Sender, N))}.

%% 10 bytes to 5 MB: mostly small, now and then of several fragments. The Rust senders use the same rule.
size_of(Sender, N) ->
    case (Sender * 31 + N * 17) rem 200 of
        0 -> 5000000;
        K when K < 4 -> 1000000;
        K when K < 14 -> 65000 + K * 100;
        K when K < 40 -> 3000 * K;
        K -> 10 + K
    end.
