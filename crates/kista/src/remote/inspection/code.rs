//! `code`: what is a module here (see `module_info.rs`) is loaded, and came with the program: `preloaded`.

use kista_etf::{Atom, Term, term};

use super::{Module, badarg, module_info};
use crate::plain::ProcessCx;
use crate::remote::Raise;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("ensure_loaded", async |cx: ProcessCx, module: Term| {
        Ok::<_, Raise>(match is_loaded(&cx, &module)? {
            true => term!({module, (module)}),
            false => term!({error, nofile}),
        })
    });
    module.add("is_loaded", async |cx: ProcessCx, module: Term| {
        Ok::<_, Raise>(match is_loaded(&cx, &module)? {
            true => term!({file, preloaded}),
            false => term!(false),
        })
    });
    module.add("which", async |cx: ProcessCx, module: Term| {
        Ok::<_, Raise>(match is_loaded(&cx, &module)? {
            true => term!(preloaded),
            false => term!(non_existing),
        })
    });
    module.add("all_loaded", async |cx: ProcessCx| {
        let all = module_info::all(cx.node()).into_iter();
        Term::list(all.map(|module| term!({(module), preloaded})))
    });
    module.add("get_path", async || Term::NIL);
    module.add("root_dir", async || Term::charlist("/"));
    module.add(
        "lib_dir",
        async |_application: Term| term!({error, bad_name}),
    );
    module.add("get_mode", async || term!(embedded));
}

fn is_loaded(cx: &ProcessCx, module: &Term) -> Result<bool, Raise> {
    let name = module.as_atom_str().ok_or_else(badarg)?;
    Ok(Atom::lookup(name).is_some_and(|module| module_info::is_module(cx.node(), module)))
}
