//! Against bytes that `term_to_binary/1` of OTP 25 made, and that of OTP 27 and 29, which make the same. They differ in the tag
//! of atoms and in the order of a map's keys. In front of each stands the Erlang expression.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZero;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use kista_etf::{
    BigInt, Charlist, Decode, DecodeOwned, Encode, Term, atom, from_bytes, from_slice, to_vec,
};

/// Both are read as this value, which is written as this term.
#[track_caller]
fn alike<T: Encode + DecodeOwned + PartialEq + Debug>(value: T, otp_25: &[u8], otp_27: &[u8]) {
    assert_eq!(from_slice::<T>(otp_25).as_ref(), Ok(&value));
    assert_eq!(from_slice::<T>(otp_27).as_ref(), Ok(&value));
    assert_eq!(
        from_bytes::<T>(&Bytes::copy_from_slice(otp_27)).as_ref(),
        Ok(&value)
    );
    let written = to_vec(&value).unwrap();
    assert_eq!(from_slice::<T>(&written).as_ref(), Ok(&value));
}

/// And it is written with the very bytes of OTP 27.
#[track_caller]
fn same<T: Encode + DecodeOwned + PartialEq + Debug>(value: T, otp_25: &[u8], otp_27: &[u8]) {
    assert_eq!(to_vec(&value).unwrap(), otp_27);
    alike(value, otp_25, otp_27);
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Loose {
    zeta: u8,
    name: String,
    alpha: Option<u8>,
    list: Vec<u16>,
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(keys = "binary")]
struct Keys {
    name: String,
    zeta: i8,
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(elixir = "My.User")]
struct User {
    age: Option<u8>,
    name: String,
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(record)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(proplist)]
struct Listen {
    #[etf(default)]
    reuse: bool,
    port: u16,
    name: Charlist,
    ip: Ipv4Addr,
}

#[derive(Debug, PartialEq, Encode, Decode)]
enum Shape {
    Rect { side_a: u8, side_b: f64 },
}

#[derive(Debug, PartialEq, Encode, Decode)]
enum Letter {
    A,
    B,
}

#[test]
fn derived_types_are_what_erlang_writes() {
    // #{zeta => 1,name => <<"Jo">>,alpha => undefined,list => [1,2,300]}
    alike(
        Loose { name: "Jo".into(), zeta: 1, alpha: None, list: vec![1, 2, 300] },
        b"\x83t\x00\x00\x00\x04d\x00\x05alphad\x00\x09undefinedd\x00\x04listl\x00\x00\x00\x03a\x01a\x02b\x00\x00\x01,jd\x00\x04namem\x00\x00\x00\x02Jod\x00\x04zetaa\x01",
        b"\x83t\x00\x00\x00\x04w\x04listl\x00\x00\x00\x03a\x01a\x02b\x00\x00\x01,jw\x04namem\x00\x00\x00\x02Jow\x04zetaa\x01w\x05alphaw\x09undefined",
    );
    // #{<<"name">> => <<"Jo">>,<<"zeta">> => -1}
    same(
        Keys { name: "Jo".into(), zeta: -1 },
        b"\x83t\x00\x00\x00\x02m\x00\x00\x00\x04namem\x00\x00\x00\x02Jom\x00\x00\x00\x04zetab\xff\xff\xff\xff",
        b"\x83t\x00\x00\x00\x02m\x00\x00\x00\x04namem\x00\x00\x00\x02Jom\x00\x00\x00\x04zetab\xff\xff\xff\xff",
    );
    // #{'__struct__' => 'Elixir.My.User',age => nil,name => <<"Jo"/utf8>>}
    alike(
        User { name: "Jo".into(), age: None },
        b"\x83t\x00\x00\x00\x03d\x00\x0a__struct__d\x00\x0eElixir.My.Userd\x00\x03aged\x00\x03nild\x00\x04namem\x00\x00\x00\x02Jo",
        b"\x83t\x00\x00\x00\x03w\x04namem\x00\x00\x00\x02Jow\x0a__struct__w\x0eElixir.My.Userw\x03agew\x03nil",
    );
    // {point,1,-2}
    same(
        Point { x: 1, y: -2 },
        b"\x83h\x03d\x00\x05pointa\x01b\xff\xff\xff\xfe",
        b"\x83h\x03w\x05pointa\x01b\xff\xff\xff\xfe",
    );
    // [reuse,{port,80},{name,"eth0"},{port,81},{ip,{127,0,0,1}}]
    alike(
        Listen { port: 80, reuse: true, name: Charlist::from("eth0"), ip: Ipv4Addr::LOCALHOST },
        b"\x83l\x00\x00\x00\x05d\x00\x05reuseh\x02d\x00\x04portaPh\x02d\x00\x04namek\x00\x04eth0h\x02d\x00\x04portaQh\x02d\x00\x02iph\x04a\x7fa\x00a\x00a\x01j",
        b"\x83l\x00\x00\x00\x05w\x05reuseh\x02w\x04portaPh\x02w\x04namek\x00\x04eth0h\x02w\x04portaQh\x02w\x02iph\x04a\x7fa\x00a\x00a\x01j",
    );
    // {rect,#{side_a => 1,side_b => 2.5}}
    same(
        Shape::Rect { side_a: 1, side_b: 2.5 },
        b"\x83h\x02d\x00\x04rectt\x00\x00\x00\x02d\x00\x06side_aa\x01d\x00\x06side_bF@\x04\x00\x00\x00\x00\x00\x00",
        b"\x83h\x02w\x04rectt\x00\x00\x00\x02w\x06side_aa\x01w\x06side_bF@\x04\x00\x00\x00\x00\x00\x00",
    );
    // {ok,[{1,a},{2,b}]}
    same(
        Ok::<_, ()>(vec![(1u8, Letter::A), (2, Letter::B)]),
        b"\x83h\x02d\x00\x02okl\x00\x00\x00\x02h\x02a\x01d\x00\x01ah\x02a\x02d\x00\x01bj",
        b"\x83h\x02w\x02okl\x00\x00\x00\x02h\x02a\x01w\x01ah\x02a\x02w\x01bj",
    );
    // {error,enoent}
    same(
        Err::<(), _>(atom!("enoent")),
        b"\x83h\x02d\x00\x05errord\x00\x06enoent",
        b"\x83h\x02w\x05errorw\x06enoent",
    );
}

#[test]
fn values_are_what_erlang_writes() {
    // [1,2,3]
    same(
        vec![1i64, 2, 3],
        b"\x83k\x00\x03\x01\x02\x03",
        b"\x83k\x00\x03\x01\x02\x03",
    );
    // [1,256]
    same(
        [1u16, 256],
        b"\x83l\x00\x00\x00\x02a\x01b\x00\x00\x01\x00j",
        b"\x83l\x00\x00\x00\x02a\x01b\x00\x00\x01\x00j",
    );
    // []
    same(Vec::<String>::new(), b"\x83j", b"\x83j");
    // "h\\x{e9}llo"
    alike(
        Charlist::from("héllo"),
        b"\x83k\x00\x05h\xe9llo",
        b"\x83k\x00\x05h\xe9llo",
    );
    // [955,33]
    same(
        Charlist::from("λ!"),
        b"\x83l\x00\x00\x00\x02b\x00\x00\x03\xbba!j",
        b"\x83l\x00\x00\x00\x02b\x00\x00\x03\xbba!j",
    );
    // 340282366920938463463374607431768211455
    same(
        u128::MAX,
        b"\x83n\x10\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x83n\x10\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    );
    // -170141183460469231731687303715884105728
    same(
        i128::MIN,
        b"\x83n\x10\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80",
        b"\x83n\x10\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80",
    );
    // 1 bsl 2040
    same(
        BigInt::from(1) << 2040,
        &[b"\x83o\0\0\x01\0\0".as_slice(), &[0; 255], &[1]].concat(),
        &[b"\x83o\0\0\x01\0\0".as_slice(), &[0; 255], &[1]].concat(),
    );
    // 1.5
    same(
        1.5f64,
        b"\x83F?\xf8\x00\x00\x00\x00\x00\x00",
        b"\x83F?\xf8\x00\x00\x00\x00\x00\x00",
    );
    // <<"text">>
    same(
        "text".to_owned(),
        b"\x83m\x00\x00\x00\x04text",
        b"\x83m\x00\x00\x00\x04text",
    );
    // <<1,2,3>>
    same(
        Bytes::from_static(&[1, 2, 3]),
        b"\x83m\x00\x00\x00\x03\x01\x02\x03",
        b"\x83m\x00\x00\x00\x03\x01\x02\x03",
    );
    // true
    same(true, b"\x83d\x00\x04true", b"\x83w\x04true");
    // ok
    same((), b"\x83d\x00\x02ok", b"\x83w\x02ok");
    // undefined
    same(None::<u8>, b"\x83d\x00\x09undefined", b"\x83w\x09undefined");
    // {127,0,0,1}
    same(
        IpAddr::from([127, 0, 0, 1]),
        b"\x83h\x04a\x7fa\x00a\x00a\x01",
        b"\x83h\x04a\x7fa\x00a\x00a\x01",
    );
    // {8193,3512,0,0,0,0,0,1}
    same(
        "2001:db8::1".parse::<Ipv6Addr>().unwrap(),
        b"\x83h\x08b\x00\x00 \x01b\x00\x00\x0d\xb8a\x00a\x00a\x00a\x00a\x00a\x01",
        b"\x83h\x08b\x00\x00 \x01b\x00\x00\x0d\xb8a\x00a\x00a\x00a\x00a\x00a\x01",
    );
    // 1700000000123456789
    same(
        SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789),
        b"\x83n\x08\x00\x15\xcd\x85=\xfe\x9c\x97\x17",
        b"\x83n\x08\x00\x15\xcd\x85=\xfe\x9c\x97\x17",
    );
    // -1
    same(
        NonZero::new(-1i8).unwrap(),
        b"\x83b\xff\xff\xff\xff",
        b"\x83b\xff\xff\xff\xff",
    );
    // #{1 => a, 2 => b}
    same(
        BTreeMap::from([(1u8, Letter::A), (2, Letter::B)]),
        b"\x83t\x00\x00\x00\x02a\x01d\x00\x01aa\x02d\x00\x01b",
        b"\x83t\x00\x00\x00\x02a\x01w\x01aa\x02w\x01b",
    );
    // {1,{2,{3}}}
    same(
        (1u8, (2u8, (3u8,))),
        b"\x83h\x02a\x01h\x02a\x02h\x01a\x03",
        b"\x83h\x02a\x01h\x02a\x02h\x01a\x03",
    );
    // '\\x{e9}t\\x{e9}'
    same(
        atom!("été"),
        b"\x83d\x00\x03\xe9t\xe9",
        b"\x83w\x05\xc3\xa9t\xc3\xa9",
    );
}

#[test]
fn maps_of_otp_have_their_keys_in_any_order() {
    let pairs: [(Term, Term); 4] = [
        (Term::from(atom!("zeta")), Term::from(1)),
        (Term::from(atom!("name")), Term::from("Jo")),
        (Term::from(atom!("alpha")), Term::from(atom!("nil"))),
        (Term::from(atom!("list")), Term::NIL),
    ];
    let pair = |at: usize| [to_vec(&pairs[at].0).unwrap(), to_vec(&pairs[at].1).unwrap()];
    for order in 0..256usize {
        let order: Vec<usize> = (0..4).map(|at| order >> (2 * at) & 3).collect();
        let distinct = (0..4).all(|at| order.contains(&at));
        let mut bytes = vec![131, 116, 0, 0, 0, 4];
        for at in order {
            bytes.extend(pair(at).iter().flat_map(|term| &term[1..]));
        }
        let read = from_slice::<Loose>(&bytes);
        if distinct {
            let name = "Jo".to_owned();
            assert_eq!(
                read,
                Ok(Loose {
                    zeta: 1,
                    name,
                    alpha: None,
                    list: vec![]
                })
            );
        } else {
            assert!(read.is_err(), "{bytes:?}");
        }
    }
}
