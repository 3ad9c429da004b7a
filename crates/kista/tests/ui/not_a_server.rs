//! The attribute goes on an impl block of its own.
use kista::gen_server;

#[gen_server]
struct Shop;

#[gen_server]
impl Default for Shop {
    fn default() -> Self {
        Shop
    }
}

fn main() {}
