//! Kista and its peers on the same work, side by side.
//!
//! ```text
//! cargo run --release -p kista-bench                            # everything
//! cargo run --release -p kista-bench -- --rows N1,N5 --peers kista,erl --runs 9 --json out.json
//! cargo run --release -p kista-bench -- --rows T            # all rows whose names begin so: the codecs
//! cargo run --release -p kista-bench --features actors -- --rows L              # against ractor, kameo and actix, too
//! cargo run --release -p kista-bench --features ractor-cluster -- --rows N      # against ractor_cluster, too
//! ```
//!
//! 1. A run starts fresh OS processes: one for a local row (L) or a codec (T), two for a network row (N). Each warms up with a tenth of the
//!    work, and then does all of it; every peer does the same
//!    amount, or a multiple of it where it is too fast to be measured otherwise; none does less.
//! 2. Peers take turns run by run, so that what disturbs the machine disturbs all of them.
//! 3. The receiving side counts; a run in which it did not receive everything is a failure, not a number. The clock stops
//!    when the sender knows that the last message was received.
//! 4. CPU time is that of both sides, user and system, from `/proc`.
//! 5. Protocol of a row's processes, in whatever language: the environment says `KISTA_BENCH_OPS` and
//!    `KISTA_BENCH_WARMUP`; the first of two prints `ready ADDRESS`, which the second finds in `KISTA_BENCH_ADDRESS`; the
//!    second, or the only one, prints `result WALL_NS CPU_NS RECEIVED`, and behind it `bytes_per_process=N` or `p99_ns=N` where the row
//!    is about that, and where not all operations are what it is about, `p99_calls=N p99_all_ns=N`. Then all are killed.
//!
//! A row is a line in `row.rs`; a peer is a module in `peers/`. What the rows of codecs have in common is in `codec/`.

mod child;
mod codec;
mod measure;
mod peers;
mod report;
mod row;

use std::path::PathBuf;

use clap::Parser;

use peers::{Peer, Role};
use report::Results;
use row::{ROWS, Row};

/// Kista and its peers on the same work, side by side.
#[derive(Parser)]
struct Options {
    /// Only these rows, such as L1,N5; the beginning of a name means all rows that begin so.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Only these peers, such as kista,erl. The first one available is what the others are compared with.
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// How often each peer does each row.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// Do this many per cent of the work: a quick look, or a longer one.
    #[arg(long, default_value_t = 100, value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(1..))]
    scale: u64,
    /// Also write the medians to this file, as a JSON array.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// This process is one of a row's processes of that peer.
    #[arg(long, hide = true, value_name = "PEER", requires = "role")]
    child: Option<String>,
    #[arg(long, hide = true)]
    role: Option<Role>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let peers = peers::all();
    if let (Some(child), Some(role)) = (&options.child, options.role) {
        let peer = peers
            .iter()
            .find(|peer| peer.name() == child)
            .ok_or("no such peer")?;
        let row = options.rows.first().and_then(|row| Row::named(row));
        peer.run(row.ok_or("no such row")?, role);
        return Ok(());
    }

    let rows = chosen(ROWS.iter().collect(), &options.rows, |row| row.name)?;
    let mut peers = chosen(peers, &options.peers, |peer| peer.name())?;
    peers.retain(|peer| match peer.missing() {
        Some(why) => {
            println!("left out: {}: {why}", peer.name());
            false
        }
        None => true,
    });

    let mut json = Vec::new();
    for row in rows {
        let results = measure_row(row, &peers, &options);
        results.print();
        json.extend(results.json());
    }
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&json)? + "\n")?;
    }
    Ok(())
}

/// One row by all peers that can do it, who take turns.
fn measure_row(row: &'static Row, peers: &[Box<dyn Peer>], options: &Options) -> Results {
    let ops = (row.ops * options.scale / 100).max(10);
    let mut results: Vec<_> = peers.iter().map(|peer| (peer.name(), Vec::new())).collect();
    for _ in 0..options.runs {
        for (peer, (_, samples)) in peers.iter().zip(&mut results) {
            samples.extend(measure::run(peer.as_ref(), row, ops * peer.times(row)));
        }
    }
    results.retain(|(_, samples)| !samples.is_empty());
    Results {
        row,
        peers: results,
    }
}

/// Those of `all` that are named, in the order of the names; all when none is. A name that is none is the beginning of some.
fn chosen<T>(
    mut all: Vec<T>,
    names: &[String],
    name_of: impl Fn(&T) -> &str,
) -> Result<Vec<T>, String> {
    if names.is_empty() {
        return Ok(all);
    }
    let mut chosen = Vec::new();
    for name in names {
        let whole = |item: &T| name_of(item).eq_ignore_ascii_case(name);
        let begins = |item: &T| {
            let front = name_of(item).get(..name.len());
            front.is_some_and(|front| front.eq_ignore_ascii_case(name))
        };
        let one = all.iter().any(whole);
        let (named, rest): (Vec<T>, Vec<T>) = all
            .into_iter()
            .partition(|item| if one { whole(item) } else { begins(item) });
        all = rest;
        if named.is_empty() {
            let known: Vec<_> = all.iter().map(&name_of).collect();
            return Err(format!("there is no {name}; known: {}", known.join(", ")));
        }
        chosen.extend(named);
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn a_whole_name_is_not_the_beginning_of_another() {
        let named = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            chosen(vec!["L1", "L10", "T1e", "T1d"], &names, |name| name).ok()
        };
        assert_eq!(named(&["l1"]), Some(vec!["L1"]));
        assert_eq!(named(&["T1", "L"]), Some(vec!["T1e", "T1d", "L1", "L10"]));
        assert_eq!(named(&["N"]), None);
        assert_eq!(named(&[]).map(|all| all.len()), Some(4));
    }
}
