use super::{Addresses, ResolveError, Resolver, Resolving, addresses_of};

/// Expects every node at the same port of its host: `erl -start_epmd false -erl_epmd_port P`.
///
/// ```
/// # let _: Box<dyn kista::resolve::Resolver> = Box::new(
/// kista::resolve::FixedPort::new(9100)
/// # );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedPort {
    port: u16,
}

impl FixedPort {
    /// Nodes listen at this port on every host.
    #[must_use]
    pub fn new(port: u16) -> Self {
        Self { port }
    }
}

impl Resolver for FixedPort {
    fn resolve<'a>(&'a self, _alive: &'a str, host: &'a str) -> Resolving<'a, Addresses> {
        Box::pin(async move {
            if self.port == 0 {
                return Err(ResolveError::NoPort);
            }
            let ips = addresses_of(host).await?;
            Ok(ips.into_iter().map(|ip| (ip, self.port).into()).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn port_0_is_no_port() {
        let none = FixedPort::new(0).resolve("a", "127.0.0.1").await;
        assert!(matches!(none, Err(ResolveError::NoPort)));
        let found = FixedPort::new(7).resolve("a", "127.0.0.1").await.unwrap();
        assert_eq!(found, [([127, 0, 0, 1], 7).into()]);
    }
}
