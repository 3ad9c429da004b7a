//! Good input to begin with.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};
use kista_etf::Decoder;

use crate::names::{QUOTA, TABLE};

/// Terms of every tag, without the version byte, the legacy tags among them, and each of them in a container.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = LEAVES.iter().map(|leaf| leaf.to_vec()).collect();
    let mut all = vec![104, LEAVES.len() as u8];
    for leaf in LEAVES {
        all.extend_from_slice(leaf);
        // {ok, Leaf}, [Leaf, Leaf | Leaf], #{Leaf => [Leaf]}
        seeds.push([&[104, 2, 119, 2, b'o', b'k'][..], leaf].concat());
        seeds.push([&[108, 0, 0, 0, 2][..], leaf, leaf, leaf].concat());
        seeds.push(
            [
                &[116, 0, 0, 0, 1][..],
                leaf,
                &[108, 0, 0, 0, 1],
                leaf,
                &[106],
            ]
            .concat(),
        );
    }
    seeds.push(all);
    seeds.push([&[104, 1].repeat(300)[..], &[106]].concat());
    seeds.push([&[105, 0, 0, 1, 0][..], &[97, 7].repeat(256)].concat());
    seeds.push([&[109, 0, 0, 8, 0][..], &[b'x'; 2048]].concat());
    seeds.push([&[111, 0, 0, 1, 4, 1][..], &[0xff; 260]].concat());
    seeds.push([&[118, 1, 254][..], &"é".repeat(255).into_bytes()].concat());
    seeds.extend(FORMS.iter().map(|form| form.to_vec()));
    seeds.extend(from_otp());
    seeds
}

/// What OTP 25 and 29 write: the lines of the corpus that are neither compressed nor large.
fn from_otp() -> impl Iterator<Item = Vec<u8>> {
    const FILES: [&str; 2] = [
        include_str!("../../crates/kista-etf/tests/corpus/otp-25.txt"),
        include_str!("../../crates/kista-etf/tests/corpus/otp-29.txt"),
    ];
    let bytes = |line: &str| {
        let (digits, _) = line.rsplit('\t').next()?.as_bytes().as_chunks::<2>();
        let byte = |[high, low]: &[u8; 2]| {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            Some((digit(*high)? << 4 | digit(*low)?) as u8)
        };
        match digits
            .iter()
            .map(byte)
            .collect::<Option<Vec<u8>>>()?
            .as_slice()
        {
            [131, 80, ..] => None,
            [131, term @ ..] if term.len() <= 400 => Some(term.to_vec()),
            _ => None,
        }
    };
    FILES.into_iter().flat_map(str::lines).filter_map(bytes)
}

/// What the types of the target [`derived`](crate::derived) are written as.
pub(crate) const FORMS: &[&[u8]] = &[
    b"t\0\0\0\x04w\x04namejw\x01aa\x01w\x01bw\x03nilw\x01ca\x02",
    b"l\0\0\0\x03w\x01ah\x02w\x05itemsk\0\x02\x01\x02h\x02w\x04namem\0\0\0\x01xj",
    b"h\x03w\x02okk\0\x01xt\0\0\0\x02w\x01aa\x01w\x01bw\x03nil",
    b"t\0\0\0\x02w\x0a__struct__w\x08Elixir.Aw\x01al\0\0\0\x01a\x01j",
    b"h\x03w\x01bw\x01ah\x03w\x01bw\x01aw\x01a",
];

/// For the target [`compressed`](crate::compressed) the same terms, and each as it wants them: a byte that says how, a size, a
/// stream.
pub(crate) fn compressed_seeds() -> Vec<Vec<u8>> {
    let packed = |term: Vec<u8>| {
        let size = term.len() as u32;
        let mut seed = ZlibEncoder::new(
            [&[0][..], &size.to_be_bytes()].concat(),
            Compression::new(6),
        );
        seed.write_all(&term).expect("memory takes it");
        seed.finish().expect("memory takes it")
    };
    let terms = seeds();
    let all = terms.iter().cloned();
    all.chain(terms.iter().cloned().map(packed)).collect()
}

