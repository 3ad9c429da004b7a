%% A state machine that does what a program says, and logs what it handled; the same as `Scripted` in
%% interop/tests/interop/machines.rs. `runner` is a server that runs a program and answers with the log.
%% A program is {Table, Enters, Inputs}: what event number I does in state S is the S'th entry of the I'th row.
-module(scripted).
-export([serve/0]).
-export([init/1, callback_mode/0, handle_event/4]).
-export([handle_call/3, handle_cast/2]).

-define(LIMIT, 200).

serve() ->
    logger:set_primary_config(level, none),
    {ok, _} = gen_server:start({local, runner}, ?MODULE, runner, []),
    scenario:serve(node()).

init(runner) ->
    {ok, runner};
init({Table, Enters, _}) ->
    Rows = list_to_tuple([list_to_tuple(Row) || Row <- Table]),
    {ok, 0, {Rows, list_to_tuple(Enters), [], 0}}.

handle_cast(_, State) -> {noreply, State}.

handle_call({_, _, Inputs} = Program, _From, runner) ->
    {ok, Machine} = gen_statem:start(?MODULE, Program, []),
    [gen_statem:cast(Machine, Id) || Id <- Inputs],
    Log = gen_statem:call(Machine, log),
    gen_statem:stop(Machine),
    {reply, Log, runner}.

callback_mode() -> [handle_event_function, state_enter].

handle_event(enter, Old, New, {Rows, Enters, Log, Count}) ->
    Actions = case Count < ?LIMIT of
        true -> [action(A) || A <- element(New + 1, Enters)];
        false -> []
    end,
    {keep_state, {Rows, Enters, [{enter, Old, New} | Log], Count + 1}, Actions};
handle_event({call, From}, log, _, {_, _, Log, _}) ->
    {keep_state_and_data, [{reply, From, lists:reverse(Log)}]};
handle_event(Type, Id, State, {Rows, Enters, Log, Count}) ->
    Data = {Rows, Enters, [{State, kind(Type), Id} | Log], Count + 1},
    case Count < ?LIMIT of
        false -> {keep_state, Data};
        true ->
            {To, Actions0} = element(State + 1, element(Id + 1, Rows)),
            Actions = [action(A) || A <- Actions0],
            case To of
                keep -> {keep_state, Data, Actions};
                repeat -> {repeat_state, Data, Actions};
                {next, Next} -> {next_state, Next, Data, Actions}
            end
    end.

kind(cast) -> message;
kind(internal) -> internal;
kind(state_timeout) -> state;
kind(timeout) -> event;
kind({timeout, Name}) -> {named, Name}.

key(state) -> state_timeout;
key(event) -> timeout;
key({named, Name}) -> {timeout, Name}.

action(postpone) -> postpone;
action({next_event, Id}) -> {next_event, internal, Id};
action({timeout, Key, true, Id}) -> {key(Key), 0, Id};
action({timeout, Key, false, Id}) -> {key(Key), 3600000, Id};
action({cancel, Key}) -> {key(Key), cancel};
action({update, Key, Id}) -> {key(Key), update, Id}.
