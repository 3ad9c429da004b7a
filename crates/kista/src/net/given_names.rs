//! Names for nodes that have none (`erl -name undefined`): made here, used again.
//!
//! 1. A new name is random: 13 digits of base 36, at the host that the peer said.
//! 2. When the connection of a peer that was named ends, its name is free for the next peer of that host, with the next creation: so peers
//!    that come and go take no new atoms. OTP does the same.
//! 3. Who does not prove the cookie gives its name back if it was an old one; a new one is forgotten. So the pool holds at most as many names
//!    as there were named peers at once.

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// Creations below this are those of old EPMDs, or mean "any".
const FIRST_CREATION: u32 = 4;

#[derive(Default)]
pub(super) struct GivenNames(Mutex<FxHashMap<String, Vec<Given>>>);

/// A name on loan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) name: String,
    pub(super) creation: u32,
}

/// A name for a peer that has yet to prove the cookie.
pub(super) struct Offer<'a> {
    pool: &'a GivenNames,
    given: Option<Given>,
    /// It was somebody's before.
    used: bool,
}

impl GivenNames {
    /// A name at `host` that `is_free` accepts.
    pub(super) fn offer(
        &self,
        host: &str,
        is_free: impl Fn(&str) -> bool,
    ) -> Result<Offer<'_>, getrandom::Error> {
        let old = {
            let mut pool = self.0.lock();
            pool.get_mut(host).and_then(|names| {
                let at = names.iter().position(|given| is_free(&given.name))?;
                Some(names.swap_remove(at))
            })
        };
        if let Some(old) = old {
            let given = Given {
                creation: old.creation.wrapping_add(1).max(FIRST_CREATION),
                ..old
            };
            return Ok(self.lend(given, true));
        }
        loop {
            let name = random_name(host)?;
            if is_free(&name) {
                let creation = getrandom::u32()?.max(FIRST_CREATION);
                return Ok(self.lend(Given { name, creation }, false));
            }
        }
    }

    fn lend(&self, given: Given, used: bool) -> Offer<'_> {
        Offer {
            pool: self,
            given: Some(given),
            used,
        }
    }

    /// The peer is gone.
    pub(super) fn give_back(&self, given: Given) {
        let host = given.name.split_once('@').map_or("", |(_, host)| host);
        self.0
            .lock()
            .entry(host.to_owned())
            .or_default()
            .push(given);
    }
}

impl Offer<'_> {
    pub(super) fn given(&self) -> Option<&Given> {
        self.given.as_ref()
    }

    /// The peer proved the cookie: the name is its own until [`GivenNames::give_back`].
    pub(super) fn accepted(mut self) -> Option<Given> {
        self.given.take()
    }
}

impl Drop for Offer<'_> {
    fn drop(&mut self) {
        if let Some(given) = self.given.take().filter(|_| self.used) {
            self.pool.give_back(given);
        }
    }
}

fn random_name(host: &str) -> Result<String, getrandom::Error> {
    let mut number = getrandom::u64()?;
    let mut name = String::with_capacity(14 + host.len());
    for _ in 0..13 {
        name.push(char::from(
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(number % 36) as usize],
        ));
        number /= 36;
    }
    name.push('@');
    name.push_str(host);
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(_: &str) -> bool {
        true
    }

    #[test]
    fn a_name_comes_again_with_the_next_creation_and_only_at_its_host() {
        let pool = GivenNames::default();
        let first = pool.offer("h", free).unwrap().accepted().unwrap();
        assert!(first.name.ends_with("@h") && first.creation >= 4);
        let second = pool.offer("h", free).unwrap().accepted().unwrap();
        assert_ne!(first.name, second.name, "it is in use");
        pool.give_back(first.clone());
        let elsewhere = pool.offer("other", free).unwrap();
        assert_ne!(elsewhere.given().unwrap().name, first.name);
        let again = pool.offer("h", free).unwrap().accepted().unwrap();
        assert_eq!(again.name, first.name);
        assert_eq!(again.creation, first.creation.wrapping_add(1).max(4));
    }

    #[test]
    fn who_fails_leaves_no_name_behind_and_takes_none_away() {
        let pool = GivenNames::default();
        for _ in 0..100 {
            drop(pool.offer("h", free).unwrap());
        }
        assert!(pool.0.lock().is_empty(), "new names are forgotten");
        let given = pool.offer("h", free).unwrap().accepted().unwrap();
        pool.give_back(given.clone());
        for _ in 0..100 {
            drop(pool.offer("h", free).unwrap());
        }
        assert_eq!(pool.0.lock()["h"].len(), 1);
        assert!(
            pool.offer("h", |name| name != given.name)
                .unwrap()
                .given()
                .unwrap()
                .name
                != given.name
        );
    }

    #[test]
    fn a_creation_never_becomes_one_that_means_any() {
        let pool = GivenNames::default();
        pool.give_back(Given {
            name: "X@h".into(),
            creation: u32::MAX,
        });
        assert_eq!(pool.offer("h", free).unwrap().given().unwrap().creation, 4);
    }
}
