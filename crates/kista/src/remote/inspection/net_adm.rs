//! `net_adm`: from here, as any node would.

use std::net::{Ipv4Addr, SocketAddr};

use kista_etf::{Term, term};

use super::{Module, badarg};
use crate::plain::ProcessCx;
use crate::remote::Raise;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("ping", async |cx: ProcessCx, node: Term| {
        let node = node.as_atom_str().ok_or_else(badarg)?;
        Ok::<_, Raise>(match cx.node().ping(node).await {
            true => term!(pong),
            false => term!(pang),
        })
    });
    module.add("localhost", async |cx: ProcessCx| {
        let name = cx.node().name().as_str();
        Term::charlist(name.split_once('@').map_or(name, |(_, host)| host))
    });
    module.add("names", names);
}

/// Of the EPMD of this host: `{ok, [{Name, Port}]} | {error, address}`.
async fn names(cx: ProcessCx) -> Term {
    let Some(net) = cx.node().net() else {
        return term!({error, address});
    };
    let epmd = SocketAddr::from((Ipv4Addr::LOCALHOST, net.config().epmd_port));
    match crate::epmd::names_and_ports(epmd).await {
        Ok(names) => {
            let names = names
                .iter()
                .map(|(name, port)| Term::from((Term::charlist(name), *port)));
            term!({ok, (Term::list(names))})
        }
        Err(_) => term!({error, address}),
    }
}
