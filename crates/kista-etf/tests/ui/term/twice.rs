use kista_etf::term;

fn main() {
    let _ = term!(#{a => 1, b => 2, a => 3});
}
