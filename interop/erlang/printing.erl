%% What is printed goes to the group leader, on whatever node that is; and so do events of the logger.
-module(printing).
-export([format/1, here/1, there/1, events/1, serve/0, print/2]).

%% Our `io_lib:format` makes the same text as this release's, or is `badarg` as here.
format(Node) ->
    Same = [{"plain", []}, {"~~ ~n~2n|", []}, {"~w ~p ~s~n", [{a, [1, 2]}, "string", "abc"]}, {"~ts", [<<"säg"/utf8>>]}, {"~ts", ["π"]},
            {"~s", [<<"s", 228>>]}, {"~s ~s", [atom, ["io", [$l, <<"ist">>]]]}, {"~10s|~-10s|~3s|~-3s|", ["right", "left", "cut off", "cut off"]},
            {"~10.3s|~-10.3.*s|", ["precision", $., "precision"]}, {"~.3s|", ["precision"]}, {"~*s|", [8, "star"]}, {"~-*s|", [8, "star"]}, {"~*s|", [-8, "star"]},
            {"~c~3c~5.2.xc|~-4.1c|", [$a, $b, $c, $d]}, {"~tc", [960]}, {"~c", [960]},
            {"~8w|~-8w|~2w|~8.3w|~..*w|", [foo, foo, foobar, foobar, $x, foo]}, {"~.4w|", [longer]}, {"~5..0w", [42]},
            {"~b ~B ~.16b ~.16B ~.2b ~.36B", [255, -255, 255, 255, 5, 123456]}, {"~6..0b|~-6b|~3b|~8.16.0b", [-42, 42, 1234, 255]},
            {"~x ~.16x ~.16X", [31, "0x", -31, "0x", 31, ["16", $#]]}, {"~x", [31, prefix]}, {"~# ~.16# ~.16+ ~.2+ ~10.16#|", [31, 31, 31, -5, 31]},
            {"~f ~.2f ~10.3f|~-10.3f|~8.3.0f ~3f", [3.14159, 2.71828, 2.5, 2.5, -2.5, 1.0e10]}, {"~.1f ~.20f", [0.05, 0.1]},
            {"~e ~.3e ~12.4e|~.10e", [123.456, 0.00123, -1.5e300, 1.0]}, {"~g ~g ~g ~g ~g ~g ~g", [0.01, 0.5, 5.5, 55.5, 555.5, 5555.5, 55555.5]},
            {"~.2g ~.3g ~.4g", [1.5, 1234.5, 0.1]}, {"~i~w", [skipped, shown]}, {"~w", [1.0e22]}, {"~w ~w ~w", [1.5, -0.0, 1.0e-5]},
            {"~w ~p ~tp ~tw", ['an atom', 'an atom', 'Å', 'Å']}, {"~w ~p", [<<1, 2, 3>>, <<"text">>]}, {"~w ~p", [<<1:3>>, #{a => 1}]}, {"~w", ["string"]}, {"~p", [[]]},
            {"~lp ~lw", ["string", "string"]}, {"~p", [["nested", {"strings", <<"bin">>}]]}, {"~w ~w", [fun lists:map/2, []]},
            {"~0p", [lists:seq(1234300, 1234400)]}, {"~p", [lists:seq(1234300, 1234360)]}, {"~40p", [lists:seq(1234300, 1234330)]}, {"~p", [{tag, lists:seq(1234300, 1234340), #{k => lists:seq(1234300, 1234330)}}]},
            {"~30p", [[{key, value, 12345}, {other_key, "a string", 67890}]]}, {"text ~p", [lists:seq(1234300, 1234340)]}, {"text~n  ~p~n", [[{key, lists:seq(1234300, 1234340)}]]},
            {"~W ~W ~W", [[1, 2, 3, 4, 5], 3, {a, b, c, d}, 3, {a, [b, {c, [d]}]}, 4]}, {"~W ~W", [a, 1, [a], 1]}, {"~P", [[1000, 2, 3, 4, 5], 3]}, {"~P", [{a, {b, {c, {d}}}}, 3]},
            {"~W", [lists:seq(1, 30), 100]}, {"~W ~W", [[a | b], 2, [a, b | c], 3]}, {"~W ~P", [#{a => {b, {c, d}}}, 3, "string", 3]}, {"~P", [["string", {a, [1, 2, 3]}], 5]}, {atom_as_format, []}, {<<"binary ~w">>, [x]}, {"~kp", [#{b => 1, a => 2}]}, {"~ts~n", [[<<"a">>, [$b | <<"c">>]]]}],
    Kept = [{F, A} || {F, A} <- Same, is_pair(F, A)],
    Texts = [{F, A, text(fun() -> io_lib:format(F, A) end), text(fun() -> erpc:call(Node, io_lib, format, [F, A]) end)} || {F, A} <- Kept],
    [] = [{F, A, {own, Own}, {theirs, Theirs}} || {F, A, Own, Theirs} <- Texts, Own =/= Theirs],
    Wrong = [{"~", []}, {"~w", []}, {"~w", [a, b]}, {"~q", [x]}, {"~b", [a]}, {"~f", [1]}, {"~e", [1]}, {"~b", [1.5]}, {"~f", [a]}, {"~s", [[960]]}, {"~s", [{a}]}, {"~c", [a]},
             {"~.37b", [1]}, {"~.1b", [1]}, {"~.0f", [1.0]}, {"~.1e", [1.0]}, {"~*s", [a, b]}, {"~P", [a, b]}, {"~w", x}, {"~x", [1]}, {"~x", [1, <<"binary">>]}],
    Refused = [{F, A, text(fun() -> apply(io_lib, format, [F, A]) end), text(fun() -> erpc:call(Node, io_lib, format, [F, A]) end)} || {F, A} <- Wrong],
    [] = [{F, A, {own, Own}, {theirs, Theirs}} || {F, A, Own, Theirs} <- Refused, {Own, Theirs} =/= {badarg, badarg}],
    ok.

%% `k` came with OTP 26; its shape is the same here without it, so it is asked of those that have it.
is_pair("~kp", _) -> list_to_integer(erlang:system_info(otp_release)) >= 26;
is_pair(_, _) -> true.

text(Fun) ->
    try lists:flatten(Fun()) of
        Text -> unicode:characters_to_list(Text)
    catch
        error:badarg -> badarg;
        error:{exception, badarg, _} -> badarg
    end.

%% A function that runs there on our behalf prints here: to the group leader of who asks, which is this very process.
here(Node) ->
    Old = group_leader(),
    group_leader(self(), self()),
    Result = try printed_here(Node) catch C:R:S -> {C, R, S} end,
    group_leader(Old, self()),
    Result.

printed_here(Node) ->
    %% By rpc, by spawn, by erpc; by a function of the program.
    Ways = [{rpc, fun() -> rpc:call(Node, io, format, ["~p ~ts~n", [{from, there}, "π"]]) end, "{from,there} π\n"},
            {erpc, fun() -> erpc:call(Node, io, put_chars, [["io", <<"list">>]]) end, "iolist"},
            {nl, fun() -> erpc:call(Node, io, nl, []) end, "\n"},
            {device, fun() -> rpc:call(Node, io, format, [standard_io, "~w~n", [by_name]]) end, "by_name\n"},
            {device, fun() -> Leader = group_leader(), rpc:call(Node, io, put_chars, [Leader, "by pid"]) end, "by pid"},
            {long, fun() -> rpc:call(Node, io, format, ["~s", [lists:duplicate(100000, $x)]]) end, lists:duplicate(100000, $x)},
            {longer, fun() -> rpc:call(Node, io, put_chars, [binary:copy(<<"y">>, 2000000)]) end, lists:duplicate(2000000, $y)},
            {program, fun() -> erpc:call(Node, printing, print, [me, <<"by the program">>]) end, "by the program"},
            {child, fun() -> erpc:call(Node, printing, print, [child, <<"by its child">>]) end, "by its child"}],
    [begin
         {Pid, Watch} = spawn_monitor(fun() -> exit({done, Do()}) end),
         Expected = answered(ok, Node),
         receive {'DOWN', Watch, _, Pid, {done, ok}} -> ok after 30000 -> error({Way, no_answer}) end
     end || {Way, Do, Expected} <- Ways],
    _ = spawn(Node, io, format, ["spawned"]),
    "spawned" = answered(ok, Node),
    %% What is refused is an error there.
    {Refused, RefusedWatch} = spawn_monitor(fun() -> exit(rpc:call(Node, io, format, ["x"])) end),
    "x" = answered({error, full}, Node),
    receive {'DOWN', RefusedWatch, _, Refused, {badrpc, {'EXIT', {full, _}}}} -> ok after 30000 -> error(no_error) end,
    %% A group leader that ends leaves nobody waiting.
    Deaf = spawn(fun() -> receive {io_request, _, _, _} -> ok end end),
    {Left, LeftWatch} = spawn_monitor(fun() -> group_leader(Deaf, self()), exit(rpc:call(Node, io, format, ["x"])) end),
    receive {'DOWN', LeftWatch, _, Left, {badrpc, {'EXIT', {terminated, _}}}} -> ok after 30000 -> error(waits) end,
    %% What can not be put together is an error, and nothing is printed.
    {badrpc, {'EXIT', {badarg, _}}} = rpc:call(Node, io, format, ["~p", []]),
    %% So is an atom, which is no text; and a device that is not there. One of the node's own prints there.
    {badrpc, {'EXIT', {badarg, _}}} = rpc:call(Node, io, put_chars, [atom]),
    {badrpc, {'EXIT', {badarg, _}}} = rpc:call(Node, io, put_chars, [standard_io, atom]),
    {badrpc, {'EXIT', {badarg, _}}} = rpc:call(Node, io, format, [no_such_device, "x", []]),
    {badrpc, {'EXIT', {badarg, _}}} = rpc:call(Node, io, nl, [no_such_device]),
    ok = rpc:call(Node, io, format, [user, "to its user~n", []]),
    ok = rpc:call(Node, io, put_chars, [standard_error, "to its standard error\n"]),
    %% What would be cut is an error. (Ours: OTP has no limit.)
    {badrpc, {'EXIT', {system_limit, _}}} = rpc:call(Node, io, format, ["~2000000c", [$x]]),
    receive {io_request, _, _, _} = More -> error(More) after 100 -> ok end,
    ok.

answered(Reply, Node) ->
    receive
        {io_request, From, As, {put_chars, unicode, Chars}} ->
            Node = node(From),
            From ! {io_reply, As, Reply},
            unicode:characters_to_list(Chars)
    after 30000 -> error(nothing_printed)
    end.

%% A process here whose group leader is there: all that prints does, and nothing can be read.
there(Node) ->
    User = rpc:call(Node, erlang, whereis, [user]),
    Old = group_leader(),
    group_leader(User, self()),
    Check = fun() ->
        ok = io:format("by format ~p ~ts~n", [{a, b}, "π"]),
        ok = io:format("without arguments~n"),
        ok = io:fwrite("~s", [<<"by fwrite\n">>]),
        ok = io:put_chars("by put_chars\n"),
        ok = io:put_chars(User, <<"to a pid\n">>),
        ok = io:write({a, term}),
        ok = io:nl(),
        badarg = try apply(io, put_chars, [atom]) catch error:NoText -> NoText end,
        ok = io:requests([{put_chars, unicode, "in a list\n"}, nl, {format, "~w~n", [last]}]),
        ok = io:format("an escape \e[31m and \a~n"),
        eof = io:get_line("prompt> "),
        eof = io:get_chars("prompt> ", 10),
        eof = io:fread("prompt> ", "~d"),
        %% What it is said to be at the end of is how a shell ends.
        eof = element(1, {io:read("prompt> "), x}),
        Options = io:getopts(),
        unicode = proplists:get_value(encoding, Options),
        {error, enotsup} = io:setopts([{echo, true}]),
        {error, enotsup} = io:columns(),
        {error, enotsup} = io:rows(),
        badarg = try apply(io, format, ["~p", []]) catch error:Why -> Why end,
        %% By hand: every form that there ever was.
        ok = request(User, {put_chars, latin1, <<"latin", 228, "\n">>}),
        ok = request(User, {put_chars, "old\n"}),
        ok = request(User, {put_chars, io_lib, format, ["old ~w~n", [format]]}),
        ok = request(User, {put_chars, unicode, io_lib, fwrite, ["new ~w~n", [format]]}),
        {error, _} = request(User, {put_chars, unicode, os, cmd, ["true"]}),
        {error, _} = request(User, {put_chars, latin1, [960]}),
        {error, request} = request(User, nonsense),
        {error, request} = request(User, {requests, nonsense}),
        ok = request(User, {requests, [{put_chars, unicode, "a list "}, {requests, [{put_chars, unicode, "in a list "}, {requests, []}]}, {put_chars, unicode, "\n"}]}),
        {error, {put_chars, unicode, atom}} = request(User, {put_chars, unicode, atom}),
        %% The supervision tree there has a group leader of its own, which hands on.
        Child = rpc:call(Node, erlang, whereis, [inspected_child]),
        case Child of
            undefined -> ok;
            _ ->
                {group_leader, Master} = rpc:call(Node, erlang, process_info, [Child, group_leader]),
                true = Master =/= User,
                ok = request(Master, {put_chars, unicode, "by the master\n"})
        end,
        %% More than it logs: all of it is taken.
        [ok = io:format("line ~b~n", [N]) || N <- lists:seq(1, 200)],
        Long = [lists:duplicate(500, $x), "\n"],
        [ok = io:format("~s", [lists:duplicate(N, Long)]) || N <- [200, 2000]],
        ok = io:put_chars(lists:duplicate(2000, Long)),
        %% What would be cut is an error. (Ours: OTP has no limit.)
        badarg = try apply(io, format, ["~s", [lists:duplicate(3000, Long)]]) catch error:TooLong -> TooLong end,
        ok
    end,
    Result = try Check() catch C:R:S -> {C, R, S} end,
    group_leader(Old, self()),
    Result.

request(Leader, Request) ->
    As = make_ref(),
    Leader ! {io_request, self(), As, Request},
    receive {io_reply, As, Reply} -> Reply after 30000 -> error({no_answer, Request}) end.

%% Events of a process whose group leader is there are logged there, in their level.
events(Node) ->
    logger:set_primary_config(level, debug),
    User = rpc:call(Node, erlang, whereis, [user]),
    Do = fun(Fun) ->
        {Pid, Watch} = spawn_monitor(fun() -> group_leader(User, self()), Fun() end),
        receive {'DOWN', Watch, _, Pid, _} -> ok after 30000 -> error(hangs) end
    end,
    Do(fun() -> logger:error("an error of ~p", [this]) end),
    Do(fun() -> logger:warning(#{what => reported}) end),
    Do(fun() -> logger:notice("a notice", #{mine => 1}) end),
    Do(fun() -> logger:info([{a, report}]) end),
    Do(fun() -> logger:debug("debugged") end),
    Do(fun() -> error_logger:error_msg("the old ~s~n", ["way"]) end),
    Do(fun() -> logger:error("with \e[31m control ~s", [[7]]) end),
    %% A crash, told by the emulator; a proc_lib report.
    Do(fun() -> error(crashed_here) end),
    Do(fun() ->
        Crashes = proc_lib:spawn(fun() -> receive go -> error(crashed_with_report) end end),
        Watch = monitor(process, Crashes),
        Crashes ! go,
        receive {'DOWN', Watch, _, _, _} -> ok end
    end),
    %% What the emulator tells goes through a process of the logger, which the flood shall not overtake.
    scenario:say("crashed"),
    ok = scenario:next_step(),
    %% A flood is cut, and ends.
    Do(fun() -> [logger:error("flood ~b", [N]) || N <- lists:seq(1, 2000)] end),
    %% And what is none is no harm.
    [{Name, Node} ! Wrong || Name <- [logger, logger_proxy], Wrong <- [nonsense, {log, x}, {log, error, 1, 2}, {log, error, "~p", not_a_list, #{}}]],
    _ = rpc:call(Node, erlang, node, []),
    scenario:say("said"),
    ok = scenario:next_step(),
    ok.

%% For a node of ours to print to: it says what was printed.
serve() ->
    scenario:serve(node()).

%% Of the node in Erlang.
print(_, Text) -> io:put_chars(Text).
