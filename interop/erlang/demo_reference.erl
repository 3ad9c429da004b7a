%% The demo node's contract in plain Erlang. Scenarios that pass against this ask for nothing but what OTP does.
-module(demo_reference).
-behaviour(gen_server).
-export([start/0, init/1, handle_call/3, handle_cast/2, handle_info/2]).

start() ->
    logger:set_primary_config(level, none),
    {ok, _} = gen_server:start({local, echo}, ?MODULE, echo, []),
    {ok, _} = gen_server:start({local, counter}, ?MODULE, {counter, 0}, []),
    scenario:serve(node()).

init(State) -> {ok, State}.

handle_call(crash, _From, {counter, _}) -> exit({panic, <<"crash was called">>});
handle_call(get, _From, {counter, N}) -> {reply, N, {counter, N}};
handle_call({add, K}, _From, {counter, N}) -> {reply, N + K, {counter, N + K}};
handle_call(X, _From, echo) -> {reply, X, echo}.

handle_cast(reset, {counter, _}) -> {noreply, {counter, 0}};
handle_cast({add, K}, {counter, N}) -> {noreply, {counter, N + K}};
handle_cast({To, X}, echo) when is_pid(To) -> To ! X, {noreply, echo};
handle_cast(_, State) -> {noreply, State}.

handle_info({To, X}, echo) when is_pid(To) -> To ! X, {noreply, echo};
handle_info(_, State) -> {noreply, State}.
