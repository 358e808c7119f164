//! The dashboard: pages, styles and scripts that are a part of the program. They tell nothing of cameras and people, so
//! everybody may have them; what they ask for afterwards is asked under the rules of the interface.

use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{Accept, CACHE_CONTROL, CONTENT_TYPE, ETag, EntityTag, Header, VARY},
};

use super::{
    super::{
        Problem, auth,
        parameters::{Id, shown},
    },
    operations,
    pictures::has_it,
};

/// A file of the dashboard.
struct Asset {
    name: &'static str,
    text: &'static str,
}

macro_rules! assets {
    ($($name:literal)*) => {
        &[$(Asset { name: $name, text: include_str!(concat!("../assets/", $name)) }),*]
    };
}

const PAGE: &str = "index.html";

const ASSETS: &[Asset] = assets![
    "add_camera.js" "api.js" "app.js" "ask_first.js" "boxes.js" "camera.js" "cameras.js" "charts.js" "controls.js"
    "deliveries.js" "dom.js" "facts.js" "film.js" "icons.js" "index.html" "interface.js" "lantern.svg" "lightbox.js"
    "news.js" "outages.js" "pace.js" "pages.css" "player.js" "recent.js" "router.js" "samples.js" "session.js"
    "shell.js" "slides.js" "stage.js" "stills.js" "style.css" "theme.js" "tile.js" "times.js" "toasts.js" "toml.js"
    "visit.js" "visits.js" "wall.js" "words.js" "zone_canvas.js" "zone_lines.js" "zones.js"
];

/// Whether somebody would rather see a page than read JSON: browsers say so, programs do not.
fn prefers_page(request: &HttpRequest) -> bool {
    let Ok(accept) = Accept::parse(request) else { return false };
    accept.ranked().iter().find_map(|kind| match kind.essence_str() {
        "text/html" | "application/xhtml+xml" => Some(true),
        "application/json" | "application/*" | "*/*" => Some(false),
        _ => None,
    }) == Some(true)
}

/// The page for browsers; the list of addresses for programs that may look.
pub(in crate::http) async fn front(request: HttpRequest) -> Result<HttpResponse, Problem> {
    if prefers_page(&request) {
        return serve(&request, PAGE);
    }
    auth::may_look(&request)?;
    Ok(HttpResponse::Ok().insert_header((VARY, "accept")).json(operations::index()))
}

/// What the page is made of.
pub(in crate::http) async fn file(Id(name): Id<String>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    serve(&request, &name)
}

fn serve(request: &HttpRequest, name: &str) -> Result<HttpResponse, Problem> {
    let asset = find(name).ok_or_else(|| {
        let detail = format!(
            "the dashboard has no file \"{}\"; a page from before an update may ask for it: load it again",
            shown(name)
        );
        Problem::not_found(detail)
    })?;
    let kind = content_type(asset.name).ok_or_else(|| Problem::internal("a file of no known kind"))?;
    let tag = EntityTag::new_strong(fingerprint(asset.text));
    let (mut answer, text) =
        if has_it(request, &tag) { (HttpResponse::NotModified(), "") } else { (HttpResponse::Ok(), asset.text) };
    answer.insert_header(ETag(tag));
    // Kept, but asked about each time: after an update no old script meets a new page.
    answer.insert_header((CACHE_CONTROL, "no-cache"));
    if asset.name == PAGE {
        answer.insert_header((VARY, "accept"));
    }
    Ok(answer.insert_header((CONTENT_TYPE, kind)).body(text))
}

fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

