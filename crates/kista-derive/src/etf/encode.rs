//! The implementation of `Encode`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Member, Path};

use super::model::{Body, Type, Variant};

pub(super) fn expand(model: &Type) -> TokenStream {
    let Type { ident, krate, .. } = model;
    let mut generics = model.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(syn::parse_quote!(#krate::Encode));
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let body = match &model.body {
        Body::Transparent(field) => {
            let member = &field.member;
            quote!(#krate::Encode::encode(&self.#member, __e))
        }
        Body::Unit(name) => {
            let atom = atom(krate, name);
            quote!(#atom ::core::result::Result::Ok(()))
        }
        Body::Tuple { tag, fields } => {
            let kept: Vec<&Member> = fields
                .iter()
                .filter(|field| !field.skip)
                .map(|field| &field.member)
                .collect();
            let arity = kept.len() + usize::from(tag.is_some());
            let tag = tag.as_ref().map(|tag| atom(krate, tag));
            quote! {
                __e.tuple(#arity);
                #tag
                #(#krate::Encode::encode(&self.#kept, __e)?;)*
                ::core::result::Result::Ok(())
            }
        }
        Body::Map(fields) => {
            let kept = || fields.iter().filter(|field| !field.skip);
            let (len, members) = (kept().count(), kept().map(|field| &field.member));
            let keys = kept().map(|field| atom(krate, &field.key));
            quote! {
                __e.map(#len);
                #(#keys #krate::Encode::encode(&self.#members, __e)?;)*
                ::core::result::Result::Ok(())
            }
        }
        Body::Enum(variants) if variants.is_empty() => quote!(match *self {}),
        Body::Enum(variants) => {
            let arms = variants
                .iter()
                .map(|variant| encode_variant(krate, variant));
            quote! {
                match self { #(#arms)* }
                ::core::result::Result::Ok(())
            }
        }
    };
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Encode for #ident #type_generics #where_clause {
            fn encode(&self, __e: &mut #krate::Encoder) -> ::core::result::Result<(), #krate::EncodeError> {
                #body
            }
        }
    }
}

fn encode_variant(krate: &Path, variant: &Variant) -> TokenStream {
    let Variant { ident, .. } = variant;
    let kept: Vec<(&Member, syn::Ident)> = variant
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| !field.skip)
        .map(|(at, field)| (&field.member, format_ident!("__f{at}")))
        .collect();
    let (members, names): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
    let pattern = if variant.fields.is_empty() {
        quote!()
    } else {
        quote!({ #(#members: #names,)* .. })
    };
    let head = match (variant.other, variant.arity()) {
        (true, _) => quote!(),
        (false, 0) => atom(krate, &variant.tag),
        (false, arity) => {
            let atom = atom(krate, &variant.tag);
            quote!(__e.tuple(#arity); #atom)
        }
    };
    quote! {
        Self::#ident #pattern => {
            #head
            #(#krate::Encode::encode(#names, __e)?;)*
        }
    }
}

fn atom(krate: &Path, text: &str) -> TokenStream {
    quote!(__e.atom(#krate::atom!(#text));)
}
