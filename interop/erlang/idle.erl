%% A connection on which nothing is said but ticks (`src/proofs/idle.rs`).
-module(idle).
-export([wait/3]).

%% Connects, or waits to be connected to; then for so many seconds the peer must not be lost.
wait(Peer, Who, Seconds) ->
    ok = net_kernel:monitor_nodes(true, [{node_type, all}]),
    case Who of
        erl -> true = net_kernel:connect_node(Peer);
        ours -> io:format("waiting~n")
    end,
    receive {nodeup, Peer, _} -> ok after 60000 -> error(no_peer) end,
    receive
        {nodedown, Peer, _} = Down -> error(Down)
    after 1000 * list_to_integer(atom_to_list(Seconds)) -> ok
    end,
    io:format("kept~n"),
    scenario:next_step(),
    pong = net_adm:ping(Peer),
    receive {nodedown, Peer, _} = Late -> error(Late) after 0 -> ok end.
