use std::{
    collections::HashMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{
    Settings, SettingsError, check, files,
    layers::{self, Layers},
    problems::Problems,
    shape, variables,
};

/// Reads the settings: the file at `path`, else at `$LOOKOUT_CONFIG`, else `lookout.toml`, `config/lookout.toml` or
/// `/etc/lookout/lookout.toml`; over it the environment (`LOOKOUT__SERVER__BIND`). Says which file it was.
///
/// # Errors
///
/// There is no such file, it is no TOML, or what it says is wrong; then all of it at once.
pub fn load(path: Option<&Path>) -> Result<(Settings, PathBuf), SettingsError> {
    let working_folder = env::current_dir().unwrap_or_default();
    let from_environment = env::var_os("LOOKOUT_CONFIG").map(PathBuf::from);
    let path = files::find(path, from_environment, &working_folder)?;
    let text = files::read_settings(&path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let settings = read(&text, env::vars_os(), folder, &path)?;
    Ok((settings, path))
}

/// Like [`load`], from a text and an environment that the caller chooses; relative paths start at `folder`.
///
/// # Errors
///
/// As for [`load`], except that there always is a text.
pub fn load_from(
    text: &str,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    folder: &Path,
) -> Result<Settings, SettingsError> {
    read(text, environment, folder, Path::new("settings"))
}

fn read(
    text: &str,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    folder: &Path,
    path: &Path,
) -> Result<Settings, SettingsError> {
    let mut problems = Problems::default();
    let mut variables = HashMap::new();
    for (name, value) in environment {
        let Ok(name) = name.into_string() else {
            continue;
        };
        match value.into_string() {
            Ok(value) => {
                variables.insert(name, value);
            }
            Err(_) if name.starts_with("LOOKOUT__") => {
                problems.add(&format!("environment.{name}"), "not UTF-8");
            }
            // Whoever names it in the file is told that it is not set or not UTF-8.
            Err(_) => {}
        }
    }
    let Layers { mut tree, named } = layers::lay(text, &variables, &mut problems)
        .map_err(|cause| SettingsError::Syntax { path: path.to_owned(), cause })?;
    let withheld = variables::withheld(named);
    let settings = shape::read(&mut tree, &mut problems);
    let settings = settings.map(|file| check::check(file, folder, withheld, &mut problems));
    match settings {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(SettingsError::Invalid { path: path.to_owned(), problems }),
    }
}
