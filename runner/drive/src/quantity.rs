//! Parses durations and sizes, on the command line and in engine descriptions.

pub use wassay_testsuite::conditions::duration;

/// Parses a size above zero, like [`size`].
///
/// # Errors
///
/// The text is not a valid size, or it is zero.
pub fn limit(text: &str) -> Result<u64, String> {
    match size(text)? {
        0 => Err("expected a size above zero".to_owned()),
        bytes => Ok(bytes),
    }
}

/// Parses a size such as `65536`, `64KiB`, `512MiB` or `1GiB`.
///
/// # Errors
///
/// The text is not a valid size; the message says what is expected.
///
/// ```
/// use wassay_drive::quantity::size;
///
/// assert_eq!(size("64KiB"), Ok(65536));
/// assert!(size("64 KB").is_err());
/// ```
pub fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|unit: char| !unit.is_ascii_digit());
    let unit: Option<u64> = match text.get(digits.len()..).unwrap_or_default() {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        "TiB" => Some(1 << 40),
        _ => None,
    };
    let bytes = unit.and_then(|unit| digits.parse::<u64>().ok()?.checked_mul(unit));
    bytes.ok_or_else(|| {
        format!("invalid size `{text}`: expected a number of bytes with an optional unit, such as `65536`, `512MiB` or `1GiB`")
    })
}

/// A number of bytes in the largest fitting unit, such as `1.5 GiB`.
pub fn written(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(shift, _)| bytes >> shift > 0) {
        Some((shift, unit)) => {
            let tenths = (bytes >> (shift - 10)) * 10 / 1024;
            match tenths % 10 {
                0 => format!("{} {unit}", tenths / 10),
                tenth => format!("{}.{tenth} {unit}", tenths / 10),
            }
        }
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_has_a_unit_and_is_above_zero() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "10", "s", "-1s", "0s", "1 parsec", "99999999999999999999s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_size_is_in_bytes_or_has_a_unit() {
        assert_eq!(size("65536"), Ok(65536));
        assert_eq!(size("64KiB"), Ok(65536));
        assert_eq!(size("1GiB"), Ok(1 << 30));
        assert_eq!((size("0"), limit("0").is_err()), (Ok(0), true));
        for bad in ["", "MiB", "1.5GiB", "-1", "1MB", "1 GiB", "99999999999999999999", "99999999TiB", "1é"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_printed_in_the_largest_unit() {
        let told = [0, 1023, 1 << 10, 256 << 20, (3 << 29) + 5, u64::MAX].map(written);
        assert_eq!(told, ["0 bytes", "1023 bytes", "1 KiB", "256 MiB", "1.5 GiB", "17179869183.9 GiB"]);
    }
}
