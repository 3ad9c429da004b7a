use std::fmt;
use std::io::{self, IsTerminal as _};

use tracing::Dispatch;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

/// What is logged, how, and where to. See the [module](super).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "nothing is logged until init()"]
pub struct Log {
    pub(crate) filter: String,
    pub(crate) format: Format,
    pub(crate) output: Output,
    pub(crate) ansi: Option<bool>,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Time, level, the spans that it is in, module, text, fields.
    #[default]
    Full,
    /// The same, shorter: spans come last.
    Compact,
    /// A JSON object a line: `timestamp`, `level`, `target`, and `fields` with the text as `message`.
    Json,
}

/// Where lines go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Standard error.
    #[default]
    Stderr,
    /// Standard output.
    Stdout,
}

/// Why nothing is logged as it was asked for.
///
/// `Debug` shows the same sentence as `Display`: it is what a `main` that returns the error prints.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// No directives: see `tracing_subscriber::EnvFilter`.
    #[error(
        "not a filter of log lines: {filter:?}: {reason}; write info, or warn,kista::net=debug"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The program has a subscriber already, and there is one only.
    #[error("the program logs already: {0}")]
    AlreadySet(String),
    /// What logged is no more.
    #[error("nothing is logged any more")]
    Gone,
}

impl fmt::Debug for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The filter of what is logged, while the program runs. Dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct LogControl(reload::Handle<EnvFilter, Registry>);

impl Log {
    /// What is `info` and above, in full lines, to stderr.
    pub fn new() -> Self {
        Self {
            filter: "info".to_owned(),
            format: Format::default(),
            output: Output::default(),
            ansi: None,
        }
    }

    /// What is logged: a level, or directives by module. A module alone, without a level, silences all others: when that may be a level that
    /// there is none of (`verbose`), the first line of the log says so.
    pub fn filter(mut self, directives: impl Into<String>) -> Self {
        self.filter = directives.into();
        self
    }

    /// What is logged as this environment variable says, if it is set and not empty: `RUST_LOG`, where that is the custom.
    pub fn variable(mut self, name: &str) -> Self {
        if let Ok(filter) = std::env::var(name)
            && !filter.is_empty()
        {
            self.filter = filter;
        }
        self
    }

    /// How lines look.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Where they go.
    pub fn output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// Whether they are coloured; by default where they go to a terminal. JSON is not.
    pub fn ansi(mut self, on: bool) -> Self {
        self.ansi = Some(on);
        self
    }

    /// Logs from now on, for the whole program.
    ///
    /// # Errors
    /// [`LogError::Filter`], [`LogError::AlreadySet`].
    pub fn init(self) -> Result<LogControl, LogError> {
        let directives = self.filter.clone();
        let (dispatch, control) = match self.output {
            Output::Stderr => self.dispatch(io::stderr, io::stderr().is_terminal())?,
            Output::Stdout => self.dispatch(io::stdout, io::stdout().is_terminal())?,
        };
        dispatch
            .try_init()
            .map_err(|error| LogError::AlreadySet(error.to_string()))?;
        if silences(&directives).is_some() {
            control.set_filter(&directives)?;
        }
        Ok(control)
    }

