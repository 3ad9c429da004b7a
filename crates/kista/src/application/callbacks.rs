//! What an application runs: the callbacks, erased once, here.

use std::any::{Any, type_name};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use kista_etf::Pid;

use super::cx::ApplicationCx;
use super::spec::Hooks;
use crate::ExitReason;
use crate::supervisor::SupervisorSpec;

/// The callbacks of an application: OTP's behaviour `application`. For most, [`Application::start`](super::Application::start) and
/// its kin are enough.
///
/// ```
/// use kista::application::{Application, ApplicationCx, Callbacks};
/// use kista::supervisor::Supervisor;
/// use kista::{ExitReason, Pid};
///
/// struct Store { path: &'static str }
///
/// impl Callbacks for Store {
///     type State = std::fs::File;
///
///     async fn start(&self, cx: &ApplicationCx) -> Result<(Pid, std::fs::File), ExitReason> {
///         let lock = std::fs::File::create(self.path).map_err(|error| ExitReason::from(error.to_string()))?;
///         let top = cx.supervisor("store_sup", Supervisor::one_for_one()).await?;
///         Ok((top, lock))
///     }
///     async fn stop(&self, lock: std::fs::File, _cx: &ApplicationCx) {
///         drop(lock);
///         let _ = std::fs::remove_file(self.path);
///     }
/// }
/// let store = Application::new("store").callbacks(Store { path: "store.lock" });
/// ```
///
/// They run in the application's master. A panic in `start` is a failed start; in the others it is logged, and the stop goes on.
pub trait Callbacks: Send + Sync + 'static {
    /// What is kept from `start` to `stop`.
    type State: Send + 'static;

    /// Starts the application: gives the process at its top, linked to this one, as [`ApplicationCx::supervisor`] and
    /// [`Me::spawn_link`](crate::Me::spawn_link) start it. With an error of `normal` the application chose not to run, which a
    /// transient one may.
    ///
    /// What was started must be linked with this process, so that nothing is left when it does not succeed.
    fn start(
        &self,
        cx: &ApplicationCx,
    ) -> impl Future<Output = Result<(Pid, Self::State), ExitReason>> + Send;

    /// Called when it is about to stop: before the top process is told to end, or after it has ended by itself.
    fn prep_stop(
        &self,
        state: &mut Self::State,
        cx: &ApplicationCx,
    ) -> impl Future<Output = ()> + Send {
        let _ = (state, cx);
        std::future::ready(())
    }

    /// Called when the top process has ended.
    fn stop(&self, state: Self::State, cx: &ApplicationCx) -> impl Future<Output = ()> + Send {
        let _ = (state, cx);
        std::future::ready(())
    }
}

/// What a started application consists of.
pub(super) type Begun = (Pid, Box<dyn Any + Send>);
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

pub(super) trait AnyCallbacks: Send + Sync {
    fn start<'a>(&'a self, cx: &'a ApplicationCx) -> Boxed<'a, Result<Begun, ExitReason>>;
    fn prep_stop<'a>(
        &'a self,
        state: &'a mut (dyn Any + Send),
        cx: &'a ApplicationCx,
    ) -> Boxed<'a, ()>;
    fn stop<'a>(&'a self, state: Box<dyn Any + Send>, cx: &'a ApplicationCx) -> Boxed<'a, ()>;
    fn type_name(&self) -> &'static str;
}

pub(super) struct Erased<C>(pub(super) C);

impl<C: Callbacks> AnyCallbacks for Erased<C> {
    fn start<'a>(&'a self, cx: &'a ApplicationCx) -> Boxed<'a, Result<Begun, ExitReason>> {
        Box::pin(async move {
            let (top, state) = self.0.start(cx).await?;
            Ok((top, Box::new(state) as _))
        })
    }

    fn prep_stop<'a>(
        &'a self,
        state: &'a mut (dyn Any + Send),
        cx: &'a ApplicationCx,
    ) -> Boxed<'a, ()> {
        match state.downcast_mut() {
            Some(state) => Box::pin(self.0.prep_stop(state, cx)),
            None => unreachable!("the state is what start gave"),
        }
    }

    fn stop<'a>(&'a self, state: Box<dyn Any + Send>, cx: &'a ApplicationCx) -> Boxed<'a, ()> {
        match state.downcast() {
            Ok(state) => Box::pin(self.0.stop(*state, cx)),
            Err(_) => unreachable!("the state is what start gave"),
        }
    }

    fn type_name(&self) -> &'static str {
        type_name::<C>()
    }
}

/// A function of the user's that is called when the application stops.
#[derive(Clone)]
pub(super) struct Hook(Arc<dyn Fn(ApplicationCx) -> Boxed<'static, ()> + Send + Sync>);

impl Hook {
    pub(super) fn new<F, R>(hook: F) -> Self
    where
        F: Fn(ApplicationCx) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |cx| Box::pin(hook(cx))))
    }

    pub(super) fn call(&self, cx: &ApplicationCx) -> Boxed<'static, ()> {
        (self.0)(cx.clone())
    }
}

impl Hooks {
    pub(super) async fn prep_stop(&self, cx: &ApplicationCx) {
        if let Some(hook) = &self.prep_stop {
            hook.call(cx).await;
        }
    }

    pub(super) async fn stop(&self, cx: &ApplicationCx) {
        if let Some(hook) = &self.stop {
            hook.call(cx).await;
        }
    }
}

/// An application that is a supervisor.
pub(super) struct Simple<F> {
    name: String,
    make: F,
    of: PhantomData<fn() -> SupervisorSpec>,
}

impl<F> Simple<F> {
    pub(super) const fn new(name: String, make: F) -> Self {
        let of = PhantomData;
        Self { name, make, of }
    }
}

impl<F> AnyCallbacks for Simple<F>
where
    F: Fn(&ApplicationCx) -> SupervisorSpec + Send + Sync + 'static,
{
    fn start<'a>(&'a self, cx: &'a ApplicationCx) -> Boxed<'a, Result<Begun, ExitReason>> {
        Box::pin(async move {
            let spec = (self.make)(cx);
            let top = cx.supervisor(&self.name, spec).await?;
            Ok((top, Box::new(()) as _))
        })
    }

    fn prep_stop<'a>(
        &'a self,
        _state: &'a mut (dyn Any + Send),
        _cx: &'a ApplicationCx,
    ) -> Boxed<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn stop<'a>(&'a self, _state: Box<dyn Any + Send>, _cx: &'a ApplicationCx) -> Boxed<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn type_name(&self) -> &'static str {
        type_name::<F>()
    }
}
