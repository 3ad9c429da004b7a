//! Generic, recursive and empty types; another crate's name; each derive alone.

use super::*;

#[derive(Debug, PartialEq)]
struct Small;

impl Kind for Small {
    type Value = u8;
}

#[derive(Encode, Decode)]
struct Generic<'a, T: Kind, U, const N: usize = 2>
where
    U: 'a,
{
    value: T::Value,
    list: Vec<<T as Kind>::Value>,
    text: &'a str,
    #[etf(skip)]
    kind: PhantomData<T>,
    array: [U; N],
    #[etf(skip)]
    #[expect(dead_code)]
    skipped: Option<Box<dyn Fn(U)>>,
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Around<T> {
    id: u8,
    #[etf(flatten)]
    inner: T,
}

#[test]
fn generic_types_are_bound_by_what_their_fields_need() {
    let bytes = bytes_of(r#"#{value => 1, list => [2], text => <<"t">>, array => [3,4]}"#);
    let mut d = Decoder::new(&bytes[1..]);
    let value: Generic<'_, Small, u16> = Generic::decode(&mut d).unwrap();
    assert_eq!(
        (value.value, &*value.list, value.text, value.array),
        (1, &[2][..], "t", [3, 4])
    );
    assert_eq!(
        from_slice::<Term>(&to_vec(&value).unwrap()),
        from_slice(&bytes)
    );
    agrees(
        Around {
            id: 1,
            inner: Page {
                offset: 2,
                limit: None,
            },
        },
        "#{id => 1,limit => undefined,offset => 2}",
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
enum Never {}

#[test]
fn recursive_and_empty_types_work() {
    agrees(
        Recursive {
            value: 1u8,
            next: Some(Box::new(Recursive {
                value: 2,
                next: None,
            })),
        },
        "#{next => #{next => undefined,value => 2},value => 1}",
    );
    assert_eq!(refused::<Never>("a"), "a names no variant of Never");
}

mod elsewhere {
    pub(crate) use kista_etf as terms;
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(crate = elsewhere::terms, elixir = "E")]
struct ByAnotherPath {
    #[etf(flatten)]
    page: Page,
    none: Option<u8>,
}

#[test]
fn the_crate_may_have_another_name() {
    agrees(
        ByAnotherPath {
            page: Page {
                offset: 1,
                limit: None,
            },
            none: None,
        },
        "#{'__struct__' => 'Elixir.E',limit => nil,none => nil,offset => 1}",
    );
}

#[test]
fn each_derive_works_alone() {
    #[derive(Encode)]
    struct Out {
        a: u8,
    }
    #[derive(Debug, PartialEq, Decode)]
    struct In {
        a: u8,
    }
    assert_eq!(from_slice(&to_vec(&Out { a: 1 }).unwrap()), Ok(In { a: 1 }));
}
