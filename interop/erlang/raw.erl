%% A peer's own connection to a node, for bytes that no node would send: plain, or in TLS where the bed's nodes speak that. A handshake's
%% lengths have 16 bits, and in TLS 32.
-module(raw).
-export([connect/1, silent/1, send/2, recv/3, close/1, packet/1, header/1, receive_packet/1]).

-define(OPTIONS, [binary, {active, false}, {nodelay, true}]).

connect(Node) ->
    case os:getenv("KISTA_TLS_DIR") of
        false -> silent(Node);
        Dir ->
            {ok, _} = application:ensure_all_started(ssl),
            Files = [{Key, filename:join(Dir, File)} || {Key, File} <- [
                {certfile, "erl-cert.pem"}, {keyfile, "erl-key.pem"}, {cacertfile, "ca.pem"}]],
            {Host, Port} = address(Node),
            {ok, Socket} = ssl:connect(Host, Port, ?OPTIONS ++ [{verify, verify_peer} | Files]),
            Socket
    end.

%% One that begins with nothing, also where TLS is spoken.
silent(Node) ->
    {Host, Port} = address(Node),
    {ok, Socket} = gen_tcp:connect(Host, Port, ?OPTIONS),
    Socket.

address(Node) ->
    [Alive, Host] = string:split(atom_to_list(Node), "@"),
    {port, Port, _} = erl_epmd:port_please(Alive, Host),
    {Host, Port}.

send(Socket, Bytes) when is_port(Socket) -> gen_tcp:send(Socket, Bytes);
send(Socket, Bytes) -> ssl:send(Socket, Bytes).

recv(Socket, Size, Millis) when is_port(Socket) -> gen_tcp:recv(Socket, Size, Millis);
recv(Socket, Size, Millis) -> ssl:recv(Socket, Size, Millis).

close(Socket) when is_port(Socket) -> gen_tcp:close(Socket);
close(Socket) -> ssl:close(Socket).

packet(Bytes) -> <<(header(byte_size(Bytes)))/binary, Bytes/binary>>.

header(Size) ->
    case os:getenv("KISTA_TLS_DIR") of
        false -> <<Size:16>>;
        _ -> <<Size:32>>
    end.

receive_packet(Socket) ->
    Bits = bit_size(header(0)),
    {ok, <<Size:Bits>>} = recv(Socket, Bits div 8, 10000),
    {ok, Bytes} = recv(Socket, Size, 10000),
    Bytes.
