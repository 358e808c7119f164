//! Each kind of store is spoken to on this machine; a real server checks nothing but S3 (moto), and not its signatures. So
//! what is not tested here: that Amazon, Google and Azure themselves take what is signed for them, and Google's own
//! addresses.

use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustls::{crypto::ring, pki_types::alg_id};
use serde_json::{Value, json};

use super::*;
use crate::{
    evidence::tests::{server::Server, snapshots},
    settings::Secret,
    testing::Moto,
    tls,
    words::EventId,
};

fn label() -> Label {
    let captured_at = Timestamp::from_second(1_700_000_000).expect("a time");
    Label { camera: "door".parse().expect("an id"), event: EventId::fresh(), captured_at }
}

fn remote(store: ObjectStore) -> Remote {
    let settings = snapshots(store);
    Remote::open(&settings.store, &settings).expect("sound settings")
}

fn s3(endpoint: Url, prefix: &str, path_style: bool) -> ObjectStore {
    ObjectStore::S3 {
        bucket: "evidence".into(),
        prefix: prefix.into(),
        region: "eu-central-1".into(),
        keys: Some(("AKIAEXAMPLE".into(), Secret::new("hunter2"))),
        endpoint: Some(endpoint),
        path_style,
        ca_file: None,
    }
}

fn google(endpoint: Url) -> ObjectStore {
    let key = json!({"private_key": "hunter2", "private_key_id": "1", "client_email": "a@b", "disable_oauth": true});
    google_for(&key, endpoint)
}

fn google_for(service_account: &Value, endpoint: Url) -> ObjectStore {
    ObjectStore::Google {
        bucket: "evidence".into(),
        prefix: "site".into(),
        service_account: Secret::new(service_account.to_string()),
        endpoint: Some(endpoint),
        ca_file: None,
    }
}

fn azure(endpoint: Url) -> ObjectStore {
    ObjectStore::Azure {
        account: "lookout".into(),
        container: "evidence".into(),
        prefix: "site".into(),
        access_key: Secret::new("aHVudGVyMg=="),
        endpoint: Some(endpoint),
        ca_file: None,
    }
}

#[actix::test]
async fn every_kind_of_store_is_spoken_to_in_its_way() {
    for (kind, path, metadata, signed) in [
        ("s3", "/evidence/site/door/1.jpg", "x-amz-meta-", "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"),
        ("gs", "/evidence/site%2Fdoor%2F1%2Ejpg", "x-goog-meta-", ""),
        ("az", "/evidence/site/door/1.jpg", "x-ms-meta-", "SharedKey lookout:"),
    ] {
        let server = Server::start();
        let store = match kind {
            "s3" => s3(server.url(""), "site/", true),
            "gs" => google(server.url("")),
            _ => azure(server.url("")),
        };
        let (label, store) = (label(), remote(store));
        store.put("door/1.jpg", vec![7; 5].into(), &label).await.expect(kind);
        let objects = server.objects();
        let object = objects.get(path).unwrap_or_else(|| panic!("{kind}: {:?}", objects.keys()));
        assert_eq!(object.body, [7; 5]);
        let header = |name: &str| object.headers.get(name).map(String::as_str).unwrap_or_default();
        let content_type = [header("content-type"), header("x-ms-blob-content-type")];
        assert!(content_type.contains(&"image/jpeg"), "{kind}: {:?}", object.headers);
        for (name, value) in
            [("camera", "door"), ("event", &*label.event.to_string()), ("captured", "2023-11-14T22:13:20Z")]
        {
            assert_eq!(header(&format!("{metadata}{name}")), value, "{kind}");
        }
        assert!(header("authorization").starts_with(signed), "{kind}: {:?}", object.headers);
        assert_eq!(header("user-agent"), concat!("lookout/", env!("CARGO_PKG_VERSION")));
        assert!(!format!("{:?}", object.headers).contains("hunter2"), "{kind}");
    }
}

#[actix::test]
async fn google_is_shown_claims_that_the_key_of_the_service_account_has_signed() {
    let email = "lookout@example.iam.gserviceaccount.com";
    let account = json!({
        "type": "service_account",
        "private_key": include_str!("../../../tests/fixtures/google/service_account.key"),
        "private_key_id": "key-1",
        "client_email": email,
    });
    let server = Server::start();
    let store = remote(google_for(&account, server.url("")));
    store.put("door/1.jpg", vec![7].into(), &label()).await.expect("stored");
    let (_, object) = server.objects().pop_first().expect("one is stored");
    // The signed claims (RFC 7519) are the bearer themselves: no token is asked for before.
    let bearer = object.headers["authorization"].strip_prefix("Bearer ").expect("a bearer");
    let (signed, signature) = bearer.rsplit_once('.').expect("three parts");
    let (header, claims) = signed.split_once('.').expect("three parts");
    let bytes = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64");
    let read = |part: &str| serde_json::from_slice::<Value>(&bytes(part)).expect("JSON");
    let (header, claims) = (read(header), read(claims));
    assert_eq!((&header["alg"], &header["kid"]), (&json!("RS256"), &json!("key-1")));
    assert_eq!(claims["iss"], email);
    assert!(claims["scope"].as_str().is_some_and(|scope| scope.contains("googleapis.com/auth/")), "{claims}");
    assert!(claims["exp"].as_u64() > claims["iat"].as_u64(), "{claims}");
    let public = include_str!("../../../tests/fixtures/google/service_account.pub");
    let public: String = public.lines().filter(|line| !line.starts_with('-')).collect();
    let public = BASE64_STANDARD.decode(public).expect("base64");
    let algorithms = ring::default_provider().signature_verification_algorithms.all;
    let rs256 = algorithms.iter().find(|it| it.signature_alg_id() == alg_id::RSA_PKCS1_SHA256).expect("ring has it");
    rs256.verify_signature(&public, signed.as_bytes(), &bytes(signature)).expect("signed with the account's key");
}

