%% The rows in Erlang. See ../src/main.rs for what a row's processes have to do and say.
-module(bench).
-export([run/1, init/1, handle_call/3, handle_cast/2, plus_one/1, applied/0]).

%% `bench ROW ROLE`: the only process of a local row, or one of the two of a network row.
run([Row, Role]) ->
    spawn(fun() -> role(Row, Role), halt(0) end).

role("L1", "only") -> local(tick, 1, 1);
role("L2", "only") -> local(tick, 100, 1);
role("L3", "only") -> local(tick, 100, 100);
role("L4", "only") -> local(add, 1, 1);
role("L5", "only") -> local(add, 100, 1);
role("L6", "only") -> measured_starts(fun start_stop/1);
role("L6b", "only") -> measured_starts(fun start_all/1);
role("L7" ++ _, "only") -> idle();
role("L8", "only") -> ring(1000);
role("F1", "only") -> flood();
role("G1", "only") -> call_each(10);
role("G2", "only") -> call_each(1000);
role("G3", "only") -> call_each(100000);
role("G4", "only") -> call_each(1000000);
role("N1", Role) -> network(Role, tick, 1, 1);
role("N2", Role) -> network(Role, {blob, binary:copy(<<7>>, 1024)}, 1, 1);
role("N3", Role) -> network(Role, {blob, binary:copy(<<7>>, 65536)}, 1, 1);
role("N4", Role) -> network(Role, tick, 100, 100);
role("N5", Role) -> network(Role, add, 1, 1);
role("N6", Role) -> network(Role, add, 100, 1);
role("S" ++ Number, Role) -> role("N" ++ Number, Role);
role("N8", Role) -> delay(Role, nothing);
role("N8s", Role) -> delay(Role, {small, 30});
role("N8b", Role) -> delay(Role, {large, 64 bsl 20, 400});
role("N7", Role) -> network(Role, apply, 1, 1);
role([$T, _, $e], "only") ->
    {Document, Bytes} = document(),
    Document = binary_to_term(encode(number("WARMUP"), Document, Bytes)),
    measured_codec(fun(Ops) -> encode(Ops, Document, Bytes) end);
%% What is borrowed by others is copied here: binaries of less than 65 bytes always are.
role([$T, _, How], "only") when How =:= $d; How =:= $b ->
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
    {Wall, Cpu} = timed(fun() -> Work(Ops) end),
    result(Wall, Cpu, Ops, "").

%% Rows of messages: what a driver does (`tick`, `{blob, Bytes}`, `add` or `apply`), how many there are, and how many receive.
local(Job, Drivers, Receivers) ->
    measured(Job, Drivers, [start_receiver(Job) || _ <- lists:seq(1, Receivers)]).

network("first", Job, _, Receivers) ->
    [register(name(N), start_receiver(Job)) || N <- lists:seq(1, Receivers)],
    ready(),
    receive after infinity -> ok end;
network("second", Job, Drivers, Receivers) ->
    measured(Job, Drivers, [{name(N), address()} || N <- lists:seq(1, Receivers)]).

name(N) -> list_to_atom("receiver" ++ integer_to_list(N)).

start_receiver(apply) ->
    persistent_term:put(applied, counters:new(1, [])),
    self();
start_receiver(add) ->
    {ok, Server} = gen_server:start(?MODULE, 0, []),
    Server;
start_receiver(_) -> spawn(fun() -> sink(0, 0) end).

%% Counts what it gets and adds it up; says so, and how much CPU time its OS process has used, when it is asked.
sink(Count, Sum) ->
    receive
        {tick, N} -> sink(Count + 1, Sum + N);
        {blob, Bytes} -> sink(Count + 1, Sum + byte_size(Bytes));
        {'$gen_call', From, mark} -> gen_server:reply(From, {Count, cpu_ns()}), sink(Count, Sum)
    end.

%% What others run here, and how often they did.
plus_one(N) -> counters:add(persistent_term:get(applied), 1, 1), N + 1.
applied() -> {counters:get(persistent_term:get(applied), 1), cpu_ns()}.

