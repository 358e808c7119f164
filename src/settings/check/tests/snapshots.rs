use super::*;

fn snapshots(text: &str) -> String {
    detector(&format!("[snapshots]\n{text}"))
}

fn s3(text: &str) -> String {
    snapshots(&format!("store = \"s3://b\"\n{text}"))
}

fn google(text: &str) -> String {
    snapshots(&format!("store = \"gs://b\"\n{text}"))
}

fn azure(text: &str) -> String {
    snapshots(&format!("store = \"az://c\"\n{text}"))
}

fn read(text: &str) -> Snapshots {
    let settings = load(text).unwrap_or_else(|error| panic!("{error}\nin\n{text}"));
    settings.snapshots.expect("there are some")
}

#[test]
fn what_is_right_passes() {
    all_pass([
        snapshots(""),
        snapshots("store = \"none\"\nframes = 3"),
        snapshots("store = \"file:pictures\"\nmax_bytes = \"1MiB\""),
        snapshots("store = \"file:///var/pictures\""),
        s3("region = \"auto\""),
        s3("access_key_id = \"a\"\nsecret_access_key = \"b\"\nendpoint = \"https://h:9000\"\npath_style = false"),
        s3("access_key_id = \"a\"\nsecret_access_key_file = \"secrets/yard\"\nca_file = \"ca.pem\""),
        s3("endpoint = \"http://h:9000\"\nallow_http = true"),
        google("service_account_file = \"secrets/google.json\""),
        azure("account = \"abc\"\naccess_key = \"aHVudGVyMg==\""),
        azure("account = \"abc\"\naccess_key_file = \"secrets/azure\"\nendpoint = \"http://h/abc\"\nallow_http = true"),
        snapshots("store = \"https://h/dav/\"\nusername = \"u\"\npassword_file = \"secrets/yard\""),
        snapshots("store = \"http://h/dav\"\nallow_http = true"),
        snapshots(
            "key = \"x/{event}-{n}.jpg\"\npublic_url = \"https://cdn.example/p\"\nquality = 100\nannotate = true",
        ),
        snapshots("frames = 100\nevery = \"40ms\"\nconcurrency = 1024\ndeadline = \"0s\"\ntimeout = \"5m\""),
        snapshots("max_retries = 1\nspool_bytes = \"1MiB\""),
        camera("evidence = { frames = 10, every = \"10s\" }"),
    ]);
}

