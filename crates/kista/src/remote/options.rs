use kista_etf::Term;

use crate::process::Priority;

/// What a request to start a process asks for, of what concerns the node that starts it: the options of `erlang:spawn_opt/4`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Options {
    pub(crate) link: bool,
    pub(crate) monitor: bool,
    pub(crate) priority: Priority,
}

impl Options {
    /// `None`: `badopt`. An option about a heap, a garbage collector or a scheduler that is not there means nothing; with a value that
    /// OTP would refuse it is refused. `reply` and `reply_tag` are for the node that asks, which does not send them.
    pub(crate) fn parse(options: &Term) -> Option<Self> {
        let mut parsed = Self::default();
        for option in options.as_list()? {
            parsed.take(option)?;
        }
        Some(parsed)
    }

    fn take(&mut self, option: &Term) -> Option<()> {
        if let Some(name) = option.as_atom_str() {
            match name {
                "link" => self.link = true,
                "monitor" => self.monitor = true,
                _ => return None,
            }
            return Some(());
        }
        let [name, value] = option.as_tuple()? else {
            return None;
        };
        match name.as_atom_str()? {
            "monitor" => {
                value.as_list()?.iter().try_for_each(monitor_option)?;
                self.monitor = true;
            }
            "priority" => {
                self.priority = match value.as_atom_str()? {
                    "low" => Priority::Low,
                    "normal" => Priority::Normal,
                    "high" => Priority::High,
                    "max" => Priority::Max,
                    _ => return None,
                };
            }
            "min_heap_size" | "min_bin_vheap_size" | "fullsweep_after" | "scheduler" => {
                value.as_int().filter(|n| *n >= 0)?;
            }
            "max_heap_size" => max_heap_size(value)?,
            "message_queue_data" => one_of(value, &["on_heap", "off_heap", "mixed"])?,
            "async_dist" => drop(value.as_bool()?),
            _ => return None,
        }
        Some(())
    }
}

/// An alias and a tag are for the process that monitors: they do not concern this node.
fn monitor_option(option: &Term) -> Option<()> {
    let [name, value] = option.as_tuple()? else {
        return None;
    };
    match name.as_atom_str()? {
        "alias" => one_of(value, &["explicit_unalias", "demonitor", "reply_demonitor"]),
        "tag" => Some(()),
        _ => None,
    }
}

fn max_heap_size(value: &Term) -> Option<()> {
    if let Some(map) = value.as_map() {
        return map.iter().try_for_each(|(key, value)| {
            match key.as_atom_str()? {
                "size" => drop(value.as_int().filter(|n| *n >= 0)?),
                "kill" | "error_logger" | "include_shared_binaries" => drop(value.as_bool()?),
                _ => return None,
            }
            Some(())
        });
    }
    value.as_int().filter(|n| *n >= 0).map(drop)
}

fn one_of(value: &Term, allowed: &[&str]) -> Option<()> {
    let value = value.as_atom_str()?;
    allowed.contains(&value).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &str) -> Option<Options> {
        Options::parse(&options.parse().unwrap())
    }

    #[test]
    fn options_of_a_heap_that_is_not_there_are_ignored() {
        let options = "[link,{monitor,[{alias,reply_demonitor},{tag,{any,term}}]},{priority,high},{min_heap_size,233},
            {min_bin_vheap_size,1},{fullsweep_after,0},{scheduler,1},{max_heap_size,#{size=>0,kill=>true,error_logger=>false}},
            {max_heap_size,1000},{message_queue_data,off_heap},{async_dist,true}]";
        let parsed = Options {
            link: true,
            monitor: true,
            priority: Priority::High,
        };
        assert_eq!(parse(options), Some(parsed));
        assert_eq!(parse("[]"), Some(Options::default()));
    }

    #[test]
    fn a_bad_option_is_never_half_of_a_good_request() {
        for bad in [
            "link",
            "[link|monitor]",
            "[linked]",
            "[{link,true}]",
            "[{priority,urgent}]",
            "[{priority,1}]",
            "[{monitor,x}]",
            "[{monitor,[{alias,sometimes}]}]",
            "[{monitor,[tag]}]",
            "[{min_heap_size,-1}]",
            "[{fullsweep_after,often}]",
            "[{max_heap_size,#{size=>-1}}]",
            "[{max_heap_size,#{sise=>1}}]",
            "[{message_queue_data,disk}]",
            "[{async_dist,1}]",
            // Consumed by the node that asks: on the wire they are wrong.
            "[{reply,no}]",
            "[{reply_tag,x}]",
            "[{a,b,c}]",
            "[1]",
            "\"link\"",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
