use kista_etf::{Atom, Charlist, Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

use super::Application;

/// An application as `which_applications` and `loaded_applications` list it: `{Application, Description, Vsn}`, both strings.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplicationInfo {
    /// Its name.
    pub name: Atom,
    /// What it is.
    pub description: String,
    /// Its version.
    pub version: String,
}

impl ApplicationInfo {
    pub(super) fn of(application: &Application) -> Self {
        let keys = application.keys();
        Self {
            name: keys.name,
            description: keys.description.to_owned(),
            version: keys.version.to_owned(),
        }
    }
}

impl Encode for ApplicationInfo {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.tuple(3);
        e.atom(self.name);
        Charlist::from(self.description.as_str()).encode(e)?;
        Charlist::from(self.version.as_str()).encode(e)
    }
}

impl<'a> Decode<'a> for ApplicationInfo {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.tuple_of(3)?;
        Ok(Self {
            name: Atom::decode(d)?,
            description: Charlist::decode(d)?.0,
            version: Charlist::decode(d)?.0,
        })
    }
}
