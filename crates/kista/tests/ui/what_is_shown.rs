//! What `#[format_status]` returns, and who may send a continuation.
use kista::{Node, gen_server};

struct Secret;

struct Shop;

#[gen_server]
impl Shop {
    #[init]
    fn new() -> Self {
        Shop
    }

    #[handle_continue]
    fn replenish(&mut self, path: String) {
        let _ = path;
    }

    #[format_status]
    fn shown(&self) -> Secret {
        Secret
    }
}

fn send(node: &Node) {
    let _ = node.server::<Shop>("shop").replenish("path".to_owned());
}

fn main() {}
