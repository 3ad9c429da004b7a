use super::GenServer;

/// What it takes to start a server, as often as it is needed: its cloneable arguments.
pub struct Spec<S: GenServer> {
    pub(super) args: S::Args,
    clone: fn(&S::Args) -> S::Args,
}

/// What says how a server is started: its [`Spec`], or what one is made of as it stands, as a supervisor's specification.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how a server is started",
    note = "`Counter::spec(..)` does for a server, `Supervisor::one_for_one()` for a supervisor, `pool::of(..)` for a pool"
)]
pub trait IntoSpec {
    /// The server that it starts.
    type Server: GenServer;

    /// Its specification.
    fn into_spec(self) -> Spec<Self::Server>;
}

impl<S: GenServer> IntoSpec for Spec<S> {
    type Server = S;

    fn into_spec(self) -> Self {
        self
    }
}

/// The specification of a server that starts from these arguments.
pub fn spec<S: GenServer>(args: S::Args) -> Spec<S>
where
    S::Args: Clone,
{
    Spec {
        args,
        clone: Clone::clone,
    }
}

impl<S: GenServer> Clone for Spec<S> {
    fn clone(&self) -> Self {
        Self {
            args: (self.clone)(&self.args),
            clone: self.clone,
        }
    }
}

impl<S: GenServer> std::fmt::Debug for Spec<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spec({})", std::any::type_name::<S>())
    }
}
