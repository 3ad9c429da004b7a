use kista_etf::Pid;

/// The processes that join or leave together: one, or several, the same perhaps more than once.
pub trait Pids {
    /// The processes.
    fn into_pids(self) -> Vec<Pid>;
}

impl Pids for Pid {
    fn into_pids(self) -> Vec<Pid> {
        vec![self]
    }
}

impl Pids for Vec<Pid> {
    fn into_pids(self) -> Self {
        self
    }
}

impl Pids for &[Pid] {
    fn into_pids(self) -> Vec<Pid> {
        self.to_vec()
    }
}

impl<const N: usize> Pids for [Pid; N] {
    fn into_pids(self) -> Vec<Pid> {
        self.to_vec()
    }
}
