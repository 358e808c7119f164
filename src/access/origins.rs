//! Whose page asks. A browser sends our cookie, and reaches loopback, also for pages of others; it says so.

use super::hosts::Hosts;

/// Whose page it is that asks for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// Ours.
    Own,
    /// Somebody else's.
    Foreign,
    /// Nobody says: it is no browser, or a very old one.
    Unsaid,
}

/// Judges by what browsers send and no page can forge: `Sec-Fetch-Site`, and where there is none (over plain HTTP other
/// than to loopback) `Origin`. Another port is another origin: what else runs on this machine is not ours.
pub(super) fn page(fetch_site: Option<&str>, origin: Option<&str>, host: Option<&str>, hosts: &Hosts) -> Page {
    let is_own = match (fetch_site, origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            // "null" has no authority. A proxy may not pass on the host that was asked.
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_some_and(|authority| {
                host.is_some_and(|host| host.eq_ignore_ascii_case(authority)) || hosts.is_named(authority)
            })
        }
        (None, None) => return Page::Unsaid,
    };
    if is_own { Page::Own } else { Page::Foreign }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_page_may_ask_for_a_change() {
        let hosts = Hosts::new(([127, 0, 0, 1], 8080).into(), false, vec!["lookout.lan".into()]);
        let own = Some("localhost:8080");
        for (fetch_site, origin, expected) in [
            (Some("same-origin"), Some("http://localhost:8080"), Page::Own),
            (Some("same-origin"), None, Page::Own),
            // A proxy in front that changes the host: the browser knows better.
            (Some("same-origin"), Some("https://elsewhere.example"), Page::Own),
            (Some("none"), None, Page::Own),
            (Some("same-site"), Some("http://localhost:3000"), Page::Foreign),
            (Some("cross-site"), Some("https://evil.example"), Page::Foreign),
            (Some("cross-site"), Some("http://localhost:8080"), Page::Foreign),
            (Some(""), None, Page::Foreign),
            (None, Some("http://localhost:8080"), Page::Own),
            (None, Some("http://LOCALHOST:8080"), Page::Own),
            (None, Some("http://localhost:3000"), Page::Foreign),
            (None, Some("http://localhost"), Page::Foreign),
            (None, Some("https://evil.example"), Page::Foreign),
            (None, Some("null"), Page::Foreign),
            (None, Some(""), Page::Foreign),
            (None, Some("https://lookout.lan"), Page::Own),
            (None, None, Page::Unsaid),
        ] {
            assert_eq!(page(fetch_site, origin, own, &hosts), expected, "{fetch_site:?} {origin:?}");
        }
        assert_eq!(page(None, Some("http://localhost:8080"), None, &hosts), Page::Foreign);
    }
}
