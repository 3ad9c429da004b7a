//! `impl GenServer`: from the message back to the method.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::expand_client::signature;
use super::expand_msg::impossible_arm;
use super::model::{Handler, Method, Param, Server, Value};
use super::names::{bindings, glue, local};
use crate::types::owned;

/// The trait, and `Counter::spec`.
pub(super) fn impls(server: &Server) -> TokenStream {
    let Server {
        ty, msg, client, ..
    } = server;
    let kista = &server.options.kista;
    let (generics, arguments, bounds) = server.generics.split_for_impl();
    let args = server.init.values().map(|value| &value.ty);
    let [init, handle] = [init(server), handle(server)];
    let handle_info = handle_info(server);
    let format_status = format_status(server);
    let terminate = server
        .terminate
        .as_ref()
        .map(|method| terminate(server, method));
    let spec = (!server.has_spec).then(|| spec(server));
    quote! {
        #[automatically_derived]
        impl #generics #kista::GenServer for #ty #bounds {
            type Args = (#(#args,)*);
            type Msg = #msg #arguments;
            type Client = #client #arguments;
            #init
            #handle
            #handle_info
            #terminate
            #format_status
        }
        #spec
    }
}

fn init(server: &Server) -> TokenStream {
    let kista = &server.options.kista;
    let method = &server.init;
    let (args, cx) = (bindings(method), local("cx"));
    let state = call(
        method,
        None,
        &args,
        &Given {
            cx: &cx,
            reply: None,
            reason: None,
        },
    );
    let into_init = converted(
        &method.output,
        &quote!(#kista::InitReturn<Self>),
        "into_init",
    );
    quote! {
        async fn init(
            (#(#args,)*): Self::Args,
            #cx: &mut #kista::Cx<Self>,
        ) -> ::core::result::Result<Self, #kista::InitStop> {
            #into_init(#state)
        }
    }
}

/// The methods that are not `async` in `handle_now`, the others in `handle`.
fn handle(server: &Server) -> TokenStream {
    let kista = &server.options.kista;
    let (message, cx) = (local("message"), local("cx"));
    let arms = |waits: bool| {
        let chosen = server
            .handlers
            .iter()
            .filter(|handler| handler.method.is_async == waits);
        let arms = chosen.map(|handler| arm(server, handler, waits, &cx));
        arms.collect::<Vec<_>>()
    };
    let (now, later) = (arms(false), arms(true));
    let impossible = impossible_arm(server);
    quote! {
        async fn handle(&mut self, #message: Self::Msg, #cx: &mut #kista::Cx<Self>) -> #kista::Flow {
            match #message {
                #(#later)*
                #impossible
                #[allow(unreachable_patterns)]
                #message => <Self as #kista::GenServer>::handle_now(self, #message, #cx).unwrap_or(#kista::Flow::Continue),
            }
        }
        fn handle_now(
            &mut self,
            #message: Self::Msg,
            #cx: &mut #kista::Cx<Self>,
        ) -> ::core::result::Result<#kista::Flow, Self::Msg> {
            match #message {
                #(#now)*
                #impossible
                #[allow(unreachable_patterns)]
                #message => ::core::result::Result::Err(#message),
            }
        }
    }
}

