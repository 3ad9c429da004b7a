%% Random terms of every type, other ways to write them, and damage to what was written. All from the process's `rand`.
-module(random_term).
-export([term/0, term/1, written/1, mutated/2]).

%% A term, nested at most five deep, mostly small.
term() -> term(rand:uniform(5)).

term(0) -> leaf(rand:uniform(22));
term(Depth) ->
    case rand:uniform(10) of
        1 -> list_to_tuple(terms(Depth));
        2 -> terms(Depth);
        3 -> terms(Depth) ++ term(0);
        4 -> maps:from_list([{term(Depth - 1), term(Depth - 1)} || _ <- terms(1)]);
        5 -> closure(rand:uniform(3), term(Depth - 1), term(0));
        6 -> {term(Depth - 1), term(Depth - 1)};
        _ -> leaf(rand:uniform(22))
    end.

terms(Depth) -> [term(Depth - 1) || _ <- lists:seq(1, few(Depth))].

%% Mostly a few, at times more than fit one byte.
few(1) ->
    case rand:uniform(200) of
        1 -> 250 + rand:uniform(20);
        N when N < 10 -> 20 + rand:uniform(20);
        _ -> rand:uniform(6) - 1
    end;
few(_) -> rand:uniform(4) - 1.

leaf(1) -> rand:uniform(1 bsl 70) - (1 bsl 69);
leaf(2) -> rand:uniform(1024) - 512;
leaf(3) -> around(1 bsl one_of([7, 8, 15, 16, 27, 28, 31, 32, 59, 60, 63, 64, 127, 128, 2032, 2039, 2040, 2047, 2048]));
leaf(4) -> around(rand:uniform(1 bsl rand:uniform(5000)));
leaf(5) -> rand:normal() * math:pow(10, rand:uniform(600) - 300);
leaf(6) -> one_of([0.0, -0.0, 1.0, -1.5, 0.1, 1.0e22, 1.0e23, 5.0e-324, 2.2250738585072014e-308, 1.7976931348623157e308, float(1 bsl 53)]);
leaf(7) -> one_of(['', ok, error, true, false, undefined, nil, 'with space', 'Elixir.Kista', '\'', '\\']);
leaf(8) -> list_to_atom([char(rand:uniform(4)) || _ <- lists:seq(1, rand:uniform(8))]);
leaf(9) -> list_to_atom(lists:duplicate(one_of([63, 64, 127, 128, 254, 255]), char(rand:uniform(4))));
leaf(10) -> rand:bytes(rand:uniform(300) - 1);
leaf(11) -> unicode:characters_to_binary([char(rand:uniform(4)) || _ <- lists:seq(1, rand:uniform(20))]);
leaf(12) -> Bits = rand:uniform(100), <<(rand:uniform(1 bsl 62)):Bits>>;
leaf(13) -> [rand:uniform(256) - 1 || _ <- lists:seq(1, rand:uniform(20))];
leaf(14) -> [char(rand:uniform(4)) || _ <- lists:seq(1, rand:uniform(20))];
leaf(15) -> self();
leaf(16) -> one_of([make_ref(), alias(), monitor(process, self())]);
leaf(17) -> one_of(erlang:ports());
leaf(18) -> binary_to_term(<<131, (foreign(pid, modern))/binary>>);
leaf(19) -> binary_to_term(<<131, (foreign(one_of([port, wide_port]), modern))/binary>>);
leaf(20) -> binary_to_term(<<131, (foreign(reference, modern))/binary>>);
leaf(21) -> one_of([fun lists:map/2, fun ?MODULE:term/0, fun 'no such':'é'/255, fun erlang:self/0]);
leaf(22) -> one_of([[], {}, #{}, <<>>, [[]], {[]}, [<<>>]]).

closure(1, A, _) -> fun() -> A end;
closure(2, A, B) -> fun(X, Y) -> {A, B, X, Y} end;
closure(3, A, B) -> Inner = fun(X) -> [X, A] end, fun(_) -> {Inner, B} end.

around(N) -> one_of([1, -1]) * N + rand:uniform(3) - 2.

%% Latin-1, also beyond ASCII; then two, three and four bytes of UTF-8.
char(1) -> $a + rand:uniform(26) - 1;
char(2) -> rand:uniform(255);
char(3) -> one_of([16#100, 16#7ff, 16#800, 16#65e5, 16#d7ff, 16#e000, 16#fffd]);
char(4) -> one_of([16#10000, 16#1f600, 16#10ffff, 0]).

one_of(List) -> lists:nth(rand:uniform(length(List)), List).

%% The term as bytes, in one of the ways that OTP has or had.
written(Term) ->
    case rand:uniform(4) of
        1 ->
            term_to_binary(Term, one_of([[{minor_version, 0}], [{minor_version, 1}], [{minor_version, 2}], [compressed],
                                         [{compressed, rand:uniform(10) - 1}], [compressed, {minor_version, 0}]]));
        2 -> iolist_to_binary([131 | legacy(Term)]);
        _ -> term_to_binary(Term)
    end.

%% An encoder of our own, which likes old tags and roundabout forms.
legacy(N) when is_integer(N) ->
    Bytes = binary:encode_unsigned(abs(N), little),
    Padded = <<Bytes/binary, 0:(8 * (rand:uniform(3) - 1))>>,
    Sign = if N < 0 -> 1; true -> 0 end,
    case rand:uniform(3) of
        1 when byte_size(Padded) < 256 -> [110, byte_size(Padded), Sign, Padded];
        2 when N >= -(1 bsl 31), N < 1 bsl 31 -> <<98, N:32>>;
        _ -> [<<111, (byte_size(Padded)):32, Sign>>, Padded]
    end;
legacy(Float) when is_float(Float) ->
    Text = iolist_to_binary(io_lib:format("~.20e", [Float])),
    <<99, Text/binary, 0:(8 * (31 - byte_size(Text)))>>;
legacy(Atom) when is_atom(Atom) -> legacy_atom(Atom);
legacy(List) when is_list(List), List =/= [] ->
    {Elements, Tail} = split(List, []),
    %% In one piece, or as a list whose tail is the rest.
    case rand:uniform(2) of
        1 -> [<<108, (length(Elements)):32>>, [legacy(E) || E <- Elements], legacy_tail(Tail)];
        2 -> [[[<<108, 1:32>>, legacy(E)] || E <- Elements], legacy_tail(Tail)]
    end;
legacy(Tuple) when is_tuple(Tuple) ->
    [<<105, (tuple_size(Tuple)):32>>, [legacy(E) || E <- tuple_to_list(Tuple)]];
legacy(Map) when is_map(Map) ->
    [<<116, (map_size(Map)):32>>, [[legacy(K), legacy(V)] || {_, K, V} <- lists:sort([{rand:uniform(), K, V} || {K, V} <- maps:to_list(Map)])]];
legacy(Binary) when is_binary(Binary), Binary =/= <<>> -> [<<77, (byte_size(Binary)):32, 8>>, Binary];
legacy(Other) ->
    <<131, Bytes/binary>> = term_to_binary(Other),
    Bytes.

legacy_tail([]) -> one_of([106, <<107, 0:16>>, <<108, 0:32, 106>>]);
legacy_tail(Tail) -> legacy(Tail).

split([Head | Tail], Elements) -> split(Tail, [Head | Elements]);
split(Tail, Elements) -> {lists:reverse(Elements), Tail}.

legacy_atom(Atom) ->
    Text = atom_to_binary(Atom, utf8),
    Latin = unicode:characters_to_binary(Text, utf8, latin1),
    Utf8 = [<<118, (byte_size(Text)):16, Text/binary>> | [<<119, (byte_size(Text)), Text/binary>> || byte_size(Text) < 256]],
    one_of(Utf8 ++ [<<100, (byte_size(Latin)):16, Latin/binary>> || is_binary(Latin)]
                ++ [<<115, (byte_size(Latin)), Latin/binary>> || is_binary(Latin), byte_size(Latin) < 256]).

%% An identifier of another node, in one of its forms, without the version byte.
foreign(Kind, Age) ->
    Node = legacy_atom(one_of(['kista@nowhere', 'a@b', 'nonode@nohost'])),
    case {Kind, Age} of
        {pid, modern} -> <<88, Node/binary, (rand:uniform(1 bsl 15) - 1):32, (rand:uniform(1 bsl 13) - 1):32, (rand:uniform(1 bsl 32) - 1):32>>;
        {pid, old} -> <<103, Node/binary, (rand:uniform(1 bsl 15) - 1):32, (rand:uniform(1 bsl 13) - 1):32, (rand:uniform(4) - 1)>>;
        {port, modern} -> <<89, Node/binary, (rand:uniform(1 bsl 28) - 1):32, (rand:uniform(1 bsl 32) - 1):32>>;
        {port, old} -> <<102, Node/binary, (rand:uniform(1 bsl 28) - 1):32, (rand:uniform(4) - 1)>>;
        {wide_port, _} -> <<120, Node/binary, (rand:uniform(1 bsl 64) - 1):64, (rand:uniform(1 bsl 32) - 1):32>>;
        {reference, modern} ->
            %% Not one word: OTP 25 does not find such a reference among the keys of a map of more than 32.
            Count = 1 + rand:uniform(4),
            <<90, Count:16, Node/binary, (rand:uniform(1 bsl 32) - 1):32, (words(Count))/binary>>;
        {reference, old} ->
            Count = rand:uniform(3),
            one_of([<<114, Count:16, Node/binary, (rand:uniform(4) - 1), (words(Count))/binary>>,
                    <<101, Node/binary, (words(1))/binary, (rand:uniform(4) - 1)>>])
    end.

words(Count) -> <<(rand:uniform(1 bsl 18) - 1):32, (rand:bytes(4 * (Count - 1)))/binary>>.

%% Bytes of a term with damage in one to four places; Other is another term's. The version byte is mostly left alone.
mutated(<<131, Bytes/binary>>, <<131, Other/binary>>) ->
    Seed =
        case rand:uniform(8) of
            1 -> foreign(one_of([pid, port, reference]), old);
            2 -> foreign(one_of([pid, port, wide_port, reference]), modern);
            _ -> Bytes
        end,
    Damaged = lists:foldl(fun(_, B) -> damaged(B, Other) end, Seed, lists:seq(1, rand:uniform(4))),
    case rand:uniform(100) of
        1 -> Damaged;
        N when N =< 5 -> <<131, 80, (byte_size(Damaged)):32, (zlib:compress(Damaged))/binary>>;
        _ -> <<131, Damaged/binary>>
    end.

damaged(Bytes, Other) ->
    At = rand:uniform(byte_size(Bytes) + 1) - 1,
    <<Before:At/binary, After/binary>> = Bytes,
    Skipped = rand:uniform(min(byte_size(After), 40) + 1) - 1,
    <<Part:Skipped/binary, Rest/binary>> = After,
    case {rand:uniform(8), After} of
        {1, <<_, Next/binary>>} -> <<Before/binary, (telling()), Next/binary>>;
        {2, <<Byte, Next/binary>>} -> <<Before/binary, (Byte bxor (1 bsl (rand:uniform(8) - 1))), Next/binary>>;
        {3, <<_, Next/binary>>} -> <<Before/binary, (rand:uniform(256) - 1), Next/binary>>;
        {4, _} -> <<Before/binary, (telling()), After/binary>>;
        {5, _} -> <<Before/binary, Rest/binary>>;
        {6, _} -> <<Before/binary, Part/binary, After/binary>>;
        {7, _} ->
            From = rand:uniform(byte_size(Other) + 1) - 1,
            Taken = binary:part(Other, From, rand:uniform(min(byte_size(Other) - From, 40) + 1) - 1),
            <<Before/binary, Taken/binary, Rest/binary>>;
        _ -> Before
    end.

%% The first bytes of terms, and lengths at which something changes.
telling() ->
    one_of([0, 1, 2, 3, 4, 5, 7, 8, 9, 70, 77, 80, 82, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109,
            110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 127, 128, 131, 254, 255]).
