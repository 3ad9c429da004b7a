use kista_etf::term;

fn main() {
    let _ = term!({ok, Value});
}