    /// What logs so, to `writer`.
    fn dispatch<W>(&self, writer: W, terminal: bool) -> Result<(Dispatch, LogControl), LogError>
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let (filter, handle) = reload::Layer::new(parse(&self.filter)?);
        let ansi = self.ansi.unwrap_or(terminal) && self.format != Format::Json;
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(writer)
            .with_ansi(ansi);
        let lines = match self.format {
            Format::Full => lines.boxed(),
            Format::Compact => lines.compact().boxed(),
            Format::Json => lines.json().boxed(),
        };
        let subscriber = tracing_subscriber::registry().with(filter).with(lines);
        Ok((Dispatch::new(subscriber), LogControl(handle)))
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl LogControl {
    /// What is logged from now on.
    ///
    /// # Errors
    /// [`LogError::Filter`]: all is as before. [`LogError::Gone`].
    pub fn set_filter(&self, directives: &str) -> Result<(), LogError> {
        let filter = parse(directives)?;
        if let Some(word) = silences(directives) {
            // While it can be heard.
            self.reload(EnvFilter::new("warn"))?;
            tracing::warn!(
                target: "kista::log",
                "the filter of log lines has no level: {word:?} is taken for a module, and of all others nothing is logged. Levels are error, \
                 warn, info, debug, trace and off; to hear of a module beside the others write info,{word}=debug"
            );
        }
        self.reload(filter)
    }

    /// What is logged now.
    pub fn filter(&self) -> Option<String> {
        self.0.with_current(ToString::to_string).ok()
    }

    fn reload(&self, filter: EnvFilter) -> Result<(), LogError> {
        self.0.reload(filter).map_err(|_| LogError::Gone)
    }
}

/// The word that was perhaps to be a level, where no other directive has one for all modules.
fn silences(directives: &str) -> Option<&str> {
    let words = directives.split(',').map(str::trim);
    let mut words = words.filter(|word| !word.is_empty());
    if words
        .clone()
        .any(|word| word.parse::<LevelFilter>().is_ok())
    {
        return None;
    }
    // A path is a module's, and so is our own name.
    words.find(|word| !word.contains(['=', '[', ':']) && *word != "kista")
}

pub(crate) fn parse(directives: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(directives).map_err(|error| LogError::Filter {
        filter: directives.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written when this logs, and the filter is changed to the other before the second half.
    fn written(log: &Log, later: &str) -> String {
        let written = Written::default();
        let writer = written.clone();
        let (dispatch, control) = log.dispatch(move || writer.clone(), false).unwrap();
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::info!(target: "shown", n = 1, "first");
            tracing::debug!(target: "shown", "not yet");
            control.set_filter(later).unwrap();
            tracing::debug!(target: "shown", "then");
            assert!(control.set_filter("=debug=").is_err());
            tracing::info!(target: "other", "of another");
        });
        String::from_utf8(written.0.lock().clone()).unwrap()
    }

    #[test]
    fn each_format_writes_what_the_filter_lets_through_and_no_more() {
        for format in [Format::Full, Format::Compact, Format::Json] {
            let log = Log::new().filter("info,other=off").format(format);
            let text = written(&log, "debug,other=off");
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(lines.len(), 2, "{text}");
            assert!(
                lines[0].contains("first") && lines[1].contains("then"),
                "{text}"
            );
            assert!(!text.contains('\u{1b}'), "{text}");
            match format {
                Format::Json => assert!(
                    lines[0].starts_with('{')
                        && lines[0].contains(r#""level":"INFO""#)
                        && lines[0].contains(r#""fields":{"message":"first","n":1}"#)
                        && lines[0].ends_with('}'),
                    "{text}"
                ),
                _ => assert!(
                    lines[0].contains("INFO") && lines[0].contains("n=1"),
                    "{text}"
                ),
            }
        }
    }

    #[test]
    fn colours_are_for_those_who_ask_and_never_in_json() {
        let coloured = written(&Log::new().ansi(true), "debug");
        assert!(coloured.contains('\u{1b}'));
        let json = written(&Log::new().ansi(true).format(Format::Json), "debug");
        assert!(!json.contains('\u{1b}') && !json.contains("u001b"));
    }

    #[test]
    fn a_filter_that_is_none_is_refused_with_its_text() {
        let error = Log::new().filter("kista=loud=very").init().unwrap_err();
        assert!(matches!(&error, LogError::Filter { filter, .. } if filter == "kista=loud=very"));
        assert!(error.to_string().contains("kista=loud=very"), "{error}");
    }

    #[test]
    fn a_word_that_is_no_level_is_said_to_silence_all_else() {
        for filter in ["verbose", "kista=info, verbose", "warning,other::part"] {
            let text = written(&Log::new().filter("info,other=off"), filter);
            let lines: Vec<_> = text.lines().collect();
            let word = if filter.contains("verbose") {
                "\"verbose\""
            } else {
                "\"warning\""
            };
            assert_eq!(lines.len(), 2, "{text}");
            assert!(
                lines[1].contains("WARN")
                    && lines[1].contains(word)
                    && lines[1].contains("error, warn, info"),
                "{text}"
            );
        }
        for filter in [
            "kista",
            "other::part",
            "other=off",
            "verbose,error",
            "OFF",
            "3",
            "",
        ] {
            let text = written(&Log::new().filter("info,other=off"), filter);
            assert!(!text.contains("no level"), "{filter}: {text}");
        }
    }

    #[test]
    fn a_program_has_one_log() {
        let log = Log::new().filter("off");
        // Whoever of this program's tests comes first.
        let _ = log.clone().init();
        assert!(matches!(log.init(), Err(LogError::AlreadySet(_))));
    }
}
