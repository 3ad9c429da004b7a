%% The peer of the differential tests: says what OTP makes of bytes and terms, by a socket, many at a time.
%%
%% A packet (its length in four bytes) begins with a byte that says what is asked; the rest, and the answer, are items, each
%% with its length in four bytes. Terms that an answer is about are kept until the next question.
-module(differential).
-export([serve/1]).

serve(Port) ->
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, list_to_integer(atom_to_list(Port)), [binary, {packet, 4}, {active, false}]),
    loop(Socket, []).

loop(Socket, Kept) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, <<Asked, Rest/binary>>} ->
            {Answer, Keep} = answer(Asked, Rest, Kept),
            ok = gen_tcp:send(Socket, [[<<(iolist_size(Item)):32>>, Item] || Item <- Answer]),
            loop(Socket, Keep);
        {error, closed} -> ok
    end.

%% seed: all that follows is the same for the same seed, but for what the node itself makes (pids, references).
answer(0, <<Seed:64>>, _) ->
    rand:seed(exsss, Seed),
    {[], []};
%% construct: pairs of a program and bytes. Are the bytes what the program builds? Two items each: what is wrong, and the
%% term as OTP writes it.
answer(1, Items, _) ->
    {lists:append([constructed(Program, Bytes) || {Program, Bytes} <- pairs(items(Items))]), []};
%% generate: so many terms, written.
answer(2, <<Count:32>>, _) ->
    Terms = [random_term:term() || _ <- lists:seq(1, Count)],
    {[written(Term) || Term <- Terms], Terms};
%% compare: are these the terms that are kept? One item each: what is wrong. An empty item is passed over.
answer(3, Items, Terms) ->
    {[compared(Bytes, Term) || {Bytes, Term} <- lists:zip(items(Items), Terms)], Terms};
%% mutate: so many damaged terms, two items each: the bytes; the number of bytes that OTP reads, or nothing if it refuses.
answer(4, <<Count:32>>, _) ->
    Written = list_to_tuple([written(random_term:term()) || _ <- lists:seq(1, Count div 10)]),
    Some = fun() -> element(rand:uniform(tuple_size(Written)), Written) end,
    Mutants = [random_term:mutated(Some(), Some()) || _ <- lists:seq(1, Count)],
    Read = [read(Mutant) || Mutant <- Mutants],
    {lists:append([[Mutant, used(Result)] || {Mutant, Result} <- lists:zip(Mutants, Read)]), [value(Result) || Result <- Read]};
%% judge: how many bytes OTP reads of each item, or nothing if it refuses. What is kept stays.
answer(5, Items, Terms) ->
    {[used(read(Bytes)) || Bytes <- items(Items)], Terms}.

%% The generator's own encoder is held to OTP's reader.
written(Term) ->
    Bytes = random_term:written(Term),
    case binary_to_term(Bytes) of
        Term -> Bytes;
        Other -> error({wrongly_written, Term, Other, Bytes})
    end.

constructed(Program, Bytes) ->
    Term = build(Program, []),
    Wrong =
        try binary_to_term(Bytes, [used]) of
            {Term, Used} when Used =:= byte_size(Bytes) -> [];
            Other -> text({is, Other, should_be, Term})
        catch _:Reason -> text({refused, Reason, Term})
        end,
    [Wrong, random_term:written(Term)].

compared(<<>>, _) -> [];
compared(Bytes, Term) ->
    try binary_to_term(Bytes, [used]) of
        {Term, Used} when Used =:= byte_size(Bytes) -> [];
        Other -> text({is, Other, should_be, Term})
    catch _:Reason -> text({refused, Reason, should_be, Term})
    end.

read(Bytes) ->
    try binary_to_term(Bytes, [used])
    catch error:badarg -> refused
    end.

used({_, Used}) -> <<Used:32>>;
used(refused) -> [].

value({Term, _}) -> Term;
value(refused) -> refused.

text(Term) -> unicode:characters_to_binary(io_lib:format("~0tP", [Term, 200])).

%% A term built by OTP's own functions, from a program for a stack.
build(<<>>, [Term]) -> Term;
build(<<$i, Length:32, Text:Length/binary, Rest/binary>>, Stack) -> build(Rest, [binary_to_integer(Text) | Stack]);
build(<<$f, Float/float, Rest/binary>>, Stack) -> build(Rest, [Float | Stack]);
build(<<$a, Length:32, Text:Length/binary, Rest/binary>>, Stack) -> build(Rest, [binary_to_atom(Text, utf8) | Stack]);
build(<<$b, Length:32, Bytes:Length/binary, Rest/binary>>, Stack) -> build(Rest, [binary:copy(Bytes) | Stack]);
build(<<$B, Length:32, Bytes:Length/binary, Last, Bits, Rest/binary>>, Stack) ->
    build(Rest, [<<Bytes/binary, (Last bsr (8 - Bits)):Bits>> | Stack]);
build(<<$t, Count:32, Rest/binary>>, Stack) ->
    {Elements, Left} = taken(Count, Stack),
    build(Rest, [list_to_tuple(Elements) | Left]);
build(<<$l, Count:32, Rest/binary>>, [Tail | Stack]) ->
    {Elements, Left} = taken(Count, Stack),
    build(Rest, [Elements ++ Tail | Left]);
build(<<$m, Count:32, Rest/binary>>, Stack) ->
    {Elements, Left} = taken(2 * Count, Stack),
    build(Rest, [maps:from_list(pairs(Elements)) | Left]);
build(<<$n, Rest/binary>>, Stack) -> build(Rest, [[] | Stack]);
build(<<$x, Arity, Rest/binary>>, [Function, Module | Stack]) -> build(Rest, [erlang:make_fun(Module, Function, Arity) | Stack]);
build(<<$p, Id:32, Serial:32, Creation:32, Rest/binary>>, [Node | Stack]) ->
    Pid = identifier([88, name(Node), <<Id:32, Serial:32, Creation:32>>]),
    true = node(Pid) =:= Node andalso is_pid(Pid),
    [_, Id, Serial] = numbers(pid_to_list(Pid)),
    build(Rest, [Pid | Stack]);
build(<<$o, Id:64, Creation:32, Rest/binary>>, [Node | Stack]) ->
    Port = identifier([120, name(Node), <<Id:64, Creation:32>>]),
    true = node(Port) =:= Node andalso is_port(Port),
    [_, Id] = numbers(port_to_list(Port)),
    build(Rest, [Port | Stack]);
build(<<$r, Count, Creation:32, Words:(Count * 4)/binary, Rest/binary>>, [Node | Stack]) ->
    Reference = identifier([90, <<Count:16>>, name(Node), <<Creation:32>>, Words]),
    true = node(Reference) =:= Node andalso is_reference(Reference),
    build(Rest, [Reference | Stack]).

%% There is no function that makes one of another node, but this.
identifier(Bytes) -> binary_to_term(iolist_to_binary([131 | Bytes])).

name(Node) ->
    Text = atom_to_binary(Node, utf8),
    <<118, (byte_size(Text)):16, Text/binary>>.

numbers(Text) -> [list_to_integer(Number) || Number <- string:lexemes(Text, "<>.#Port")].

taken(Count, Stack) ->
    {Elements, Left} = lists:split(Count, Stack),
    {lists:reverse(Elements), Left}.

items(<<Length:32, Item:Length/binary, Rest/binary>>) -> [Item | items(Rest)];
items(<<>>) -> [].

pairs([A, B | Rest]) -> [{A, B} | pairs(Rest)];
pairs([]) -> [].
