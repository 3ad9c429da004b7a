//! Values of attributes that are missing, of the wrong kind, or too much.
use kista_etf::Decode;

#[derive(Decode)]
#[etf(rename_all = "Snake")]
struct Style {
    a: u8,
}

#[derive(Decode)]
#[etf(keys = "string")]
struct Keys {
    a: u8,
}

#[derive(Decode)]
#[etf(elixir)]
struct Elixir {
    a: u8,
}

#[derive(Decode)]
#[etf(elixir = "")]
struct NoModule {
    a: u8,
}

#[derive(Decode)]
#[etf(elixir = "my.user")]
struct LowerModule {
    a: u8,
}

#[derive(Decode)]
#[etf(record = "")]
struct NoRecord {
    a: u8,
}

#[derive(Decode)]
#[etf(tuple = "x")]
struct Tuple {
    a: u8,
}

#[derive(Decode)]
#[etf(default = path)]
struct Default {
    a: u8,
}

#[derive(Decode)]
struct Fields {
    #[etf(rename = 1)]
    a: u8,
}

#[derive(Decode)]
struct With {
    #[etf(with)]
    a: u8,
}

#[derive(Decode)]
enum Long {
    #[etf(rename = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345")]
    A,
}

fn main() {}