#[test]
fn what_is_wrong_is_named() {
    each_is_named([
        (snapshots("store = \"\""), "snapshots.store: ", "is no store: write \"file\""),
        (snapshots("store = \"ftp://h/\""), "snapshots.store: ", "\"s3://BUCKET/PREFIX\""),
        (snapshots("store = \"s3:b\""), "snapshots.store: ", "is no store"),
        (snapshots("store = \"file:\""), "snapshots.store: ", "names no folder"),
        (snapshots("store = \"file://data/snapshots\""), "snapshots.store: ", "file:///FOLDER"),
        (snapshots("store = \"file:ca.pem\""), "snapshots.store: ", "is a file"),
        (snapshots("store = \"s3://\""), "snapshots.store: ", "names no bucket"),
        (snapshots("store = \"s3://a b\""), "snapshots.store: ", "names no bucket"),
        (snapshots("store = \"s3://hunter2:x@b/\""), "snapshots.store: ", "carries credentials"),
        (snapshots("store = \"s3://b/{camera}\""), "snapshots.store: ", "snapshots.key"),
        (snapshots("store = \"s3://b/a/../c\""), "snapshots.store: ", "the prefix must"),
        (snapshots("store = \"http://h/\""), "snapshots.store: ", "allow_http = true"),
        (snapshots("store = \"https://h/?x=hunter2\""), "snapshots.store: ", "query"),
        (snapshots("store = \"https://a:1/hunter2@h/\""), "snapshots.store: ", "behind the host"),
        (snapshots("region = \"x\""), "snapshots.region: ", "is for store = s3://: remove it here"),
        (snapshots("ca_file = \"ca.pem\""), "snapshots.ca_file: ", "s3://, gs://, az://, https://"),
        (s3("account = \"abc\""), "snapshots.account: ", "is for store = az://"),
        (s3("max_bytes = \"1GiB\""), "snapshots.max_bytes: ", "is for store = a folder"),
        (
            google("username = \"x\"\nservice_account_file = \"secrets/google.json\""),
            "snapshots.username: ",
            "https://",
        ),
        (s3("access_key_id = \"a\""), "snapshots.secret_access_key: ", "belongs to access_key_id"),
        (
            s3("access_key_id = \"a\"\nsecret_access_key_file = \"no\""),
            "snapshots.secret_access_key_file: ",
            "FOLDER/no",
        ),
        (s3("secret_access_key = \"hunter2\""), "snapshots.access_key_id: ", "belongs to secret_access_key"),
        (s3("region = \"eu central\""), "snapshots.region: ", "eu-central-1"),
        (s3("endpoint = \"http://h\""), "snapshots.endpoint: ", "allow_http = true"),
        (s3("endpoint = \"http://h\"\nallow_http = false"), "snapshots.endpoint: ", "not encrypted"),
        (s3("endpoint = \"h:9000\""), "snapshots.endpoint: ", "only http and https"),
        (s3("endpoint = \"https://a:hunter2@h\""), "snapshots.endpoint: ", "carries credentials"),
        (s3("ca_file = \"no.pem\""), "snapshots.ca_file: ", "FOLDER/no.pem"),
        (google(""), "snapshots.service_account_file: ", "missing"),
        (google("service_account_file = \"secrets/yard\""), "snapshots.service_account_file: ", "no JSON object"),
        (azure("access_key = \"aHVudGVyMg==\""), "snapshots.account: ", "missing"),
        (azure("account = \"A\"\naccess_key = \"aHVudGVyMg==\""), "snapshots.account: ", "3 to 24"),
        (azure("account = \"abc\""), "snapshots.access_key: ", "missing"),
        (azure("account = \"abc\"\naccess_key = \"hunter2\""), "snapshots.access_key: ", "no base64"),
        (azure("account = \"abc\"\naccess_key_file = \"no\""), "snapshots.access_key_file: ", "FOLDER/no"),
        (snapshots("store = \"https://h/\"\npassword = \"x\""), "snapshots.username: ", "missing"),
        (snapshots("key = \"{event}.jpg\""), "snapshots.key: ", "must hold {n}"),
        (snapshots("key = \"{event}/{n}/{hour}\""), "snapshots.key: ", "{camera}, {date}, {event} and {n}"),
        (snapshots(&format!("key = \"{}{{event}}/{{n}}\"", "x".repeat(220))), "snapshots.key: ", "up to 256 bytes"),
        (snapshots("public_url = \"ftp://h/\""), "snapshots.public_url: ", "http and https"),
        (snapshots("public_url = \"https://a:hunter2@h/\""), "snapshots.public_url: ", "carries credentials"),
        (snapshots("quality = 0"), "snapshots.quality: ", "1 to 100"),
        (snapshots("annotate = 1"), "snapshots.annotate: ", "true or false"),
        (snapshots("frames = 101"), "snapshots.frames: ", "1 to 100"),
        (snapshots("every = \"39ms\""), "snapshots.every: ", "40ms to 10s"),
        (snapshots("concurrency = 0"), "snapshots.concurrency: ", "1 to 1024"),
        (snapshots("deadline = \"6m\""), "snapshots.deadline: ", "0s to 5m"),
        (snapshots("timeout = \"0s\""), "snapshots.timeout: ", "1s to 5m"),
        (snapshots("max_retries = 0"), "snapshots.max_retries: ", "1 to 1000000"),
        (snapshots("spool_bytes = \"1B\""), "snapshots.spool_bytes: ", "1MiB to 16TiB"),
        (snapshots("max_bytes = \"1B\""), "snapshots.max_bytes: ", "1MiB to 16TiB"),
        (snapshots("framse = 1"), "snapshots.framse: ", "did you mean \"frames\"?"),
        (detector("[snapshot]"), "snapshot: ", "did you mean \"snapshots\"?"),
        (camera("evidence = { frames = 0 }"), "cameras[0].evidence.frames: ", "1 to 100"),
        (camera("evidence = { every = \"11s\" }"), "cameras[0].evidence.every: ", "40ms to 10s"),
        (camera("evidence = { frame = 2 }"), "cameras[0].evidence.frame: ", "did you mean \"frames\"?"),
    ]);
}

