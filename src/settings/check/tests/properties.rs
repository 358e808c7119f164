//! What holds for any file.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn any_small_file_is_answered(
        lines in prop::collection::vec(
            prop_oneof![
                "\\[{1,2}(server|storage|detector|visits|cameras|cameras\\.zones|cameras\\.visits|cameras\\.evidence|sinks|sinks\\.template|sinks\\.budget|sinks\\.headers|snapshots|x)\\]{1,2}",
                "(bind|tokens|auth|keep|max_bytes|model|labels|min_score|workers|hits|window|quiet|id|name|url|username|password|every|polygon|type|secret|password_file|visits|zones|cameras|types|when|time_zone|program|path|body|accepted_if|topic_prefix|total|store|endpoint|key|frames|account|region|access_key) = (\"[^\"\\\\\n\r]{0,12}\"|\"(rtsp|mqtt|s3|gs|az|file|http|https)://[a-z:@/%0-9#?]{0,16}\"|\"(webhook|mqtt|command|file)\"|\"\\$\\{[A-Z]{0,3}\\}\"|-?[0-9]{1,20}|[0-9]\\.[0-9]e[0-9]{1,3}|true|\\[\\]|\\[1, \"x\", \\[2\\]\\]|\\{ hits = 1 \\}|1979-05-27|nan)",
                ".{0,20}",
            ],
            0..12,
        ),
        variable in "LOOKOUT__[A-Z_]{0,12}",
    ) {
        let folder = Path::new("/nowhere");
        let environment = environment(&[(variable.as_str(), "1,x"), ("A", "x")]);
        if let Err(error) = load_from(&lines.join("\n"), environment, folder) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
