//! Durations as fractional milliseconds: exact to the nanosecond for some days.

use std::time::Duration;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_nanos() as f64 / 1e6)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let millis = f64::deserialize(deserializer)?;
    let nanos = (millis * 1e6).round();
    // Reject more than 2^64 nanoseconds, about 584 years.
    if nanos >= 0.0 && nanos < u64::MAX as f64 {
        Ok(Duration::from_nanos(nanos as u64))
    } else {
        Err(D::Error::invalid_value(Unexpected::Float(millis), &"a duration in milliseconds"))
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[test]
    fn durations_keep_their_nanoseconds() {
        #[derive(Serialize, Deserialize)]
        struct Timed(#[serde(with = "super")] Duration);
        for nanos in [0, 1, 999, 1_000_000, 12_345_678, 86_400_000_000_001, 9 * 86_400_000_000_000 + 1] {
            let json = serde_json::to_string(&Timed(Duration::from_nanos(nanos))).unwrap();
            let Timed(back) = serde_json::from_str(&json).unwrap();
            assert_eq!(back, Duration::from_nanos(nanos), "{json}");
        }
        assert_eq!(serde_json::to_string(&Timed(Duration::from_micros(1500))).unwrap(), "1.5");
        let whole: Timed = serde_json::from_str("2").unwrap();
        assert_eq!(whole.0, Duration::from_millis(2));
        for impossible in ["-1", "1e300", "-1e-3", "null", "\"1\"", "2e13"] {
            assert!(serde_json::from_str::<Timed>(impossible).is_err(), "{impossible}");
        }
    }
}