#[test]
fn pictures_are_kept_out_of_the_box() {
    let folder = folder();
    let settings = load_with(&storage("path = \"d\""), &[], folder.path()).expect("fine");
    let store = settings.snapshots.map(|snapshots| snapshots.store);
    assert_eq!(store, Some(ObjectStore::Folder { path: folder.path().join("d/snapshots"), max_bytes: 1 << 30 }));
    assert_eq!(load(&snapshots("store = \"none\"")).expect("fine").snapshots, None);
    let of = |text: &str| match read(&snapshots(&format!("store = \"{text}\""))).store {
        ObjectStore::Folder { path, .. } => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(of("file:///var/pictures"), Path::new("/var/pictures"));
    assert_eq!(of("file:/var/pictures"), Path::new("/var/pictures"));
    assert!(of("file:a/b").ends_with("a/b") && of("file:a/b").is_absolute(), "beside the settings file");
}

#[test]
fn each_store_is_read() {
    let url = |text: &str| url::Url::parse(text).expect("a URL");
    let keys = "access_key_id = \"id\"\nsecret_access_key = \"hunter2\"";
    let expected = ObjectStore::S3 {
        bucket: "b".into(),
        prefix: "".into(),
        region: "us-east-1".into(),
        keys: Some(("id".into(), Secret::new("hunter2"))),
        endpoint: None,
        path_style: false,
        ca_file: None,
    };
    assert_eq!(read(&s3(keys)).store, expected);
    let text = snapshots(&format!("store = \"s3://b/p/q/\"\nendpoint = \"https://h:9000\"\n{keys}"));
    let ObjectStore::S3 { prefix, endpoint, path_style, .. } = read(&text).store else { panic!("S3") };
    assert_eq!((&*prefix, endpoint, path_style), ("p/q", Some(url("https://h:9000")), true));
    let ObjectStore::Google { bucket, service_account, .. } =
        read(&google("service_account_file = \"secrets/google.json\"")).store
    else {
        panic!("Google")
    };
    assert_eq!((&*bucket, service_account.expose().contains("hunter2")), ("b", true));
    let ObjectStore::Azure { account, container, access_key, .. } =
        read(&azure("account = \"abc\"\naccess_key_file = \"secrets/azure\"")).store
    else {
        panic!("Azure")
    };
    assert_eq!((&*account, &*container, access_key.expose()), ("abc", "c", "aHVudGVyMg=="));
    let expected = ObjectStore::Http {
        url: url("https://h/dav"),
        credentials: Some(Credentials { username: "u".into(), password: Secret::new("hunter2") }),
        ca_file: None,
    };
    assert_eq!(read(&snapshots("store = \"https://u:hunter2@h/dav\"")).store, expected);
}

#[test]
fn a_camera_has_the_common_evidence_but_for_its_own() {
    let text = format!(
        "{}[[cameras]]\nid = \"a\"\nurl = \"rtsp://h/\"\n[[cameras]]\nid = \"b\"\nurl = \"rtsp://h/\"\nevidence = {{ frames = 3 }}",
        "detector.model = \"m.onnx\"\n[snapshots]\nframes = 10\nevery = \"1s\"\n"
    );
    let settings = load(&text).expect("fine");
    let evidence: Vec<_> = settings.cameras.iter().map(|c| (c.evidence.frames, c.evidence.every.as_secs())).collect();
    assert_eq!(evidence, [(10, 1), (3, 1)]);
}

#[test]
fn invariant_13_no_secret_of_a_store_in_any_output() {
    for (text, fault) in [
        (s3("access_key_id = \"id\"\nsecret_access_key = \"hunter2\""), ("s3://b", "s3://hunter2@b")),
        (google("service_account_file = \"secrets/google.json\""), ("secrets/google.json", "secrets/short")),
        (azure("account = \"abc\"\naccess_key = \"hunter2hunter2AA\""), ("hunter2AA", "hunter2!")),
        (snapshots("store = \"https://u:hunter2@h/dav\""), ("/dav", "/dav?hunter2")),
        (snapshots("store = \"https://h/dav\"\nusername = \"u\"\npassword = \"hunter2\""), ("\"u\"", "\"\"")),
    ] {
        let settings = load(&text).unwrap_or_else(|error| panic!("{error}\nin\n{text}"));
        let failure = load_from(&text.replace(fault.0, fault.1), [], folder().path()).expect_err("a fault");
        let shown = show(&settings);
        assert!(shown.contains("***"), "{shown}");
        for output in [format!("{settings:?} {settings:#?}"), shown, format!("{failure} {failure:?} {failure:#?}")] {
            assert!(!output.contains("hunter2"), "{output}");
        }
    }
}

#[test]
fn what_is_shown_of_snapshots_loads_again() {
    let folder = folder();
    for text in [
        snapshots("store = \"none\""),
        snapshots("store = \"file:pictures\"\nmax_bytes = \"3MiB\"\nframes = 7\nevery = \"1s\""),
        snapshots("key = \"{event}/{n}\"\npublic_url = \"https://h/p\"\nquality = 3\nannotate = true\nconcurrency = 7"),
        snapshots("deadline = \"3s\"\ntimeout = \"4s\"\nmax_retries = 5\nspool_bytes = \"6MiB\""),
        s3("endpoint = \"http://h:9000\"\nallow_http = true\npath_style = false\nregion = \"x\"\nca_file = \"ca.pem\""),
        snapshots("store = \"http://h/dav/\"\nallow_http = true"),
    ] {
        // Of a webhook's URL too little is shown to load again.
        let (without_sinks, _) = text.split_once("[[sinks]]").expect("there is one");
        let settings = load_with(without_sinks, &[], folder.path()).expect(&text);
        let shown = show(&settings);
        assert!(settings.sinks.is_empty() && without_sinks.contains("[snapshots]"));
        assert_eq!(load_with(&shown, &[], folder.path()), Ok(settings), "{shown}");
    }
}
