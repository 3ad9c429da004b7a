# The Elixir side of a cluster's PubSub: what the default adapter of Phoenix.PubSub says and does, over `:pg` and `Registry` alone.
# `elixir pubsub.exs NAME POOL_SIZE`: commands come line by line on stdin, each an expression of Elixir; its value is printed behind `= `.

defmodule Adapter do
  # The group of the caller, as the adapter chooses it.
  def group(name, pool_size) do
    groups = groups(name, pool_size)
    Enum.at(groups, :erlang.phash2(self(), length(groups)))
  end

  def groups(name, pool_size), do: [adapter(name) | for(n <- 2..pool_size//1, do: :"#{adapter(name)}_#{n}")]
  def adapter(name), do: Module.concat(name, Adapter)

  def broadcast(name, pool_size, topic, message) do
    to_others(group(name, pool_size), topic, message)
    dispatch(name, topic, message)
  end

  # By one worker of the pool, whoever is the caller.
  def broadcast_by(group, topic, message), do: to_others(group, topic, message)

  defp to_others(group, topic, message) do
    others = for pid <- :pg.get_members(Phoenix.PubSub, group), node(pid) != node(), do: pid
    Enum.each(others, &send(&1, {:forward_to_local, topic, message, Phoenix.PubSub}))
    length(others)
  end

  def direct(name, node, topic, message) do
    send({adapter(name), node}, {:forward_to_local, topic, message, Phoenix.PubSub})
    :ok
  end

  def dispatch(name, topic, message) do
    Registry.dispatch(name, topic, fn entries -> for {pid, _} <- entries, do: send(pid, message) end)
  end
end

defmodule Worker do
  use GenServer

  def start_link({name, group}), do: GenServer.start_link(__MODULE__, {name, group}, name: group)

  def init({name, group}) do
    :ok = :pg.join(Phoenix.PubSub, group, self())
    {:ok, name}
  end

  def handle_info({:forward_to_local, topic, message, _dispatcher}, name) do
    Adapter.dispatch(name, topic, message)
    {:noreply, name}
  end
end

# What it was sent, in order.
defmodule Listener do
  use GenServer

  def start(name, topic, as), do: GenServer.start(__MODULE__, {name, topic}, name: as)
  def heard(as), do: GenServer.call(as, :heard)

  def init({name, topic}) do
    {:ok, _} = Registry.register(name, topic, nil)
    {:ok, []}
  end

  def handle_call(:heard, _from, heard), do: {:reply, Enum.reverse(heard), heard}
  def handle_info(message, heard), do: {:noreply, [message | heard]}
end

defmodule Greeting do
  defstruct [:from, :text]
end

[name, pool_size] = System.argv()
name = Module.concat([name])
pool_size = String.to_integer(pool_size)
{:ok, _} = :pg.start_link(Phoenix.PubSub)
{:ok, _} = Registry.start_link(keys: :duplicate, name: name)
for group <- Adapter.groups(name, pool_size), do: {:ok, _} = Worker.start_link({name, group})
IO.puts("ready #{node()}")

for line <- IO.stream(:stdio, :line) do
  {value, _} = Code.eval_string(line)
  IO.puts("= " <> inspect(value, limit: :infinity, printable_limit: :infinity, width: :infinity))
end
