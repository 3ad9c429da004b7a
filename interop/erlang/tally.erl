%% The event handler of the reference: adds up. The same as `Tally` in interop/tests/interop/behaviours.rs.
-module(tally).
-behaviour(gen_event).
-export([init/1, handle_event/2, handle_call/2, terminate/2]).

init({_Args, Sum}) when is_integer(Sum) -> {ok, Sum};
init(Sum) when is_integer(Sum) -> {ok, Sum};
init(Other) -> {error, {no_number, Other}}.

handle_event({add, N}, Sum) -> {ok, Sum + N};
handle_event({leave, Sum}, Sum) -> remove_handler;
handle_event(_, Sum) -> {ok, Sum}.

handle_call(get, Sum) -> {ok, Sum, Sum};
handle_call(crash, _) -> exit(asked_to).

terminate(_, Sum) -> Sum.
