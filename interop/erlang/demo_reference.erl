%% The demo node's contract in plain Erlang. Scenarios that pass against this ask for nothing but what OTP does.
-module(demo_reference).
-behaviour(gen_server).
-export([start/0, init/1, handle_call/3, handle_cast/2, handle_info/2]).

start() ->
    logger:set_primary_config(level, none),
    {ok, _} = pg:start(pg),
    {ok, Supervisor} = supervisor:start_link({local, demo_sup}, ?MODULE, demo_sup),
    unlink(Supervisor),
    scenario:serve(node()).

init(demo_sup) ->
    Child = fun(Name, State) -> #{id => Name, start => {gen_server, start_link, [{local, Name}, ?MODULE, State, []]}} end,
    {ok, {#{intensity => 3, period => 5}, [Child(echo, echo), Child(counter, {counter, 0})]}};
init(echo) ->
    process_flag(trap_exit, true),
    ok = pg:join(demo_group, self()),
    case global:register_name(demo_global, self()) of
        yes -> ok;
        no -> logger:warning("demo_global is ~p's, and stays it: echo goes without", [global:whereis_name(demo_global)])
    end,
    {ok, echo};
init(State) -> process_flag(trap_exit, true), {ok, State}.

handle_call(crash, _From, {counter, _}) -> exit({panic, <<"crash was called">>});
handle_call({wait, Millis}, _From, {counter, N}) -> timer:sleep(Millis), {reply, N, {counter, N}};
handle_call(get, _From, {counter, N}) -> {reply, N, {counter, N}};
handle_call({add, K}, _From, {counter, N}) -> {reply, N + K, {counter, N + K}};
handle_call(X, _From, echo) -> {reply, X, echo}.

handle_cast(reset, {counter, _}) -> {noreply, {counter, 0}};
handle_cast({add, K}, {counter, N}) -> {noreply, {counter, N + K}};
handle_cast({To, X}, echo) when is_pid(To) -> To ! X, {noreply, echo};
handle_cast(_, State) -> {noreply, State}.

handle_info({To, X}, echo) when is_pid(To) -> To ! X, {noreply, echo};
handle_info(_, State) -> {noreply, State}.