mark(apply, {_, Node}) -> erpc:call(Node, ?MODULE, applied, []);
mark(_, Receiver) -> gen_server:call(Receiver, mark, infinity).

marks(Job, Receivers) ->
    Marks = [mark(Job, Receiver) || Receiver <- Receivers],
    {_, Cpu} = lists:last(Marks),
    {lists:sum([Count || {Count, _} <- Marks]), Cpu}.

%% A driver does its share, and answers when all of it was received.
driver(Job, Receiver) ->
    receive {work, From, Ops} ->
        work(Job, Receiver, Ops),
        mark(Job, Receiver),
        From ! {done, self()}
    end,
    driver(Job, Receiver).

work(_, _, 0) -> ok;
work(tick, Sink, N) -> Sink ! {tick, N}, work(tick, Sink, N - 1);
work(add, Server, N) ->
    Expected = N + 1,
    Expected = gen_server:call(Server, {add, N}, infinity),
    work(add, Server, N - 1);
work(apply, {_, Node} = There, N) ->
    Expected = N + 1,
    Expected = erpc:call(Node, ?MODULE, plus_one, [N]),
    work(apply, There, N - 1);
work(Blob, Sink, N) -> Sink ! Blob, work(Blob, Sink, N - 1).

all_work(Drivers, Ops) ->
    Each = (Ops + length(Drivers) - 1) div length(Drivers),
    lists:foldl(fun(Driver, Left) -> Driver ! {work, self(), min(Each, Left)}, Left - min(Each, Left) end, Ops, Drivers),
    [receive {done, Driver} -> ok end || Driver <- Drivers].

init(Count) -> {ok, Count}.
handle_call({add, K}, _From, Count) -> {reply, K + 1, Count + 1};
handle_call(mark, _From, Count) -> {reply, {Count, cpu_ns()}, Count}.
handle_cast(_, Count) -> {noreply, Count}.

measured(Job, Count, Receivers) ->
    Of = fun(N) -> lists:nth(N rem length(Receivers) + 1, Receivers) end,
    Drivers = [spawn_link(fun() -> driver(Job, Of(N)) end) || N <- lists:seq(1, Count)],
    all_work(Drivers, number("WARMUP")),
    {Count0, Theirs0} = marks(Job, Receivers),
    {Wall, Ours} = timed(fun() -> all_work(Drivers, number("OPS")) end),
    {Count1, Theirs1} = marks(Job, Receivers),
    Theirs = case os:getenv("KISTA_BENCH_ADDRESS") of
        false -> 0;
        _ -> Theirs1 - Theirs0
    end,
    result(Wall, Ours + Theirs, Count1 - Count0, receiver_cpu(Theirs)).

receiver_cpu(Ns) -> io_lib:format(" receiver_cpu_ns=~b", [Ns]).

timed(Work) ->
    Cpu = cpu_ns(),
    Start = erlang:monotonic_time(nanosecond),
    Work(),
    {erlang:monotonic_time(nanosecond) - Start, cpu_ns() - Cpu}.

result(Wall, Cpu, Received, More) ->
    io:format("result ~b ~b ~b~s~n", [Wall, Cpu, Received, More]).

%% Rows of starts.
measured_starts(Work) ->
    Work(number("WARMUP")),
    {Wall, Cpu} = timed(fun() -> Work(number("OPS")) end),
    result(Wall, Cpu, number("OPS"), "").

start_stop(0) -> ok;
start_stop(N) -> gen_server:stop(start_receiver(add)), start_stop(N - 1).

start_all(N) -> [gen_server:stop(Server) || Server <- [start_receiver(add) || _ <- lists:seq(1, N)]].

idle() ->
    N = number("OPS"),
    Before = resident(),
    {Wall, Cpu} = timed(fun() -> put(servers, [start_receiver(add) || _ <- lists:seq(1, N)]) end),
    result(Wall, Cpu, length(get(servers)), io_lib:format(" bytes_per_process=~b", [max(0, resident() - Before) div N])).

