//! How the network of a node begins: first it listens and has a name, then it lets others in.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, OnceLock, Weak};

use kista_dist::Flags;
use kista_dist::handshake::Challenges;
use kista_etf::AtomQuota;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::{Notify, watch};

use super::gate::Gate;
use super::given_names::GivenNames;
use super::inbound::Inbound;
use super::keep::Keeper;
use super::named::{Naming, Standing};
use super::static_route::Routes;
use super::ticker::Ticker;
use super::{Host, Net, NetConfig, Run, StartError, accept, auto, dial, listen, stats};
use crate::epmd::{Epmd, EpmdMode};
use crate::log::LogLimit;

impl Net {
    /// Listens, and registers with EPMD. Who connects from now on waits until [`Net::open`].
    ///
    /// # Errors
    /// No port could be listened on, or EPMD could not be used as `config.epmd` demands.
    pub(crate) async fn start(mut config: NetConfig) -> Result<Arc<Self>, StartError> {
        let challenges = Challenges::default();
        let resolver = config.resolver();
        let routes = Routes::new(std::mem::take(&mut config.routes));
        let mut naming = None;
        if let Some(by) = config.named_by.take() {
            let asked = Naming::ask(&config, &routes, &*resolver, &challenges, &by).await?;
            config.name = asked.name()?;
            config.hidden = true;
            config.listen.clear();
            config.listen_at.clear();
            config.epmd = EpmdMode::Off;
            naming = Some(asked);
        }
        let listeners = listen::listen(&config)?;
        let listens_on: Vec<_> = listeners
            .iter()
            .filter_map(|(l, _)| l.local_addr().ok())
            .collect();
        let port = listens_on.first().map_or(0, SocketAddr::port);
        let epmd = Epmd::start(&config, port).await?;
        let creation = match (&naming, epmd.creation()) {
            (Some(naming), _) => naming.peer.our_creation,
            // 1 to 3 are what old EPMDs give, and 0 stands for "any".
            (None, Some(creation)) if creation != 0 => creation,
            _ => random_creation().map_err(|e| StartError::Random(e.to_string()))?,
        };
        Ok(Arc::new(Self {
            name: config.name.atom(),
            flags: Flags::ours(config.hidden),
            creation,
            port,
            listens_on,
            runtime: tokio::runtime::Handle::current(),
            listeners: Mutex::new(Some(listeners)),
            standing: Mutex::new(match naming {
                None => Standing::Own,
                Some(_) => Standing::Nameless,
            }),
            nameable: naming.is_some(),
            asking: Arc::default(),
            naming: Mutex::new(naming),
            host: OnceLock::new(),
            table: Mutex::new(FxHashMap::default()),
            incoming: Mutex::new(FxHashMap::default()),
            incoming_ended: Notify::new(),
            next_id: AtomicU64::new(1),
            inbound: Inbound::new(config.limits.inbound_bytes),
            atoms: Arc::new(AtomQuota::new(config.limits.atoms as u64)),
            log: LogLimit::new(),
            challenges,
            gate: Gate::new(
                config.limits.unauthenticated,
                config.limits.unauthenticated_per_ip,
            ),
            failures: dial::Failures::default(),
            bars: auto::Bars::default(),
            routes,
            resolver,
            keeper: Keeper::default(),
            given_names: GivenNames::default(),
            handshakes: stats::Handshakes::default(),
            epmd,
            run: watch::Sender::new(Run::Started),
            ticker: Mutex::new(None),
            accepting: AtomicUsize::new(0),
            config,
        }))
    }

    /// Begins to accept, to tick and to keep the registration alive. Once; later calls do nothing.
    pub(crate) fn open(self: &Arc<Self>, host: Weak<dyn Host>) {
        let Some(listeners) = self.listeners.lock().take() else {
            return;
        };
        let _ = self.host.set(host);
        self.run.send_replace(Run::Open);
        match Ticker::start(self) {
            Ok(ticker) => *self.ticker.lock() = Some(ticker),
            Err(error) => {
                tracing::error!(%error, "no tick thread: silent peers will cut this node off")
            }
        }
        self.epmd.keep_alive(&self.runtime);
        for (listener, transport) in listeners {
            self.runtime
                .spawn(accept::run(Arc::clone(self), listener, transport));
        }
        if let Some(naming) = self.naming.lock().take() {
            self.open_named(naming);
        }
        for peer in &self.config.keep_connected {
            self.keep(peer.atom());
        }
        for (discovery, every) in &self.config.discoveries {
            self.discover(Arc::clone(discovery), *every);
        }
    }
}

/// A creation of our own making, when no EPMD gives one: 4 or more.
fn random_creation() -> Result<u32, getrandom::Error> {
    Ok(getrandom::u32()?.max(4))
}
