use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::super::quantity::{DURATION_FORM, SIZE_FORM};

macro_rules! quantity_text {
    ($(#[$doc:meta])* $name:ident, $form:expr) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, Clone, PartialEq)]
        #[serde(transparent)]
        pub(in crate::settings) struct $name(pub(in super::super) String);

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Text;

                impl de::Visitor<'_> for Text {
                    type Value = String;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($form)
                    }

                    fn visit_str<E>(self, text: &str) -> Result<String, E> {
                        Ok(text.to_owned())
                    }
                }

                from.deserialize_str(Text).map(Self)
            }
        }
    };
}

quantity_text! {
    /// A duration as written. A number without quotes is told what a duration looks like.
    DurationText, DURATION_FORM
}
quantity_text! {
    /// A size as written.
    SizeText, SIZE_FORM
}
