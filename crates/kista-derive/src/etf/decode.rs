//! The implementation of `Decode`; and of `DecodeFields`, for a struct whose fields can stand among those of another.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Lifetime, LifetimeParam, Path};

use super::decode_keyed::{self, Place};
use super::model::{Body, Default_, Field, Shape, Type, Variant};
use super::{encode, generics};

pub(super) fn expand(model: &Type) -> TokenStream {
    if let Some(error) = static_borrow(model) {
        return error.into_compile_error();
    }
    let Type { ident, krate, .. } = model;
    let (_, type_generics, _) = model.generics.split_for_impl();
    let input: Lifetime = syn::parse_quote!('__input);
    let value = quote!(#krate::Decode<#input>);
    let mut generics = generics::bounded(
        model,
        &value,
        |form| quote!(#krate::fields::DecodeFields<#input, #form>),
        true,
    );
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
    let own = Place {
        krate,
        of: &name,
        make: &quote!(Self),
    };
    let mut fields_impl = TokenStream::new();
    let body = match &model.body {
        Body::Struct(Shape::Keyed { keyed, .. }) if keyed.can_be_flattened() => {
            let form = model.form();
            let owns = encode::owns(krate, keyed, &form, "DecodeFields");
            let read = decode_keyed::expand(&own, keyed);
            let (taken, whole, by_fields) = if keyed.flattens() {
                let nothing = quote!(#krate::fields::DecodeFields::<#input, #form>::decode_fields(__d, &|_| false));
                (quote!(__taken), nothing, read)
            } else {
                (quote!(_), read, quote!(#krate::Decode::decode(__d)))
            };
            fields_impl = quote! {
                #[automatically_derived]
                impl #impl_generics #krate::fields::DecodeFields<#input, #form> for #ident #type_generics #where_clause {
                    fn owns(__key: #krate::fields::FieldKey<'_>) -> bool {
                        #owns
                    }
                    fn decode_fields(
                        __d: &mut #krate::Decoder<#input>,
                        #taken: #krate::fields::Taken<'_>,
                    ) -> ::core::result::Result<Self, #krate::DecodeError> {
                        #by_fields
                    }
                }
            };
            whole
        }
        Body::Struct(shape) => decode_shape(&own, shape),
        Body::Enum {
            untagged: true,
            variants,
        } => decode_untagged(krate, &name, variants),
        Body::Enum { variants, .. } => decode_tagged(krate, &name, variants),
    };
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Decode<#input> for #ident #type_generics #where_clause {
            fn decode(__d: &mut #krate::Decoder<#input>) -> ::core::result::Result<Self, #krate::DecodeError> {
                #body
            }
        }
        #fields_impl
    }
}

/// `&'static str` lives longer than any input.
fn static_borrow(model: &Type) -> Option<Error> {
    let fields = model
        .fields()
        .filter(|field| !field.skip && field.with.is_none());
    for field in fields {
        if let syn::Type::Reference(reference) = &field.ty
            && let Some(lifetime) = &reference.lifetime
            && lifetime.ident == "static"
        {
            return Some(Error::new(
                lifetime.span(),
                "what is read lives as long as the input, not `'static`: write a lifetime of the type, or an owned type such as `String`",
            ));
        }
    }
    None
}

/// An expression: the function that reads the field.
pub(super) fn reader(krate: &Path, field: &Field) -> TokenStream {
    let ty = &field.ty;
    match &field.with {
        Some(with) => quote!(#with::decode),
        None => quote!(<#ty as #krate::Decode>::decode),
    }
}

/// An expression that makes the value of a field that is not read.
pub(super) fn default_value(field: &Field) -> TokenStream {
    let (ty, member) = (&field.ty, &field.member);
    match &field.default {
        Some(Default_::Path(path)) => quote!(#path()),
        Some(Default_::OfSelf) => quote!(<Self as ::core::default::Default>::default().#member),
        Some(Default_::Trait) | None => quote!(<#ty as ::core::default::Default>::default()),
    }
}

/// `Self { .. }` out of fields that follow each other.
fn in_order(place: &Place<'_>, fields: &[Field]) -> TokenStream {
    let Place { krate, of, make } = place;
    let members = fields.iter().map(|field| {
        let member = &field.member;
        if field.skip {
            let default = default_value(field);
            return quote!(#member: #default);
        }
        let (ty, read, name) = (&field.ty, reader(krate, field), field.name());
        quote!(#member: #krate::support::field::<#ty>(__d, #read, #name, #of)?)
    });
    quote!(#make { #(#members),* })
}

/// An expression that reads a struct, or an untagged variant.
fn decode_shape(place: &Place<'_>, shape: &Shape) -> TokenStream {
    let Place { krate, of, make } = place;
    match shape {
        Shape::Atom(name) => quote! {{
            static __ATOM: #krate::StaticAtom = #krate::StaticAtom::new(#name);
            #krate::support::expect_atom(__d, &__ATOM, #of)?;
            ::core::result::Result::Ok(#make {})
        }},
        Shape::Value(field) => {
            let (member, ty, read) = (&field.member, &field.ty, reader(krate, field));
            quote! {{
                let __value: #ty = #read(__d)?;
                ::core::result::Result::Ok(#make { #member: __value })
            }}
        }
        Shape::Tuple { tag, fields } => {
            let arity = shape.arity();
            let tag = tag.as_ref().map(|tag| {
                quote! {
                    static __ATOM: #krate::StaticAtom = #krate::StaticAtom::new(#tag);
                    #krate::support::expect_atom(__d, &__ATOM, #of)?;
                }
            });
            let value = in_order(place, fields);
            quote! {{
                #krate::support::tuple(__d, #arity, #of)?;
                #tag
                ::core::result::Result::Ok(#value)
            }}
        }
        Shape::Keyed { keyed, .. } => decode_keyed::expand(place, keyed),
    }
}

fn decode_tagged(krate: &Path, name: &str, variants: &[Variant]) -> TokenStream {
    let mut tags: Vec<&str> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut arms = Vec::new();
    for variant in variants.iter().filter(|variant| !variant.other) {
        let Variant { ident, shape, .. } = variant;
        let (tag, arity) = (shape.tag().unwrap_or_default(), shape.arity());
        let at = *places.entry(tag).or_insert_with(|| {
            tags.push(tag);
            tags.len() - 1
        });
        let (make, of) = (quote!(Self::#ident), format!("{name}::{ident}"));
        let place = Place {
            krate,
            of: &of,
            make: &make,
        };
        let read = match shape {
            Shape::Atom(_) | Shape::Value(_) => quote!(::core::result::Result::Ok(#make {})),
            Shape::Tuple { fields, .. } => {
                let value = in_order(&place, fields);
                quote!(::core::result::Result::Ok(#value))
            }
            Shape::Keyed { keyed, .. } => decode_keyed::expand(&place, keyed),
        };
        arms.push(quote!((#at, #arity) => #read,));
    }
    let names = names(krate, &tags);
    let rest = match variants.iter().find(|variant| variant.other) {
        Some(Variant { ident, shape, .. }) => {
            let make = quote!(Self::#ident);
            let place = Place {
                krate,
                of: name,
                make: &make,
            };
            let value = decode_shape(&place, shape);
            return quote! {
                #names
                let __mark = __d.mark();
                let __known = |__d: &mut #krate::Decoder<'__input>| -> ::core::result::Result<::core::option::Option<Self>, #krate::DecodeError> {
                    let __value: ::core::result::Result<Self, #krate::DecodeError> = match __NAMES.tag(__d)? {
                        #(#arms)*
                        _ => return ::core::result::Result::Ok(::core::option::Option::None),
                    };
                    __value.map(::core::option::Option::Some)
                };
                match __known(__d) {
                    ::core::result::Result::Ok(::core::option::Option::Some(__value)) => return ::core::result::Result::Ok(__value),
                    ::core::result::Result::Ok(::core::option::Option::None) => __d.reset(__mark),
                    ::core::result::Result::Err(__error) if __error.is_mismatch() => __d.retry(__mark)?,
                    ::core::result::Result::Err(__error) => return ::core::result::Result::Err(__error),
                }
                #value
            };
        }
        None => quote!(::core::result::Result::Err(__NAMES.unfit(__d, __mark, #name))),
    };
    quote! {
        #names
        let __mark = __d.mark();
        match __NAMES.tag(__d)? {
            #(#arms)*
            _ => #rest,
        }
    }
}

fn decode_untagged(krate: &Path, name: &str, variants: &[Variant]) -> TokenStream {
    let attempts = variants.iter().enumerate().map(|(at, variant)| {
        let Variant { ident, shape, .. } = variant;
        let (make, of) = (quote!(Self::#ident), format!("{name}::{ident}"));
        let place = Place { krate, of: &of, make: &make };
        let read = decode_shape(&place, shape);
        let attempt = format_ident!("__attempt{at}");
        quote! {
            let #attempt = |__d: &mut #krate::Decoder<'__input>| -> ::core::result::Result<Self, #krate::DecodeError> { #read };
            match #attempt(__d) {
                ::core::result::Result::Err(__error) if __error.is_mismatch() => __d.retry(__mark)?,
                __result => return __result,
            }
        }
    });
    quote! {
        let __mark = __d.mark();
        #(#attempts)*
        ::core::result::Result::Err(#krate::support::no_variant(__d, #name))
    }
}

/// The `static` with the names that are looked for.
pub(super) fn names(krate: &Path, names: &[&str]) -> TokenStream {
    let count = names.len();
    let slots = if count == 0 {
        1
    } else {
        (2 * count).next_power_of_two()
    };
    quote! {
        static __NAMES: #krate::support::Names<#count, #slots> = #krate::support::Names::new([#(#names),*]);
    }
}
