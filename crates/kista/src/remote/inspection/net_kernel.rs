//! `net_kernel`: its settings and connections.

use kista_etf::{Atom, Term, term};

use super::Module;
use crate::ConnectionInfo;
use crate::plain::ProcessCx;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("get_net_ticktime", async |cx: ProcessCx| {
        match cx.node().net() {
            Some(net) => Term::from(net.config().net_ticktime.as_secs()),
            None => term!(ignored),
        }
    });
    module.add("longnames", async |cx: ProcessCx| {
        let name = cx.node().name().as_str();
        name.split_once('@')
            .is_some_and(|(_, host)| host.contains('.'))
    });
    module.add("nodes_info", async |cx: ProcessCx| {
        let connections = cx.node().connections();
        let all = connections.iter().map(|c| Term::from((c.node, info(c))));
        Term::from((Term::from(Atom::from_static("ok")), Term::list(all)))
    });
    module.add("node_info", async |cx: ProcessCx, node: Term| {
        let connection = node.as_atom_str();
        let connection = connection.and_then(|node| cx.node().connection_info(node));
        match connection {
            Some(connection) => term!({ok, (info(&connection))}),
            None => term!({error, bad_node}),
        }
    });
}

fn info(connection: &ConnectionInfo) -> Term {
    let kind = match connection.hidden {
        true => term!(hidden),
        false => term!(normal),
    };
    let address = connection.address.map(|address| {
        let ip = match address.ip() {
            std::net::IpAddr::V4(ip) => Term::tuple(ip.octets().map(Term::from)),
            std::net::IpAddr::V6(ip) => Term::tuple(ip.segments().map(Term::from)),
        };
        Term::from((ip, address.port()))
    });
    term!([
        {state, up}, {type, (kind)}, {address, (address)},
        {in, (connection.received.messages)}, {out, (connection.sent.messages)}
    ])
}