%% Each is called once before it is measured.
call_each(N) ->
    Servers = [begin S = start_receiver(add), 1 = gen_server:call(S, {add, 0}, infinity), S end || _ <- lists:seq(1, N)],
    call_each(Servers, Servers, number("WARMUP")),
    {Wall, Cpu} = timed(fun() -> call_each(Servers, Servers, number("OPS")) end),
    result(Wall, Cpu, number("OPS"), "").

call_each(_, _, 0) -> ok;
call_each([], All, N) -> call_each(All, All, N);
call_each([Server | More], All, N) ->
    Expected = N + 1,
    Expected = gen_server:call(Server, {add, N}, infinity),
    call_each(More, All, N - 1).

ring(N) ->
    First = self(),
    [Next | _] = All = lists:foldl(
        fun(_, [To | _] = Links) -> [spawn_link(fun() -> hop(To, 0) end) | Links] end,
        [First], lists:seq(2, N)),
    round_trip(Next, N, number("WARMUP")),
    Before = hops(All),
    {Wall, Cpu} = timed(fun() -> round_trip(Next, N, number("OPS")) end),
    result(Wall, Cpu, hops(All) - Before, "").

hop(To, Count) ->
    receive
        {token, Left} -> To ! {token, Left - 1}, hop(To, Count + 1);
        {count, From} -> From ! {count, self(), Count}, hop(To, Count)
    end.

%% This process is one of the ring.
round_trip(Next, N, Ops) -> circle(Next, (Ops + N - 1) div N * N).

circle(Next, Left) ->
    Next ! {token, Left - 1},
    receive
        {token, 0} -> count();
        {token, More} -> count(), circle(Next, More)
    end.

count() -> put(count, hops() + 1).
hops() -> case get(count) of undefined -> 0; Count -> Count end.
hops(All) ->
    lists:sum([begin Link ! {count, self()}, receive {count, Link, Count} -> Count end end || Link <- All, Link =/= self()]) + hops().

%% A quiet server is called once a millisecond while a loud one is flooded.
flood() ->
    Quiet = start_receiver(add),
    Loud = start_receiver(tick),
    spawn_link(fun() -> flood(Loud) end),
    delays(Quiet, number("WARMUP")),
    Cpu = cpu_ns(),
    Start = erlang:monotonic_time(nanosecond),
    Calls = delays(Quiet, number("OPS")),
    Wall = erlang:monotonic_time(nanosecond) - Start,
    result(Wall, cpu_ns() - Cpu, length(Calls), say_p99(Calls)).

say_p99(Calls) -> io_lib:format(" p99_ns=~b", [p99(Calls)]).

%% Of calls that were due then and answered then.
p99(Calls) ->
    Sorted = lists:sort([Answered - Due || {Due, Answered} <- Calls]),
    lists:nth(min(length(Sorted) * 99 div 100 + 1, length(Sorted)), Sorted).

%% A quiet server of another node is called once a millisecond, beside what else goes to a loud one there.
delay("first", _) ->
    register(name(1), start_receiver(add)),
    register(name(2), start_receiver(tick)),
    ready(),
    receive after infinity -> ok end;
delay("second", Beside) ->
    Quiet = {name(1), address()},
    Other = spawn_beside(Beside, {name(2), address()}),
    delays(Quiet, number("WARMUP")),
    {Count0, Theirs0} = mark(add, Quiet),
    Cpu = cpu_ns(),
    Start = erlang:monotonic_time(nanosecond),
    Calls = delays(Quiet, number("OPS")),
    Wall = erlang:monotonic_time(nanosecond) - Start,
    Ours = cpu_ns() - Cpu,
    {Count1, Theirs1} = mark(add, Quiet),
    Theirs = Theirs1 - Theirs0,
    P99 = case Beside of
        {large, _, _} -> say_p99_beside(Other, Calls);
        _ -> say_p99(Calls)
    end,
    result(Wall, Ours + Theirs, Count1 - Count0, [receiver_cpu(Theirs), P99]).

