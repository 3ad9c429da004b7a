//! The macros of Kista.

mod etf;
mod gen_server;

use proc_macro::TokenStream;

/// Derives `kista_etf::Encode`.
#[proc_macro_derive(Encode, attributes(etf))]
pub fn derive_encode(input: TokenStream) -> TokenStream {
    etf::encode(input.into()).into()
}

/// Derives `kista_etf::Decode`.
#[proc_macro_derive(Decode, attributes(etf))]
pub fn derive_decode(input: TokenStream) -> TokenStream {
    etf::decode(input.into()).into()
}

/// Makes an impl block a server: its state in a process, its methods calls and casts from anywhere.
///
/// ```text
/// struct Counter { n: i64 }
///
/// #[gen_server]
/// impl Counter {
///     #[init] fn new(start: i64) -> Self { Counter { n: start } }
///     #[call] fn get(&self) -> i64 { self.n }
///     #[call] async fn add(&mut self, k: i64) -> i64 { self.n += k; self.n }
///     #[cast] fn reset(&mut self) { self.n = 0 }
/// }
///
/// let counter = node.spawn(Counter::spec(0)).name("counter").await?;
/// assert_eq!(counter.add(2).await?, 2);       // gen_server:call({counter, Node}, {add, 2}) from Erlang
/// ```
///
/// The block stays what it is: `new` and `add` are plain functions, to be tested as such. Beside it stand
///
/// ```text
/// pub enum CounterMsg { Get(ReplyTo<i64>), Add(i64, ReplyTo<i64>), Reset }
/// impl Message for CounterMsg { /* get <-> Get, {add, K} <-> Add, reset <-> Reset */ }
///
/// pub struct CounterClient(Address<CounterMsg>);       // what a ServerRef<Counter> dereferences to
/// impl CounterClient {
///     pub fn get(&self) -> Call<'_, CounterMsg, i64> { self.0.call(|reply| CounterMsg::Get(reply)) }
///     pub fn add(&self, k: i64) -> Call<'_, CounterMsg, i64> { self.0.call(|reply| CounterMsg::Add(k, reply)) }
///     pub fn reset(&self) -> Sent { self.0.cast(CounterMsg::Reset) }
/// }
///
/// impl GenServer for Counter {
///     type Args = (i64,);
///     type Msg = CounterMsg;
///     type Client = CounterClient;
///     async fn init((start,): (i64,), cx: &mut Cx<Self>) -> Result<Self, InitStop> { Self::new(start).into_init() }
///     async fn handle(&mut self, message: CounterMsg, cx: &mut Cx<Self>) -> Flow {
///         match message {
///             CounterMsg::Get(reply) => reply.reply(self.get()),
///             CounterMsg::Add(k, reply) => reply.reply(self.add(k).await),
///             CounterMsg::Reset => self.reset(),
///         }
///         Flow::Continue
///     }
/// }
/// impl Counter { pub fn spec(start: i64) -> Spec<Counter> { kista::spec((start,)) } }
/// ```
///
/// | attribute | the method | returns |
/// |---|---|---|
/// | `#[init]` | makes the state, in the new process | `Self`, or `Result<Self, E>` with `E: Into<InitStop>` |
/// | `#[call]` | answers; with a parameter `reply: ReplyTo<T>` it may answer later | the answer; with `ReplyTo` nothing, or a `Flow` |
/// | `#[cast]` | is not waited for | nothing, or a `Flow` |
/// | `#[info]` | takes a plain message (Erlang's `!`) | nothing, or a `Flow` |
/// | `#[call(other)]`, `#[cast(other)]` | takes what the named ones do not: one argument, the whole message, as a `Term` or any type that decodes | as above |
/// | `#[info(other)]` | takes `info: Info`: what is left, DOWN and trapped exits included | nothing, or a `Flow` |
/// | `#[terminate]` | ends it: `reason: &ExitReason` | nothing |
///
/// Any of them may be `async`, and take `cx: &mut Cx<Self>`. All but `#[init]` take `&self` or `&mut self`; an `async` one
/// with `&self` needs a state that is `Sync`. Types are recognised by their names: write `ReplyTo`, `Cx`, `Flow`, no aliases.
///
/// On the wire a message is the method's name (`get`), or a tuple that begins with it (`{add, 2}`);
/// `#[call(name = "getCount")]` gives it another. Arguments and answers are owned values that implement `Encode` and
/// `Decode`; a known name whose arguments do not fit counts as `other`.
///
/// Options: `#[gen_server(local)]` keeps the messages on their node, so that they may hold anything that is `Send` (a
/// request from elsewhere is then refused); `#[gen_server(crate = path)]` says where `kista` is found.
///
/// What is generated is `pub`: the visibility of the server's type is not to be seen from here, and its message and client
/// must not have less. A block that has a `fn spec` of its own gets no other.
#[proc_macro_attribute]
pub fn gen_server(arguments: TokenStream, item: TokenStream) -> TokenStream {
    gen_server::expand(arguments.into(), item.into()).into()
}
