use kista_etf::term;

fn main() {
    let _ = term!([1, 2,]);
}
