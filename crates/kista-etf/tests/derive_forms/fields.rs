//! Fields: defaults, skips, modules of one's own, unknown keys, flattened ones.

use super::*;

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
