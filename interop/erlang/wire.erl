%% A peer by hand: control messages of its own making over a socket, in every form that they have, and what comes back.
%% It offers no distribution header, so that each frame is `112, 131, Control, 131, Payload`.
-module(wire).
-export([unlink_is_acknowledged_first/1, with_tokens/1, reasons_inside/1, links/1, monitors/1, spawns/1, bad_spawns/1]).

-define(FLAGS, 16#0000000D075F5FBC).
-define(EXIT_PAYLOAD, 16#400000).

%% An unlink is acknowledged with its id, link or not, and before anything else to who unlinked.
unlink_is_acknowledged_first(Node) ->
    Peer = connect(Node, ?FLAGS),
    Me = pid(1),
    Idle = spawned(Peer, idle, [], []),
    signal(Peer, {35, 7, Me, Idle}),
    {36, 7, Idle, Me} = take(Peer),
    [begin
         Id = 1 bsl Bits,
         signal(Peer, {1, Me, Idle}),
         signal(Peer, {35, Id, Me, Idle}),
         {36, Id, Idle, Me} = take(Peer)
     end || Bits <- [0, 8, 31, 32, 60, 63]],
    %% In one go: the acknowledgement, then the DOWN; and no exit signal of the link that is gone.
    Monitor = make_ref_of(1),
    signals(Peer, [{{1, Me, Idle}}, {{19, Me, Idle, Monitor}}, {{35, 9, Me, Idle}}, {{26, Me, Idle}, boom}]),
    {36, 9, Idle, Me} = take(Peer),
    {{28, Idle, Me, Monitor}, boom} = take(Peer),
    %% To the dead as well.
    signal(Peer, {35, 10, Me, Idle}),
    {36, 10, Idle, Me} = take(Peer),
    closed(Peer).

%% Each signal that can carry a trace token, with one.
with_tokens(Node) ->
    Peer = connect(Node, ?FLAGS),
    Me = pid(1),
    Token = {0, 17, 1, Me, 0},
    Idle = spawned(Peer, idle, [], []),
    signal(Peer, {12, '', Idle, Token}, {trap, Me}),
    %% It traps by now.
    signal(Peer, {23, Me, Idle, Token}, {monitor, {nobody, Node}, Me}),
    {got_down, noproc} = message(Peer),
    signal(Peer, {16, Me, '', echo, Token}, {Me, by_name}),
    by_name = message(Peer),
    signal(Peer, {1, Me, Idle}),
    signal(Peer, {25, Me, Idle, Token}, linked_reason),
    {trapped, Me, linked_reason} = message(Peer),
    signal(Peer, {27, Me, Idle, Token}, sent_reason),
    {trapped, Me, sent_reason} = message(Peer),
    Request = make_ref_of(2),
    signal(Peer, {30, Request, Me, Me, {demo, pinger, 2}, [monitor], Token}, [Me, 1]),
    Reply = take(Peer),
    true = lists:member(element(1, Reply), [31, 32]),
    {Request, Me, 2} = {element(2, Reply), element(3, Reply), element(4, Reply)},
    Pinger = element(5, Reply),
    {ping, Pinger, 1} = message(Peer),
    {{28, Pinger, Me, Request}, normal} = take(Peer),
    %% An alias that nobody has: dropped, and nobody minds.
    signal(Peer, {34, Me, make_ref_of(3), Token}, lost),
    signal(Peer, {33, Me, make_ref_of(3)}, lost),
    alive(Peer),
    closed(Peer).

%% A peer without EXIT_PAYLOAD has the reasons inside the control message, and gets them there.
reasons_inside(Node) ->
    Peer = connect(Node, ?FLAGS band bnot ?EXIT_PAYLOAD),
    Me = pid(1),
    Idle = spawned(Peer, idle, [], []),
    signal(Peer, {22, Me, Idle}, {trap, Me}),
    signal(Peer, {22, Me, Idle}, {monitor, {nobody, Node}, Me}),
    {got_down, noproc} = message(Peer),
    Reason = {why, [<<"binary">>, 1.5, "text"]},
    signal(Peer, {1, Me, Idle}),
    signal(Peer, {3, Me, Idle, Reason}),
    {trapped, Me, Reason} = message(Peer),
    signal(Peer, {8, Me, Idle, Reason}),
    {trapped, Me, Reason} = message(Peer),
    Token = {0, 17, 1, Me, 0},
    signal(Peer, {18, Me, Idle, Token, Reason}),
    {trapped, Me, Reason} = message(Peer),
    signal(Peer, {1, Me, Idle}),
    signal(Peer, {13, Me, Idle, Token, Reason}),
    {trapped, Me, Reason} = message(Peer),
    Monitor = make_ref_of(1),
    signal(Peer, {1, Me, Idle}),
    signal(Peer, {19, Me, Idle, Monitor}),
    signal(Peer, {22, Me, Idle}, {exit, Reason}),
    {3, Idle, Me, Reason} = take(Peer),
    {21, Idle, Me, Monitor, Reason} = take(Peer),
    closed(Peer).

%% A link to the dead, to one of another run of the node, to one that ends; a second link is the first.
links(Node) ->
    Peer = connect(Node, ?FLAGS),
    Me = pid(1),
    Idle = spawned(Peer, idle, [], []),
    signal(Peer, {1, Me, Idle}),
    signal(Peer, {1, Me, Idle}),
    signal(Peer, {22, Me, Idle}, {exit, why}),
    {{24, Idle, Me}, why} = take(Peer),
    signal(Peer, {1, Me, Idle}),
    {{24, Idle, Me}, noproc} = take(Peer),
    %% The same number, of an earlier run.
    Alive = spawned(Peer, idle, [], []),
    Earlier = earlier(Alive),
    signal(Peer, {1, Me, Earlier}),
    {{24, Earlier, Me}, noproc} = take(Peer),
    signal(Peer, {22, Me, Earlier}, {exit, not_meant}),
    signal(Peer, {26, Me, Earlier}, not_meant),
    signal(Peer, {19, Me, Earlier, make_ref_of(1)}),
    {{28, Earlier, Me, _}, noproc} = take(Peer),
    %% An exit by a link that is not there does nothing; taken away, it carries nothing.
    signal(Peer, {24, Me, Alive}, not_linked),
    signal(Peer, {1, Me, Alive}),
    signal(Peer, {35, 5, Me, Alive}),
    {36, 5, Alive, Me} = take(Peer),
    signal(Peer, {24, Me, Alive}, not_linked),
    signal(Peer, {22, Me, Alive}, {monitor, {nobody, Node}, Me}),
    {got_down, noproc} = message(Peer),
    %% `normal` by a link ends nobody; another reason does.
    signal(Peer, {1, Me, Alive}),
    signal(Peer, {24, Me, Alive}, normal),
    signal(Peer, {22, Me, Alive}, {monitor, {nobody, Node}, Me}),
    {got_down, noproc} = message(Peer),
    signal(Peer, {19, Me, Alive, make_ref_of(2)}),
    signal(Peer, {1, Me, Alive}),
    signal(Peer, {24, Me, Alive}, broken),
    {{28, Alive, Me, _}, broken} = take(Peer),
    closed(Peer).

%% Monitors by pid and by name: taken back, fired, of nobody. By name the answer has the name.
monitors(Node) ->
    Peer = connect(Node, ?FLAGS),
    Me = pid(1),
    [R1, R2, R3, R4] = [make_ref_of(N) || N <- [1, 2, 3, 4]],
    signal(Peer, {19, Me, no_such_name, R1}),
    {{28, no_such_name, Me, R1}, noproc} = take(Peer),
    signal(Peer, {19, Me, counter, R2}),
    signal(Peer, {19, Me, counter, R3}),
    signal(Peer, {20, Me, counter, R3}),
    signal(Peer, {6, Me, '', counter}, {'$gen_call', {Me, make_ref_of(9)}, crash}),
    {{28, counter, Me, R2}, {panic, _}} = take(Peer),
    Idle = spawned(Peer, idle, [], []),
    signal(Peer, {19, Me, Idle, R4}),
    signal(Peer, {20, Me, Idle, R4}),
    signal(Peer, {26, Me, Idle}, kill),
    signal(Peer, {19, Me, Idle, R1}),
    {{28, Idle, Me, R1}, noproc} = take(Peer),
    alive(Peer),
    closed(Peer).

%% What answers a spawn, before anything else of the process.
spawns(Node) ->
    Peer = connect(Node, ?FLAGS),
    Me = pid(1),
    [R1, R2, R3] = [make_ref_of(N) || N <- [1, 2, 3]],
    signal(Peer, {29, R1, Me, Me, {demo, exit_with, 1}, [link, monitor]}, [why]),
    {31, R1, Me, 3, Pid} = take(Peer),
    {{24, Pid, Me}, why} = take(Peer),
    {{28, Pid, Me, R1}, why} = take(Peer),
    signal(Peer, {29, R2, Me, Me, {demo, nothing, 1}, [monitor]}, [x]),
    {31, R2, Me, 2, None} = take(Peer),
    {{28, None, Me, R2}, {undef, [{demo, nothing, [x], []} | _]}} = take(Peer),
    [begin
         signal(Peer, {29, R3, Me, Me, {demo, idle, 0}, Options}, []),
         {31, R3, Me, 0, badopt} = take(Peer)
     end || Options <- [[no_option], [link, {reply, no}], [{reply_tag, x}], [{priority, urgent}], [link | monitor], link]],
    %% What `erpc` makes of it: value, exception, and what can not be called at all.
    Res = make_ref_of(7),
    signal(Peer, {29, R3, Me, Me, {erpc, execute_call, 4}, [monitor]}, [Res, demo, add, [1, 2]]),
    {31, R3, Me, 2, Call} = take(Peer),
    {{28, Call, Me, R3}, {Res, return, 3}} = take(Peer),
    signal(Peer, {29, R3, Me, Me, {erpc, execute_call, 4}, [monitor]}, [Res, demo, fail, []]),
    {31, R3, Me, 2, Fails} = take(Peer),
    {{28, Fails, Me, R3}, {Res, error, boom, [{demo, fail, 0, _} | _]}} = take(Peer),
    signal(Peer, {29, R3, Me, Me, {erpc, execute_call, 4}, [monitor]}, [Res, "demo", fail, []]),
    {31, R3, Me, 2, Bad} = take(Peer),
    {{28, Bad, Me, R3}, {Res, error, badarg, [{erlang, apply, ["demo", fail, []], _} | _]}} = take(Peer),
    closed(Peer).

%% Spawns that no node asks for. Each loses its own connection at most.
bad_spawns(Node) ->
    Me = pid(1),
    Ref = make_ref_of(1),
    [begin
         Peer = connect(Node, ?FLAGS),
         ok = raw:send(Peer, frame(Bytes)),
         until_closed(Peer)
     end || Bytes <- [
        %% No arguments at all, half a term of them, and more than a term.
        body({29, Ref, Me, Me, {demo, add, 2}, []}, <<131>>),
        body({29, Ref, Me, Me, {demo, add, 2}, []}, <<131, 108, 0, 0, 0, 2, 97, 1>>),
        body({29, Ref, Me, Me, {demo, add, 2}, []}, <<131, 108, 16#FFFFFFFF:32, 97, 1>>),
        %% Of wrong kinds, and of wrong sizes.
        body({29, Ref, Me, Me, {"demo", add, 2}, []}, term_to_binary([1, 2])),
        body({29, Ref, Me, Me, {demo, add, -1}, []}, term_to_binary([1, 2])),
        body({29, Ref, Me, Me, {demo, add}, []}, term_to_binary([1, 2])),
        body({29, Ref, Me, Me, demo, []}, term_to_binary([1, 2])),
        body({29, Ref, x, Me, {demo, add, 2}, []}, term_to_binary([1, 2])),
        body({29, Me, Me, Me, {demo, add, 2}, []}, term_to_binary([1, 2])),
        body({29, Ref, self(), Me, {demo, add, 2}, []}, term_to_binary([1, 2])),
        body({29, Ref, Me, Me, {demo, add, 2}}, term_to_binary([1, 2])),
        %% Options without end.
        body({29, Ref, Me, Me, {demo, add, 2}, [{priority, low} || _ <- lists:seq(1, 10000)]}, term_to_binary([1, 2]))]],
    Peer = connect(Node, ?FLAGS),
    %% More or fewer arguments than the arity says, and arguments that are no list: an end, not a crash.
    [begin
         signal(Peer, {29, Ref, Me, Me, {demo, add, Arity}, [monitor]}, Arguments),
         {31, Ref, Me, 2, Pid} = take(Peer),
         {{28, Pid, Me, Ref}, _} = take(Peer)
     end || {Arity, Arguments} <- [{2, [1]}, {1, [1, 2]}, {255, []}, {2, x}, {2, [1 | 2]}]],
    alive(Peer),
    %% An answer to a spawn that nobody asked for: whoever was started is let go.
    signal(Peer, {31, Ref, pid_of(Node), 3, Me}),
    {20, _, Me, Ref} = take(Peer),
    {{24, _, Me}, abandoned} = take(Peer),
    signal(Peer, {31, Ref, pid_of(Node), 0, badopt}),
    alive(Peer),
    closed(Peer).

%% A process that is started for us.
spawned(Peer, Function, Arguments, Options) ->
    Ref = make_ref_of(99),
    signal(Peer, {29, Ref, pid(1), pid(1), {demo, Function, length(Arguments)}, Options}, Arguments),
    {31, Ref, _, _, Pid} = take(Peer),
    Pid.

%% The node answers still.
alive(Peer) ->
    signal(Peer, {6, pid(1), '', echo}, {pid(1), still_here}),
    still_here = message(Peer).

message(Peer) ->
    {Control, Message} = take(Peer),
    true = lists:member(element(1, Control), [2, 22, 12, 23]),
    Message.

%% The next control message, with its payload if it has one. What the node says of itself is passed over.
take(Peer) ->
    {ok, <<Size:32>>} = raw:recv(Peer, 4, 10000),
    case Size of
        0 -> take(Peer);
        _ ->
            {ok, <<112, Body/binary>>} = raw:recv(Peer, Size, 10000),
            {Control, Used} = binary_to_term(Body, [used]),
            case {Control, Body} of
                {{6, _, _, _}, _} -> take(Peer);
                {_, <<_:Used/binary>>} -> Control;
                {_, <<_:Used/binary, Payload/binary>>} -> {Control, binary_to_term(Payload)}
            end
    end.

signal(Peer, Control) -> ok = raw:send(Peer, frame(body(Control, <<>>))).
signal(Peer, Control, Payload) -> ok = raw:send(Peer, frame(body(Control, term_to_binary(Payload)))).

%% All in one write.
signals(Peer, Messages) ->
    ok = raw:send(Peer, [frame(case Message of
        {Control} -> body(Control, <<>>);
        {Control, Payload} -> body(Control, term_to_binary(Payload))
    end) || Message <- Messages]).

body(Control, Payload) -> <<112, (term_to_binary(Control))/binary, Payload/binary>>.

%% Our pids and references are of the node that we say we are.
-define(NAME, "wire@127.0.0.1").
pid(N) -> binary_to_term(<<131, 88, 119, (length(?NAME)), ?NAME, N:32, 0:32, (creation()):32>>).
make_ref_of(N) -> binary_to_term(<<131, 90, 3:16, 119, (length(?NAME)), ?NAME, (creation()):32, N:32, 0:32, 0:32>>).

%% A pid of that node that it may or may not have.
pid_of(Node) ->
    Name = atom_to_binary(Node),
    binary_to_term(<<131, 88, 119, (byte_size(Name)), Name/binary, 1:32, 0:32, 77:32>>).

%% The same pid, of another run of its node.
earlier(Pid) ->
    <<131, 88, 119, Size, Name:Size/binary, Id:32, Serial:32, Creation:32>> = term_to_binary(Pid, [{minor_version, 2}]),
    binary_to_term(<<131, 88, 119, Size, Name/binary, Id:32, Serial:32, (Creation bxor 1):32>>).

creation() ->
    case get(creation) of
        undefined -> Creation = erlang:unique_integer([positive]) + 100, erlang:put(creation, Creation), Creation;
        Creation -> Creation
    end.

%% The handshake, to its good end.
connect(Node, Flags) ->
    %% A new run of us each time.
    erase(creation),
    Peer = raw:connect(Node),
    ok = raw:send(Peer, raw:packet(<<$N, Flags:64, (creation()):32, (length(?NAME)):16, ?NAME>>)),
    case raw:receive_packet(Peer) of
        <<"salive">> -> ok = raw:send(Peer, raw:packet(<<"strue">>));
        <<"sok", _/binary>> -> ok
    end,
    <<$N, _:64, Challenge:32, _:32, _/binary>> = raw:receive_packet(Peer),
    ok = raw:send(Peer, raw:packet(<<$r, 17:32, (erlang:md5(["kista", integer_to_list(Challenge)]))/binary>>)),
    <<$a, _:16/binary>> = raw:receive_packet(Peer),
    Peer.

frame(Bytes) -> <<(byte_size(Bytes)):32, Bytes/binary>>.

until_closed(Peer) ->
    case raw:recv(Peer, 0, 10000) of
        {ok, _} -> until_closed(Peer);
        {error, timeout} -> error(still_open);
        {error, _} -> ok
    end.

%% Nothing more comes, and the connection is still there.
closed(Peer) ->
    alive(Peer),
    raw:close(Peer).
