%% The functions that the demo node exposes, in plain Erlang, for the reference.
-module(demo).
-export([add/2, echo/1, fail/0, sleep/1, pinger/2, idle/0, exit_with/1]).

add(A, B) when is_integer(A), is_integer(B) -> A + B.

echo(X) -> X.

fail() -> error(boom).

sleep(Millis) when is_integer(Millis), Millis >= 0 -> timer:sleep(Millis).

pinger(To, N) when is_pid(To), is_integer(N) ->
    [To ! {ping, self(), I} || I <- lists:seq(1, N)],
    ok.

exit_with(Reason) -> exit(Reason).

idle() -> idle(undefined, #{}).

idle(TrapTo, Monitors) ->
    receive
        {exit, Reason} -> exit(Reason);
        {link, Pid} -> link(Pid), idle(TrapTo, Monitors);
        {trap, To} -> process_flag(trap_exit, true), idle(To, Monitors);
        {monitor, Process, To} -> idle(TrapTo, Monitors#{monitor(process, Process) => To});
        {'EXIT', From, Reason} when TrapTo =/= undefined -> TrapTo ! {trapped, From, Reason}, idle(TrapTo, Monitors);
        {'DOWN', Monitor, process, _, Reason} when is_map_key(Monitor, Monitors) ->
            {To, Rest} = maps:take(Monitor, Monitors),
            To ! {got_down, Reason},
            idle(TrapTo, Rest);
        _ -> idle(TrapTo, Monitors)
    end.
