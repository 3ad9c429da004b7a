%% The side in Erlang of dials that collide (`src/proofs/collisions.rs`): it does what it reads, line by line, since there is no
%% connection by which it could be asked.
-module(collisions).
-export([run/0]).

run() ->
    register(collisions, spawn_link(fun answer/0)),
    scenario:say("ready ~s", [node()]),
    listen().

answer() ->
    receive {'$gen_call', From, Request} -> gen_server:reply(From, Request) end,
    answer().

listen() ->
    [Command, Name] = string:lexemes(io:get_line(""), " \n"),
    Node = list_to_atom(Name),
    case Command of
        "gone" -> gone(Node), scenario:say("gone");
        "dial" -> scenario:say("dialled ~w", [net_kernel:connect_node(Node)]);
        "leave" -> erlang:disconnect_node(Node), gone(Node), scenario:say("left");
        "call" -> x = gen_server:call({echo, Node}, x), scenario:say("called")
    end,
    listen().

gone(Node) ->
    case lists:member(Node, nodes(connected)) of
        true -> timer:sleep(1), gone(Node);
        false -> ok
    end.
