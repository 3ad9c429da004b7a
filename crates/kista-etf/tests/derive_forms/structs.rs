//! Structs: maps, Elixir's, records, tuples, property lists.

use super::*;

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
