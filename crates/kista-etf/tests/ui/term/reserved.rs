use kista_etf::term;

fn main() {
    let _ = term!({fun_, end});
}
