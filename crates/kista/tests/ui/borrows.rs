//! A message is owned, and so is the state.
use kista::gen_server;

struct Shop;

#[gen_server]
impl Shop {
    #[init]
    fn new(name: &str) -> Self {
        let _ = name;
        Shop
    }

    #[call]
    fn find(&self, key: Option<&str>) -> bool {
        key.is_some()
    }

    #[call]
    fn name(&self) -> &str {
        ""
    }

    #[call]
    fn close(self) {}

    #[call]
    fn of_any_type<T>(&self, value: T) {
        let _ = value;
    }
}

struct View<'a>(&'a str);

#[gen_server]
impl<'a> View<'a> {
    #[init]
    fn new() -> Self {
        View("")
    }
}

fn main() {}
