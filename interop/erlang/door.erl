%% The state machine of the reference: a door with a code. The same as `Door` in interop/tests/interop/behaviours.rs.
-module(door).
-behaviour(gen_statem).
-export([init/1, callback_mode/0, handle_event/4]).

callback_mode() -> [handle_event_function, state_enter].

init(Code) -> {ok, locked, {Code, []}}.

handle_event(enter, _Old, locked, {Code, _}) ->
    {keep_state, {Code, []}};
handle_event(enter, _Old, open, _) ->
    {keep_state_and_data, [{state_timeout, 200, close}]};
handle_event(cast, {button, B}, locked, {Code, Pressed}) ->
    case Pressed ++ [B] of
        Code -> {next_state, open, {Code, []}};
        Other when length(Other) =:= length(Code) -> {keep_state, {Code, []}};
        Other -> {keep_state, {Code, Other}}
    end;
handle_event(cast, {button, _}, open, _) ->
    {keep_state_and_data, [postpone]};
handle_event(state_timeout, close, open, Data) ->
    {next_state, locked, Data};
handle_event({call, From}, pass, open, _) ->
    {keep_state_and_data, [{reply, From, passed}]};
handle_event({call, _}, pass, locked, _) ->
    {keep_state_and_data, [postpone]};
handle_event({call, From}, state, State, _) ->
    {keep_state_and_data, [{reply, From, State}]};
handle_event({call, From}, leave, _, _) ->
    {stop_and_reply, {shutdown, left}, [{reply, From, bye}]};
handle_event(info, _, _, _) ->
    keep_state_and_data.
