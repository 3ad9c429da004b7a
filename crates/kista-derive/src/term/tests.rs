use proc_macro2::TokenStream;

fn error(text: &str) -> String {
    let tokens: TokenStream = text.parse().unwrap();
    match super::read::whole(tokens.into_iter().collect()) {
        Ok(_) => panic!("`{text}` is a term"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_mistake_says_what_to_write() {
    for (text, part) in [
        ("", "a term is missing"),
        ("{a,}", "a term is missing"),
        ("[a|]", "a term is missing"),
        ("#{a => }", "a term is missing"),
        ("a b", "the term ends before this"),
        ("{a b}", "expected `,` or the end of the tuple"),
        ("[a b]", "expected `,`, `|` or the end of the list"),
        ("[a|b,c]", "only one term may follow the bar"),
        ("#{a => 1 b => 2}", "expected `,` or the end of the map"),
        ("#{a, 1}", "expected `=>`"),
        ("#[a]", "a map is written `#{key => value}`"),
        ("#{a => 1, a => 2}", "twice"),
        ("#{\"a\" => 1, [97] => 2}", "twice"),
        ("#{1 => 1, 16#1 => 2}", "twice"),
        ("Value", "`(value)`"),
        ("_x", "is a variable"),
        ("{end}", "`:\"end\"`"),
        ("-x", "`(-x)`"),
        ("()", "a Rust expression is missing"),
        ("(a b)", ""),
        ("1u8", "`(1u8)`"),
        ("1e5", "`1.0e5`"),
        ("1.", "`1.0e5`"),
        ("1.0e999", "too large"),
        ("1.0f32", "no suffix"),
        ("1#0", "2 to 36"),
        ("2#12", "no digits of this base"),
        (":a", ":\"any text\""),
        ("$ab", "one letter"),
        ("<a.1.2>", "`(pid)`"),
        ("&x", "parentheses"),
        ("-\"a\"", "before a number"),
        ("c\"a\"", "no term is written so"),
        ("fun lists", "fun module:function/1"),
        ("fun lists:map", "fun module:function/1"),
        ("fun lists:map/a", "fun module:function/1"),
        ("fun lists:map/256", "number too large"),
        ("<<1", "expected `,` or `>>`"),
        ("<<(x)>>", "literals"),
        ("<<\"a\"/utf16>>", "literals"),
        ("<<1.5>>", "literals"),
        ("<<1:129>>", "0 to 128"),
    ] {
        let error = error(text);
        assert!(error.contains(part), "`{text}`: {error}");
    }
    assert!(error(&format!(":\"{}\"", "a".repeat(256))).contains("255"));
}
