use super::*;
use crate::Node;

/// A file of this text, gone with the value.
struct Written(PathBuf);

impl Written {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("kista-config-{}-{name}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn variables(config: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read().variables_of("T", config.to_vec()).load()
}

/// What is wrong with this, in a file.
fn wrong(name: &str, text: &str) -> String {
    let file = Written::new(name, text);
    let error = match Config::read().file(&file.0).load() {
        Ok(config) => Node::configured(&config)
            .map(drop)
            .expect_err("it is wrong"),
        Err(error) => error,
    };
    error
        .to_string()
        .replace(&file.0.display().to_string(), "FILE")
}

#[test]
fn what_is_wrong_in_a_file_is_named_with_its_key_and_the_file() {
    assert_eq!(
        wrong("kind", "[node]\nname = 'a@b'\nport = 'high'"),
        "node.port in FILE is to be a port from 1 to 65535, not \"high\""
    );
    assert_eq!(
        wrong("range", "[node]\nname = 'a@b'\nnet_ticktime = 0"),
        "node.net_ticktime in FILE is to be a number of seconds above zero, not 0"
    );
    assert_eq!(
        wrong("text", "[node]\nname = 7"),
        "node.name in FILE is to be a text, not 7"
    );
    assert!(
        wrong("typo", "[node]\nname = 'a@b'\ntick = 1")
            .starts_with("node.tick in FILE is not known: there are name,")
    );
    assert_eq!(
        wrong("table", "[nodes]\nname = 'a@b'"),
        "nodes in FILE is not known: there are node, log, env and applications"
    );
    assert_eq!(
        wrong("dotted", "[node]\nname = 'a@b'\n[\"env.x\"]\ny = 1"),
        "env.x in FILE is not known: there are node, log, env and applications"
    );
    assert_eq!(
        wrong("flat", "applications = 1"),
        "applications in FILE is to be a table, not 1"
    );
    assert_eq!(
        wrong("app", "[applications]\ndemo = 1"),
        "applications.demo in FILE is to be a table, not 1"
    );
    assert_eq!(
        wrong("float", "[applications.demo.deep]\nlimits = [1, inf]"),
        "applications.demo.deep.limits[1] in FILE is to be a number that Erlang has too, not inf"
    );
    assert_eq!(
        wrong("missing", "[env]\nx = 1"),
        "node.name is missing: say it in the file or in an environment variable"
    );
    assert!(
        wrong("syntax", "[node\n").starts_with("FILE: TOML parse error at line 1"),
        "{}",
        wrong("syntax", "[node\n")
    );
}

#[test]
fn a_file_that_is_not_there_is_an_error_unless_it_may_be_missing() {
    let missing = std::env::temp_dir().join("kista-config-that-is-not-there.toml");
    let error = Config::read()
        .file(&missing)
        .load()
        .expect_err("it is not there");
    assert!(
        error
            .to_string()
            .starts_with(&missing.display().to_string())
    );
    Config::read().optional_file(&missing).load().unwrap();
}

#[test]
fn what_is_wrong_in_a_variable_is_named_with_the_variable() {
    let config = variables(&[("T_NODE__NAME", "a@b"), ("T_NODE__EPMD_PORT", "70000")]).unwrap();
    let error = Node::configured(&config)
        .map(drop)
        .expect_err("it is wrong");
    assert_eq!(
        error.to_string(),
        "node.epmd_port in the environment variable T_NODE__EPMD_PORT is to be a port from 1 to 65535, not 70000"
    );
    let config = variables(&[("T_NODE__NAME", "a@b"), ("T_NODE__SIZE", "1")]).unwrap();
    let error = Node::configured(&config)
        .map(drop)
        .expect_err("it is wrong");
    assert!(
        error
            .to_string()
            .starts_with("node.size in the environment variable T_NODE__SIZE is not known")
    );
}

#[test]
fn what_is_wrong_with_a_table_is_named_with_all_that_said_something_of_it() {
    let error = |config: Result<Config, ConfigError>| match config {
        Ok(config) => Node::configured(&config)
            .map(drop)
            .expect_err("it is wrong"),
        Err(error) => error,
    };
    let of = |given: &[(&str, &str)]| {
        let mut all = vec![("T_NODE__NAME", "a@b")];
        all.extend(given);
        error(variables(&all)).to_string()
    };
    for (name, value) in [
        ("T_NODE__HTPP__PORT", "1"),
        ("T_NODE__HTPP", "{ port = 1 }"),
        ("T_NODE__HTPP", "{}"),
    ] {
        let said = of(&[(name, value)]);
        let start = format!("node.htpp in the environment variable {name} is not known");
        assert!(said.starts_with(&start), "{said}");
    }
    let said = of(&[("T_NODE__PORT__X", "1")]);
    let start = "node.port in the environment variable T_NODE__PORT__X is to be";
    assert!(said.starts_with(start), "{said}");
    #[cfg(feature = "tls")]
    {
        let said = of(&[("T_NODE__TLS", "{ dir = 'a', nmaes = 'off' }")]);
        let start = "node.tls.nmaes in the environment variable T_NODE__TLS is not known";
        assert!(said.starts_with(start), "{said}");
        // Each by itself is right.
        let file = Written::new("both", "[node]\nname = 'a@b'\n[node.tls]\ndir = 'a'");
        let both = Config::read()
            .file(&file.0)
            .variables_of("T", [("T_NODE__TLS__GENERATED", "true")]);
        let said = error(both.load()).to_string();
        let file = file.0.display();
        let start = format!(
            "node.tls in {file} and the environment variable T_NODE__TLS__GENERATED is to be one of"
        );
        assert!(said.starts_with(&start), "{said}");
    }
    assert_eq!(
        wrong("empty", "[node]\nname = 'a@b'\n[node.htpp]")
            .split(" is")
            .next(),
        Some("node.htpp in FILE")
    );
}

#[test]
fn a_variable_that_is_not_utf8_is_named_and_others_do_not_matter() {
    use std::os::unix::ffi::OsStringExt;
    let bad = OsString::from_vec(vec![0xff]);
    let read = |name: &str| {
        Config::read()
            .variables_of("T", [(name, bad.clone())])
            .load()
    };
    assert_eq!(
        read("T_NODE__NAME").map(drop),
        Err(ConfigError::Variable("T_NODE__NAME".to_owned()))
    );
    read("T_COOKIE").unwrap();
    read("TT_NODE__NAME").unwrap();
    read("PATH").unwrap();
}

#[test]
fn later_sources_come_before_earlier_ones_key_by_key() {
    let first = Written::new(
        "first",
        "[node]\nname = 'a@b'\n[applications.demo]\nlimit = 1\nports = [1, 2]\ndb = { host = 'here', port = 1 }\n[env]\nx = true",
    );
    let second = Written::new(
        "second",
        "[applications.demo]\nports = [3]\n[applications.other]\ny = 1.5",
    );
    let config = Config::read()
        .file(&first.0)
        .file(&second.0)
        .variables_of(
            "KISTA",
            [
                ("KISTA_APPLICATIONS__DEMO__LIMIT", "100"),
                ("KISTA_APPLICATIONS__DEMO__DB__HOST", "10.0.0.1"),
                ("KISTA_COOKIE", "secret"),
            ],
        )
        .load()
        .unwrap();
    let of = |application: &str, key: &str| {
        let environment = &config.applications()[&Atom::new(application).unwrap()];
        environment[key].to_string()
    };
    assert_eq!(of("demo", "limit"), "100");
    assert_eq!(of("demo", "ports"), "[3]");
    assert_eq!(of("demo", "db"), "#{host => <<\"10.0.0.1\">>,port => 1}");
    assert_eq!(of("other", "y"), "1.5");
    assert_eq!(config.env().collect::<Vec<_>>(), [("x", Term::from(true))]);
}

#[test]
fn a_variables_value_is_read_as_toml_or_is_a_text() {
    for (text, term) in [
        ("10", "10"),
        ("true", "true"),
        ("[1, \"a\"]", "[1,<<\"a\">>]"),
        ("\"10\"", "<<\"10\">>"),
        ("plain text", "<<\"plain text\">>"),
        ("", "<<>>"),
        ("1\nother = 2", "<<\"1\\nother = 2\">>"),
    ] {
        let config = variables(&[("T_ENV__X", text)]).unwrap();
        assert_eq!(config.env().next().unwrap().1.to_string(), term, "{text:?}");
    }
}

#[tokio::test]
async fn an_applications_environment_is_its_own_then_the_configurations_then_what_is_set() {
    let config = variables(&[
        ("T_NODE__NAME", "config@127.0.0.1"),
        ("T_NODE__NETWORK", "false"),
        ("T_NODE__STOP_TIMEOUT", "2.5"),
        ("T_ENV__REGION", "north"),
        ("T_APPLICATIONS__DEMO__LIMIT", "100"),
    ])
    .unwrap();
    let node = Node::configured(&config).unwrap().start().await.unwrap();
    assert_eq!(node.name().as_str(), "config@127.0.0.1");
    assert_eq!(node.env("region"), Some(Term::from("north")));
    let applications = node.applications();
    let demo = crate::application::Application::new("demo");
    let demo = demo.env("limit", 10).env("other", 1);
    applications.load(demo).await.unwrap();
    assert_eq!(applications.env("demo", "limit"), Some(Term::from(100)));
    assert_eq!(applications.env("demo", "other"), Some(Term::from(1)));
    applications.set_env("demo", "limit", 7).unwrap();
    assert_eq!(applications.env("demo", "limit"), Some(Term::from(7)));
    node.stop().await;
}

#[tokio::test]
async fn every_key_of_a_node_is_known_and_takes_its_kind() {
    let file = Written::new(
        "all",
        "[node]\nname = 'a@b'\ncookie = 'c'\ncookie_file = '/c'\nlisten_on = '::1'\nport = 9000\nports = [9000, 9001]\n\
         visible = true\nnetwork = true\nepmd = 'embedded'\nepmd_port = 4369\nnet_ticktime = 60\nqueue_alarm = 10\n\
         inspectable = false\nstop_timeout = 1\nstop_on_signals = true",
    );
    let config = Config::read().file(&file.0).load().unwrap();
    drop(Node::configured(&config).unwrap());
    for key in [
        "visible",
        "network",
        "stop_on_signals",
        "inspectable",
        "queue_alarm",
        "ports",
        "epmd",
        "listen_on",
    ] {
        let name = format!("T_NODE__{}", key.to_uppercase());
        let config = variables(&[("T_NODE__NAME", "a@b"), (&name, "maybe")]).unwrap();
        let error = Node::configured(&config)
            .map(drop)
            .expect_err("it is wrong");
        assert!(
            matches!(&error, ConfigError::Wrong { key: wrong, .. } if *wrong == format!("node.{key}")),
            "{error}"
        );
    }
    let config = variables(&[("T_NODE__NAME", "a@b"), ("T_NODE__PORTS", "[9001, 9000]")]).unwrap();
    assert!(Node::configured(&config).is_err());
}

#[cfg(feature = "tls")]
#[test]
fn tls_is_of_one_source_and_what_is_wrong_in_it_is_named() {
    let node = |keys: &str| format!("[node]\nname = 'a@b'\n[node.tls]\n{keys}");
    assert!(
        wrong("tls-key", &node("certificates = 'x'"))
            .starts_with("node.tls.certificates in FILE is not known: there are dir, ca,")
    );
    for (name, keys) in [
        ("none", "names = 'off'"),
        ("half", "ca = 'a'\ncertificate = 'c'"),
        ("two", "dir = 'a'\ngenerated = true"),
        ("false", "generated = false"),
    ] {
        let text = wrong(&format!("tls-{name}"), &node(keys));
        assert!(
            text.starts_with("node.tls in FILE is to be one of: dir;"),
            "{text}"
        );
    }
    assert_eq!(
        wrong("tls-names", &node("dir = 'a'\nnames = 'some'")),
        "node.tls.names in FILE is to be host, dialled or off, not \"some\""
    );
    for keys in [
        "dir = 'a'\nnames = 'dialled'",
        "ca = 'a'\ncertificate = 'c'\nkey = 'k'\ntls13_only = true",
        "generated = true",
        "generated_in = 'd'",
    ] {
        let file = Written::new("tls-good", &node(keys));
        let config = Config::read().file(&file.0).load().unwrap();
        Node::configured(&config).map(drop).unwrap();
    }
    let config = variables(&[("T_NODE__NAME", "a@b"), ("T_NODE__TLS__DIR", "/x")]).unwrap();
    Node::configured(&config).map(drop).unwrap();
}

#[test]
fn a_variable_for_a_text_is_one_whatever_it_looks_like() {
    for (cookie, read) in [
        ("12345", "12345"),
        ("true", "true"),
        ("1e5", "1e5"),
        ("'a b'", "a b"),
    ] {
        let config = variables(&[("T_NODE__NAME", "a@b"), ("T_NODE__COOKIE", cookie)]).unwrap();
        let (_, setting) = config.node.iter().find(|(key, _)| key == "cookie").unwrap();
        assert_eq!(setting.text(), Ok(read));
        assert!(!format!("{config:?}").contains(read), "{config:?}");
        Node::configured(&config).map(drop).unwrap();
    }
}

#[test]
fn a_cookie_is_never_shown() {
    for (name, text) in [
        ("cookie-kind", "[node]\nname = 'a@b'\ncookie = 98765"),
        ("cookie-syntax", "[node]\nname = 'a@b'\ncookie = 98765x"),
    ] {
        let error = wrong(name, text);
        assert!(error.contains("FILE"), "{error}");
        assert!(!error.contains("98765"), "{error}");
    }
}

#[test]
fn a_variable_that_is_meant_for_a_table_and_misses_it_is_an_error() {
    for name in [
        "T_NODE_PORT",
        "T_NODES__PORT",
        "T_NODE",
        "T_APPLICATION__DEMO__LIMIT",
        "T_APPLICATIONS_DEMO",
    ] {
        let error = variables(&[(name, "1")]).map(drop).unwrap_err().to_string();
        let start = format!("the environment variable {name} is not understood: T_NODE__KEY");
        assert!(error.starts_with(&start), "{error}");
    }
    // What is for something else.
    variables(&[("T_SEED", "1"), ("T_COOKIE", "x"), ("T_BENCH__NODE", "1")]).unwrap();
}

#[test]
fn what_is_spelt_wrong_is_named_before_what_is_missing() {
    assert!(
        wrong("misspelt", "[node]\nnmae = 'a@b'").starts_with("node.nmae in FILE is not known")
    );
}

#[test]
fn a_number_out_of_range_is_shown_in_short() {
    assert_eq!(
        wrong("long", "[node]\nname = 'a@b'\nstop_timeout = 1e300"),
        "node.stop_timeout in FILE is to be a number of seconds above zero, not 1e300"
    );
}

#[cfg(feature = "log")]
#[test]
fn what_is_logged_is_read_and_what_is_wrong_in_it_is_named() {
    use crate::log::{Format, Log, Output};
    let file = Written::new(
        "log",
        "[log]\nfilter = 'warn,kista::net=debug'\nformat = 'json'\noutput = 'stdout'\nansi = false",
    );
    let config = Config::read().file(&file.0).load().unwrap();
    let log = Log::new().config(&config).unwrap();
    let expected = Log::new()
        .filter("warn,kista::net=debug")
        .format(Format::Json)
        .output(Output::Stdout)
        .ansi(false);
    assert_eq!(log, expected);
    // The environment comes before the file, key by key.
    let both = Config::read().file(&file.0).variables_of(
        "T",
        [("T_LOG__FORMAT", "compact"), ("T_LOG__FILTER", "off")],
    );
    let log = Log::new().config(&both.load().unwrap()).unwrap();
    assert_eq!(log, expected.clone().format(Format::Compact).filter("off"));

    let wrong = |key: &str, value: &str| {
        let config = variables(&[(&format!("T_LOG__{key}"), value)]).unwrap();
        Log::new().config(&config).unwrap_err().to_string()
    };
    assert_eq!(
        wrong("FORMAT", "xml"),
        "log.format in the environment variable T_LOG__FORMAT is to be full, compact or json, not \"xml\""
    );
    assert!(wrong("FILTER", "kista=loud=very").starts_with(
        "log.filter in the environment variable T_LOG__FILTER is to be directives such as info,"
    ));
    assert!(wrong("ANSI", "7").contains("is to be true or false, not 7"));
    assert!(
        wrong("LEVEL", "info")
            .contains("log.level in the environment variable T_LOG__LEVEL is not known")
    );
    for name in ["T_LOG", "T_LOG_LEVEL"] {
        let error = variables(&[(name, "info")]).map(drop).unwrap_err();
        assert!(
            matches!(error, ConfigError::UnknownVariable { .. }),
            "{error}"
        );
    }
    variables(&[("T_LOGO", "x"), ("T_LOGIN__URL", "x")]).unwrap();
}

#[cfg(feature = "http")]
#[test]
fn http_needs_a_port_and_what_is_wrong_in_it_is_named() {
    let node = |keys: &str| format!("[node]\nname = 'a@b'\n[node.http]\n{keys}");
    let file = Written::new(
        "http",
        &node("port = 9464\nlisten_on = '::1'\nconnections = 4\ntimeout = 2.5"),
    );
    let config = Config::read().file(&file.0).load().unwrap();
    Node::configured(&config).map(drop).unwrap();
    assert_eq!(
        wrong("http-port", &node("connections = 4")),
        "node.http.port is missing: say it in the file or in an environment variable"
    );
    assert_eq!(
        wrong("http-range", &node("port = 70000")),
        "node.http.port in FILE is to be a port, or 0 for one that the system chooses, not 70000"
    );
    assert_eq!(
        wrong("http-none", &node("port = 1\nconnections = 0")),
        "node.http.connections in FILE is to be a number of connections, 1 at least, not 0"
    );
    assert_eq!(
        wrong("http-time", &node("port = 1\ntimeout = 0")),
        "node.http.timeout in FILE is to be a number of seconds above zero, not 0"
    );
    assert!(
        wrong("http-key", &node("prot = 1"))
            .starts_with("node.http.prot in FILE is not known: there are port,")
    );
    assert_eq!(
        wrong("http-table", "[node]\nname = 'a@b'\nhttp = 9464"),
        "node.http in FILE is to be a table, not 9464"
    );
    let config = variables(&[("T_NODE__NAME", "a@b"), ("T_NODE__HTTP__PORT", "0")]).unwrap();
    Node::configured(&config).map(drop).unwrap();
}

#[cfg(feature = "metrics")]
#[test]
fn metrics_are_published_every_so_many_seconds() {
    let config = variables(&[("T_NODE__NAME", "a@b"), ("T_NODE__METRICS_INTERVAL", "2.5")]);
    Node::configured(&config.unwrap()).map(drop).unwrap();
    assert_eq!(
        wrong(
            "metrics",
            "[node]\nname = 'a@b'\nmetrics_interval = 'often'"
        ),
        "node.metrics_interval in FILE is to be a number of seconds above zero, not \"often\""
    );
}
