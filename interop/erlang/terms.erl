%% Every kind of term goes to the demo and comes back the same.
-module(terms).
-export([small/1, big_binaries/1, many_atoms/1, random/1, deep/1]).

small(Demo) ->
    lists:foreach(fun(Term) -> echoed(Demo, Term) end, samples()),
    %% All of them in one, too.
    echoed(Demo, samples()),
    scenario:silence(50).

samples() ->
    [Port | _] = erlang:ports(),
    Captured = {captured, make_ref()},
    [[], [[]], [[], []], {}, {[]}, #{}, <<>>, "", "string", [255, 0, 256], [1 | 2], [a, b | c], lists:seq(1, 255),
     lists:duplicate(65535, $x), lists:duplicate(65536, $x), lists:duplicate(70000, 1000),
     0, 1, -1, 255, 256, -256, 1 bsl 27, 1 bsl 31, -(1 bsl 31), (1 bsl 31) - 1, 1 bsl 32, 1 bsl 59, 1 bsl 60, -(1 bsl 60),
     1 bsl 63, (1 bsl 63) - 1, -(1 bsl 63), -(1 bsl 63) - 1, 1 bsl 64, 1 bsl 2039, 1 bsl 2040, 1 bsl 2048, -(1 bsl 5000),
     0.0, -0.0, 1.5, -1.0e308, 5.0e-324, 3.141592653589793,
     '', a, 'with space', 'åäö', '日本語', undefined, nil, true, false, list_to_atom(lists:duplicate(255, $a)),
     list_to_atom(lists:duplicate(255, 16#65E5)),
     #{"a" => 1, "b" => [#{"c" => #{}}]}, #{<<"a">> => 1, <<"b">> => #{<<"c">> => nil}}, #{1 => a, 1.0 => b, [] => c},
     maps:from_list([{N, {N}} || N <- lists:seq(1, 33)]), maps:from_list([{integer_to_binary(N), N} || N <- lists:seq(1, 1000)]),
     list_to_tuple(lists:seq(1, 255)), list_to_tuple(lists:seq(1, 256)), list_to_tuple(lists:seq(1, 70000)),
     <<"binary">>, <<1:1>>, <<5:7>>, <<255, 1:3>>, binary:copy(<<"xyz">>, 30000),
     self(), make_ref(), alias(), Port, spawn(fun() -> ok end), whereis(init),
     fun lists:map/2, fun ?MODULE:small/1, fun(X) -> {X, Captured} end, fun() -> ok end,
     {ok, {error, [{"mixed", <<"terms">>, 1.0, #{self() => make_ref()}}]}}].

big_binaries(Demo) ->
    lists:foreach(fun(Size) ->
        Binary = binary:copy(<<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>>, Size div 16),
        echoed(Demo, Binary),
        echoed(Demo, {tagged, [Binary, #{<<"b">> => Binary}]})
    end, [64 bsl 10, 1 bsl 20, 16 bsl 20]),
    echoed(Demo, binary:copy(<<"0123456789abcdef">>, 4 bsl 20)),
    %% Around the size at which OTP cuts fragments, to the byte.
    [echoed(Demo, binary:copy(<<7>>, 65536 + Off)) || Off <- lists:seq(-40, 40)],
    scenario:silence(50).

%% More atoms than the atom cache of a connection has slots, used again and again.
many_atoms(Demo) ->
    Atoms = [list_to_atom("kista_test_atom_" ++ integer_to_list(N)) || N <- lists:seq(1, 3000)],
    echoed(Demo, Atoms),
    [[{echo, Demo} ! {self(), {Round, Atom, Atom}} || Atom <- shuffled(Atoms, Round)] || Round <- lists:seq(1, 3)],
    [[receive {Round, Atom, Atom} -> ok after 30000 -> error({missing, Round, Atom}) end || Atom <- shuffled(Atoms, Round)]
     || Round <- lists:seq(1, 3)],
    %% At and around the most atoms that one message's table can hold.
    [echoed(Demo, lists:sublist(Atoms, Count)) || Count <- lists:seq(245, 260)],
    [echoed(Demo, {Atom, Atom}) || Atom <- shuffled(Atoms, 4)],
    scenario:silence(50).

%% The same on every run, in no order that a cache could like.
shuffled(Atoms, Seed) -> [Atom || {_, Atom} <- lists:sort([{erlang:phash2({Seed, Atom}), Atom} || Atom <- Atoms])].

random(Demo) ->
    rand:seed(exsss, {1, 2, 3}),
    [echoed(Demo, term(4)) || _ <- lists:seq(1, 2000)],
    scenario:silence(50).

term(0) -> leaf(rand:uniform(9));
term(Depth) ->
    case rand:uniform(8) of
        1 -> list_to_tuple(terms(Depth));
        2 -> terms(Depth);
        3 -> terms(Depth) ++ term(0);
        4 -> maps:from_list([{term(Depth - 1), term(Depth - 1)} || _ <- lists:seq(1, rand:uniform(5))]);
        _ -> leaf(rand:uniform(9))
    end.

terms(Depth) -> [term(Depth - 1) || _ <- lists:seq(1, rand:uniform(6))].

leaf(1) -> rand:uniform(1 bsl 70) - (1 bsl 69);
leaf(2) -> rand:uniform(512) - 256;
leaf(3) -> rand:normal() * 1.0e10;
leaf(4) -> list_to_atom("kista_test_atom_" ++ integer_to_list(rand:uniform(500)));
leaf(5) -> rand:bytes(rand:uniform(300));
leaf(6) -> Bits = rand:uniform(100), <<(rand:uniform(1 bsl 60)):Bits>>;
leaf(7) -> [rand:uniform(256) - 1 || _ <- lists:seq(1, rand:uniform(20))];
leaf(8) -> self();
leaf(9) -> make_ref().

%% A term so deep that whoever walks it by recursion runs out of stack.
deep(Demo) ->
    echoed(Demo, lists:foldl(fun(_, Inner) -> [Inner] end, [], lists:seq(1, 10000))),
    x = gen_server:call({echo, Demo}, x),
    scenario:silence(50).

%% By call and by plain message; not only equal but the same.
echoed(Demo, Term) ->
    same(Term, gen_server:call({echo, Demo}, Term, 60000)),
    {echo, Demo} ! {self(), {plain, Term}},
    receive {plain, Back} -> same(Term, Back) after 60000 -> error({no_echo, Term}) end.

same(Term, Term) -> ok;
same(Term, Back) -> error({changed, Term, Back}).
