%% Peers that break the protocol, each in its own way. Each loses its own connection, and meanwhile an honest
%% connection of the same node is served without a pause.
-module(rogue).
-export([handshakes/1, truncated_handshakes/1, frames/1, truncated_frames/1, flood/1, silent/1, unknown_is_harmless/1]).
-import(raw, [packet/1, header/1, receive_packet/1]).

-define(COOKIE, "kista").
%% What OTP 25 announces, but not PUBLISHED: nobody's `global` is interested in a rogue.
-define(FLAGS, 16#0000000D07DF7FBC).

%% Nonsense instead of each message of the handshake.
handshakes(Demo) ->
    honest(Demo, fun() ->
        [closed(Demo, raw(Bytes), Bytes) || Bytes <- [
            packet(<<>>), packet(<<"x">>), packet(<<"N">>), packet(<<"Nabcd">>), header(16#FFFF), packet(<<0:(1025 * 8)>>),
            <<"GET / HTTP/1.1\r\nHost: demo\r\n\r\n">>, <<131, 104, 2, 97, 1, 97, 2>>,
            packet(<<$N, ?FLAGS:64, 1:32, 16#FFFF:16, "short@127.0.0.1">>),
            packet(<<$N, ?FLAGS:64, 1:32, 0:16>>),
            packet(<<$N, ?FLAGS:64, 1:32, 3:16, 255, 254, 253>>),
            packet(<<$N, ?FLAGS:64, 1:32, 9:16, "no_at_sign">>),
            packet(<<$n, 0, 0>>), packet(<<$n, 5:16, 0:32, "old@127.0.0.1">>),
            packet(<<$N, 0:64, 1:32, 15:16, "rogue@127.0.0.1">>)]],
        %% The second message: a wrong digest, a wrong length, a wrong letter, another protocol.
        [closed(Demo, fun(Socket) -> _ = challenged(Socket, "rogue@127.0.0.1"), raw:send(Socket, Bytes) end, Bytes)
         || Bytes <- [packet(<<$r, 1:32, 0:128>>), packet(<<$r, 1:32>>), packet(<<$x, 1:32, 0:128>>), packet(<<>>),
                      packet(<<$r, 1:32, 0:128, 0>>), <<(header(16#FFFF))/binary, $r>>]],
        %% Its own challenge sent back, as if it could answer itself.
        closed(Demo, fun(Socket) ->
            Challenge = challenged(Socket, "rogue@127.0.0.1"),
            raw:send(Socket, packet(<<$r, Challenge:32, (erlang:md5(integer_to_list(Challenge)))/binary>>))
        end, reflected),
        %% Under the demo's own name.
        closed(Demo, raw(packet(name(atom_to_list(Demo)))), own_name)
    end).

%% Everything up to each byte of a good handshake, then the end.
truncated_handshakes(Demo) ->
    honest(Demo, fun() ->
        Hello = packet(name("rogue@127.0.0.1")),
        [cut(Demo, fun(Socket) -> raw:send(Socket, binary:part(Hello, 0, Length)) end)
         || Length <- lists:seq(0, byte_size(Hello))],
        [cut(Demo, fun(Socket) ->
             Challenge = challenged(Socket, "rogue@127.0.0.1"),
             raw:send(Socket, binary:part(packet(answer(Challenge)), 0, Length))
         end) || Length <- lists:seq(0, 23)]
    end).

%% A good handshake, then a frame that no node sends.
frames(Demo) ->
    honest(Demo, fun() ->
        Control = term_to_binary({6, self(), '', echo}),
        [closed(Demo, fun(Socket) -> shake(Socket), raw:send(Socket, Bytes) end, Bytes) || Bytes <- [
            <<16#FFFFFFFF:32>>, <<16#7FFFFFFF:32, 131, 68, 0>>, <<16#FFFFFFF0:32, 131, 68, 0>>,
            frame(<<0>>), frame(<<"garbage">>), frame(<<131>>), frame(<<131, 68>>), frame(<<131, 67, 0>>),
            frame(<<131, 68, 255>>), frame(<<112>>), frame(<<112, 131>>), frame(<<112, 131, 104>>),
            %% An atom-cache slot that was never filled.
            frame(<<131, 68, 1, 16#00, 77, 104, 4, 97, 6, 88, 82, 0>>),
            %% An atom number that the message's table does not hold.
            frame(<<131, 68, 0, 104, 2, 97, 7, 82, 3>>),
            %% A control message that is none: no tuple, an empty one, of a wrong size, of wrong types.
            frame(<<131, 68, 0, 97, 1>>), frame(<<131, 68, 0, 104, 0>>), frame(<<131, 68, 0, 104, 1, 97, 2>>),
            frame(<<131, 68, 0, 104, 4, 97, 6, 97, 6, 97, 6, 97, 6, 97, 0>>), frame(<<131, 68, 0, 104, 2, 106, 106>>),
            %% A tuple, a list, a binary, a map that claim more than there is.
            frame(<<131, 68, 0, 105, 16#FFFFFFFF:32>>), frame(<<131, 68, 0, 108, 16#FFFFFFFF:32>>),
            frame(<<131, 68, 0, 109, 16#FFFFFFFF:32>>), frame(<<131, 68, 0, 116, 16#FFFFFFFF:32>>),
            %% A fragment that continues nothing; one that starts with the number 0.
            frame(<<131, 70, 7:64, 3:64, "more">>), frame(<<131, 69, 7:64, 0:64, 0>>),
            %% The pass-through form, with a control message that is no term.
            frame(<<112, 131, 255>>), frame(<<112, Control/binary, 131, 255>>)]]
    end).

%% A good message, up to each of its bytes, as a whole frame and as the beginning of one.
truncated_frames(Demo) ->
    honest(Demo, fun() ->
        Body = <<131, 68, 0, 104, 4, 97, 6, 119, 1, "x", 119, 0, 119, 4, "echo", 104, 2, 97, 1, 97, 2>>,
        [begin
             cut(Demo, fun(Socket) -> shake(Socket), raw:send(Socket, frame(binary:part(Body, 0, Length))) end),
             cut(Demo, fun(Socket) -> shake(Socket), raw:send(Socket, binary:part(frame(Body), 0, Length)) end)
         end || Length <- lists:seq(0, byte_size(Body) - 1)]
    end).

%% Many sockets that say nothing at all: the honest find their place, and the silent are put out.
flood(Demo) ->
    self = gen_server:call({echo, Demo}, self),
    Sockets = [raw:silent(Demo) || _ <- lists:seq(1, 500)],
    self = gen_server:call({echo, Demo}, self),
    erlang:disconnect_node(Demo),
    pong = scenario:eventually(fun() -> pong = net_adm:ping(Demo) end),
    [until_closed(Socket, silence) || Socket <- Sockets],
    self = gen_server:call({echo, Demo}, self),
    ok.

%% One byte now and then does not hold a handshake open: it is over before the last of twenty.
silent(Demo) ->
    honest(Demo, fun() ->
        Socket = raw:connect(Demo),
        <<Hello:20/binary, _/binary>> = packet(name("rogue@127.0.0.1")),
        closed = trickle(Socket, Hello)
    end).

trickle(Socket, <<Byte, Rest/binary>>) ->
    _ = raw:send(Socket, <<Byte>>),
    case raw:recv(Socket, 0, 1000) of
        {error, timeout} -> trickle(Socket, Rest);
        {error, _} -> closed
    end;
trickle(_, <<>>) -> still_open.

%% What a later release might send is not a fault: the connection stays.
unknown_is_harmless(Demo) ->
    honest(Demo, fun() ->
        Socket = raw:connect(Demo),
        shake(Socket),
        ok = quiet(Socket),
        %% Control messages of numbers that nobody has given out, and a tick.
        [ok = raw:send(Socket, frame(<<131, 68, 0, 104, 2, 97, Number, 106>>)) || Number <- [38, 99, 255]],
        ok = raw:send(Socket, frame(<<>>)),
        %% A message to a name that is not there.
        From = <<88, 119, 15, "rogue@127.0.0.1", 1:32, 0:32, 1:32>>,
        ok = raw:send(Socket, frame(<<131, 68, 0, 104, 4, 97, 6, From/binary, 119, 0, 119, 6, "nobody", 106>>)),
        ok = quiet(Socket),
        raw:close(Socket)
    end).

%% Whatever the demo says by itself (ticks, a question to us) is passed over; an end is not.
quiet(Socket) ->
    case raw:recv(Socket, 0, 1000) of
        {ok, _} -> quiet(Socket);
        {error, timeout} -> ok;
        {error, Reason} -> {closed, Reason}
    end.

%% Runs the function while an honest caller is served: each of its calls in time.
honest(Demo, Fun) ->
    self = gen_server:call({echo, Demo}, self),
    {Caller, Monitor} = spawn_monitor(fun() -> call_on(Demo) end),
    _ = Fun(),
    Caller ! stop,
    receive {'DOWN', Monitor, process, Caller, Reason} -> normal = Reason end,
    self = gen_server:call({echo, Demo}, self),
    ok.

call_on(Demo) ->
    receive stop -> exit(normal) after 5 -> ok end,
    x = gen_server:call({echo, Demo}, x, 5000),
    call_on(Demo).

%% After these bytes the demo closes the socket; a handshake that waits for more, when its time is over.
closed(Demo, Fun, What) ->
    Socket = raw:connect(Demo),
    _ = Fun(Socket),
    until_closed(Socket, What).

until_closed(Socket, What) ->
    case raw:recv(Socket, 0, 12000) of
        {ok, _} -> until_closed(Socket, What);
        {error, timeout} -> error({still_open, What});
        {error, _} -> ok
    end.

cut(Demo, Fun) ->
    Socket = raw:connect(Demo),
    _ = Fun(Socket),
    raw:close(Socket).

raw(Bytes) -> fun(Socket) -> raw:send(Socket, Bytes) end.

%% The handshake as the one who connects, to its good end.
shake(Socket) ->
    Challenge = challenged(Socket, "rogue@127.0.0.1"),
    ok = raw:send(Socket, packet(answer(Challenge))),
    <<$a, _:16/binary>> = receive_packet(Socket).

challenged(Socket, Name) ->
    ok = raw:send(Socket, packet(name(Name))),
    case receive_packet(Socket) of
        <<"sok">> -> ok;
        <<"sok_simultaneous">> -> ok;
        %% It has not noticed yet that the one before is gone.
        <<"salive">> -> ok = raw:send(Socket, packet(<<"strue">>))
    end,
    <<$N, _Flags:64, Challenge:32, _Creation:32, _/binary>> = receive_packet(Socket),
    Challenge.

name(Name) -> <<$N, ?FLAGS:64, (erlang:unique_integer([positive])):32, (length(Name)):16, (list_to_binary(Name))/binary>>.

answer(Challenge) -> <<$r, 17:32, (erlang:md5([?COOKIE, integer_to_list(Challenge)]))/binary>>.

frame(Bytes) -> <<(byte_size(Bytes)):32, Bytes/binary>>.
