%% Writes the corpus: `erl -noshell -run corpus write FILE`. One line for each way to write each value, with tabs between
%% the options, what it is (`=` for what the line before is), and the bytes in base 16. `scripts/corpus` runs it with each release.
%%
%% What a value is: text as `~tw` prints it, keys of maps in order; or, where that depends on who prints, one of
%%   pid NODE ID SERIAL CREATION | port NODE ID CREATION | reference NODE CREATION WORD... | fun MODULE ARITY
%%   repeated COUNT INTEGER      (a list of so many times this integer)
%% Nothing of the machine is in it: the node has no name, and what differs from run to run is left out.
-module(corpus).
-export([write/1]).

write([File]) ->
    ok = file:write_file(File, [lines(Is, written(Value)) || {Value, Is} <- values()]),
    halt().

lines(Is, [First | Others]) -> [line(Is, First) | [line("=", Other) || Other <- Others]].

line(Is, {Options, Bytes}) ->
    Hex = [io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= Bytes],
    unicode:characters_to_binary(io_lib:format("~tw\t~ts\t~ts~n", [Options, Is, Hex])).

%% All options that make a difference to these bytes. What is large is only there compressed.
written(Value) ->
    All = [[], [{minor_version, 0}], [{minor_version, 1}], [{minor_version, 2}], [compressed], [{compressed, 1}],
           [{compressed, 9}], [{compressed, 9}, {minor_version, 0}], [deterministic]],
    Known = [{Options, Bytes} || Options <- All, Bytes <- tried(Value, Options)],
    lists:ukeysort(2, [Pair || Pair = {_, Bytes} <- Known, byte_size(Bytes) < 4096]).

%% `deterministic` is younger than some releases.
tried(Value, Options) ->
    try [term_to_binary(Value, Options)] catch error:badarg -> [] end.

values() ->
    [{Value, text(Value)} || Value <- plain()]
    ++ [{binary_to_term(<<131, 88, 119, 3, "a@b", Id:32, Serial:32, Creation:32>>),
         io_lib:format("pid a@b ~b ~b ~b", [Id, Serial, Creation])}
       || {Id, Serial, Creation} <- [{0, 0, 0}, {7, 0, 1}, {32767, 8191, 3}, {1 bsl 32 - 1, 1 bsl 32 - 1, 1 bsl 32 - 1}]]
    ++ [{binary_to_term(<<131, 120, 119, 3, "a@b", Id:64, Creation:32>>),
         io_lib:format("port a@b ~b ~b", [Id, Creation])}
       || {Id, Creation} <- [{0, 0}, {1, 1}, {1 bsl 28 - 1, 3}, {1 bsl 28, 4}, {1 bsl 64 - 1, 1 bsl 32 - 1}]]
    ++ [{binary_to_term(iolist_to_binary([131, 90, 0, length(Words), 119, 3, "a@b", <<Creation:32>>, [<<Word:32>> || Word <- Words]])),
         io_lib:format("reference a@b ~b~ts", [Creation, Numbers])}
       || {Creation, Words} <- [{0, [0]}, {1, [1, 2]}, {3, [262143, 2, 3]}, {4, [1, 2, 3, 4, 1 bsl 32 - 1]}],
          Numbers <- [[io_lib:format(" ~b", [Word]) || Word <- Words]]]
    ++ [{whereis(init), "pid nonode@nohost 0 0 0"}]
    ++ [{Fun, io_lib:format("fun corpus ~b", [arity(Fun)])} || Fun <- closures(<<"free">>, {a, [1.5]})]
    ++ [{lists:duplicate(Count, N), io_lib:format("repeated ~b ~b", [Count, N])}
       || {Count, N} <- [{65534, $x}, {65535, $x}, {65536, $x}, {100000, 1000}]].

arity(Fun) -> element(2, erlang:fun_info(Fun, arity)).

closures(A, B) ->
    Inner = fun(X) -> [X, A] end,
    [fun() -> ok end, fun(X, Y) -> {A, B, X, Y} end, fun(X) -> {Inner, X, B} end].

