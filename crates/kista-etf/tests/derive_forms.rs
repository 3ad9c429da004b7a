//! Every form and attribute of the derives: what is written, what is read, and what is refused.

mod support;

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;

use kista_etf::{
    Atom, AtomName, Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Fault, Term, atom,
    from_slice, to_vec, with,
};
use support::{agrees, bytes_of, read, refused};

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(keys = "binary")]
struct BinaryKeys {
    a: u8,
    #[etf(rename = "B b")]
    b: Option<u8>,
}

#[test]
fn binary_keys_are_not_atom_keys() {
    agrees(
        BinaryKeys { a: 1, b: Some(2) },
        r#"#{<<"B b">> => 2,<<"a">> => 1}"#,
    );
    assert_eq!(
        refused::<BinaryKeys>("#{a => 1}"),
        "BinaryKeys: the field a is missing"
    );
    assert_eq!(
        read::<BinaryKeys>(r#"#{<<"a">> => 1, a => x, 7 => y, <<1:3>> => z}"#),
        Ok(BinaryKeys { a: 1, b: None })
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(elixir = "My.User")]
struct User {
    name: String,
    age: Option<u8>,
    #[etf(default)]
    tags: Vec<String>,
}

#[test]
fn elixir_structs_write_their_module_and_demand_it() {
    let user = User {
        name: "Jo".into(),
        age: None,
        tags: vec![],
    };
    agrees(
        user,
        "#{'__struct__' => 'Elixir.My.User',age => nil,name => <<\"Jo\">>,tags => []}",
    );
    assert_eq!(
        read::<User>(r#"#{age => 3, '__struct__' => 'Elixir.My.User', name => <<"x">>}"#),
        Ok(User {
            name: "x".into(),
            age: Some(3),
            tags: vec![]
        })
    );
    assert_eq!(
        refused::<User>(r#"#{name => <<"x">>}"#),
        "User: the field __struct__ is missing"
    );
    assert_eq!(
        refused::<User>(r#"#{'__struct__' => 'Elixir.My.Other', name => <<"x">>}"#),
        "field __struct__ of User: expected the atom Elixir.My.User, found Elixir.My.Other"
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(record)]
struct HttpRequest(String, u16);

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(record = "P")]
struct Point {
    x: i32,
    #[etf(nil)]
    y: Option<i32>,
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(record)]
struct Empty;

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(tuple)]
struct One(u8);

#[derive(Debug, PartialEq, Encode, Decode)]
struct Nothing();

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(rename = "Done!")]
struct Done;

#[test]
fn records_and_tuples_have_their_size_and_name() {
    agrees(HttpRequest("/".into(), 80), r#"{http_request,<<"/">>,80}"#);
    agrees(Point { x: 1, y: None }, "{'P',1,nil}");
    agrees(Empty, "{empty}");
    agrees(One(7), "{7}");
    agrees(Nothing(), "{}");
    agrees(Done, "'Done!'");
    assert_eq!(
        refused::<Point>("{'P',1}"),
        "Point: expected a tuple of 3, found one of 2"
    );
    assert_eq!(
        refused::<Point>("{p,1,2}"),
        "Point: expected the atom P, found p"
    );
    assert_eq!(
        refused::<Point>("{'P',1,x}"),
        "field y of Point: expected an integer, found an atom"
    );
    assert_eq!(
        refused::<Done>("done"),
        "Done: expected the atom Done!, found done"
    );
    assert_eq!(
        refused::<Done>("[]"),
        "Done: expected an atom, found a list"
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(proplist)]
struct Listen {
    port: u16,
    #[etf(default)]
    reuse: bool,
    #[etf(skip_encoding_if = Option::is_none)]
    ip: Option<(u8, u8, u8, u8)>,
}

#[test]
fn proplists_are_read_as_the_module_proplists_reads_them() {
    let listen = |port, reuse, ip| Listen { port, reuse, ip };
    agrees(listen(1, false, None), "[{port,1},{reuse,false}]");
    agrees(
        listen(1, true, Some((127, 0, 0, 1))),
        "[{port,1},{reuse,true},{ip,{127,0,0,1}}]",
    );
    // A bare atom is true, of entries about the same key the first counts, also when it is of another size.
    assert_eq!(read("[reuse,{port,1}]"), Ok(listen(1, true, None)));
    assert_eq!(read("[{port,1},{port,x},port]"), Ok(listen(1, false, None)));
    assert_eq!(read("[{port,1},{reuse},reuse]"), Ok(listen(1, false, None)));
    assert_eq!(
        read("[{port,1},{reuse,true,x},{reuse,true}]"),
        Ok(listen(1, false, None))
    );
    // What is no entry, and the entries of others, are skipped.
    assert_eq!(
        read(r#"[7,<<"port">>,{},{<<"port">>,2},{"port",2},"port",other,{other,9},{port,1}]"#),
        Ok(listen(1, false, None))
    );
    assert_eq!(refused::<Listen>("[]"), "Listen: the field port is missing");
    assert_eq!(
        refused::<Listen>("[{port}]"),
        "Listen: the field port is missing"
    );
    assert_eq!(
        refused::<Listen>("[1,2]"),
        "Listen: the field port is missing"
    );
    assert_eq!(
        refused::<Listen>("[port]"),
        "field port of Listen: expected an integer, found an atom"
    );
    assert_eq!(refused::<Listen>("[{port,1}|x]"), "a list is improper");
    assert_eq!(
        refused::<Listen>("#{port => 1}"),
        "Listen: expected a list, found a map"
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(proplist, keys = "binary")]
struct BinaryProplist {
    a: Option<bool>,
}

#[test]
fn no_bare_binary_is_an_entry() {
    agrees(BinaryProplist { a: Some(true) }, r#"[{<<"a">>,true}]"#);
    assert_eq!(
        read(r#"[<<"a">>,a,{a,true}]"#),
        Ok(BinaryProplist { a: None })
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum Shape {
    LonelyPoint,
    WideCircle(f64),
    Rect {
        side_a: u8,
        side_b: u8,
    },
    #[etf(rename_all = "PascalCase", rename = "Tri")]
    Triangle {
        base_line: u8,
    },
    #[etf(tuple)]
    Line {
        from: u8,
        to: u8,
    },
}

#[test]
fn variants_have_the_form_and_the_names_that_are_asked_for() {
    agrees(Shape::LonelyPoint, "'lonely-point'");
    agrees(Shape::WideCircle(1.5), "{'wide-circle',1.5}");
    agrees(
        Shape::Rect {
            side_a: 1,
            side_b: 2,
        },
        "{rect,#{sideA => 1,sideB => 2}}",
    );
    agrees(
        Shape::Triangle { base_line: 1 },
        "{'Tri',#{'BaseLine' => 1}}",
    );
    agrees(Shape::Line { from: 1, to: 2 }, "{line,1,2}");
    assert_eq!(
        refused::<Shape>("{rect,#{sideA => 1,sideB => -2}}"),
        "field side_b of Shape::Rect: an integer does not fit u8"
    );
    assert_eq!(
        refused::<Shape>("{line,1}"),
        "{line,_} names no variant of Shape"
    );
    assert_eq!(refused::<Shape>("line"), "line names no variant of Shape");
    assert_eq!(
        refused::<Shape>("{1,2}"),
        "Shape: expected an atom or a tagged tuple, found a tuple"
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
enum Level {
    Low,
    High,
    #[etf(other)]
    Other(AtomName),
}

#[derive(Debug, PartialEq, Encode, Decode)]
enum Named {
    Same,
    #[etf(rename = "same")]
    SameWithOne(u8),
    #[etf(rename = "same")]
    SameWithTwo(u8, u8),
    #[etf(other)]
    Other {
        term: Term,
    },
}

#[test]
fn what_no_variant_takes_goes_to_other_as_it_was() {
    agrees(Level::Low, "low");
    agrees(Level::Other(AtomName::text("medium").unwrap()), "medium");
    assert_eq!(refused::<Level>("{low}"), "expected an atom, found a tuple");
    agrees(Named::Same, "same");
    agrees(Named::SameWithOne(1), "{same,1}");
    agrees(Named::SameWithTwo(1, 2), "{same,1,2}");
    for text in [
        "{same,1,2,3}",
        "{same,x}",
        "{same,1,x}",
        "{}",
        "[]",
        "{1}",
        "#{}",
        "7",
        "other",
    ] {
        let term = bytes_of(text);
        let Named::Other { term: kept } = from_slice::<Named>(&term).unwrap() else {
            panic!("{text}")
        };
        assert_eq!(to_vec(&kept).unwrap(), term);
    }
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(untagged)]
enum Any {
    None,
    Number(i64),
    Pair(i64, Box<Self>),
    Fields { a: u8 },
    Text(String),
    Rest(Term),
}

#[test]
fn untagged_enums_take_the_first_variant_that_fits() {
    agrees(Any::None, "none");
    agrees(Any::Number(-1), "-1");
    agrees(
        Any::Pair(1, Box::new(Any::Text("x".into()))),
        r#"{1,<<"x">>}"#,
    );
    agrees(Any::Fields { a: 1 }, "#{a => 1}");
    agrees(Any::Rest(Term::from((1, 2, 3))), "{1,2,3}");
    assert!(matches!(read("some"), Ok(Any::Rest(_))));
    assert!(matches!(read("#{b => 1}"), Ok(Any::Rest(_))));

    #[derive(Debug, PartialEq, Encode, Decode)]
    #[etf(untagged)]
    enum Narrow {
        Int(u8),
        Text(String),
    }
    assert_eq!(
        refused::<Narrow>("[]"),
        "Narrow: expected what one of the variants takes, found a list"
    );
    // Broken bytes stay broken, whatever else could be tried.
    assert_eq!(
        from_slice::<Narrow>(&[131, 109, 0, 0, 0, 9])
            .unwrap_err()
            .fault(),
        Fault::Malformed
    );
}

#[test]
fn types_that_try_within_types_that_try_end_soon() {
    #[derive(Debug, Decode)]
    #[etf(untagged)]
    #[expect(dead_code)]
    enum Slow {
        A(Box<Self>, u8),
        B(Box<Self>, u16),
        C(Box<Self>, u32),
        D(Box<Self>, u64),
        End,
    }
    let depth = 200;
    let mut bytes = vec![131];
    bytes.extend(std::iter::repeat_n([104, 2], depth).flatten());
    bytes.extend(b"\x77\x03end");
    bytes.extend(std::iter::repeat_n(b"\x77\x01x".as_slice(), depth).flatten());
    let error = from_slice::<Slow>(&bytes).unwrap_err();
    assert_eq!(error.fault(), Fault::Limit, "{error}");
}

mod upper {
    use super::{DecodeError, Decoder, EncodeError, Encoder};

    pub(super) fn encode(value: &str, e: &mut Encoder) -> Result<(), EncodeError> {
        e.str(&value.to_uppercase());
        Ok(())
    }

    pub(super) fn decode(d: &mut Decoder<'_>) -> Result<String, DecodeError> {
        Ok(d.str()?.to_lowercase())
    }
}

fn eighty() -> u16 {
    80
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Fields {
    #[etf(with = upper)]
    name: String,
    #[etf(default = eighty)]
    port: u16,
    #[etf(default = "eighty", skip_encoding_if = "is_eighty")]
    other_port: u16,
    #[etf(skip, default = eighty)]
    skipped: u16,
    #[etf(with = with::charlist, default)]
    list: String,
    #[etf(with = with::nil)]
    none: Option<u8>,
}

fn is_eighty(port: &u16) -> bool {
    *port == 80
}

#[test]
fn defaults_skips_and_modules_of_ones_own() {
    let fields = |port, other_port| Fields {
        name: "x".into(),
        port,
        other_port,
        skipped: 80,
        list: "ab".into(),
        none: None,
    };
    agrees(
        fields(1, 80),
        "#{list => \"ab\",name => <<\"X\">>,none => nil,port => 1}",
    );
    agrees(
        fields(1, 2),
        "#{list => \"ab\",name => <<\"X\">>,none => nil,other_port => 2,port => 1}",
    );
    assert_eq!(
        read(r#"#{name => <<"X">>, skipped => x}"#),
        Ok(Fields {
            list: String::new(),
            ..fields(80, 80)
        })
    );
    assert_eq!(
        refused::<Fields>("#{}"),
        "Fields: the field name is missing"
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(default, deny_unknown, nil)]
struct Config {
    depth: u8,
    name: String,
    limit: Option<u8>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            depth: 3,
            name: "d".into(),
            limit: Some(9),
        }
    }
}

#[test]
fn a_default_of_the_whole_stands_for_every_missing_key() {
    assert_eq!(read("#{}"), Ok(Config::default()));
    assert_eq!(
        read("#{depth => 1, limit => nil}"),
        Ok(Config {
            depth: 1,
            limit: None,
            ..Config::default()
        })
    );
    agrees(
        Config {
            limit: None,
            ..Config::default()
        },
        "#{depth => 3,limit => nil,name => <<\"d\">>}",
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(deny_unknown, proplist)]
struct Strict {
    a: bool,
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(deny_unknown)]
enum StrictEnum {
    A { x: u8 },
}

#[test]
fn unknown_keys_are_refused_where_that_is_asked_for() {
    for (text, key) in [
        ("#{depht => 1}", "depht"),
        (r#"#{<<"depth">> => 1}"#, "depth"),
        ("#{depth => 1, {a} => 1}", "a tuple"),
    ] {
        assert_eq!(
            refused::<Config>(text),
            format!("{key} names no field of Config")
        );
    }
    agrees(Strict { a: true }, "[{a,true}]");
    assert_eq!(read("[a]"), Ok(Strict { a: true }));
    for (text, key) in [
        ("[a,b]", "b"),
        ("[a,{b,1}]", "b"),
        ("[a,{b}]", "b"),
        ("[a,{}]", "a tuple"),
        ("[a,1]", "an integer"),
    ] {
        assert_eq!(
            refused::<Strict>(text),
            format!("{key} names no field of Strict")
        );
    }
    assert_eq!(
        refused::<StrictEnum>("{a,#{x => 1,y => 2}}"),
        "y names no field of StrictEnum::A"
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Page {
    offset: u32,
    limit: Option<u32>,
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Sorted {
    #[etf(flatten)]
    page: Page,
    by: Atom,
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Query {
    text: String,
    #[etf(flatten)]
    sorted: Sorted,
    #[etf(flatten)]
    rest: BTreeMap<Term, Term>,
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(proplist)]
struct Inner {
    b: bool,
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(proplist)]
struct Outer {
    a: u8,
    #[etf(flatten)]
    inner: Inner,
    #[etf(flatten)]
    rest: HashMap<Atom, bool>,
}

fn query(rest: &[(Term, Term)]) -> Query {
    Query {
        text: "t".into(),
        sorted: Sorted {
            page: Page {
                offset: 1,
                limit: None,
            },
            by: atom!("name"),
        },
        rest: rest.iter().cloned().collect(),
    }
}

#[test]
fn flattened_fields_stand_among_the_others() {
    agrees(
        query(&[(Term::from(1), Term::NIL), (Term::from("text"), Term::NIL)]),
        r#"#{1 => [],by => name,limit => undefined,offset => 1,text => <<"t">>,<<"text">> => []}"#,
    );
    agrees(
        Outer {
            a: 1,
            inner: Inner { b: true },
            rest: HashMap::from([(atom!("c"), false)]),
        },
        "[{a,1},{b,true},{c,false}]",
    );
    assert_eq!(
        read("[c,b,{a,1},{b,x},{c,x},{d,1,2},{c}]"),
        Ok(Outer {
            a: 1,
            inner: Inner { b: true },
            rest: HashMap::from([(atom!("c"), true)]),
        })
    );
    assert_eq!(
        refused::<Query>(r#"#{text => <<"t">>, by => x}"#),
        "field sorted of Query: field page of Sorted: Page: the field offset is missing"
    );
}

#[test]
fn a_key_is_never_written_twice() {
    let error = to_vec(&query(&[(Term::from(atom!("offset")), Term::NIL)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key offset of a flattened field is the key of another field too"
    );
    #[derive(Encode)]
    struct Twice {
        #[etf(flatten)]
        page: Page,
        offset: u8,
    }
    let page = Page {
        offset: 1,
        limit: None,
    };
    assert!(to_vec(&Twice { page, offset: 1 }).is_err());
    #[derive(Encode)]
    #[etf(elixir = "E")]
    struct ElixirTwice {
        #[etf(flatten)]
        rest: HashMap<Atom, u8>,
    }
    let rest = HashMap::from([(atom!("__struct__"), 1)]);
    assert!(to_vec(&ElixirTwice { rest }).is_err());
}

#[test]
fn elixir_structs_can_hold_flattened_fields() {
    #[derive(Debug, PartialEq, Encode, Decode)]
    #[etf(elixir = "Elixir.E")]
    struct Holder {
        #[etf(flatten)]
        page: Page,
        #[etf(flatten)]
        rest: BTreeMap<Atom, u8>,
    }
    agrees(
        Holder {
            page: Page {
                offset: 1,
                limit: Some(2),
            },
            rest: BTreeMap::from([(atom!("x"), 1)]),
        },
        "#{'__struct__' => 'Elixir.E',limit => 2,offset => 1,x => 1}",
    );
    #[derive(Debug, PartialEq, Encode, Decode)]
    enum Variant {
        A {
            #[etf(flatten)]
            page: Page,
        },
    }
    agrees(
        Variant::A {
            page: Page {
                offset: 1,
                limit: None,
            },
        },
        "{a,#{limit => undefined,offset => 1}}",
    );
}

trait Kind {
    type Value;
}

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
struct Recursive<T> {
    value: T,
    next: Option<Box<Self>>,
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

#[test]
fn errors_say_the_way_to_the_field() {
    #[derive(Debug, Decode)]
    #[expect(dead_code)]
    struct Deep {
        shapes: Vec<Shape>,
    }
    let error = read::<Deep>("#{shapes => ['lonely-point',{rect,#{sideA => x}}]}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "field shapes of Deep: element 1: field side_a of Shape::Rect: expected an integer, found an atom"
    );
    assert!(matches!(error.root(), DecodeError::Unexpected { .. }));
    assert_eq!(error.fault(), Fault::Mismatch);
    // Long ways are cut at 16 places.
    let mut text = "x".to_owned();
    for _ in 0..100 {
        text = format!("#{{value => 1,next => {text}}}");
    }
    let error = refused::<Recursive<u8>>(&text);
    assert_eq!(error.matches("field next of Recursive").count(), 16 - 1);
}

#[test]
fn a_fields_name_beyond_the_quota_is_still_its_name() {
    // Legacy Latin-1 atoms, and references into a message's atom table, interned or not.
    #[derive(Debug, PartialEq, Decode)]
    struct Accent {
        é: u8,
    }
    assert_eq!(
        from_slice::<Accent>(&[131, 116, 0, 0, 0, 1, 115, 1, 0xe9, 97, 1]),
        Ok(Accent { é: 1 })
    );
    let table = [AtomName::text("é").unwrap(), AtomName::from(atom!("x"))];
    let mut d = Decoder::new(&[116, 0, 0, 0, 2, 82, 1, 97, 2, 82, 0, 97, 1]).atoms(&table);
    assert_eq!(Accent::decode(&mut d), Ok(Accent { é: 1 }));
    let mut d = Decoder::new(&[116, 0, 0, 0, 1, 82, 9, 97, 1]).atoms(&table);
    assert_eq!(Accent::decode(&mut d), Err(DecodeError::UnknownAtomRef(9)));
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

#[test]
fn reading_takes_no_memory_but_what_fields_own_and_interns_nothing() {
    #[derive(Debug, PartialEq, Decode)]
    struct Borrowed<'a> {
        name: &'a str,
        shape: Shape,
        page: Option<Page>,
        list: Listen,
        pair: (u8, f64),
    }
    let bytes = bytes_of(
        r#"#{shape => {rect,#{sideB => 2,sideA => 1}}, name => <<"n">>, page => #{limit => nil,offset => 1},
             list => [{never_interned_option,1},reuse,{port,1}], pair => {1,2.5}, never_interned_key => {a,[b]}}"#,
    );
    // The test's own parser has interned these; as texts they are new.
    let text = |bytes: &[u8]| {
        let mut text = bytes.to_vec();
        for at in 0..text.len() {
            if text[at..].starts_with(b"never_interned") {
                text[at..at + 5].copy_from_slice(b"quite");
            }
        }
        text
    };
    let bytes = text(&bytes);
    let mut read = None;
    let took = allocation_counter::measure(|| {
        read = Some(kista_etf::from_slice_borrowed::<Borrowed<'_>>(&bytes).unwrap());
    });
    assert_eq!(took.count_total, 0);
    assert_eq!(
        read,
        Some(Borrowed {
            name: "n",
            shape: Shape::Rect {
                side_a: 1,
                side_b: 2
            },
            page: Some(Page {
                offset: 1,
                limit: None
            }),
            list: Listen {
                port: 1,
                reuse: true,
                ip: None
            },
            pair: (1, 2.5),
        })
    );
    assert_eq!(Atom::lookup("quite_interned_key"), None);
    assert_eq!(Atom::lookup("quite_interned_option"), None);
}
