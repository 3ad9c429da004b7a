//! `application` of kernel, as far as it looks.
//!
//! Rules:
//! 1. A function without the name of an application is about that of the caller's group leader, as in OTP.
//! 2. `which_applications` waits for nobody, whatever the controller is at. (OTP's waits for its turn.)
//! 3. What is no name of an application is one that is not there; looking it up makes no atom.
//!
//! Source: `application` and `application_controller` of kernel.

use kista_etf::{Atom, Decode, DecodeError, Decoder, Pid, Term, atoms};

use super::Module;
use crate::application::{Application, ApplicationInfo};
use crate::plain::ProcessCx;
use crate::remote::Raise;

/// The keys of an application, in the order of `get_all_key`.
const KEYS: [&str; 13] = [
    "description",
    "id",
    "vsn",
    "modules",
    "maxP",
    "maxT",
    "registered",
    "included_applications",
    "optional_applications",
    "applications",
    "env",
    "mod",
    "start_phases",
];

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("which_applications", which_applications);
    module.add("which_applications", which_applications_in_time);
    module.add("loaded_applications", loaded_applications);
    module.add("get_application", own_application);
    module.add("get_application", application_of);
    module.add("get_env", own_env);
    module.add("get_env", env);
    module.add("get_env", env_or);
    module.add("get_all_env", own_all_env);
    module.add("get_all_env", all_env);
    module.add("get_key", own_key);
    module.add("get_key", key);
    module.add("get_all_key", own_all_key);
    module.add("get_all_key", all_key);
}

async fn which_applications(cx: ProcessCx) -> Vec<ApplicationInfo> {
    cx.node().applications().which()
}

async fn which_applications_in_time(cx: ProcessCx, _within: Timeout) -> Vec<ApplicationInfo> {
    which_applications(cx).await
}

async fn loaded_applications(cx: ProcessCx) -> Vec<ApplicationInfo> {
    cx.node().applications().loaded()
}

async fn own_application(cx: ProcessCx) -> Term {
    found(cx.application().map(Term::from))
}

async fn application_of(cx: ProcessCx, whose: PidOrModule) -> Result<Term, Raise> {
    match whose {
        // `process_info` in OTP.
        PidOrModule::Pid(pid) if !cx.node().is_own(pid) => Err(Raise::error(atoms::BADARG)),
        PidOrModule::Pid(pid) => Ok(found(cx.node().applications().of(pid).map(Term::from))),
        PidOrModule::Module => Ok(found(None)),
    }
}

async fn own_env(cx: ProcessCx, key: Term) -> Term {
    found(value(&cx, cx.application(), &key))
}

async fn env(cx: ProcessCx, application: Term, key: Term) -> Term {
    found(value(&cx, name(&application), &key))
}

async fn env_or(cx: ProcessCx, application: Term, key: Term, default: Term) -> Term {
    value(&cx, name(&application), &key).unwrap_or(default)
}

async fn own_all_env(cx: ProcessCx) -> Term {
    environment(&cx, cx.application())
}

async fn all_env(cx: ProcessCx, application: Term) -> Term {
    environment(&cx, name(&application))
}

async fn own_key(cx: ProcessCx, key: Term) -> Term {
    found(value_of_key(&cx, cx.application(), &key))
}

async fn key(cx: ProcessCx, application: Term, key: Term) -> Term {
    found(value_of_key(&cx, name(&application), &key))
}

async fn own_all_key(cx: ProcessCx) -> Term {
    match cx.application() {
        // Not `undefined`.
        None => Term::NIL,
        own => found(all_keys(&cx, own)),
    }
}

async fn all_key(cx: ProcessCx, application: Term) -> Term {
    found(all_keys(&cx, name(&application)))
}

/// `{ok, Value} | undefined`
fn found(value: Option<Term>) -> Term {
    match value {
        Some(value) => Term::tuple([Term::from(atoms::OK), value]),
        None => Term::from(atoms::UNDEFINED),
    }
}

/// What is no atom is the name of nothing, and neither is what is no atom yet.
fn name(of: &Term) -> Option<Atom> {
    Atom::lookup(of.as_atom_str()?)
}

fn value(cx: &ProcessCx, application: Option<Atom>, key: &Term) -> Option<Term> {
    let applications = cx.node().applications();
    applications.env(application?.as_str(), key.as_atom_str()?)
}

/// `[{Key, Value}]`
fn environment(cx: &ProcessCx, application: Option<Atom>) -> Term {
    let environment = application.map(|name| cx.node().applications().all_env(name.as_str()));
    // A key that is too long for an atom is none that Erlang could ask for.
    Term::list(
        environment
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(key, value)| {
                let key = Atom::new(&key).ok()?;
                Some(Term::tuple([Term::from(key), value]))
            }),
    )
}

fn value_of_key(cx: &ProcessCx, application: Option<Atom>, key: &Term) -> Option<Term> {
    let loaded = cx.node().application_registry().find_loaded(application?)?;
    read(cx, &loaded, key.as_atom_str()?)
}

/// `[{Key, Value}]`
fn all_keys(cx: &ProcessCx, application: Option<Atom>) -> Option<Term> {
    let loaded = cx.node().application_registry().find_loaded(application?)?;
    Some(Term::list(KEYS.iter().filter_map(|key| {
        let value = read(cx, &loaded, key)?;
        Some(Term::tuple([Term::from(Atom::from_static(key)), value]))
    })))
}

fn read(cx: &ProcessCx, application: &Application, key: &str) -> Option<Term> {
    let keys = application.keys();
    let atoms = |names: &[Atom]| Term::list(names.iter().map(|name| Term::from(*name)));
    Some(match key {
        "description" => Term::charlist(keys.description),
        "vsn" => Term::charlist(keys.version),
        "id" | "modules" | "included_applications" | "optional_applications" => Term::NIL,
        "maxP" => Term::from(atoms::INFINITY),
        "maxT" => match keys.max_time {
            Some(time) => Term::from(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            None => Term::from(atoms::INFINITY),
        },
        "registered" => atoms(keys.registered),
        "applications" => atoms(keys.depends_on),
        "env" => environment(cx, Some(keys.name)),
        // As in the reason of a start that failed.
        "mod" if keys.has_code => Term::tuple([Term::from(keys.name), Term::NIL]),
        "mod" => Term::NIL,
        "start_phases" => Term::from(atoms::UNDEFINED),
        _ => return None,
    })
}

/// `infinity` or milliseconds.
struct Timeout;

impl<'a> Decode<'a> for Timeout {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let time = d.term()?;
        match time.is_atom("infinity") || time.as_int().is_some_and(|time| time >= 0) {
            true => Ok(Self),
            false => Err(DecodeError::custom("neither `infinity` nor milliseconds")),
        }
    }
}

/// What `get_application` is asked about.
enum PidOrModule {
    Pid(Pid),
    /// There are none here.
    Module,
}

impl<'a> Decode<'a> for PidOrModule {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let whose = d.term()?;
        match whose.as_pid() {
            Some(pid) => Ok(Self::Pid(pid)),
            None if whose.as_atom_name().is_some() => Ok(Self::Module),
            None => Err(DecodeError::custom("neither a pid nor a module")),
        }
    }
}