plain() ->
    Ints = lists:usort([Sign * (1 bsl Bits) + Off || Bits <- [0, 1, 7, 8, 15, 16, 27, 28, 31, 32, 58, 59, 60, 63, 64, 127, 128, 2031, 2032, 2039, 2040, 2048],
                                                     Sign <- [1, -1], Off <- [-1, 0, 1]]),
    Floats = [0.0, -0.0, 1.0, -1.0, 1.5, 0.1, 1.0e22, 1.0e23, 1.0e-7, 123456.789, 5.0e-324, 2.2250738585072014e-308, -1.7976931348623157e308,
              9007199254740992.0, 9007199254740994.0, 3.141592653589793],
    Atoms = ['', a, ok, true, false, undefined, nil, 'end', 'A', 'with space', 'it\'s', '\\', '\n\t\e', 'a@b', 'Elixir.My.Module', 'é', 'ÿ', 'å_1',
             '日本', '😀', list_to_atom([0]), list_to_atom(lists:duplicate(255, $a)), list_to_atom(lists:duplicate(127, 16#e9)),
             list_to_atom(lists:duplicate(128, 16#e9)), list_to_atom(lists:duplicate(255, 16#e9)), list_to_atom(lists:duplicate(255, 16#1f600))],
    Binaries = [<<>>, <<0>>, <<"text">>, <<"é日😀"/utf8>>, <<255, 254>>, binary:copy(<<"0123456789">>, 30), <<1:1>>, <<0:1>>, <<5:3>>, <<1:7>>, <<255, 1:1>>, <<1, 2, 3, 127:7>>],
    Lists = [[], [[]], [a], [0], [255], [256], [-1], "text", "é", "日本", lists:seq(0, 255), lists:seq(0, 300), [1 | 2], [1, 2 | 3], [a, [b | c] | <<>>],
             [[1 | 2] | {}], [1, 2.0, a, <<"b">>, "c", {d}, #{e => f}]],
    Tuples = [{}, {a}, {{}}, {ok, 1}, {error, {a, "b"}}, list_to_tuple(lists:seq(1, 255)), list_to_tuple(lists:seq(1, 256)), {'$gen_call', {a, [alias | b]}, {add, 1}}],
    Maps = [#{}, #{a => 1}, #{<<"a">> => 1, "a" => 2, a => 3}, #{1 => a, 1.0 => b, [] => c, {} => d, #{} => e}, #{a => #{b => #{c => []}}},
            #{'__struct__' => 'Elixir.User', name => <<"Jo">>, age => 7},
            maps:from_list([{N, N * N} || N <- lists:seq(1, 32)]), maps:from_list([{N, -N} || N <- lists:seq(1, 33)]),
            maps:from_list([{integer_to_binary(N), [N]} || N <- lists:seq(1, 100)])],
    Exports = [fun lists:map/2, fun erlang:self/0, fun 'Elixir.My.Module':'a?'/255],
    Deep = lists:foldl(fun(N, Inner) -> case N rem 4 of 0 -> {Inner}; 1 -> [Inner]; 2 -> #{Inner => N}; 3 -> [N | {Inner}] end end, deep, lists:seq(1, 60)),
    Ints ++ Floats ++ Atoms ++ Binaries ++ Lists ++ Tuples ++ Maps ++ Exports ++ [Deep].

%% As `~tw`, but keys of maps in order.
text(Map) when is_map(Map) ->
    Pairs = lists:sort(fun({A, _}, {B, _}) -> erts_internal:cmp_term(A, B) =< 0 end, maps:to_list(Map)),
    ["#{", lists:join(",", [[text(Key), " => ", text(Value)] || {Key, Value} <- Pairs]), "}"];
text(Tuple) when is_tuple(Tuple) -> ["{", lists:join(",", [text(Element) || Element <- tuple_to_list(Tuple)]), "}"];
text([]) -> "[]";
text(List) when is_list(List) -> ["[", elements(List), "]"];
text(Other) -> io_lib:format("~tw", [Other]).

elements([Last]) -> text(Last);
elements([Element | Tail]) when is_list(Tail) -> [text(Element), ",", elements(Tail)];
elements([Element | Tail]) -> [text(Element), "|", text(Tail)].
