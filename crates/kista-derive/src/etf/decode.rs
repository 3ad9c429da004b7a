//! The implementation of `Decode`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Lifetime, LifetimeParam, Path};

use super::model::{Body, Field, Type, Variant};

pub(super) fn expand(model: &Type) -> TokenStream {
    let Type { ident, krate, .. } = model;
    let (_, type_generics, _) = model.generics.split_for_impl();
    let mut generics = model.generics.clone();
    let input: Lifetime = syn::parse_quote!('__input);
    for parameter in generics.type_params_mut() {
        parameter
            .bounds
            .push(syn::parse_quote!(#krate::Decode<#input>));
    }
    // What the type borrows, it borrows from the input.
    let mut parameter = LifetimeParam::new(input.clone());
    parameter.bounds = model
        .generics
        .lifetimes()
        .map(|known| known.lifetime.clone())
        .collect();
    generics
        .params
        .insert(0, syn::GenericParam::Lifetime(parameter));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let name = ident.to_string();
    let body = match &model.body {
        Body::Transparent(field) => {
            let member = &field.member;
            let value = decode_value(krate, field);
            quote!(::core::result::Result::Ok(Self { #member: #value }))
        }
        Body::Unit(atom) => {
            quote! {
                let __mark = __d.mark();
                let __tag = __d.atom_str()?;
                if &*__tag == #atom {
                    return ::core::result::Result::Ok(Self);
                }
                __d.reset(__mark);
                ::core::result::Result::Err(#krate::DecodeError::unknown_variant(&__tag, #name))
            }
        }
        Body::Tuple { tag, fields } => decode_tuple(krate, &name, tag.as_deref(), fields),
        Body::Map(fields) => decode_map(krate, fields),
        Body::Enum(variants) => decode_enum(krate, &name, variants),
    };
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Decode<#input> for #ident #type_generics #where_clause {
            fn decode(__d: &mut #krate::Decoder<#input>) -> ::core::result::Result<Self, #krate::DecodeError> {
                #body
            }
        }
    }
}

/// An expression that reads the field, or makes its default.
fn decode_value(krate: &Path, field: &Field) -> TokenStream {
    let ty = &field.ty;
    if field.skip {
        quote!(<#ty as ::core::default::Default>::default())
    } else {
        quote!(<#ty as #krate::Decode>::decode(__d)?)
    }
}

fn decode_tuple(krate: &Path, name: &str, tag: Option<&str>, fields: &[Field]) -> TokenStream {
    let arity = fields.iter().filter(|field| !field.skip).count() + usize::from(tag.is_some());
    let tag = tag.map(|tag| {
        quote! {
            let __tag = __d.atom_str()?;
            if &*__tag != #tag {
                return ::core::result::Result::Err(#krate::DecodeError::unknown_variant(&__tag, #name));
            }
        }
    });
    let members = fields.iter().map(|field| &field.member);
    let values = fields.iter().map(|field| decode_value(krate, field));
    quote! {
        __d.tuple_of(#arity)?;
        #tag
        ::core::result::Result::Ok(Self { #(#members: #values),* })
    }
}

fn decode_map(krate: &Path, fields: &[Field]) -> TokenStream {
    let places: Vec<_> = (0..fields.len())
        .map(|at| format_ident!("__f{at}"))
        .collect();
    let mut declare = Vec::new();
    let mut arms = Vec::new();
    let mut build = Vec::new();
    for (field, place) in fields.iter().zip(&places) {
        let Field {
            member, key, ty, ..
        } = field;
        if field.skip {
            build.push(quote!(#member: <#ty as ::core::default::Default>::default()));
            continue;
        }
        declare.push(
            quote!(let mut #place: ::core::option::Option<#ty> = ::core::option::Option::None;),
        );
        arms.push(quote! {
            #key => {
                let __value = <#ty as #krate::Decode>::decode(__d)?;
                if #place.replace(__value).is_some() {
                    return ::core::result::Result::Err(#krate::DecodeError::DuplicateKey);
                }
            }
        });
        let missing = if field.default {
            quote!(<#ty as ::core::default::Default>::default())
        } else {
            quote! {
                match <#ty as #krate::Decode>::missing() {
                    ::core::option::Option::Some(__value) => __value,
                    ::core::option::Option::None => {
                        return ::core::result::Result::Err(#krate::DecodeError::MissingField(#key));
                    }
                }
            }
        };
        build.push(quote! {
            #member: match #place {
                ::core::option::Option::Some(__value) => __value,
                ::core::option::Option::None => #missing,
            }
        });
    }
    quote! {
        #(#declare)*
        for _ in 0..__d.map()? {
            if __d.peek()? != #krate::Kind::Atom {
                __d.skip()?;
                __d.skip()?;
                continue;
            }
            match &*__d.atom_str()? {
                #(#arms)*
                _ => __d.skip()?,
            }
        }
        ::core::result::Result::Ok(Self { #(#build),* })
    }
}

fn decode_enum(krate: &Path, name: &str, variants: &[Variant]) -> TokenStream {
    let atoms = variants
        .iter()
        .filter(|variant| !variant.other && variant.arity() == 0)
        .map(|variant| {
            let Variant { ident, tag, .. } = variant;
            quote!(#tag => return ::core::result::Result::Ok(Self::#ident {}),)
        });
    let tuples: Vec<TokenStream> = variants
        .iter()
        .filter(|variant| !variant.other && variant.arity() > 0)
        .map(|variant| {
            let Variant { ident, tag, fields, .. } = variant;
            let arity = variant.arity();
            let members = fields.iter().map(|field| &field.member);
            let values = fields.iter().map(|field| decode_value(krate, field));
            quote!((#arity, #tag) => return ::core::result::Result::Ok(Self::#ident { #(#members: #values),* }),)
        })
        .collect();
    let other = variants.iter().find(|variant| variant.other);
    let fallback = match other {
        Some(Variant { ident, fields, .. }) => {
            let member = &fields[0].member;
            let value = decode_value(krate, &fields[0]);
            quote! {
                __d.reset(__mark);
                ::core::result::Result::Ok(Self::#ident { #member: #value })
            }
        }
        None => quote! {
            __d.reset(__mark);
            ::core::result::Result::Err(match __found {
                ::core::option::Option::Some(__tag) => #krate::DecodeError::unknown_variant(&__tag, #name),
                ::core::option::Option::None => #krate::DecodeError::Unexpected {
                    expected: "an atom or a tagged tuple",
                    found: __kind,
                },
            })
        },
    };
    // With a fallback nobody asks what was found.
    let (remember, declare) = match other {
        Some(_) => (quote!(), quote!()),
        None => (
            quote!(__found = ::core::option::Option::Some(__tag);),
            quote!(let mut __found = ::core::option::Option::None;),
        ),
    };
    quote! {
        let __mark = __d.mark();
        let __kind = __d.peek()?;
        #declare
        match __kind {
            #krate::Kind::Atom => {
                let __tag = __d.atom_str()?;
                match &*__tag {
                    #(#atoms)*
                    _ => {}
                }
                #remember
            }
            #krate::Kind::Tuple => {
                let __arity = __d.tuple()?;
                if __arity > 0 && __d.peek()? == #krate::Kind::Atom {
                    let __tag = __d.atom_str()?;
                    match (__arity, &*__tag) {
                        #(#tuples)*
                        _ => {}
                    }
                    #remember
                }
            }
            _ => {}
        }
        #fallback
    }
}
