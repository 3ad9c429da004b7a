# What an Elixir node does to the demo: `elixir peer.exs SCENARIO DEMO`. The last word is `ok`, or `failed: Reason`.
# `serve` instead starts a GenServer named `kv` that others call, and stays.

defmodule KV do
  use GenServer

  def init(state), do: {:ok, state}
  def handle_call({:put, key, value}, _from, state), do: {:reply, :ok, Map.put(state, key, value)}
  def handle_call({:fetch, key}, _from, state), do: {:reply, Map.fetch(state, key), state}
  def handle_call(:all, _from, state), do: {:reply, state, state}
  def handle_call({:sleep, millis}, _from, state), do: {:reply, Process.sleep(millis), state}
  def handle_cast({:put, key, value}, state), do: {:noreply, Map.put(state, key, value)}
  def handle_info({:tell, pid, message}, state), do: {send(pid, message) && :noreply, state}
end

defmodule Peer do
  def ping(demo) do
    :pong = Node.ping(demo)
    true = demo in Node.list()
    true = Node.connect(demo)
    :ok
  end

  def call(demo) do
    for term <- terms() do
      ^term = GenServer.call({:echo, demo}, term)
      send({:echo, demo}, {self(), {:sent, term}})
      receive(do: ({:sent, ^term} -> :ok), after: (5000 -> raise("no echo of #{inspect(term)}")))
      GenServer.cast({:echo, demo}, {self(), {:cast, term}})
      receive(do: ({:cast, ^term} -> :ok), after: (5000 -> raise("no echo of #{inspect(term)}")))
    end

    {[{^demo, :x}], []} = GenServer.multi_call([demo], :echo, :x)
    :ok
  end

  def counter(demo) do
    GenServer.cast({:counter, demo}, :reset)
    2 = GenServer.call({:counter, demo}, {:add, 2})
    2 = GenServer.call({:counter, demo}, :get)
    :ok
  end

  def dead_name(demo) do
    {:noproc, {GenServer, :call, _}} = catch_exit(fn -> GenServer.call({:nobody, demo}, :x, :infinity) end)
    ref = Process.monitor({:nobody, demo})
    receive(do: ({:DOWN, ^ref, :process, {:nobody, ^demo}, :noproc} -> :ok), after: (1000 -> raise("no DOWN")))
  end

  def crash(demo) do
    ref = Process.monitor({:counter, demo})
    {{:panic, _}, {GenServer, :call, _}} = catch_exit(fn -> GenServer.call({:counter, demo}, :crash) end)
    receive(do: ({:DOWN, ^ref, :process, _, {:panic, _}} -> :ok), after: (5000 -> raise("no DOWN")))
  end

  def multicall(demo) do
    [{:ok, 5}] = :erpc.multicall([demo], :demo, :add, [2, 3])
    [{:error, {:exception, :boom, _}}] = :erpc.multicall([demo], :demo, :fail, [])
    [{:error, {:erpc, :noconnection}}, {:ok, 5}] = :erpc.multicall([:"nobody@127.0.0.1", demo], :demo, :add, [2, 3])
    5 = :erpc.call(demo, :demo, :add, [2, 3])
    :ok
  end

  # The test kills the demo after `watching`.
  def nodedown(demo) do
    :ok = :net_kernel.monitor_nodes(true)
    :pong = Node.ping(demo)
    receive(do: ({:nodeup, ^demo} -> :ok), after: (5000 -> raise("no nodeup")))
    Node.monitor(demo, true)
    ref = Process.monitor({:echo, demo})
    IO.puts("watching")
    receive(do: ({:DOWN, ^ref, :process, _, :noconnection} -> :ok), after: (5000 -> raise("no DOWN")))
    for _ <- 1..2, do: receive(do: ({:nodedown, ^demo} -> :ok), after: (5000 -> raise("no nodedown")))
    :ok
  end

  def serve() do
    {:ok, _} = GenServer.start(KV, %{}, name: :kv)
    IO.puts("ready #{node()}")
    Process.sleep(:infinity)
  end

  defp terms do
    [
      %{"name" => "Kista", "tags" => ["a", "b"], "nested" => %{"n" => nil}},
      %{name: :kista, on: true, off: false, none: nil},
      %URI{host: "example.org", port: 80},
      ~D[2024-02-29],
      MapSet.new(1..100),
      1..10//2,
      [key: 1, other: "två"],
      {:ok, ~c"charlist"},
      "ünïcödé",
      <<3::2>>,
      [],
      %{},
      Enum.to_list(1..1000),
      String.duplicate("x", 1_000_000),
      self(),
      make_ref(),
      &Enum.map/2,
      KV,
      1.0e-300,
      -0.0,
      Integer.pow(7, 400)
    ]
  end

  defp catch_exit(fun) do
    {:returned, fun.()}
  catch
    :exit, reason -> reason
  end
end

try do
  case System.argv() do
    ["serve"] -> Peer.serve()
    [scenario, demo] -> apply(Peer, String.to_atom(scenario), [String.to_atom(demo)])
  end
catch
  kind, reason ->
    IO.puts("failed: " <> inspect({kind, reason, __STACKTRACE__}, width: :infinity, limit: 60))
    System.halt(1)
else
  :ok -> IO.puts("ok")
  other -> IO.puts("failed: " <> inspect({:returned, other}))
end
