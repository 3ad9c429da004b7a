%% Runs one scenario of another module: `erl -run scenario run MODULE FUNCTION ARGUMENT...`, the arguments as atoms.
%% The last word is `ok` when the function returns ok, else `failed: Reason` on one line; then the node halts.
%% Also what several scenarios need.
-module(scenario).
-export([run/1, say/1, say/2, next_step/0, serve/1, millis/1, exit_reason/1, collect/1, silence/1, eventually/1]).

run([Module, Function | Arguments]) ->
    %% Not in init's own process, which would not hear SIGTERM meanwhile.
    spawn(fun() -> play(list_to_atom(Module), list_to_atom(Function), [list_to_atom(A) || A <- Arguments]) end).

play(Module, Function, Arguments) ->
    logger:set_primary_config(level, error),
    ready_for_tls(),
    try apply(Module, Function, Arguments) of
        ok -> say("ok"), halt(0);
        Other -> say("failed: ~0p", [{returned, Other}]), halt(1)
    catch
        Class:Reason:Stack -> say("failed: ~0P", [{Class, Reason, Stack}, 60]), halt(1)
    end.

%% What the first handshake needs is loaded before anything is waited for: it takes longer than all the rest of it.
ready_for_tls() ->
    case os:getenv("KISTA_TLS_DIR") of
        false -> ok;
        _ ->
            [begin
                 _ = application:load(Application),
                 {ok, Modules} = application:get_key(Application, modules),
                 code:ensure_modules_loaded(Modules)
             end || Application <- [crypto, public_key, ssl]],
            ok
    end.

%% One line on stdout, which the test may wait for.
say(Text) -> say(Text, []).
say(Format, Arguments) -> io:format(Format ++ "~n", Arguments).

%% Waits until the test says that what it does between two steps is done.
next_step() ->
    "next\n" = io:get_line(""),
    ok.

%% Says that the node is ready, and keeps it so.
serve(Ready) ->
    say("ready ~s", [Ready]),
    receive after infinity -> ok end.

%% How long a function takes, and what it returns.
millis(Fun) ->
    Start = erlang:monotonic_time(millisecond),
    Result = Fun(),
    {erlang:monotonic_time(millisecond) - Start, Result}.

%% The reason that a call exits with, without OTP's note about which call it was.
exit_reason(Fun) ->
    try Fun() of
        Result -> {returned, Result}
    catch
        exit:{Reason, {gen_server, call, _}} -> Reason;
        exit:Reason -> {unusual, Reason}
    end.

%% The next messages, in order, as many as are expected.
collect(Count) ->
    [receive Message -> Message after 30000 -> error({missing_message, N}) end || N <- lists:seq(1, Count)].

%% No message comes for so long.
silence(Millis) ->
    receive Message -> error({unexpected_message, Message}) after Millis -> ok end.

%% The function succeeds at last; connections come and go while it is tried.
eventually(Fun) -> eventually(Fun, 300).
eventually(Fun, 1) -> Fun();
eventually(Fun, Tries) ->
    try Fun()
    catch _:_ -> timer:sleep(100), eventually(Fun, Tries - 1)
    end.