#[test]
fn the_bucket_stands_where_it_is_wanted() {
    let endpoint: Url = "https://s3.example:9000/".parse().expect("a URL");
    let at = |path_style| bucket_endpoint(&endpoint, "evidence", path_style).expect("it fits");
    assert_eq!((at(true), at(false)), ("https://s3.example:9000".into(), "https://evidence.s3.example:9000".into()));
    let numbers: Url = "http://10.0.0.7:9000".parse().expect("a URL");
    let error = bucket_endpoint(&numbers, "evidence", false).expect_err("no name").to_string();
    assert!(error.contains("path style"), "{error}");
}

#[test]
fn invariant_13_unusable_keys_are_named_and_not_shown() {
    let endpoint: Url = "https://h.example".parse().expect("a URL");
    let gs = |key: &str| ObjectStore::Google {
        bucket: "b".into(),
        prefix: "".into(),
        service_account: Secret::new(key),
        endpoint: Some(endpoint.clone()),
        ca_file: None,
    };
    let az = ObjectStore::Azure {
        account: "a".into(),
        container: "c".into(),
        prefix: "".into(),
        access_key: Secret::new("hunter2 is no base64!"),
        endpoint: Some(endpoint.clone()),
        ca_file: None,
    };
    for (store, word) in [(gs("hunter2"), "service account"), (az, "base64")] {
        let settings = snapshots(store);
        let error = Remote::open(&settings.store, &settings).err().expect("refused");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(word) && !shown.contains("hunter2"), "{shown}");
    }
}

#[actix::test]
async fn what_an_answer_means() {
    use crate::evidence::{tests::server::Put, uplink::Blame};
    for (status, blame, says) in [
        (403, Blame::Settings, "keys"),
        (401, Blame::Settings, "keys"),
        (404, Blame::Settings, "no such bucket"),
        (301, Blame::Settings, "redirects"),
        (400, Blame::Settings, "a setting of the store is wrong"),
        (413, Blame::Attempt, "413"),
        (500, Blame::StoreAway, "(ItIsATest): it has a fault of its own"),
        (503, Blame::StoreAway, "busy"),
        (429, Blame::StoreAway, "busy"),
        (507, Blame::StoreAway, "full"),
    ] {
        let server = Server::start();
        server.rule(move |_| Put::Answer(status));
        let store = remote(s3(server.url(""), "", true));
        let error = store.put("door/1.jpg", vec![7].into(), &label()).await.expect_err("refused");
        assert_eq!(error.blame(), blame, "{status}: {error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(says) && !shown.contains("hunter2"), "{status}: {shown}");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let gone = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let store = remote(s3(gone.parse().expect("a URL"), "", true));
    let error = store.put("door/1.jpg", vec![7].into(), &label()).await.expect_err("nobody is there");
    assert_eq!(error.blame(), Blame::StoreAway);
    assert!(error.to_string().contains("refused"), "{error}");
}

#[actix::test]
async fn a_real_s3_server_keeps_pictures_with_type_and_metadata() {
    let Some(moto) = Moto::start() else { return };
    let url: Url = format!("http://{}", moto.address()).parse().expect("a URL");
    let store = remote(s3(url.clone(), "site/north", true));
    let (label, jpeg) = (label(), Bytes::from_static(b"\xff\xd8 a picture \xff\xd9"));
    let error = store.put("door/0.jpg", jpeg.clone(), &label).await.expect_err("there is no bucket yet");
    assert!(error.to_string().contains("no such bucket"), "{error}");
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls::client(None).expect("built-in roots"));
    let bucket = client.no_proxy().build().expect("a client").put(url.join("evidence").expect("a URL"));
    let location =
        "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>";
    let made = bucket.header("authorization", "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261121/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=x");
    let status = made.body(location).send().await.expect("it answers").status();
    assert!(status.is_success(), "{status}");
    for n in 0..20 {
        store.put(&format!("door/{n}.jpg"), jpeg.clone(), &label).await.expect("stored");
    }
    assert_eq!(store.get("door/19.jpg").await.expect("it is there"), jpeg);
    assert_eq!(store.get("door/20.jpg").await, Err(StoreError::Missing));
    let kept = store.inner.get(&Path::from("site/north/door/0.jpg")).await.expect("under the prefix");
    let attribute = |name: Attribute| kept.attributes.get(&name).map(|value| value.as_ref().to_owned());
    assert_eq!(attribute(Attribute::ContentType).as_deref(), Some("image/jpeg"));
    assert_eq!(attribute(Attribute::Metadata("camera".into())).as_deref(), Some("door"));
    assert_eq!(attribute(Attribute::Metadata("event".into())), Some(label.event.to_string()));
    assert_eq!(attribute(Attribute::Metadata("captured".into())).as_deref(), Some("2023-11-14T22:13:20Z"));
}
