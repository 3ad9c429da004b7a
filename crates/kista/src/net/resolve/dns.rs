//! Nodes found by DNS: the pods of a Kubernetes headless service, and whatever else has A or SRV records.

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;

use super::srv::{self, Srv};
use super::{Addresses, Discovery, ResolveError, Resolver, Resolving};

/// A client of DNS; cheap to clone. Answers are kept for their time to live.
#[derive(Clone)]
pub struct Dns(TokioResolver);

impl Dns {
    /// Asks the servers of this machine (`/etc/resolv.conf`).
    ///
    /// # Errors
    /// The machine's configuration cannot be read.
    pub fn system() -> Result<Self, ResolveError> {
        let builder = TokioResolver::builder_tokio();
        let built = builder.and_then(|builder| builder.build());
        built.map(Self).map_err(|e| failed("resolv.conf", &e))
    }

    /// Asks this server only.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn at(server: SocketAddr) -> Result<Self, ResolveError> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut protocol| {
            protocol.port = server.port();
            protocol
        });
        let server = NameServerConfig::new(server.ip(), true, connections.into());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let provider = TokioRuntimeProvider::default();
        let built = TokioResolver::builder_with_config(config, provider).build();
        built
            .map(Self)
            .map_err(|e| failed("a server of its own", &e))
    }

    /// The addresses of a host; none if it has none.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        match self.0.lookup_ip(host).await {
            Ok(found) => Ok(found.iter().collect()),
            Err(error) if is_nothing(&error) => Ok(Vec::new()),
            Err(error) => Err(failed(host, &error)),
        }
    }

    /// The records of a service in the order in which they are to be tried; none if it has none.
    async fn services(&self, service: &str) -> Result<Vec<Srv>, ResolveError> {
        let found = match self.0.srv_lookup(service).await {
            Ok(found) => found,
            Err(error) if is_nothing(&error) => return Ok(Vec::new()),
            Err(error) => return Err(failed(service, &error)),
        };
        let records = found.answers().iter();
        let records = records.filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(Srv {
                priority: srv.priority,
                weight: srv.weight,
                target: srv.target.to_ascii().trim_end_matches('.').to_owned(),
                port: srv.port,
            }),
            _ => None,
        });
        // Without random numbers the load is spread worse, and nothing else.
        let random = || getrandom::u32().unwrap_or_default();
        Ok(srv::in_turn(records.collect(), random))
    }
}

/// The nodes behind one name in DNS, all with the same part before the `@`: both a [`Discovery`] and a [`Resolver`].
///
/// ```no_run
/// use std::time::Duration;
/// use kista::{Node, resolve::{Dns, HeadlessService}};
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// // A stateful set `shop` with a headless service `shop`, whose port `dist` is 9100. Pod 0 is `shop@shop-0.shop.default.svc.cluster.local`.
/// let pods = HeadlessService::by_host(Dns::system()?, "shop", "_dist._tcp.shop.default.svc.cluster.local");
/// let name = format!("shop@{}.shop.default.svc.cluster.local", std::env::var("HOSTNAME")?);
/// let node = Node::builder(name)
///     .port(9100)
///     .epmd(kista::EpmdMode::Off)
///     .resolver(pods.clone())
///     .discover(pods, Duration::from_secs(5))
///     .start()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct HeadlessService {
    dns: Dns,
    alive: String,
    service: String,
    by: By,
}

#[derive(Clone, Copy)]
enum By {
    /// A and AAAA records: the nodes are `alive@address`, and listen at this port.
    Address(u16),
    /// SRV records: the nodes are `alive@target`, each with its port.
    Host,
}

impl HeadlessService {
    /// Nodes named by their addresses, `alive@10.0.0.7`: the A and AAAA records of `service`. All listen at `port`. (libcluster: `DNSPoll`,
    /// `Kubernetes.DNS`.)
    #[must_use]
    pub fn by_address(
        dns: Dns,
        alive: impl Into<String>,
        service: impl Into<String>,
        port: u16,
    ) -> Self {
        Self::new(dns, alive.into(), service.into(), By::Address(port))
    }

    /// Nodes named by their hosts, `alive@pod-0.service.namespace.svc.cluster.local`: the SRV records of `service`, which is the name
    /// of a port there: `_dist._tcp.service.namespace.svc.cluster.local`. Their ports come from the records; a host with several is tried
    /// at them by priority and weight (RFC 2782). (libcluster: `Kubernetes.DNSSRV`.)
    #[must_use]
    pub fn by_host(dns: Dns, alive: impl Into<String>, service: impl Into<String>) -> Self {
        Self::new(dns, alive.into(), service.into(), By::Host)
    }

    fn new(dns: Dns, alive: String, mut service: String, by: By) -> Self {
        // Said in full: no search list is tried.
        if !service.ends_with('.') {
            service.push('.');
        }
        Self {
            dns,
            alive,
            service,
            by,
        }
    }

    async fn hosts(&self) -> Result<Vec<String>, ResolveError> {
        let mut hosts: Vec<String> = match self.by {
            By::Address(_) => {
                let ips = self.dns.addresses(&self.service).await?;
                ips.iter().map(IpAddr::to_string).collect()
            }
            By::Host => {
                let targets = self.dns.services(&self.service).await?;
                targets.into_iter().map(|srv| srv.target).collect()
            }
        };
        hosts.sort();
        hosts.dedup();
        Ok(hosts)
    }
}

impl Discovery for HeadlessService {
    fn discover(&self) -> Resolving<'_, Vec<String>> {
        Box::pin(async move {
            let hosts = self.hosts().await?;
            let name = |host| format!("{}@{host}", self.alive);
            Ok(hosts.into_iter().map(name).collect())
        })
    }
}

impl Resolver for HeadlessService {
    fn resolve<'a>(&'a self, alive: &'a str, host: &'a str) -> Resolving<'a, Addresses> {
        Box::pin(async move {
            let unknown = || ResolveError::Unknown {
                node: format!("{alive}@{host}"),
            };
            let mut addresses = Vec::new();
            match self.by {
                By::Address(port) => {
                    let ip: IpAddr = host.parse().map_err(|_| unknown())?;
                    addresses.push(SocketAddr::new(ip, port));
                }
                By::Host => {
                    for srv in self.dns.services(&self.service).await? {
                        if srv.target.eq_ignore_ascii_case(host) {
                            let ips = self.dns.addresses(&format!("{}.", srv.target)).await?;
                            addresses
                                .extend(ips.into_iter().map(|ip| SocketAddr::new(ip, srv.port)));
                        }
                    }
                }
            }
            match addresses.is_empty() {
                true => Err(unknown()),
                false => Ok(addresses),
            }
        })
    }
}

/// No such name or no such record: a service without pods has none.
fn is_nothing(error: &NetError) -> bool {
    error.is_nx_domain() || error.is_no_records_found()
}

fn failed(query: &str, error: &NetError) -> ResolveError {
    ResolveError::Dns {
        query: query.to_owned(),
        why: error.to_string(),
    }
}
