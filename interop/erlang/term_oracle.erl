%% What this release makes of terms that it makes up: hash, order and text, one line for each, to be compared with ours.
%%
%% Run as `erl -noshell +pc unicode -s term_oracle FUNCTION`, with a seed and a count after `-extra`. All fields are hex, but for
%% numbers and atoms.
-module(term_oracle).
-export([hashes/0, orders/0, texts/0]).

%% Term, phash2/1, phash2/2 with the largest range.
hashes() ->
    each(fun(_) ->
        T = term(all, 4),
        io_lib:format("~s ~b ~b~n", [hex(term_to_binary(T)), erlang:phash2(T), erlang:phash2(T, 1 bsl 32)])
    end).

%% Two terms; whether A < B, A == B, A =:= B, and A comes before B as a key of maps.
orders() ->
    each(fun(_) ->
        A = term(all, 3),
        B = related(A),
        io_lib:format("~s ~s ~w ~w ~w ~w~n", [hex(term_to_binary(A)), hex(term_to_binary(B)), A < B, A == B, A =:= B,
                                           #{A => 1} < #{B => 1}])
    end).

%% Term; ~tw; ~0tp; ~tp; ~40tp. Maps in the order of their keys: up to 32 of them before OTP 26, any number with `k` since.
texts() ->
    K = case list_to_integer(erlang:system_info(otp_release)) >= 26 of true -> "k"; false -> "" end,
    Formats = ["~" ++ K ++ "tw", "~0" ++ K ++ "tp", "~" ++ K ++ "tp", "~40" ++ K ++ "tp"],
    each(fun(N) ->
        T = term(text, 1 + N rem 3),
        Texts = [hex(unicode:characters_to_binary(io_lib:format(Format, [T]))) || Format <- Formats],
        io_lib:format("~s~s~n", [hex(term_to_binary(T)), [[$\s | Text] || Text <- Texts]])
    end).

each(Fun) ->
    [Seed, Count] = [list_to_integer(Argument) || Argument <- init:get_plain_arguments()],
    rand:seed(exsss, {Seed, 2, 3}),
    %% Few writes: each is a message to another process.
    [io:put_chars(unicode:characters_to_binary([Fun(N) || N <- lists:seq(From, min(From + 199, Count))]))
     || From <- lists:seq(1, Count, 200)],
    io:put_chars("done\n"),
    halt().

hex(Binary) -> binary:encode_hex(Binary).

%% Mostly something that only just differs.
related(A) ->
    case rand:uniform(6) of
        1 -> A;
        2 -> term(all, 3);
        _ -> vary(A)
    end.

vary(T) when is_integer(T) -> pick([T, T + 1, T - 1, -T, near_float(T)]);
vary(T) when is_float(T), abs(T) > 1.0e300 -> pick([T, -T, trunc(T), trunc(T) + 1]);
vary(T) when is_float(T) -> pick([T, -T, trunc(T), trunc(T) + 1, T * 1.0000000000000002, T + 0.5]);
vary([H | T]) -> pick([[vary(H) | T], [H | vary(T)], [H, 1 | T], T]);
vary({}) -> {1};
vary(T) when is_tuple(T) ->
    N = rand:uniform(tuple_size(T)),
    setelement(N, T, vary(element(N, T)));
vary(T) when is_map(T), map_size(T) > 0 ->
    {K, V} = pick(maps:to_list(T)),
    pick([T#{K => vary(V)}, (maps:remove(K, T))#{vary(K) => V}, maps:remove(K, T)]);
vary(T) when is_binary(T) -> pick([<<T/binary, 0>>, <<T/binary, 1:1>>, binary:part(T, 0, byte_size(T) div 2)]);
vary(T) when is_bitstring(T) -> <<T/bitstring, 0:1>>;
vary(T) when is_pid(T); is_port(T); is_reference(T) -> leaf(identifier());
vary(T) when is_function(T) -> leaf(fun_());
vary(T) when is_atom(T) -> pick([atom(), binary_to_atom(<<(atom_to_binary(T))/binary, "z">>)]);
vary(_) -> term(all, 2).

near_float(T) when abs(T) < 1 bsl 1000 -> float(T);
near_float(T) -> T.

pick(List) -> lists:nth(rand:uniform(length(List)), List).

term(Kind, 0) -> leaf(leaf_kind(Kind));
term(Kind, Depth) ->
    case rand:uniform(10) of
        1 -> list_to_tuple(terms(Kind, Depth));
        2 -> list_to_tuple([atom() | terms(Kind, Depth)]);
        3 -> terms(Kind, Depth);
        4 -> improper(terms(Kind, Depth), term(Kind, 0));
        5 -> maps:from_list([{term(Kind, Depth - 1), term(Kind, Depth - 1)} || _ <- lists:seq(1, rand:uniform(5))]);
        6 -> maps:from_list([{atom(), term(Kind, Depth - 1)} || _ <- lists:seq(1, rand:uniform(9))]);
        7 -> [{atom(), term(Kind, Depth - 1)} || _ <- lists:seq(1, rand:uniform(6))];
        _ -> leaf(leaf_kind(Kind))
    end.

terms(Kind, Depth) -> [term(Kind, Depth - 1) || _ <- lists:seq(1, rand:uniform(8))].

improper(Items, Tail) -> lists:foldr(fun(Item, Rest) -> [Item | Rest] end, Tail, Items).

leaf_kind(text) -> pick([small, small, int, big, float, atom, atom, bytes, bits, text, utf8, latin1, string, chars, list, export, empty]);
leaf_kind(all) -> pick([leaf_kind(text), identifier(), fun_()]).

identifier() -> pick([pid, port, reference]).
fun_() -> pick([export, closure]).

leaf(small) -> rand:uniform(400) - 200;
leaf(int) -> Bits = rand:uniform(64), rand:uniform(1 bsl Bits) - (1 bsl (Bits - 1)) + pick([-1, 0, 1]);
leaf(big) -> pick([1, -1]) * ((1 bsl pick([53, 54, 59, 60, 63, 64, 100, 128, 300, 1023, 1024, 2000])) + rand:uniform(5) - 3);
leaf(float) ->
    pick([0.0, -0.0, 1.0, -1.5, 1.0e22, 1.0e23, 9007199254740991.0, 9007199254740992.0, 9007199254740994.0, -9007199254740992.0,
          5.0e-324, 1.7976931348623157e308, 0.1, 1.0e-5, 123456789.0, 100000.0, 1.0e6, 0.001, 0.0001, 18446744073709551616.0,
          rand:normal(), rand:normal() * 1.0e10, rand:normal() * math:pow(10.0, rand:uniform(600) - 300),
          float(rand:uniform(1000)), float(1 bsl rand:uniform(1000))]);
leaf(atom) -> atom();
leaf(bytes) -> rand:bytes(rand:uniform(40) - 1);
leaf(bits) -> Bits = rand:uniform(200), <<(rand:uniform(1 bsl 200)):Bits>>;
leaf(text) -> list_to_binary(words());
leaf(utf8) -> unicode:characters_to_binary([char() || _ <- lists:seq(1, rand:uniform(12))]);
leaf(latin1) -> list_to_binary([pick([233, 160, 255, 127, 128, $a, $~, $", $\\]) || _ <- lists:seq(1, rand:uniform(5))]);
leaf(string) -> words();
leaf(chars) -> [char() || _ <- lists:seq(1, rand:uniform(12))];
leaf(list) -> [rand:uniform(256) - 1 || _ <- lists:seq(1, rand:uniform(40))];
leaf(export) -> pick([fun lists:map/2, fun erlang:'+'/2, fun 'a b':'C'/255, fun m:f/0]);
leaf(empty) -> pick([[], {}, #{}, <<>>, [[]], [{}], ""]);
leaf(pid) ->
    binary_to_term(<<131, 88, (node_name())/binary, (word()):32, (rand:uniform(3) - 1):32, (creation()):32>>);
leaf(port) ->
    binary_to_term(<<131, 120, (node_name())/binary, (rand:uniform(3) - 1):32, (word()):32, (creation()):32>>);
leaf(reference) ->
    Words = rand:uniform(3),
    binary_to_term(<<131, 90, Words:16, (node_name())/binary, (creation()):32,
                     << <<(rand:uniform(3) - 1):32>> || _ <- lists:seq(1, Words) >>/binary>>);
leaf(closure) ->
    A = term(text, 1), B = term(text, 1),
    pick([fun() -> ok end, fun() -> A end, fun(X) -> {X, A} end, fun(X, Y) -> {X, Y, A, B} end,
          begin F = fun() -> B end, fun() -> {A, F} end end]).

word() -> pick([0, 1, 2, rand:uniform(1 bsl 15), rand:uniform(1 bsl 28) - 1]).
node_name() -> pick([<<119, 3, "a@b">>, <<119, 3, "b@b">>, <<119, 5, "aa@bc">>]).
creation() -> pick([1, 2, 1700000000]).

atom() ->
    pick([ok, error, a, b, undefined, '', 'with space', 'Elixir.Foo', 'end', 'cond', 'if', a@b_C1, 'a\nb', 'it\'s', 'a\\b', '1a',
          '_x', 'Ab', 'åäö', 'é', 'ÿ', 'ß', 'aß×', 'a÷', 'Ñ', '日本語', 'aλ', '\x{7f}', '\x{0}', '\x{85}', a_rather_long_atom_for_a_tag,
          'another quoted and rather long atom', foo, bar, id, name, value]).

words() -> lists:flatten(lists:join(pick([" ", "\n", ", ", "\""]), [pick(["hello", "the", "quick", "brown", "fox", "~p", "\t", "\e"])
                                                                   || _ <- lists:seq(1, rand:uniform(10))])).

char() -> pick([$a, $z, $\s, $~, $", $', $\\, $\n, $\r, $\t, 233, 160, 255, 960, 16#65E5, 16#1F600, 16#FFFD, 16#D7FF, 16#E000, 16#10FFFF]
               ++ case rand:uniform(8) of 1 -> [0, 7, 8, 11, 12, 27, 127, 128, 159, 16#FFFE, 16#FFFF]; _ -> [] end).
