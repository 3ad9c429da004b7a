#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kista_fuzz::epmd_server(input));