%% Of the calls that met a large message, how many they are, and of all.
say_p99_beside(Large, Calls) ->
    Large ! {spans, self()},
    Spans = receive {spans, Large, All} -> All end,
    Meets = fun({Due, Answered}) -> lists:any(fun({Start, End}) -> Start < Answered andalso Due < End end, Spans) end,
    Met = lists:filter(Meets, Calls),
    [say_p99(Met), io_lib:format(" p99_calls=~b p99_all_ns=~b", [length(Met), p99(Calls)])].

spawn_beside(nothing, _) -> ok;
spawn_beside({small, Percent}, Loud) ->
    Trial = 100000,
    Took = fun() ->
        Start = erlang:monotonic_time(nanosecond),
        work(tick, Loud, Trial),
        mark(tick, Loud),
        erlang:monotonic_time(nanosecond) - Start
    end,
    Least = lists:min([Took() || _ <- [1, 2, 3]]),
    Each = Trial * 1000000 div Least * Percent div 100,
    spawn_link(fun() -> small(Loud, Each, erlang:monotonic_time(nanosecond)) end);
spawn_beside({large, Bytes, Pause}, Loud) ->
    Blob = {blob, binary:copy(<<7>>, Bytes)},
    spawn_link(fun() -> large(Loud, Blob, Pause, []) end).

small(Loud, Each, Due) ->
    sleep_until(Due),
    work(tick, Loud, Each),
    small(Loud, Each, Due + 1000000).

%% Says when large messages were under way: from before each was sent until it was known to be received.
large(Loud, Blob, Pause, Spans) ->
    Start = erlang:monotonic_time(nanosecond),
    Loud ! Blob,
    mark(blob, Loud),
    All = [{Start, erlang:monotonic_time(nanosecond)} | Spans],
    receive
        {spans, From} -> From ! {spans, self(), All}
    after Pause -> large(Loud, Blob, Pause, All)
    end.

%% So many, then one answer, so that memory does not decide.
flood(Loud) -> work(tick, Loud, 100000), mark(tick, Loud), flood(Loud).

%% A call each millisecond, each by a process of its own: one that waits holds up no other.
delays(Quiet, N) ->
    Self = self(),
    Collector = spawn_link(fun() -> Self ! {calls, self(), [receive {call, Call} -> Call end || _ <- lists:seq(1, N)]} end),
    delays(Quiet, N, erlang:monotonic_time(nanosecond) + 1000000, Collector),
    receive {calls, Collector, Calls} -> Calls end.

delays(_, 0, _, _) -> ok;
delays(Quiet, N, Due, Collector) ->
    sleep_until(Due),
    spawn_link(fun() ->
        Expected = N + 1,
        Expected = gen_server:call(Quiet, {add, N}, infinity),
        Collector ! {call, {Due, erlang:monotonic_time(nanosecond)}}
    end),
    delays(Quiet, N - 1, Due + 1000000, Collector).

sleep_until(Due) ->
    erlang:start_timer((Due + 999999) div 1000000, self(), due, [{abs, true}]),
    receive {timeout, _, due} -> ok end.

resident() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, [KiB]} = re:run(Status, "VmRSS:\\s*([0-9]+)", [{capture, [1], list}]),
    list_to_integer(KiB) * 1024.

%% `NODE:PORT`, the port being its EPMD's.
ready() -> io:format("ready ~s:~s~n", [node(), os:getenv("ERL_EPMD_PORT")]).
address() -> list_to_atom(hd(string:split(os:getenv("KISTA_BENCH_ADDRESS"), ":"))).
number(Name) -> list_to_integer(os:getenv("KISTA_BENCH_" ++ Name)).

%% CPU time of this OS process, user and system, in the kernel's ticks of 10 ms: as the Rust peers read it.
cpu_ns() ->
    {ok, Stat} = file:read_file("/proc/self/stat"),
    [_, AfterName] = string:split(Stat, ") ", trailing),
    Fields = string:lexemes(AfterName, " "),
    (binary_to_integer(lists:nth(12, Fields)) + binary_to_integer(lists:nth(13, Fields))) * 10000000.
