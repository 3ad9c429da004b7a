//! The documents, as bytes.

use bytes::Bytes;
use kista_etf::{Encode, Term, from_bytes, to_vec};

use super::types::{Blob, Call, Integers, Order, Properties, Settings};

/// One of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    /// A `gen_server` call as it goes over the wire.
    Call,
    /// 0 to 999.
    Integers,
    /// A map of 50 atoms to small integers.
    Settings,
    /// 100 pairs of an atom and a binary of 100 bytes.
    Properties,
    /// A binary of 1 MiB.
    Blob,
    /// 10 KB of maps, lists, binaries, floats and tuples.
    Order,
}

impl Document {
    /// The document in the external term format, with its version byte.
    pub(crate) fn bytes(self) -> Bytes {
        match self {
            Self::Call => sorted(&Call::new()),
            Self::Integers => sorted(&Integers::new()),
            Self::Settings => Settings::in_order_of_a_hash(),
            Self::Properties => sorted(&Properties::new()),
            Self::Blob => sorted(&Blob::new()),
            Self::Order => sorted(&Order::new()),
        }
    }

    /// The document as a term of ours.
    pub(crate) fn term(self) -> Term {
        from_bytes(&self.bytes()).expect("our own bytes")
    }

    /// Refuses bytes that are not this document.
    pub(crate) fn check(self, encoded: &[u8]) {
        let term = from_bytes::<Term>(&Bytes::copy_from_slice(encoded)).expect("a term");
        assert!(term == self.term(), "not the document {self:?}");
    }
}

/// With the maps in the order of their keys, as OTP writes maps of up to 32 keys.
fn sorted(value: &impl Encode) -> Bytes {
    let bytes = to_vec(value).expect("a document can be written");
    let term: Term = kista_etf::from_slice(&bytes).expect("our own bytes");
    to_vec(&term).expect("a term can be written").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_the_sizes_that_their_rows_say() {
        let size = |document: Document| document.bytes().len();
        assert!((9_800..10_400).contains(&size(Document::Order)));
        assert!((1 << 20..(1 << 20) + 10).contains(&size(Document::Blob)));
        assert_eq!(
            Document::Settings.term().as_map().map(|map| map.len()),
            Some(50)
        );
        assert_eq!(
            Document::Properties.term().as_list().map(<[Term]>::len),
            Some(100)
        );
        assert_eq!(
            Document::Integers.term().as_list().map(<[Term]>::len),
            Some(1000)
        );
        assert_eq!(
            Document::Call.term().to_string(),
            "{'$gen_call',{<'peer@127.0.0.1'.97.3/1700000000>,[alias|#Ref<'peer@127.0.0.1'.3.2.1/1700000000>]},{add,2}}"
        );
    }

    #[test]
    #[should_panic(expected = "not the document")]
    fn another_document_is_refused() {
        Document::Call.check(&Document::Integers.bytes());
    }
}
