//! Reading: `decode_call`, `decode_cast` and `decode_info`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::support::wire_trait;
use super::{Messages, Select, Travel, Variant, glue, local};

pub(super) fn methods(messages: &Messages<'_>) -> TokenStream {
    let kista = messages.kista;
    let (d, caller) = (local("d"), local("caller"));
    let call = decode(messages, Travel::Call).map(|body| {
        quote! {
            fn decode_call(
                #d: &mut #kista::etf::Decoder<'_>,
                #caller: &mut #kista::Caller,
            ) -> ::core::result::Result<Self, #kista::etf::DecodeError> { #body }
        }
    });
    let [cast, info] =
        [(Travel::Cast, "decode_cast"), (Travel::Info, "decode_info")].map(|(travel, name)| {
            let name = format_ident!("{name}");
            decode(messages, travel).map(|body| {
                quote! {
                    fn #name(
                        #d: &mut #kista::etf::Decoder<'_>,
                    ) -> ::core::result::Result<Self, #kista::etf::DecodeError> { #body }
                }
            })
        });
    quote!(#call #cast #info)
}

/// The body of `decode_call`, `decode_cast` or `decode_info`; `None` when there are no such messages.
fn decode(messages: &Messages<'_>, travel: Travel) -> Option<TokenStream> {
    let kista = messages.kista;
    let (d, caller, name, arity) = (local("d"), local("caller"), local("name"), local("arity"));
    let wire = wire_trait();
    // What a handler's variant is made of, read in the order of the wire; the token last, when nothing can fail any more.
    let build = |variant: &Variant<'_>| {
        let ident = variant.ident;
        let values = variant
            .values
            .iter()
            .map(|ty| quote_spanned!(glue(ty.span())=> <#ty as #wire>::read(#d)?));
        let token = variant
            .reply
            .map(|ty| quote_spanned!(glue(ty.span())=> <#ty as #wire>::token(#caller)?));
        let fields: Vec<_> = values.chain(token).collect();
        let fields = (!fields.is_empty()).then(|| quote!((#(#fields),*)));
        quote!(Self::#ident #fields)
    };
    let other: Vec<_> = messages
        .that(travel)
        .filter(|variant| matches!(variant.select, Select::Other))
        .collect();
    let named = messages
        .that(travel)
        .filter_map(|variant| match variant.select {
            Select::Name(name, _) => Some((variant, name)),
            Select::Other => None,
        });
    let arms: Vec<_> = named
        .map(|(variant, text)| {
            let (cfg, build) = (variant.cfg, build(variant));
            let arity = match variant.values.len() {
                0 => 0,
                arguments => arguments + 1,
            };
            let build = if other.is_empty() {
                build
            } else {
                quote!(::core::option::Option::Some(#build))
            };
            quote! {
                #(#cfg)*
                #arity if {
                    static NAME: #kista::etf::StaticAtom = #kista::etf::StaticAtom::new(#text);
                    #name.is(&NAME)
                } => #build,
            }
        })
        .collect();
    let read_named = |none: TokenStream| {
        quote! {
            let (#name, #arity) = __kista_tag(#d)?;
            ::core::result::Result::Ok(match #arity {
                #(#arms)*
                _ => #none
            })
        }
    };

    if other.is_empty() {
        let unknown = format!(
            "{} has no {} {{}} of size {{}}",
            messages.owner,
            travel.name()
        );
        return (!arms.is_empty()).then(|| {
            read_named(quote! {
                return ::core::result::Result::Err(#kista::etf::DecodeError::custom(
                    ::core::format_args!(#unknown, #name, #arity)
                ))
            })
        });
    }
    // A known name whose arguments do not fit is an other message too; bytes that are no term at all are an error.
    let (start, read, error) = (local("start"), local("read"), local("error"));
    let named = (!arms.is_empty()).then(|| {
        let read_named = read_named(quote!(::core::option::Option::None));
        quote! {
            let #start = #d.mark();
            let mut #read = || -> ::core::result::Result<::core::option::Option<Self>, #kista::etf::DecodeError> {
                #read_named
            };
            match #read() {
                ::core::result::Result::Ok(::core::option::Option::Some(#name)) => return ::core::result::Result::Ok(#name),
                ::core::result::Result::Ok(::core::option::Option::None) => {}
                ::core::result::Result::Err(#error) if #error.is_mismatch() => {}
                ::core::result::Result::Err(#error) => return ::core::result::Result::Err(#error),
            }
            #d.reset(#start);
        }
    });
    let other = other.into_iter().map(|variant| {
        let (cfg, build) = (variant.cfg, build(variant));
        quote!(#(#cfg)* return ::core::result::Result::Ok(#build);)
    });
    let none =
        quote!(::core::result::Result::Err(#kista::etf::DecodeError::custom("no such message")));
    Some(quote!(#named #(#other)* #none))
}