/// `CounterMsg::Add(arg0, reply) => { reply.reply(Self::add(self, arg0).await); Flow::Continue }`
fn arm(server: &Server, handler: &Handler, waits: bool, cx: &Ident) -> TokenStream {
    let (kista, msg) = (&server.options.kista, &server.msg);
    let Handler {
        variant, method, ..
    } = handler;
    let (cfg, args, reply) = (&method.cfg, bindings(method), local("reply"));
    let token = handler.reply.as_ref().map(|_| &reply);
    let fields: Vec<_> = args.iter().chain(token).collect();
    let fields = (!fields.is_empty()).then(|| quote!((#(#fields),*)));
    let value = call(
        method,
        Some(()),
        &args,
        &Given {
            cx,
            reply: token,
            reason: None,
        },
    );
    let then = match &handler.reply {
        Some(answer) if !answer.deferred => {
            let answered = quote_spanned!(glue(answer.ty.span())=> #reply.reply(#value));
            quote!({ #answered; #kista::Flow::Continue })
        }
        _ => into_flow(server, method, &value),
    };
    match waits {
        true => quote!(#(#cfg)* #msg::#variant #fields => #then,),
        false => quote!(#(#cfg)* #msg::#variant #fields => ::core::result::Result::Ok(#then),),
    }
}

/// The timeout, and what else no variant takes; nothing when the server says of neither what to do.
fn handle_info(server: &Server) -> Option<TokenStream> {
    let kista = &server.options.kista;
    let cx = local("cx");
    let given = Given {
        cx: &cx,
        reply: None,
        reason: None,
    };
    let other = server.info_other.as_ref().map(|method| {
        let args = bindings(method);
        let value = call(method, Some(()), &args, &given);
        (method, args, into_flow(server, method, &value))
    });
    let Some(timeout) = &server.timeout else {
        let (method, args, flow) = other?;
        let cfg = &method.cfg;
        return Some(quote! {
            #(#cfg)*
            async fn handle_info(&mut self, #(#args)*: #kista::Info, #cx: &mut #kista::Cx<Self>) -> #kista::Flow {
                #flow
            }
        });
    };
    let info = local("info");
    let on_timeout = {
        let cfg = &timeout.cfg;
        let value = call(timeout, Some(()), &[], &given);
        let flow = into_flow(server, timeout, &value);
        quote!(#(#cfg)* #kista::Info::Timeout => #flow,)
    };
    let other = other.map(|(method, args, flow)| {
        let cfg = &method.cfg;
        quote!(#(#cfg)* #(#args)* => #flow,)
    });
    Some(quote! {
        async fn handle_info(&mut self, #info: #kista::Info, #cx: &mut #kista::Cx<Self>) -> #kista::Flow {
            match #info {
                #on_timeout
                #other
                #[allow(unreachable_patterns)]
                #info => {
                    #cx.log_not_understood(&#info);
                    #kista::Flow::Continue
                }
            }
        }
    })
}

/// What the user's function returns, or else what the state's own traits can show.
fn format_status(server: &Server) -> TokenStream {
    let kista = &server.options.kista;
    let shown = server.format_status.as_ref().map(|method| {
        let (cfg, name) = (&method.cfg, &method.name);
        let at = glue(method.output.span());
        let shown = quote_spanned!(at=> #kista::sys::show::encoded(&Self::#name(self)));
        quote!(#(#cfg)* { return #shown; })
    });
    let derived = quote! {
        use #kista::sys::show::{Debugged as _, Encoded as _, Opaque as _};
        (&&&#kista::sys::show::Show(self)).show()
    };
    let always = server
        .format_status
        .as_ref()
        .is_some_and(|method| method.cfg.is_empty());
    let derived = (!always).then_some(derived);
    quote! {
        fn format_status(&self) -> #kista::Term { #shown #derived }
    }
}

fn terminate(server: &Server, method: &Method) -> TokenStream {
    let kista = &server.options.kista;
    let (cfg, cx, reason) = (&method.cfg, local("cx"), local("reason"));
    let done = call(
        method,
        Some(()),
        &[],
        &Given {
            cx: &cx,
            reply: None,
            reason: Some(&reason),
        },
    );
    quote! {
        #(#cfg)*
        async fn terminate(&mut self, #reason: &#kista::ExitReason, #cx: &mut #kista::Cx<Self>) {
            #done
        }
    }
}

fn spec(server: &Server) -> TokenStream {
    let Server { ty, name, .. } = server;
    let kista = &server.options.kista;
    let (generics, _, bounds) = server.generics.split_for_impl();
    let (params, values) = signature(server.init.values());
    // With `for<'a>` a type that is not `Clone` is an error only where `spec` is used.
    let clone = server.init.values().map(|Value { ty, .. }| {
        quote_spanned!(glue(ty.span())=> for<'__kista> #ty: ::core::clone::Clone)
    });
    let clone = (!values.is_empty()).then(|| quote!(where #(#clone),*));
    let docs = &server.init.docs;
    let docs = if docs.is_empty() {
        let line = format!("What it takes to start a [`{name}`], as often as it is needed.");
        quote!(#[doc = #line])
    } else {
        quote!(#(#docs)*)
    };
    quote! {
        impl #generics #ty #bounds {
            #docs
            pub fn spec(#(#params),*) -> #kista::Spec<Self> #clone {
                #kista::spec::<Self>((#(#values,)*))
            }
        }
    }
}

/// What the generated function around a method has to hand on.
struct Given<'a> {
    cx: &'a Ident,
    reply: Option<&'a Ident>,
    reason: Option<&'a Ident>,
}

/// `Self::add(self, arg0).await`, at the method's name.
fn call(method: &Method, this: Option<()>, args: &[Ident], given: &Given<'_>) -> TokenStream {
    let mut args = args.iter();
    let params = method.params.iter().filter_map(|param| match param {
        Param::Value(_) => args.next(),
        Param::Cx => Some(given.cx),
        Param::Reply(_) => given.reply,
        Param::Reason(_) => given.reason,
    });
    let name = &method.name;
    let at = glue(name.span());
    let this = this.map(|()| quote_spanned!(at=> self,));
    let wait = method.is_async.then(|| quote_spanned!(at=> .await));
    quote_spanned!(at=> Self::#name(#this #(#params),*) #wait)
}

/// Nothing, or a `Flow`; anything else is an error at the return type.
fn into_flow(server: &Server, method: &Method, value: &TokenStream) -> TokenStream {
    let kista = &server.options.kista;
    let into_flow = converted(&method.output, &quote!(#kista::IntoFlow), "into_flow");
    quote!(#into_flow(#value))
}

/// `<T as Trait>::name`, so that a `T` which is not one is reported where it stands. A `T` that cannot be named is inferred.
fn converted(ty: &Type, to: &TokenStream, name: &str) -> TokenStream {
    let name = Ident::new(name, glue(ty.span()));
    match owned(ty, "") {
        Ok(()) => quote_spanned!(glue(ty.span())=> <#ty as #to>::#name),
        Err(_) => quote!(<_ as #to>::#name),
    }
}