/// Text, for the target [`text`](crate::text): what is printed of all seeds, and what is written in other ways.
pub(crate) fn text_seeds() -> Vec<Vec<u8>> {
    let printed = seeds().into_iter().filter_map(|seed| {
        let mut d = Decoder::new(&seed).quota(&QUOTA).atoms(&TABLE);
        let term = d.term().ok()?;
        Some(term.format().limit(4096).to_string().into_bytes())
    });
    let written = TEXTS.iter().map(|text| text.as_bytes().to_vec());
    printed.chain(written).collect()
}

const TEXTS: &[&str] = &[
    "% a comment\n{ok, [1, -16#ff, $a, $\\n | tail]}.",
    r#"["a" "b", 'it\'s \x{3c0}\103\^a', "\e\
 "]"#,
    r#"<<1, 5:3, 258:16, -1, $c, "ab", "\x{3c0}"/utf8, 960/utf8, 1.5/float, 7/integer>>"#,
    "#{ a => 1_000, {} => -1.5e-3, 36#Zz => (ok) }",
    "fun lists : map / 2",
    "[<a.1.2>, <'a.b'.1.2/3>, #Port<a.4294967297/3>, #Ref<a.3.2.1/9>]",
    "<<0:4096>>",
    "18446744073709551617",
];

const LEAVES: &[&[u8]] = &[
    &[97, 7],
    &[98, 255, 255, 255, 0],
    &[110, 8, 1, 1, 2, 3, 4, 5, 6, 7, 248],
    &[110, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    &[111, 0, 0, 0, 2, 0, 1, 2],
    &[70, 63, 248, 0, 0, 0, 0, 0, 0],
    b"c1.50000000000000000000e+00\0\0\0\0\0",
    &[119, 2, b'o', b'k'],
    &[119, 2, 0xc3, 0xa9],
    &[118, 0, 1, b'a'],
    &[100, 0, 1, 0xe9],
    &[115, 1, b'b'],
    &[82, 0],
    &[82, 7],
    &[104, 0],
    &[106],
    &[107, 0, 3, 1, 2, 255],
    &[109, 0, 0, 0, 2, b'h', b'i'],
    &[77, 0, 0, 0, 2, 3, 255, 0b1010_0000],
    &[
        116, 0, 0, 0, 2, 119, 4, b'n', b'a', b'm', b'e', 109, 0, 0, 0, 0, 119, 5, b'i', b't', b'e',
        b'm', b's', 106,
    ],
    &[88, 82, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3],
    &[103, 119, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 2, 3],
    &[120, 82, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3],
    &[89, 119, 1, b'n', 0, 0, 0, 1, 0, 0, 0, 3],
    &[102, 119, 1, b'a', 0, 0, 0, 1, 3],
    &[
        90, 0, 5, 82, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5,
    ],
    &[114, 0, 1, 119, 1, b'n', 3, 0, 0, 0, 1],
    &[101, 119, 1, b'a', 0, 0, 0, 1, 3],
    &[113, 119, 1, b'm', 82, 7, 97, 2],
    // A closure with one free variable.
    &[
        112, 0, 0, 0, 54, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 0, 0, 1, 0,
        0, 0, 1, 119, 1, b'm', 97, 1, 97, 2, 88, 119, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3,
        82, 7,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_among_the_seeds_is_a_term_unless_a_fun_is_in_it() {
        for text in text_seeds() {
            let text = String::from_utf8(text).unwrap();
            let read = text.parse::<kista_etf::Term>();
            assert!(
                read.is_ok() || text.contains("#Fun<") || text.ends_with("..."),
                "{text}"
            );
        }
    }

    #[test]
    fn every_seed_is_a_term() {
        assert!(from_otp().count() > 300);
        for seed in seeds() {
            let mut d = Decoder::new(&seed).atoms(&TABLE);
            d.term().unwrap_or_else(|error| panic!("{seed:?}: {error}"));
            d.finish().unwrap();
        }
    }
}
