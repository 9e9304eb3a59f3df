//! The folders granted by `--dir`, `--dir-ro` and `--mapdir`, in command-line order, which is the
//! order of the guest's descriptors.

use std::collections::HashSet;

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use wassay_wasi::{Access, WasiCtxBuilder};

use super::options::{Grant, dir, mapdir};
use crate::exit::Error;

/// The options, and the access that each grants.
const OPTIONS: [(&str, Access); 3] =
    [("dir", Access::ReadWrite), ("dir-ro", Access::ReadOnly), ("mapdir", Access::ReadWrite)];

/// Folders in command-line order, each with its option and access.
#[derive(Clone, Debug)]
pub(super) struct Grants(Vec<(&'static str, Access, Grant)>);

impl Grants {
    /// Preopens the folders.
    pub(super) fn give(&self, mut builder: WasiCtxBuilder) -> Result<WasiCtxBuilder, Error> {
        let mut names = HashSet::new();
        for (option, access, Grant { host, guest }) in &self.0 {
            // The guest could use only one of them.
            if !names.insert(guest) {
                return Err(Error::Usage(format!("--{option}: another folder is already named `{guest}`")));
            }
            builder = builder
                .preopen(host, guest.clone(), *access)
                .map_err(|error| Error::Usage(format!("--{option}: {error}")))?;
        }
        Ok(builder)
    }
}

// Not derived: clap collects the values of each option separately, without the order between
// options.
impl clap::Args for Grants {
    fn augment_args(command: Command) -> Command {
        let option = |id: &'static str, value: &'static str, help: &'static str| {
            Arg::new(id).long(id).value_name(value).help(help).action(ArgAction::Append)
        };
        command
            .arg(option("dir", "HOST[::GUEST]", "Grant a folder, as GUEST if given").value_parser(dir))
            .arg(option("dir-ro", "HOST[::GUEST]", "Grant a folder, read-only").value_parser(dir))
            .arg(
                option(
                    "mapdir",
                    "GUEST::HOST",
                    "Same as --dir, with the program's name for it first; also GUEST:HOST",
                )
                .value_parser(mapdir),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Grants::augment_args(command)
    }
}

impl FromArgMatches for Grants {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Grants, clap::Error> {
        let mut found = Vec::new();
        for (option, access) in OPTIONS {
            let places = matches.indices_of(option).unwrap_or_default();
            let grants = matches.get_many::<Grant>(option).unwrap_or_default();
            found.extend(places.zip(grants).map(|(place, grant)| (place, (option, access, grant.clone()))));
        }
        found.sort_by_key(|(place, _)| *place);
        Ok(Grants(found.into_iter().map(|(_, grant)| grant).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Grants::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        grants: Grants,
    }

    #[test]
    fn folders_keep_the_order_of_the_command_line() {
        let words =
            ["wassay", "--mapdir=b::1", "--dir-ro=2::c", "--dir=3::a", "--mapdir=d::4", "--dir-ro=5::e"];
        let Line { grants } = Line::try_parse_from(words).unwrap();
        let found: Vec<_> = grants.0.iter().map(|(option, _, grant)| (*option, &*grant.guest)).collect();
        assert_eq!(found, [("mapdir", "b"), ("dir-ro", "c"), ("dir", "a"), ("mapdir", "d"), ("dir-ro", "e")]);
        assert!(Line::try_parse_from(["wassay"]).unwrap().grants.0.is_empty());
    }
}
