//! `[server]`, `[storage]`, `[detector]` and `[visits]`.

use super::*;

#[test]
fn what_is_right_passes() {
    all_pass([
        String::new(),
        "[detector]\nmodel = \"m.onnx\"".to_owned(),
        server("bind = \"[::1]:0\""),
        server("bind = \"0.0.0.0:80\"\ntokens = [\"0123456789abcdef\"]"),
        server("bind = \"0.0.0.0:80\"\ntokens_file = \"secrets/tokens\""),
        server("bind = \"0.0.0.0:80\"\nauth = \"none\""),
        server("auth = \"none\"\ntokens = []"),
        storage("path = \"/x\"\nkeep = \"1h\"\nmax_bytes = \"1MiB\""),
        storage("keep = \"3650d\"\nmax_bytes = \"16TiB\""),
        detector("min_score = 0\nmax_overlap = 1\nworkers = 256\nlabels = [\"person\", \"dog\"]"),
        visits("hits = 100\nwindow = 100\nquiet = \"1s\"\nblind = \"0s\"\ndown_after = \"1d\""),
    ]);
}

#[test]
fn what_is_wrong_is_named() {
    each_is_named([
        (server("bind = \"localhost:80\""), "server.bind: ", "127.0.0.1:8080"),
        (server("bind = \":80\""), "server.bind: ", "0.0.0.0:8080"),
        (server("bind = 80"), "server.bind: ", "found a whole number"),
        (server("bind = \"0.0.0.0:80\""), "server.bind: ", "auth = \"none\""),
        (server("bind = \"0.0.0.0:80\""), "server.bind: ", "server.tokens"),
        (server("bind = \"[::]:80\"\ntokens = []"), "server.bind: ", "server.tokens"),
        (server("auth = \"basic\""), "server.auth: ", "\"none\""),
        (server("auth = \"none\"\ntokens = [\"0123456789abcdef\"]"), "server.auth: ", "contradicts"),
        (server("tokens = [\"0123456789abcde\"]"), "server.tokens[0]: ", "16 characters"),
        (server("tokens = [\"0123456789 abcdef\"]"), "server.tokens[0]: ", "header"),
        (server("bind = \"0.0.0.0:80\"\ntokens = [3]"), "server.tokens[0]: ", "a text in quotes"),
        (server("bind = \"0.0.0.0:80\"\ntokens_file = \"no\""), "server.tokens_file: ", "FOLDER/no"),
        (server("tokens_file = \"secrets/short\""), "server.tokens_file[0]: ", "16 characters"),
        (server("tokens_file = \"secrets/empty\""), "server.tokens_file: ", "is empty"),
        (server("tokens_file = \"secrets/tokens\"\ntokens = []"), "server.tokens_file: ", "one of the two"),
        (server("bindd = \"x\""), "server.bindd: ", "did you mean \"bind\"?"),
        (storage("path = \"\""), "storage.path: ", "folder"),
        (storage("keep = 30"), "storage.keep: ", "with its unit"),
        (storage("keep = \"30\""), "storage.keep: ", "\"30s\""),
        (storage("keep = \"59m\""), "storage.keep: ", "1h to 3650d"),
        (storage("max_bytes = 512"), "storage.max_bytes: ", "512MiB"),
        (storage("max_bytes = \"512\""), "storage.max_bytes: ", "512MiB"),
        (storage("max_bytes = \"1KiB\""), "storage.max_bytes: ", "1MiB to 16TiB"),
        (detector("model = \"\""), "detector.model: ", "ONNX"),
        (detector("model = \"no.onnx\""), "detector.model: ", "FOLDER/no.onnx"),
        (detector("model = \"embeded\""), "detector.model: ", "is called \"embedded\""),
        (detector("model = \"secrets\""), "detector.model: ", "is no file"),
        (detector("labels = []"), "detector.labels: ", "empty"),
        (detector("labels = [\"a\", \"\"]"), "detector.labels[1]: ", "empty"),
        (detector("labels = [\"a\", \"a\"]"), "detector.labels[1]: ", "detector.labels[0]"),
        (detector("labels = \"person\""), "detector.labels: ", "expected a list"),
        (detector("min_score = 1.01"), "detector.min_score: ", "0 to 1"),
        (detector("min_score = nan"), "detector.min_score: ", "0 to 1"),
        (detector("min_score = \"0.5\""), "detector.min_score: ", "expected a number, found a text"),
        (detector("max_overlap = -0.1"), "detector.max_overlap: ", "0 to 1"),
        (detector("workers = 257"), "detector.workers: ", "256"),
        (detector("workers = -1"), "detector.workers: ", "a whole number from 0 on"),
        (visits("hits = 4"), "visits.hits: ", "4 of the last 3"),
        (visits("hits = 0"), "visits.hits: ", "at least 1"),
        (visits("window = 101"), "visits.window: ", "1 to 100"),
        (visits("window = \"x\""), "visits.window: ", "whole number"),
        (visits("quiet = \"0s\""), "visits.quiet: ", "1s to 1d"),
        (visits("blind = \"2d\""), "visits.blind: ", "0s to 1d"),
        (visits("down_after = \"soon\""), "visits.down_after: ", "no duration"),
        (visits("cooldown = \"2d\""), "visits.cooldown: ", "0s to 1d"),
        (visits("stationary = 10"), "visits.stationary: ", "with its unit"),
    ]);
}

#[test]
fn the_model_is_the_embedded_one_or_a_file() {
    let folder = folder();
    fs::write(folder.path().join("embedded"), "").expect("written");
    let model = |text: &str| load_with(text, &[], folder.path()).expect(text).detector.model;
    let file = |name: &str| ModelSource::File(folder.path().join(name));
    assert_eq!(model(""), ModelSource::Embedded);
    assert_eq!(model("detector.model = \"embedded\""), ModelSource::Embedded);
    assert_eq!(model("detector.model = \"./embedded\""), file("./embedded"));
    assert_eq!(model("detector.model = \"m.onnx\""), file("m.onnx"));
}
