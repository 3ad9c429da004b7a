//! Every mistake in the derives' attributes is a compile error where it is written, and says what to write.

#[test]
fn mistakes_are_told_where_they_are() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
