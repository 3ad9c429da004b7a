%% What Erlang's own tools ask EPMD, which here is one of ours.
-module(tools).
-export([names/1, serve/0]).

%% `net_adm:names` finds both nodes, and where they listen; so do `erl_epmd`'s own questions.
names(Demo) ->
    [Alive, Host] = string:lexemes(atom_to_list(Demo), "@"),
    {ok, Names} = net_adm:names(list_to_atom(Host)),
    {Alive, Port} = lists:keyfind(Alive, 1, Names),
    {port, Port, 6} = erl_epmd:port_please(Alive, Host),
    [Me, _] = string:lexemes(atom_to_list(node()), "@"),
    {Me, _} = lists:keyfind(Me, 1, Names),
    noport = erl_epmd:port_please("nobody", Host),
    pong = net_adm:ping(Demo),
    ok.

serve() -> scenario:serve(node()).
