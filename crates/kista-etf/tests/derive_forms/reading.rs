//! What errors say, and what reading takes.

use super::*;

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
