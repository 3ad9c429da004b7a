//! What `term_to_binary` of OTP 25, 27 and 29 really writes. `corpus/corpus.erl` says what the files are; `scripts/corpus`
//! makes them anew.

use kista_etf::{Atom, Decoder, Encoder, Pid, Port, Reference, Term, from_slice, to_vec};

const RELEASES: [(u32, &str); 3] = [
    (25, include_str!("corpus/otp-25.txt")),
    (27, include_str!("corpus/otp-27.txt")),
    (29, include_str!("corpus/otp-29.txt")),
];

struct Line {
    options: &'static str,
    is: &'static str,
    bytes: Vec<u8>,
}

fn lines(file: &'static str) -> Vec<Line> {
    let mut before = "";
    let line = |line: &'static str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [options, is, hex] = columns[..] else {
            panic!("no line of a corpus: {line}")
        };
        if is != "=" {
            before = is;
        }
        let (digits, rest) = hex.as_bytes().as_chunks::<2>();
        assert!(rest.is_empty());
        let byte = |[high, low]: &[u8; 2]| {
            let digit = |digit: u8| char::from(digit).to_digit(16).expect("base 16");
            (digit(*high) << 4 | digit(*low)) as u8
        };
        Line {
            options,
            is: before,
            bytes: digits.iter().map(byte).collect(),
        }
    };
    file.lines().map(line).collect()
}

/// Whether the term is what the corpus says of it.
fn is(term: &Term, what: &str) -> bool {
    let words: Vec<&str> = what.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().expect("a number");
    let node = || Atom::new(words[1]).expect("short");
    match words[0] {
        "pid" => {
            *term
                == Term::from(Pid {
                    node: node(),
                    id: number(2) as u32,
                    serial: number(3) as u32,
                    creation: number(4) as u32,
                })
        }
        "port" => {
            *term
                == Term::from(Port {
                    node: node(),
                    id: number(2),
                    creation: number(3) as u32,
                })
        }
        "reference" => {
            let all: Vec<u32> = (3..words.len()).map(|at| number(at) as u32).collect();
            *term == Term::from(Reference::new(node(), number(2) as u32, &all).expect("1 to 5"))
        }
        // An export is printed as `fun module:function/arity`.
        "fun" if words.len() == 3 => match term {
            Term::Fun(fun) => {
                fun.module().is_some_and(|module| module == words[1])
                    && u64::from(fun.arity()) == number(2)
            }
            _ => false,
        },
        "repeated" => {
            let list = vec![Term::from(number(2)); number(1) as usize];
            *term == Term::list(list)
        }
        // To the bit: more than two texts that look the same.
        _ => match term {
            Term::Float(value) => what
                .parse::<f64>()
                .is_ok_and(|what| what.to_bits() == value.to_bits()),
            _ => term.format().plain().to_string() == what,
        },
    }
}

#[test]
fn what_otp_writes_is_what_it_says() {
    for (release, file) in RELEASES {
        let lines = lines(file);
        assert!(lines.len() > 500, "OTP {release}");
        for Line {
            options,
            is: what,
            bytes,
        } in lines
        {
            let term = from_slice::<Term>(&bytes)
                .unwrap_or_else(|error| panic!("OTP {release} {options} {what}: {error}"));
            assert!(is(&term, what), "OTP {release} {options} {what}: {term}");
        }
    }
}

#[test]
fn what_otp_writes_is_written_again_as_the_same_term() {
    for (release, file) in RELEASES {
        for Line { options, is, bytes } in lines(file) {
            let context = format!("OTP {release} {options} {is}");
            let term = from_slice::<Term>(&bytes).expect(&context);
            let written = to_vec(&term).expect(&context);
            let back = from_slice::<Term>(&written).expect(&context);
            assert!(back == term, "{context}");
            assert_eq!(to_vec(&back).expect(&context), written, "{context}");
            if bytes[1] == 80 {
                continue;
            }
            let mut copy = Encoder::new();
            let mut d = Decoder::new(&bytes[1..]);
            d.transcode(&mut copy).expect(&context);
            d.finish().expect(&context);
            assert_eq!(copy.inline_bytes(), &bytes[1..], "{context}");
            assert_eq!(
                Decoder::new(&bytes[1..]).raw().expect(&context),
                &bytes[1..]
            );
        }
    }
}

#[test]
fn what_a_new_otp_writes_we_write_to_the_byte() {
    // But for what OTP has a shorter form of that any reader takes for the same: lists of bytes, and ports of small numbers;
    // and for maps, whose order is nobody's business.
    let mut same = 0;
    for Line { options, is, bytes } in lines(RELEASES[2].1) {
        let has = |tags: &[u8]| bytes.iter().any(|byte| tags.contains(byte));
        if bytes[1] == 80
            || bytes[1] == 99
            || options.contains("minor_version,0")
            || has(&[89, 107, 116])
        {
            continue;
        }
        let term = from_slice::<Term>(&bytes).expect(is);
        if options == "[]" {
            assert_eq!(to_vec(&term).expect(is), bytes, "{is}");
            same += 1;
        }
    }
    assert!(same > 150, "only {same} were compared");
}

#[test]
fn all_releases_mean_the_same() {
    // The same values in the same order; only closures differ, by the compiler that made them.
    let values = RELEASES.map(|(_, file)| {
        let mut values: Vec<(&str, Term)> = Vec::new();
        for line in lines(file) {
            let term = from_slice::<Term>(&line.bytes).expect(line.is);
            match values.last() {
                Some((is, before)) if *is == line.is => {
                    assert!(
                        *before == term || line.is.starts_with("fun "),
                        "{}",
                        line.is
                    );
                }
                _ => values.push((line.is, term)),
            }
        }
        values
    });
    let [first, others @ ..] = &values;
    for other in others {
        assert_eq!(first.len(), other.len());
        for ((is, a), (also, b)) in first.iter().zip(other) {
            assert_eq!(is, also);
            assert!(a == b || is.starts_with("fun "), "{is}");
        }
    }
}
