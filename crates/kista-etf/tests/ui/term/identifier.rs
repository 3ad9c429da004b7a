use kista_etf::term;

fn main() {
    let _ = term!({reply, <0.85.0>});
}
