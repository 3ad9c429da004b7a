//! The macros of Kista.

mod errors;
mod etf;
mod gen_server;
mod message;
mod term;
mod types;
mod wire;

use proc_macro::TokenStream;

/// Derives `kista_etf::Encode`: the type can be written as a term.
///
/// ```text
/// #[derive(Encode, Decode)]
/// enum Request {
///     GetAll,                               // get_all
///     Add(i64),                             // {add, 2}
///     Move { x: i64, y: i64 },              // {move, #{x => 1, y => 2}}
///     #[etf(other)] Other(Term),            // anything else
/// }
///
/// #[derive(Encode, Decode)]
/// #[etf(elixir = "My.User")]
/// struct User {                             // %My.User{name: "Jo", age: nil}
///     name: String,
///     #[etf(default)]
///     age: Option<u8>,
/// }
/// ```
///
/// | `#[etf(..)]` on a type | its form |
/// |---|---|
/// | nothing | enum: atoms and tagged tuples; struct: a map with atom keys, a tuple, its one unnamed field, or an atom |
/// | `keys = "binary"` | the keys of a map or proplist are binaries |
/// | `elixir = "My.S"` | an Elixir struct |
/// | `record`, `record = "s"` | a record: a tagged tuple |
/// | `tuple` | a tuple without a name (also on a variant with named fields: `{name, A, B}`) |
/// | `proplist` | a proplist |
/// | `untagged` | an enum: the first variant that takes the term |
/// | `rename_all = ".."`, `rename_all_fields = ".."` | another style of names |
/// | `default` | missing keys come from the `Default` of the whole |
/// | `deny_unknown` | unknown keys are errors |
/// | `nil` | `None` is `nil` |
/// | `crate = path` | where `kista_etf` is found; with the crate `kista` alone: `kista::etf` |
///
/// | `#[etf(..)]` on a variant or field | meaning |
/// |---|---|
/// | `rename = "name"` | this name |
/// | `other` | the last variant takes every term that is left |
/// | `default`, `default = path` | the value of a missing key, or of a skipped field |
/// | `skip` | neither written nor read |
/// | `skip_encoding_if = path` | not written if `path(&value)` |
/// | `with = module` | `module::encode` and `module::decode` in place of the type's own |
/// | `nil` | `None` is `nil` |
/// | `flatten` | its keys stand among those of this struct |
///
/// The whole truth, with the forms of all other types, is the page `kista_etf::mapping`.
///
/// Type parameters must implement `Encode` if a field that is written mentions them.
#[proc_macro_derive(Encode, attributes(etf))]
pub fn derive_encode(input: TokenStream) -> TokenStream {
    etf::encode(input.into()).into()
}

/// Derives `kista_etf::Decode`: the type can be read from a term. Its attributes are those of [`Encode`](macro@Encode).
///
/// ```text
/// #[derive(Decode)]
/// struct User<'a> { name: &'a str, photo: &'a [u8] }      // parts of the input: nothing is copied
/// ```
///
/// The term is read straight into the fields: no `Term` is made, no atom is interned, and memory is taken only by fields that
/// own some. Keys may come in any order; in declared order they are read fastest. What a field's type refuses is an error that
/// says the way: `field x of Point: expected an integer, found an atom`.
///
/// A type with lifetimes borrows from the input: `kista_etf::from_slice_borrowed`. Type parameters must implement `Decode` if a
/// field that is read mentions them, and `Default` where that makes a value.
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
///             CounterMsg::Add(k, reply) => reply.reply(self.add(k).await),
///             message => return self.handle_now(message, cx).unwrap_or(Flow::Continue),
///         }
///         Flow::Continue
///     }
///     // What has nothing to await is handled by a plain call.
///     fn handle_now(&mut self, message: CounterMsg, cx: &mut Cx<Self>) -> Result<Flow, CounterMsg> {
///         match message {
///             CounterMsg::Get(reply) => reply.reply(self.get()),
///             CounterMsg::Reset => self.reset(),
///             message => return Err(message),
///         }
///         Ok(Flow::Continue)
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
/// | `#[handle_continue]` | does what `cx.continue_with(CounterMsg::Load(path))` asked for, before any message; nobody else can send it | nothing, or a `Flow` |
/// | `#[timeout]` | acts when no message came within the time of a `Flow::Timeout` | nothing, or a `Flow` |
/// | `#[format_status]` | shows the state to `sys`: `&self` alone | a `Term`, or anything that encodes |
/// | `#[terminate]` | ends it: `reason: &ExitReason` | nothing |
///
/// Any of them but `#[format_status]` may be `async`, and take `cx: &mut Cx<Self>`. All but `#[init]` take `&self` or `&mut self`; an `async` one
/// with `&self` needs a state that is `Sync`. Types are recognised by their names: write `ReplyTo`, `Cx`, `Flow`, no aliases.
///
/// On the wire a message is the method's name (`get`), or a tuple that begins with it (`{add, 2}`);
/// `#[call(name = "getCount")]` gives it another. Arguments and answers are owned values that implement `Encode` and
/// `Decode`; a known name whose arguments do not fit counts as `other`.
///
/// What follows a callback is its `Flow`; `#[init]`, and a `#[call]` that returns its answer, say it by `cx.then(flow)`.
/// Without `#[format_status]` the state is shown as a term when its type has `Encode`, as text when it has `Debug`.
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

/// Gives an enum of messages its form on the wire: what a `gen_statem`, a plain process, or a server written by hand is sent.
///
/// ```text
/// #[derive(Message)]
/// enum Door {
///     Open,                                         // the cast `open`
///     Code(i64),                                    // the cast `{code, N}`
///     Tries(ReplyTo<u32>),                          // the call `tries`
///     Change(i64, ReplyTo<bool>),                   // the call `{change, N}`
///     #[message(info)] Tick(i64),                   // the plain message `{tick, N}`: Erlang's `!`
///     #[message(name = "isOpen")] IsOpen(ReplyTo<bool>),
///     #[message(local)] Sink(Box<dyn Sink>),        // stays on its node
///     #[message(other)] Other(Term, ReplyTo<Term>), // every other call
/// }
/// ```
///
/// The forms are those of [`gen_server`](macro@gen_server): the name of a variant in `snake_case`, alone or at the head of a tuple
/// with the fields. A variant that ends with a `ReplyTo` is a call, any other a cast; types are recognised by their names, so write
/// `ReplyTo`, no alias. Fields have no names, and are owned values that implement `Encode` and `Decode`.
///
/// | `#[message(..)]` on a variant | meaning |
/// |---|---|
/// | `name = "isOpen"` | its name on the wire |
/// | `info` | a plain message, not a cast |
/// | `other` | takes what the named ones of its kind do not: one field, the whole message, and `ReplyTo` for calls |
/// | `local` | stays on its node: its fields need no wire form |
///
/// `#[message(local)]` on the enum keeps all of it on its node; `#[message(crate = path)]` says where `kista` is found.
#[proc_macro_derive(Message, attributes(message))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    message::expand(input.into()).into()
}

/// What `kista_etf::term!` expands to; called through that macro only.
#[proc_macro]
pub fn term(input: TokenStream) -> TokenStream {
    term::expand(input.into()).into()
}
