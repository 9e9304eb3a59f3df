//! Adds descriptions to the user's configuration.

use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item};
use wassay_drive::description::Description;
use wassay_reports::terminal::Text;

use super::super::{Error, destination};
use crate::engines::{self, Origin, by_name, user_folder};

/// Copies a description to the user's configuration, with its relative paths made absolute.
pub(super) fn add(file: &Path, may_replace: bool) -> Result<Text, Error> {
    let found = engines::named(file)?;
    let name = &found.description.name;
    let folder = user_folder().ok_or_else(|| {
        Error::Usage(
            "cannot find the home folder for the user's configuration; set XDG_CONFIG_HOME".to_owned(),
        )
    })?;
    let target = folder.join(format!("{name}.toml"));
    let refused = |what: String| Error::Usage(format!("{}: {what}", target.display()));
    let text =
        relocated(&found.text, file).map_err(|why| Error::Usage(format!("{}: {why}", file.display())))?;
    // The text must be readable again under the same name.
    Description::parse(&target.display().to_string(), &text)
        .map_err(|error| Error::Usage(format!("after making its paths absolute: {error}")))?;
    match fs::read_to_string(&target) {
        Ok(old) if old == text => {}
        Ok(_) if !may_replace => {
            return Err(refused(format!(
                "engine `{name}` already exists: use --replace, or choose another name"
            )));
        }
        _ => {
            let system = |error| Error::System { what: format!("{}: cannot write", target.display()), error };
            fs::create_dir_all(&folder).map_err(system)?;
            destination::write(&target, text.as_bytes()).map_err(system)?;
        }
    }
    let mut shown = Text::new(false);
    shown.line(format_args!(
        "{name}: added as {}; use it with `wassay test --engine {name}`",
        target.display()
    ));
    // The project's description overrides the user's.
    if let Ok(Some(engines::Found { origin: Origin::Project(path), .. })) = by_name(name) {
        shown.line(format_args!("in this folder, {} overrides it", path.display()));
    }
    Ok(shown)
}

/// The text of a description with paths relative to its folder made absolute.
fn relocated(text: &str, file: &Path) -> Result<String, String> {
    let folder = std::path::absolute(file).map_err(|error| error.to_string())?;
    let folder = folder.parent().map(Path::to_owned).unwrap_or_default();
    let path = folder.to_str().ok_or("the path of the description's folder is not UTF-8")?;
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    relocate(document.as_item_mut(), &folder, &path.replace('{', "{{").replace('}', "}}"));
    Ok(document.to_string())
}

/// Replaces `{dir}` by the folder in all strings, and makes paths of expectations absolute.
fn relocate(item: &mut Item, folder: &Path, dir: &str) {
    if let Some(table) = item.as_table_like_mut() {
        for (key, item) in table.iter_mut() {
            let is_path = key.get() == "expectations";
            if let (true, Some(path)) = (is_path, item.as_str()) {
                let path: PathBuf = folder.join(path);
                set(item, &path.display().to_string());
            } else {
                relocate(item, folder, dir);
            }
        }
    } else if let Some(array) = item.as_array_mut() {
        for value in array.iter_mut() {
            if let Some(text) = value.as_str() {
                let decor = value.decor().clone();
                *value = with_dir(text, dir).into();
                *value.decor_mut() = decor;
            }
        }
    } else if let Some(text) = item.as_str() {
        let text = with_dir(text, dir);
        set(item, &text);
    }
}

/// Changes the string of an item, and keeps its comments and spacing.
fn set(item: &mut Item, text: &str) {
    if let Some(value) = item.as_value_mut() {
        let decor = value.decor().clone();
        *value = text.into();
        *value.decor_mut() = decor;
    }
}

/// Replaces `{dir}` by the folder; `{{dir}}` is an escaped brace.
fn with_dir(text: &str, dir: &str) -> String {
    let (mut placed, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        placed.push_str(before);
        rest = if let Some(after) = from.strip_prefix("{{") {
            placed.push_str("{{");
            after
        } else if let Some(after) = from.strip_prefix("{dir}") {
            placed.push_str(dir);
            after
        } else {
            placed.push('{');
            from.get(1..).unwrap_or_default()
        };
    }
    placed + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_the_same_files_from_another_folder() {
        let text = "# mine\nname = \"e\" # it\nprogram = [\"e\", \"{dir}/e\"]\nexpectations = \"known.toml\"\nnotes = \"{dir}\"\n[protocol]\n\
            command = [\"{program}\", \"{{dir}}{dir}/a\"] # run\nenv = { A = \"{dir}\" }\n[columns.all]\nexpectations = \"/b.toml\"\n";
        let relocated = relocated(text, Path::new("/a{b/e.toml")).unwrap();
        let expected = "# mine\nname = \"e\" # it\nprogram = [\"e\", \"/a{{b/e\"]\nexpectations = \"/a{b/known.toml\"\nnotes = \"/a{{b\"\n[protocol]\n\
            command = [\"{program}\", \"{{dir}}/a{{b/a\"] # run\nenv = { A = \"/a{{b\" }\n[columns.all]\nexpectations = \"/b.toml\"\n";
        assert_eq!(relocated, expected);
    }
}
