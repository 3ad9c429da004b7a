use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::{Addresses, Discovery, ResolveError, Resolver, Resolving};

/// A table of nodes and their addresses; a discovery too: all that are in it.
///
/// ```
/// use kista::resolve::StaticTable;
/// let table = StaticTable::new().with("a@ten", ([10, 0, 0, 1], 9100)).with("b@ten", ([10, 0, 0, 2], 9100));
/// # let _: Box<dyn kista::resolve::Resolver> = Box::new(table);
/// ```
#[derive(Clone, Default)]
pub struct StaticTable {
    nodes: HashMap<String, Vec<SocketAddr>>,
    otherwise: Option<Arc<dyn Resolver>>,
}

impl StaticTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With this node at this address; a node may have several, which are tried in their order.
    #[must_use]
    pub fn with(mut self, node: impl Into<String>, address: impl Into<SocketAddr>) -> Self {
        let addresses = self.nodes.entry(node.into()).or_default();
        addresses.push(address.into());
        self
    }

    /// Asks this resolver for nodes that are not in the table.
    #[must_use]
    pub fn otherwise(mut self, resolver: impl Resolver) -> Self {
        self.otherwise = Some(Arc::new(resolver));
        self
    }
}

impl Resolver for StaticTable {
    fn resolve<'a>(&'a self, alive: &'a str, host: &'a str) -> Resolving<'a, Addresses> {
        let node = format!("{alive}@{host}");
        match (self.nodes.get(&node), &self.otherwise) {
            (Some(addresses), _) => Box::pin(std::future::ready(Ok(addresses.clone()))),
            (None, Some(otherwise)) => otherwise.resolve(alive, host),
            (None, None) => Box::pin(std::future::ready(Err(ResolveError::Unknown { node }))),
        }
    }
}

impl Discovery for StaticTable {
    fn discover(&self) -> Resolving<'_, Vec<String>> {
        Box::pin(std::future::ready(Ok(self.nodes.keys().cloned().collect())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::FixedPort;
    use super::*;

    #[tokio::test]
    async fn a_table_knows_its_own_and_asks_for_others_only_if_it_was_told_whom() {
        let table = StaticTable::new().with("a@x", ([127, 0, 0, 1], 5));
        assert_eq!(
            table.resolve("a", "x").await.unwrap(),
            [([127, 0, 0, 1], 5).into()]
        );
        let error = table.resolve("b", "127.0.0.1").await.unwrap_err();
        assert!(error.to_string().contains("b@127.0.0.1"), "{error}");
        assert_eq!(table.discover().await.unwrap(), ["a@x"]);
        let table = table.otherwise(FixedPort::new(9));
        assert_eq!(
            table.resolve("b", "127.0.0.1").await.unwrap(),
            [([127, 0, 0, 1], 9).into()]
        );
    }
}
