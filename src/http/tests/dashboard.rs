use super::*;

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

#[actix::test]
async fn a_browser_gets_the_page_and_everything_on_it() {
    let house = House::open();
    let page = request(house.address, "GET", "/", &[BROWSER]).await;
    assert_eq!(page.status, 200);
    for header in ["content-type: text/html; charset=utf-8", "cache-control: no-cache", "vary: accept"] {
        assert!(page.head.contains(header), "{header}: {}", page.head);
    }
    let text = String::from_utf8(page.body).expect("UTF-8");
    let files: Vec<&str> = text.split("\"assets/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(files.contains(&"app.js"), "{text}");
    for file in files {
        assert_eq!(house.get(&format!("/assets/{file}")).await.status, 200, "{file}");
    }
    let gone = house.get("/assets/gone.js").await.problem(404);
    assert!(gone.contains("no file \"gone.js\""), "{gone}");
    assert_eq!(house.get("/assets/..%2Fview.rs").await.status, 404);
}

#[actix::test]
async fn what_a_browser_has_is_not_sent_again() {
    let house = House::open();
    let first = house.get("/assets/style.css").await;
    let tag = first.head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag").to_owned();
    let again = request(house.address, "GET", "/assets/style.css", &[("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert!(again.head.contains(&format!("etag: {tag}")), "{}", again.head);
    let other = request(house.address, "GET", "/assets/pages.css", &[("if-none-match", &tag)]).await;
    assert_eq!(other.status, 200, "each file has a tag of its own");
}

#[actix::test]
async fn programs_get_the_list_of_addresses_under_the_same_rules_as_before() {
    let house = House::with(StreamTerms::default(), tokens());
    assert_eq!(house.get("/").await.status, 401);
    assert_eq!(request(house.address, "GET", "/", &[("accept", "application/json")]).await.status, 401);
    assert_eq!(request(house.address, "GET", "/", &[BROWSER]).await.status, 200, "the door is not behind the door");
    let shown = ("authorization", &*format!("Bearer {TOKEN}"));
    let list = request(house.address, "GET", "/", &[shown, ("accept", "*/*")]).await.json();
    assert_eq!(list["name"], "lookout");
}
