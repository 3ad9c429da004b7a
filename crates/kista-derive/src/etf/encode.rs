//! The implementation of `Encode`; and of `EncodeFields`, for a struct whose fields can stand among those of another.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Path};

use super::generics;
use super::literal::{Key, binary, known_atom};
use super::model::{Body, Field, Keyed, Shape, Type, kept};

pub(super) fn expand(model: &Type) -> TokenStream {
    let Type { ident, krate, .. } = model;
    let name = ident.to_string();
    let value = quote!(#krate::Encode);
    let generics = generics::bounded(
        model,
        &value,
        |form| quote!(#krate::fields::EncodeFields<#form>),
        false,
    );
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let mut fields_impl = TokenStream::new();
    let body = match &model.body {
        Body::Struct(Shape::Keyed { keyed, .. }) if keyed.can_be_flattened() => {
            let form = model.form();
            let Writing { count, write } = Writing::new(krate, &name, keyed, &form);
            let own = keyed.own_keys(krate);
            let owns = owns(krate, keyed, &form, "EncodeFields");
            let pattern = pattern(&keyed.fields);
            let fields_body = with_nil(
                model,
                &quote! {
                    let Self #pattern = self;
                    #write
                    ::core::result::Result::Ok(())
                },
            );
            fields_impl = quote! {
                #[automatically_derived]
                impl #impl_generics #krate::fields::EncodeFields<#form> for #ident #type_generics #where_clause {
                    fn owns(__key: #krate::fields::FieldKey<'_>) -> bool {
                        #owns
                    }
                    #[inline]
                    fn count(&self) -> usize {
                        let Self #pattern = self;
                        #count
                    }
                    #[inline]
                    fn encode_fields(
                        &self,
                        __e: &mut #krate::Encoder,
                        __taken: ::core::option::Option<#krate::fields::Taken<'_>>,
                    ) -> ::core::result::Result<(), #krate::EncodeError> {
                        if __taken.is_some() {
                            #krate::fields::refuse_taken([#(#own),*], __taken)?;
                        }
                        #fields_body
                    }
                }
            };
            let count = quote!(#krate::fields::EncodeFields::<#form>::count(self));
            let write = quote!(#krate::fields::EncodeFields::<#form>::encode_fields(self, __e, ::core::option::Option::None)?;);
            container(keyed, &count, &write)
        }
        Body::Struct(shape) => {
            let pattern = pattern(shape.fields());
            let write = encode_shape(krate, &name, shape);
            quote! {
                let Self #pattern = self;
                #write
            }
        }
        Body::Enum { variants, .. } if variants.is_empty() => quote!(match *self {}),
        Body::Enum { variants, .. } => {
            let arms = variants.iter().map(|variant| {
                let (ident, pattern) = (&variant.ident, pattern(variant.shape.fields()));
                let write = encode_shape(krate, &format!("{name}::{ident}"), &variant.shape);
                quote!(Self::#ident #pattern => { #write })
            });
            quote!(match self { #(#arms)* })
        }
    };
    let body = with_nil(
        model,
        &quote! {
            #body
            #[allow(unreachable_code)]
            ::core::result::Result::Ok(())
        },
    );
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Encode for #ident #type_generics #where_clause {
            fn encode(&self, __e: &mut #krate::Encoder) -> ::core::result::Result<(), #krate::EncodeError> {
                #body
            }
        }
        #fields_impl
    }
}

/// The body of a function that writes, so that each `None` in it is what the type has for it.
fn with_nil(model: &Type, body: &TokenStream) -> TokenStream {
    if !model.nil {
        return body.clone();
    }
    let krate = &model.krate;
    quote! {
        __e.with_nil(|__e: &mut #krate::Encoder| -> ::core::result::Result<(), #krate::EncodeError> { #body })
    }
}

/// `{ x: __f0, .. }`
fn pattern(fields: &[Field]) -> TokenStream {
    let members = fields
        .iter()
        .enumerate()
        .filter(|(_, field)| !field.skip)
        .map(|(at, field)| {
            let (member, name) = (&field.member, binding(at));
            quote!(#member: #name,)
        });
    quote!({ #(#members)* .. })
}

fn binding(at: usize) -> Ident {
    format_ident!("__f{at}")
}

/// The fields that are written, with the names they are bound to.
fn bound(fields: &[Field]) -> impl Iterator<Item = (Ident, &Field)> + Clone {
    fields
        .iter()
        .enumerate()
        .filter(|(_, field)| !field.skip)
        .map(|(at, field)| (binding(at), field))
}

/// Statements that write the fields, bound to their names.
fn encode_shape(krate: &Path, of: &str, shape: &Shape) -> TokenStream {
    match shape {
        Shape::Atom(name) => known_atom(krate, name),
        Shape::Value(field) => value(krate, of, field, &binding(0)),
        Shape::Tuple { tag, fields } => {
            let arity = shape.arity();
            let tag = tag.as_ref().map(|tag| known_atom(krate, tag));
            let values = bound(fields).map(|(name, field)| value(krate, of, field, &name));
            quote! {
                __e.tuple(#arity);
                #tag
                #(#values)*
            }
        }
        Shape::Keyed { tag, keyed } => {
            let head = tag.as_ref().map(|tag| {
                let tag = known_atom(krate, tag);
                quote!(__e.tuple(2usize); #tag)
            });
            let form = keyed.form(krate);
            let Writing { count, write } = Writing::new(krate, of, keyed, &form);
            let taken = keyed.flattens().then(|| {
                quote!(let __taken: ::core::option::Option<#krate::fields::Taken<'_>> = ::core::option::Option::None;)
            });
            let container = container(keyed, &count, &write);
            quote!(#head #taken #container)
        }
    }
}

/// A map or a list around its entries.
fn container(keyed: &Keyed, count: &TokenStream, write: &TokenStream) -> TokenStream {
    if keyed.proplist {
        quote! {
            __e.list(#count);
            #write
            __e.nil();
        }
    } else {
        quote! {
            __e.map(#count);
            #write
        }
    }
}

/// A statement that writes a field; `of` is what an error says it belongs to.
fn value(krate: &Path, of: &str, field: &Field, name: &Ident) -> TokenStream {
    let write = if let Some(with) = &field.with {
        quote!(#with::encode(#name, __e))
    } else if field.nil {
        quote!(#krate::with::nil::encode(#name, __e))
    } else {
        quote!(#krate::Encode::encode(#name, __e))
    };
    let shown = field.name();
    quote! {
        if let ::core::result::Result::Err(__error) = #write {
            return ::core::result::Result::Err(#krate::support::encoding(__error, #shown, #of));
        }
    }
}

/// How many entries there are, and the statements that write them.
struct Writing {
    count: TokenStream,
    write: TokenStream,
}

impl Writing {
    fn new(krate: &Path, of: &str, keyed: &Keyed, form: &Path) -> Self {
        let mut always = usize::from(keyed.elixir.is_some());
        let mut counts = Vec::new();
        let mut writes = Vec::new();
        if let Some(module) = &keyed.elixir {
            let (key, module) = (known_atom(krate, "__struct__"), known_atom(krate, module));
            writes.push(quote!(#key #module));
        }
        for (name, field) in bound(&keyed.fields) {
            if field.flatten {
                let ty = &field.ty;
                let fields = quote!(<#ty as #krate::fields::EncodeFields<#form>>);
                counts.push(quote!(#fields::count(#name)));
                let taken = keyed.taken(krate, form, "EncodeFields", field);
                writes.push(quote! {
                    #fields::encode_fields(#name, __e, ::core::option::Option::Some(&|__key| {
                        #taken || __taken.is_some_and(|__taken| __taken(__key))
                    }))?;
                });
                continue;
            }
            let key = if keyed.binary_keys {
                binary(&field.key)
            } else {
                known_atom(krate, &field.key)
            };
            let head = keyed.proplist.then(|| quote!(__e.tuple(2usize);));
            let value = value(krate, of, field, &name);
            let write = quote!(#head #key #value);
            match &field.skip_encoding_if {
                Some(skip) => {
                    counts.push(quote!(::core::primitive::usize::from(!#skip(#name))));
                    writes.push(quote!(if !#skip(#name) { #write }));
                }
                None => {
                    always += 1;
                    writes.push(write);
                }
            }
        }
        Self {
            count: quote!(#always #(+ #counts)*),
            write: quote!(#(#writes)*),
        }
    }
}

/// Whether `__key` is one of a type's keys, its flattened fields' included.
pub(super) fn owns(krate: &Path, keyed: &Keyed, form: &Path, fields: &str) -> TokenStream {
    let own = keyed.is_own_key(krate);
    let fields = format_ident!("{fields}");
    let flattened = kept(&keyed.fields)
        .filter(|field| field.flatten)
        .map(|field| {
            let ty = &field.ty;
            let lifetime = (fields == "DecodeFields").then(|| quote!('__input,));
            quote!(|| <#ty as #krate::fields::#fields<#lifetime #form>>::owns(__key))
        });
    quote!(#own #(#flattened)*)
}

impl Keyed {
    /// Whether other types may flatten it.
    pub(super) fn can_be_flattened(&self) -> bool {
        self.elixir.is_none() && !self.deny_unknown
    }

    pub(super) fn flattens(&self) -> bool {
        kept(&self.fields).any(|field| field.flatten)
    }

    pub(super) fn form(&self, krate: &Path) -> Path {
        if self.proplist {
            syn::parse_quote!(#krate::fields::ProplistForm)
        } else {
            syn::parse_quote!(#krate::fields::MapForm)
        }
    }

    /// The keys, as `FieldKey`s.
    fn own_keys(&self, krate: &Path) -> Vec<Key<'_>> {
        let fields = kept(&self.fields).filter(|field| !field.flatten);
        let elixir = self.elixir.iter().map(|_| "__struct__");
        elixir
            .chain(fields.map(|field| field.key.as_str()))
            .map(|text| Key {
                krate: krate.clone(),
                binary: self.binary_keys,
                text,
            })
            .collect()
    }

    fn is_own_key(&self, krate: &Path) -> TokenStream {
        let keys = self.own_keys(krate);
        if keys.is_empty() {
            quote!(false)
        } else {
            quote!(::core::matches!(__key, #(#keys)|*))
        }
    }

    /// Whether `__key` belongs to another field than this flattened one.
    pub(super) fn taken(
        &self,
        krate: &Path,
        form: &Path,
        fields: &str,
        field: &Field,
    ) -> TokenStream {
        let own = self.is_own_key(krate);
        let fields = format_ident!("{fields}");
        let lifetime = (fields == "DecodeFields").then(|| quote!('__input,));
        let others = kept(&self.fields)
            .filter(|other| other.flatten && other.member != field.member)
            .map(|other| {
                let ty = &other.ty;
                quote!(|| <#ty as #krate::fields::#fields<#lifetime #form>>::owns(__key))
            });
        quote!(#own #(#others)*)
    }
}

impl Type {
    /// The form that flattened fields must have.
    pub(super) fn form(&self) -> Path {
        let krate = &self.krate;
        match &self.body {
            Body::Struct(Shape::Keyed { keyed, .. }) => keyed.form(krate),
            _ => syn::parse_quote!(#krate::fields::MapForm),
        }
    }
}
