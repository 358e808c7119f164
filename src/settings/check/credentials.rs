use super::{
    super::{Credentials, Secret},
    Check,
};

/// User name and password as the keys of a table say them.
#[derive(Default)]
pub(super) struct Written {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) password_file: Option<String>,
}

/// User name and password as a URL says them.
pub(super) type InUrl = (Option<String>, Option<String>);

impl Check<'_> {
    /// Credentials from the keys of `table` and from its URL; `None` for a URL that could not be read.
    pub(super) fn credentials(&mut self, table: &str, written: Written, in_url: Option<InUrl>) -> Option<Credentials> {
        let at = |key: &str| format!("{table}.{key}");
        let url_was_read = in_url.is_some();
        let (url_username, url_password) = in_url.unwrap_or_default();
        let password = self.secret(table, "password", written.password, written.password_file);
        let username = self.one_of(&at("username"), written.username, url_username);
        let password = self.one_of(&at("password"), password, url_password);
        match (username.filter(|name| !name.is_empty()), password) {
            (Some(username), password) => {
                Some(Credentials { username, password: Secret::new(password.unwrap_or_default()) })
            }
            (None, Some(_)) => {
                if url_was_read {
                    self.problem(&at("username"), "missing: there is a password for it");
                }
                None
            }
            (None, None) => None,
        }
    }

    /// The same may be said in a field and in the URL, but not two different things. Neither is repeated.
    fn one_of(&mut self, path: &str, field: Option<String>, url: Option<String>) -> Option<String> {
        if let (Some(field), Some(url)) = (&field, &url)
            && field != url
        {
            self.problem(path, "the URL says another one: remove one of the two");
        }
        field.or(url)
    }
}
