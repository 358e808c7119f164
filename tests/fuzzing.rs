//! Requests that nobody would think of, made from the description of the interface (schemathesis): none may be answered
//! by a fault of ours.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use lookout::simulate::Mount;

use crate::{
    support::{Cameras, Config, Lookout, cameras::dark, program::text},
    testing::left_out,
};

const TOKEN: &str = "a-token-for-the-fuzzer";

fn schemathesis() -> Option<PathBuf> {
    let program = std::env::var_os("LOOKOUT_SCHEMATHESIS").map_or_else(|| "schemathesis".into(), PathBuf::from);
    let found = Command::new(&program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        left_out("schemathesis is not installed");
        return None;
    }
    Some(program)
}

#[test]
fn no_request_that_the_description_allows_or_forbids_makes_a_fault_of_ours() {
    let Some(program) = schemathesis() else { return };
    let cameras = Cameras::start(vec![Mount::new("cam", dark())]);
    let config = Config::new().replace("[detector]", &format!("tokens = [\"{TOKEN}\"]\n[detector]"));
    // Nothing beyond this machine is to be probed.
    let text_of =
        format!("{}[control]\nnetworks = [\"127.0.0.0/8\"]\n", config.camera("cam", &cameras.url("cam")).text());
    let lookout = Lookout::start(&text_of);
    // 502 and 503 blame cameras and the moment; 500 and the rest blame us.
    let expected = "[checks.not_a_server_error]\nexpected-statuses = [\"2xx\", \"3xx\", \"4xx\", 502, 503]\n";
    let settings = lookout.folder().join("schemathesis.toml");
    std::fs::write(&settings, expected).expect("written");
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    let output = Command::new("timeout")
        .arg("300")
        .arg(program)
        .current_dir(lookout.folder())
        .arg("--config-file")
        .arg(&settings)
        .args(["run", &format!("http://{}/api/openapi.json", lookout.address())])
        .args(["-H", &format!("Authorization: Bearer {TOKEN}"), "--checks", checks])
        .args(["--max-examples", "15", "--seed", "1", "--request-timeout", "20", "--workers", "1"])
        // Streams do not end.
        .args(["--exclude-path-regex", "(stream$|^/live)"])
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), lookout.log());
    let alive = lookout.get("/healthz");
    assert_eq!(alive.status, 200);
    assert!(!lookout.log().contains("panicked"), "{}", lookout.log());
}
