# What an Elixir node does to the demo: `elixir peer.exs SCENARIO DEMO`. The last word is `ok`, or `failed: Reason`.
# `serve` instead starts a GenServer named `kv` that others call, and stays.

defmodule Point do
  @enforce_keys [:x, :y]
  defstruct [:x, :y, :label]
end

defmodule KV do
  use GenServer

  def init(state), do: {:ok, state}
  def handle_call({:put, key, value}, _from, state), do: {:reply, :ok, Map.put(state, key, value)}
  def handle_call({:fetch, key}, _from, state), do: {:reply, Map.fetch(state, key), state}
  def handle_call(:all, _from, state), do: {:reply, state, state}
  def handle_call({:is_point, key}, _from, state), do: {:reply, match?(%Point{x: 1, y: 2.5, label: nil}, state[key]), state}
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

  # What is exposed runs, under a link or a monitor as well; what is not is `undef`.
  def spawns(demo) do
    me = self()
    pid = Node.spawn(demo, :demo, :pinger, [me, 3])
    true = node(pid) == demo
    for n <- 1..3, do: receive(do: ({:ping, ^pid, ^n} -> :ok), after: (5000 -> raise("no ping")))
    {tired, ref} = Node.spawn_monitor(demo, :demo, :exit_with, [:tired])
    down(ref, tired, :tired)
    Process.flag(:trap_exit, true)
    linked = Node.spawn_link(demo, :demo, :exit_with, [{:shutdown, "done"}])
    receive(do: ({:EXIT, ^linked, {:shutdown, "done"}} -> :ok), after: (5000 -> raise("no exit")))
    idle = Node.spawn_link(demo, :demo, :idle, [])
    Process.exit(idle, :kill)
    receive(do: ({:EXIT, ^idle, :killed} -> :ok), after: (5000 -> raise("no exit")))
    {nobody, ref} = Node.spawn_monitor(demo, :nobody, :nothing, [1])
    receive(do: ({:DOWN, ^ref, :process, ^nobody, {:undef, [{:nobody, :nothing, [1], _}]}} -> :ok), after: (5000 -> raise("no DOWN")))
    :ok
  end

  # By pid and by name; taken back; of the dead.
  def monitors(demo) do
    idle = Node.spawn(demo, :demo, :idle, [])
    ref = Process.monitor(idle)
    send(idle, {:exit, {:bye, %{n: 1}}})
    down(ref, idle, {:bye, %{n: 1}})
    down(Process.monitor(idle), idle, :noproc)
    other = Node.spawn(demo, :demo, :idle, [])
    ref = Process.monitor(other)
    true = Process.demonitor(ref, [:flush])
    Process.exit(other, :kill)
    ref = Process.monitor(other)
    down(ref, other, :noproc)
    ref = Process.monitor({:counter, demo})
    {{:panic, _}, _} = catch_exit(fn -> GenServer.call({:counter, demo}, :crash) end)
    receive(do: ({:DOWN, ^ref, :process, {:counter, ^demo}, {:panic, _}} -> :ok), after: (5000 -> raise("no DOWN")))
    receive(do: (more -> raise("more: #{inspect(more)}")), after: (100 -> :ok))
  end

  # Connected, left and connected again, as `Node` has it.
  def connects(demo) do
    true = Node.connect(demo)
    true = Node.connect(demo)
    [^demo] = Node.list()
    [^demo] = Node.list(:connected)
    true = Node.monitor(demo, true)
    true = Node.disconnect(demo)
    receive(do: ({:nodedown, ^demo} -> :ok), after: (5000 -> raise("no nodedown")))
    [] = Node.list()
    true = Node.connect(demo)
    true = Node.monitor(demo, true)
    true = Node.monitor(demo, false)
    true = Node.disconnect(demo)
    receive(do: ({:nodedown, ^demo} -> raise("it was taken back")), after: (300 -> :ok))
    false = Node.connect(:"nobody@127.0.0.1")
    :x = GenServer.call({:echo, demo}, :x)
    true = demo in Node.list()
    :ok
  end

  # A limit of time; what comes late is dropped. Requests answered out of step; casts to many.
  def requests(demo) do
    {:timeout, {GenServer, :call, _}} = catch_exit(fn -> GenServer.call({:counter, demo}, {:wait, 300}, 50) end)
    0 = GenServer.call({:counter, demo}, :get)
    receive(do: (late -> raise("late: #{inspect(late)}")), after: (500 -> :ok))
    ids = for n <- 1..20, do: {n, :erpc.send_request(demo, :demo, :echo, [n])}
    for {n, id} <- Enum.reverse(ids), do: ^n = :erpc.receive_response(id, 5000)
    :abcast = GenServer.abcast([demo, node()], :counter, :reset)
    :ok = :erpc.multicast([demo], :demo, :echo, [1])
    0 = GenServer.call({:counter, demo}, :get)
    :ok
  end

  defp down(ref, pid, reason) do
    receive(do: ({:DOWN, ^ref, :process, ^pid, ^reason} -> :ok), after: (5000 -> raise("no DOWN #{inspect(reason)}")))
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
