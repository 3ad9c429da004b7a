//! The error is at the type, and names the way out.
use kista::gen_server;

struct Item;
struct Shop;

#[gen_server]
impl Shop {
    #[init]
    fn new() -> Self {
        Shop
    }

    #[call]
    fn put(&mut self, item: Item) -> bool {
        let _ = item;
        true
    }

    #[call]
    fn take(&mut self, id: u32) -> Item {
        let _ = id;
        Item
    }
}

fn main() {}