fn content_type(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

fn fingerprint(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use actix_web::test::TestRequest;

    use super::*;

    fn of_kind(ending: &str) -> impl Iterator<Item = &'static Asset> {
        ASSETS.iter().filter(move |asset| asset.name.rsplit_once('.').is_some_and(|(_, end)| end == ending))
    }

    fn page_text() -> &'static str {
        find(PAGE).expect("there is a page").text
    }

    /// What stands between `before` and the next `after`, each time.
    fn between<'a>(text: &'a str, before: &'a str, after: char) -> impl Iterator<Item = &'a str> {
        text.split(before).skip(1).filter_map(move |rest| rest.split(after).next())
    }

    #[test]
    fn every_file_of_the_folder_is_served_as_what_it_is() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/assets");
        let name =
            |entry: std::io::Result<fs::DirEntry>| entry.expect("readable").file_name().into_string().expect("plain");
        let there: BTreeSet<String> = fs::read_dir(folder).expect("it is there").map(name).collect();
        let served: BTreeSet<String> = ASSETS.iter().map(|asset| asset.name.to_owned()).collect();
        assert_eq!(there, served);
        assert_eq!(served.len(), ASSETS.len(), "each once");
        for asset in ASSETS {
            assert!(content_type(asset.name).is_some(), "{}", asset.name);
        }
        assert_eq!(
            content_type("app.js"),
            Some("text/javascript; charset=utf-8"),
            "a module of any other type is refused"
        );
    }

    #[test]
    fn whatever_a_file_asks_for_is_there() {
        let mut asked: Vec<(&str, &str)> = Vec::new();
        for asset in ASSETS {
            asked.extend(between(asset.text, "\"assets/", '"').map(|name| (asset.name, name)));
        }
        for module in of_kind("js") {
            asked.extend(between(module.text, " from \"./", '"').map(|name| (module.name, name)));
            asked.extend(between(module.text, "import \"./", '"').map(|name| (module.name, name)));
        }
        for (by, name) in &asked {
            assert!(find(name).is_some(), "{by} asks for {name}");
        }
        assert!(asked.len() > ASSETS.len(), "the reader of imports sees them");
        let wanted: BTreeSet<&str> = asked.iter().map(|(_, name)| *name).chain([PAGE]).collect();
        let never: Vec<&str> = ASSETS.iter().map(|asset| asset.name).filter(|name| !wanted.contains(name)).collect();
        assert!(never.is_empty(), "nothing asks for {never:?}");
    }

    #[test]
    fn what_a_module_takes_from_another_is_given_there() {
        let mut seen = 0;
        for module in of_kind("js") {
            for import in between(module.text, "import {", ';') {
                let (names, rest) = import.split_once('}').expect("a list");
                let from = between(rest, "\"./", '"').next().expect("a file");
                let there = find(from).expect("the test above looks for it").text;
                for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                    let given = ["function", "async function", "class", "const"].iter().any(|kind| {
                        between(there, &format!("export {kind} {name}"), '\n')
                            .any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
                    });
                    assert!(given, "{} wants {name} of {from}", module.name);
                    seen += 1;
                }
            }
        }
        assert!(seen > 100, "the reader of imports sees them");
    }

    #[test]
    fn nothing_on_the_page_is_refused_by_its_own_policy() {
        let page = page_text();
        for tag in between(page, "<script", '>') {
            assert!(tag.contains(" src=\"assets/"), "<script{tag}>");
        }
        for body in page.split("<script").skip(1) {
            let (_, rest) = body.split_once('>').expect("an end of the tag");
            assert!(rest.starts_with("</script>"), "a script stands in a file of its own");
        }
        assert!(!page.contains("<style") && !page.contains(" style="), "styles stand in files of their own");
        for tag in between(page, "<", '>') {
            let handler = tag.split_whitespace().any(|part| part.starts_with("on") && part.contains('='));
            assert!(!handler, "<{tag}>");
        }
    }

    #[test]
    fn nothing_is_asked_of_others() {
        for asset in ASSETS {
            let text = asset.text.replace("http://www.w3.org/2000/svg", "");
            for foreign in ["http://", "https://", "\"//", "url(", "@import"] {
                assert!(!text.contains(foreign), "{} has {foreign}", asset.name);
            }
        }
    }

    #[test]
    fn no_text_becomes_markup_or_code() {
        for module in of_kind("js") {
            for way in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "srcdoc",
                "javascript:",
            ] {
                assert!(!module.text.contains(way), "{} has {way}", module.name);
            }
        }
    }

    #[test]
    fn browsers_get_the_page_and_programs_get_json() {
        for (accept, page) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true),
            ("application/json;q=0.5, text/html", true),
            ("application/json, text/html;q=0.5", false),
            ("*/*", false),
            ("application/json", false),
            ("image/png, */*;q=0.1", false),
            ("text/plain", false),
        ] {
            let request = TestRequest::get().insert_header(("accept", accept)).to_http_request();
            assert_eq!(prefers_page(&request), page, "{accept}");
        }
        assert!(!prefers_page(&TestRequest::get().to_http_request()));
    }
}
