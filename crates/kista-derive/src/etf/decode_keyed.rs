//! Reading fields with keys: out of a map, or out of a proplist.
//!
//! ```text
//! static __NAMES = ["a", "b"];
//! let mut __f0: Option<A> = None;                      // a place for each field
//! let mut __last = __NAMES.start();                    // the key before: keys mostly come in the order of the last time
//! for _ in 0..support::map(__d, "Foo")? {
//!     let __at = __NAMES.key(__d, &mut __last)?;
//!     let __result = match __at {
//!         0 => support::put(&mut __f0, __d, A::decode),
//!         _ => __d.skip(),
//!     };
//!     ...                                              // an error is told with the field's name
//! }
//! Ok(Foo { a: match __f0 { Some(value) => value, None => support::missing("a", "Foo")? } })
//! ```

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Path;

use super::decode::{default_value, names, reader};
use super::model::{Field, Keyed, is_option};

/// What is read: whose name is told in errors, and which constructor makes it.
pub(super) struct Place<'a> {
    pub(super) krate: &'a Path,
    pub(super) of: &'a str,
    pub(super) make: &'a TokenStream,
}

/// An expression of type `Result<Self, DecodeError>`. If fields are flattened, `__taken` is in scope, or nothing is taken.
pub(super) fn expand(place: &Place<'_>, keyed: &Keyed) -> TokenStream {
    let Place { krate, of, make } = place;
    let mut keys: Vec<&str> = Vec::new();
    let mut shown: Vec<String> = Vec::new();
    let mut declare = Vec::new();
    let mut arms = Vec::new();
    let mut demand = TokenStream::new();
    if let Some(module) = &keyed.elixir {
        keys.push("__struct__");
        shown.push("__struct__".to_owned());
        declare.push(quote! {
            static __MODULE: #krate::StaticAtom = #krate::StaticAtom::new(#module);
            let mut __struct = ::core::option::Option::None;
        });
        arms.push(quote! {
            0usize => #krate::support::put(&mut __struct, __d, |__d| #krate::support::struct_name(__d, &__MODULE)),
        });
        demand = quote! {
            if __struct.is_none() {
                return ::core::result::Result::Err(#krate::support::missing_field("__struct__", #of));
            }
        };
    }
    let mut build = Vec::new();
    for (at, field) in keyed.fields.iter().enumerate() {
        let (member, ty, name) = (&field.member, &field.ty, format_ident!("__f{at}"));
        if field.skip {
            let default = default_value(field);
            build.push(quote!(#member: #default));
        } else if field.flatten {
            build.push(quote!(#member: #name));
        } else {
            let (index, read) = (keys.len(), reader(krate, field));
            keys.push(&field.key);
            shown.push(field.name());
            declare.push(
                quote!(let mut #name: ::core::option::Option<#ty> = ::core::option::Option::None;),
            );
            arms.push(quote!(#index => #krate::support::put(&mut #name, __d, #read),));
            let missing = missing(place, field);
            build.push(quote! {
                #member: match #name {
                    ::core::option::Option::Some(__value) => __value,
                    ::core::option::Option::None => #missing,
                }
            });
        }
    }
    let read = if keyed.proplist {
        read_proplist(place, keyed, keys.len(), &arms)
    } else {
        read_map(place, keyed, &arms)
    };
    let names = names(krate, &keys);
    let flattened = flattened(place, keyed);
    let start = keyed.flattens().then(|| quote!(let __start = __d.mark();));
    quote! {{
        #names
        static __SHOWN: &[&str] = &[#(#shown),*];
        #start
        #(#declare)*
        #read
        #demand
        #flattened
        ::core::result::Result::Ok(#make { #(#build),* })
    }}
}

fn read_map(place: &Place<'_>, keyed: &Keyed, arms: &[TokenStream]) -> TokenStream {
    let Place { krate, of, .. } = place;
    let key = if keyed.binary_keys {
        quote!(binary_key)
    } else {
        quote!(key)
    };
    let (mark, unknown) = if keyed.deny_unknown {
        (
            quote!(let __mark = __d.mark();),
            quote!(::core::result::Result::Err(#krate::support::unknown_key(__d, __mark, #of))),
        )
    } else {
        (quote!(), quote!(__d.skip()))
    };
    quote! {
        let mut __last = __NAMES.start();
        for _ in 0..#krate::support::map(__d, #of)? {
            #mark
            let __at = __NAMES.#key(__d, &mut __last)?;
            let __result = match __at {
                #(#arms)*
                _ => #unknown,
            };
            if let ::core::result::Result::Err(__error) = __result {
                return ::core::result::Result::Err(__NAMES.within(__error, __at, __SHOWN, #of));
            }
        }
    }
}

fn read_proplist(
    place: &Place<'_>,
    keyed: &Keyed,
    count: usize,
    arms: &[TokenStream],
) -> TokenStream {
    let Place { krate, of, .. } = place;
    let binary = keyed.binary_keys;
    let deny = if keyed.deny_unknown {
        quote!(::core::option::Option::Some(#of))
    } else {
        quote!(::core::option::Option::None)
    };
    quote! {
        let mut __last = __NAMES.start();
        let mut __seen = [false; #count];
        let mut __entries = #krate::support::proplist(__d, #of)?;
        while let ::core::option::Option::Some(__len) = __entries {
            for _ in 0..__len {
            let (__at, __bare) = __NAMES.entry(__d, #binary, &mut __last, &mut __seen, #deny)?;
            let mut __true;
            let __d = if __bare {
                __true = #krate::support::bare(__d);
                &mut __true
            } else {
                &mut *__d
            };
            let __result = match __at {
                #(#arms)*
                _ => ::core::result::Result::Ok(()),
            };
            if let ::core::result::Result::Err(__error) = __result {
                return ::core::result::Result::Err(__NAMES.within(__error, __at, __SHOWN, #of));
            }
            }
            __entries = #krate::support::proplist_tail(__d)?;
        }
    }
}

/// Statements that read the flattened fields out of the same bytes again.
fn flattened(place: &Place<'_>, keyed: &Keyed) -> TokenStream {
    if !keyed.flattens() {
        return TokenStream::new();
    }
    let krate = place.krate;
    let form = keyed.form(krate);
    // A variant of an enum is never among other fields.
    let outer = (keyed.can_be_flattened() && place.make.to_string() == "Self")
        .then(|| quote!(|| __taken(__key)));
    let fields = keyed.fields.iter().enumerate();
    let reads = fields.filter(|(_, field)| field.flatten && !field.skip).map(|(at, field)| {
        let (name, ty) = (format_ident!("__f{at}"), &field.ty);
        let taken = keyed.taken(krate, &form, "DecodeFields", field);
        let (field, of) = (field.name(), place.of);
        quote! {
            __d.reset(__start);
            let #name = #krate::support::field(
                __d,
                |__d| <#ty as #krate::fields::DecodeFields<'__input, #form>>::decode_fields(__d, &|__key| #taken #outer),
                #field,
                #of,
            )?;
        }
    });
    quote! {
        let __end = __d.mark();
        #(#reads)*
        __d.reset(__end);
    }
}

/// An expression: the value of a field whose key is missing.
fn missing(place: &Place<'_>, field: &Field) -> TokenStream {
    let Place { krate, of, .. } = place;
    let (ty, name) = (&field.ty, &field.key);
    if field.default.is_some() {
        default_value(field)
    } else if field.with.is_none() {
        quote!(#krate::support::missing::<#ty>(#name, #of)?)
    } else if is_option(ty) {
        quote!(::core::option::Option::None)
    } else {
        quote!(return ::core::result::Result::Err(#krate::support::missing_field(#name, #of)))
    }
}
