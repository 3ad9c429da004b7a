//! Types as they stand in the source.
//!
//! They are recognised by their last name: `&mut Cx<..>`, `ReplyTo<T>`, `Flow`. A macro cannot see through an alias.

use syn::visit::Visit;
use syn::{
    GenericArgument, Lifetime, PathArguments, PathSegment, Type, TypeFnPtr, TypeImplTrait,
    TypeInfer, TypeReference, TypeTraitObject,
};

/// The last name of a path: `ReplyTo<i64>` of `kista::ReplyTo<i64>`.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match peeled(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// The type within the invisible group that `macro_rules!` puts around a `$t:ty`, or within parentheses.
pub(crate) fn peeled(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peeled(&group.elem),
        Type::Paren(paren) => peeled(&paren.elem),
        other => other,
    }
}

/// `T` of `ReplyTo<T>`.
pub(crate) fn only_type_argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    match (arguments.args.first(), arguments.args.len()) {
        (Some(GenericArgument::Type(ty)), 1) => Some(ty),
        _ => None,
    }
}

/// Refuses what cannot stand in an enum that is sent to another task: borrows and unnamed types.
pub(crate) fn owned(ty: &Type, what: &'static str) -> syn::Result<()> {
    let mut check = Owned { what, error: None };
    check.visit_type(ty);
    check.error.map_or(Ok(()), Err)
}

struct Owned {
    what: &'static str,
    error: Option<syn::Error>,
}

impl Owned {
    fn refuse(&mut self, tokens: impl quote::ToTokens, why: &str) {
        let what = self.what;
        self.error
            .get_or_insert_with(|| syn::Error::new_spanned(tokens, format!("{what} {why}")));
    }
}

impl Visit<'_> for Owned {
    fn visit_type_reference(&mut self, reference: &TypeReference) {
        if reference
            .lifetime
            .as_ref()
            .is_some_and(|lifetime| lifetime.ident == "static")
        {
            return self.visit_type(&reference.elem);
        }
        self.refuse(
            reference,
            "outlives the one who sends it: use an owned type, such as `String` for `&str`",
        );
    }

    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        if lifetime.ident != "static" {
            self.refuse(lifetime, "outlives the one who sends it: use an owned type");
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &TypeImplTrait) {
        self.refuse(ty, "is one variant of an enum: name its type");
    }

    fn visit_type_infer(&mut self, ty: &TypeInfer) {
        self.refuse(ty, "is one variant of an enum: name its type");
    }

    // Borrows in these signatures are theirs: `Box<dyn Fn(&str) + Send>` is owned.
    fn visit_type_fn_ptr(&mut self, _: &TypeFnPtr) {}

    fn visit_type_trait_object(&mut self, _: &TypeTraitObject) {}
}
