//! Applications: parts of a system that are loaded, started and stopped as one, each with its supervision tree, its environment,
//! and the applications that it depends on.
//!
//! ```
//! use kista::application::{Application, StartType};
//! use kista::supervisor::{Child, Supervisor};
//! use kista::{Cx, Node, Term, gen_server};
//!
//! struct Greeter { greeting: Term }
//! #[gen_server(local)]
//! impl Greeter {
//!     // The process's own environment first, then its application's, then the node's.
//!     #[init] fn new(cx: &mut Cx<Self>) -> Self { Greeter { greeting: cx.env("greeting").unwrap_or(Term::NIL) } }
//!     #[call] fn greeting(&self) -> String { self.greeting.to_string() }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Application::new("store").version("1.0");           // a library: nothing to run
//! let web = Application::new("web")
//!     .version("1.2.0")
//!     .depends_on(["store"])
//!     .env("greeting", "hello")
//!     .start("web_sup", |_cx| {
//!         Supervisor::one_for_one().child(Child::new("greeter", Greeter::spec()).name("greeter"))
//!     })
//!     .stop(async |_cx| println!("web has ended"));
//!
//! let node = Node::builder("doc@127.0.0.1").no_network()
//!     .application(store)
//!     .boot(web, StartType::Permanent)                            // and store before it
//!     .start().await?;
//! let names: Vec<_> = node.applications().which().iter().map(|info| info.name.to_string()).collect();
//! assert_eq!(names, ["web", "store"]);
//! assert_eq!(node.server::<Greeter>("greeter").greeting().await?, "<<\"hello\">>");
//! node.applications().stop("web").await?;
//! assert!(node.whereis("web_sup").is_none());
//! # node.stop().await; Ok(()) }
//! ```
//! The rules are OTP's and stand in the heads of `core.rs` and `master.rs`; by cases, with their tests, in `docs/semantics.md`.
//! Not built: distributed applications, included applications, start phases, `config_change`.
//!
//! Source: the `application` module of Kernel; *Applications* in OTP Design Principles.

mod applications;
mod callbacks;
mod controller;
mod core;
mod cx;
mod error;
mod info;
mod master;
mod order;
mod registry;
mod spec;

pub use applications::{Applications, Load};
pub use callbacks::Callbacks;
pub use cx::ApplicationCx;
pub use error::ApplicationError;
pub use info::ApplicationInfo;
pub(crate) use registry::{Environments, Registry};
pub use spec::{Application, ApplicationKeys, StartType};

/// Whether a process that runs this is the application controller.
pub(crate) fn is_controller(behaviour: &str) -> bool {
    behaviour == std::any::type_name::<controller::Controller>()
}
