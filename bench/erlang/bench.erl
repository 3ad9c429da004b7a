%% The rows in Erlang. See ../src/main.rs for what a row's processes have to do and say.
-module(bench).
-export([run/1, init/1, handle_call/3, handle_cast/2]).

%% `bench ROW ROLE`: the only process of a local row, or one of the two of a network row.
run([Row, Role]) ->
    spawn(fun() -> role(Row, Role), halt(0) end).

role("L1", "only") -> measured_sends(spawn(fun() -> sink(0, 0) end));
role("N1", "second") -> measured_sends({sink, address()});
role("N1", "first") ->
    register(sink, self()),
    ready(),
    sink(0, 0);
role("L4", "only") ->
    {ok, Server} = gen_server:start(?MODULE, 0, []),
    measured_calls(Server);
role("N5", "second") -> measured_calls({server, address()});
role("N5", "first") ->
    {ok, _} = gen_server:start({local, server}, ?MODULE, 0, []),
    ready(),
    receive after infinity -> ok end;
role([$T, _, $e], "only") ->
    {Document, Bytes} = document(),
    Document = binary_to_term(encode(number("WARMUP"), Document, Bytes)),
    measured_codec(fun(Ops) -> encode(Ops, Document, Bytes) end);
role([$T, _, $d], "only") ->
    {Document, Bytes} = document(),
    Document = decode(number("WARMUP"), Bytes, Document),
    measured_codec(fun(Ops) -> decode(Ops, Bytes, Document) end).

%% The document of a codec row, and its bytes. Both directions make garbage as they go, which this process collects in
%% between, by its ordinary rules.
document() ->
    {ok, Bytes} = file:read_file(os:getenv("KISTA_BENCH_DOCUMENT")),
    {binary_to_term(Bytes), Bytes}.

%% What was made last goes round with the loop, so that no call can be left out.
encode(0, _, Bytes) -> Bytes;
encode(N, Document, _) -> encode(N - 1, Document, term_to_binary(Document)).

decode(0, _, Document) -> Document;
decode(N, Bytes, _) -> decode(N - 1, Bytes, binary_to_term(Bytes)).

measured_codec(Work) ->
    Ops = number("OPS"),
    Cpu = cpu_ns(),
    Start = erlang:monotonic_time(nanosecond),
    Work(Ops),
    Wall = erlang:monotonic_time(nanosecond) - Start,
    io:format("result ~b ~b ~b~n", [Wall, cpu_ns() - Cpu, Ops]).

%% Counts what it gets and adds it up; says so, and how much CPU time its OS process has used, when it is asked.
sink(Count, Sum) ->
    receive
        {tick, N} -> sink(Count + 1, Sum + N);
        {mark, From, Ref} -> From ! {Ref, Count, cpu_ns()}, sink(Count, Sum)
    end.

mark(Sink) ->
    Ref = make_ref(),
    Sink ! {mark, self(), Ref},
    receive {Ref, Count, Cpu} -> {Count, Cpu} end.

measured_sends(Sink) ->
    send(Sink, number("WARMUP")),
    measured(number("OPS"), fun(Ops) -> send(Sink, Ops) end, fun() -> mark(Sink) end).

send(_, 0) -> ok;
send(Sink, N) -> Sink ! {tick, N}, send(Sink, N - 1).

init(Count) -> {ok, Count}.
handle_call({add, K}, _From, Count) -> {reply, K + 1, Count + 1};
handle_call(mark, _From, Count) -> {reply, {Count, cpu_ns()}, Count}.
handle_cast(_, Count) -> {noreply, Count}.

measured_calls(Server) ->
    call(Server, number("WARMUP")),
    measured(number("OPS"), fun(Ops) -> call(Server, Ops) end, fun() -> gen_server:call(Server, mark, infinity) end).

call(_, 0) -> ok;
call(Server, N) ->
    Expected = N + 1,
    Expected = gen_server:call(Server, {add, N}, infinity),
    call(Server, N - 1).

measured(Ops, Work, Mark) ->
    {Count0, Theirs0} = Mark(),
    Ours0 = cpu_ns(),
    Start = erlang:monotonic_time(nanosecond),
    Work(Ops),
    {Count1, Theirs1} = Mark(),
    Wall = erlang:monotonic_time(nanosecond) - Start,
    Ours = cpu_ns() - Ours0,
    Theirs = case os:getenv("KISTA_BENCH_ADDRESS") of
        false -> 0;
        _ -> Theirs1 - Theirs0
    end,
    io:format("result ~b ~b ~b~n", [Wall, Ours + Theirs, Count1 - Count0]).

ready() -> io:format("ready ~s~n", [node()]).
address() -> list_to_atom(os:getenv("KISTA_BENCH_ADDRESS")).
number(Name) -> list_to_integer(os:getenv("KISTA_BENCH_" ++ Name)).

%% CPU time of this OS process, user and system, in the kernel's ticks of 10 ms: as the Rust peers read it.
cpu_ns() ->
    {ok, Stat} = file:read_file("/proc/self/stat"),
    [_, AfterName] = string:split(Stat, ") ", trailing),
    Fields = string:lexemes(AfterName, " "),
    (binary_to_integer(lists:nth(12, Fields)) + binary_to_integer(lists:nth(13, Fields))) * 10000000.
