//! Conversions between values and Rust's types.

use super::continuation::ContRef;
use super::exception::ExnRef;
use super::func::Func;
use super::gc::{ArrayRef, I31, StructRef};
use super::value::{ExternRef, HostRef, Ref, Val};
use crate::error::Error;

/// Implements the conversions of numeric types. Unsigned types are converted by their bits.
macro_rules! numbers {
    ($($ty:ty, $variant:ident, $value:ident => $to:expr, $from:expr;)*) => {$(
        impl From<$ty> for Val {
            fn from($value: $ty) -> Val {
                Val::$variant($to)
            }
        }

        /// Fails with [`Usage`](crate::ErrorKind::Usage) if the value has another type.
        impl TryFrom<Val> for $ty {
            type Error = Error;

            fn try_from(value: Val) -> Result<$ty, Error> {
                match value {
                    Val::$variant($value) => Ok($from),
                    other => Err(Error::usage(format!(
                        "type mismatch: expected {}, found {other:?}",
                        stringify!($ty)
                    ))),
                }
            }
        }
    )*};
}

numbers! {
    i32, I32, value => value, value;
    u32, I32, value => value.cast_signed(), value.cast_unsigned();
    i64, I64, value => value, value;
    u64, I64, value => value.cast_signed(), value.cast_unsigned();
    f32, F32, value => value.to_bits(), f32::from_bits(value);
    f64, F64, value => value.to_bits(), f64::from_bits(value);
    u128, V128, value => value, value;
    Ref, Ref, value => value, value;
}

/// Conversions of references.
macro_rules! references {
    ($($ty:ty, $variant:ident;)*) => {$(
        impl From<$ty> for Ref {
            fn from(reference: $ty) -> Ref {
                Ref::$variant(reference)
            }
        }

        impl From<$ty> for Val {
            fn from(reference: $ty) -> Val {
                Val::Ref(Ref::$variant(reference))
            }
        }

        /// Fails with [`Usage`](crate::ErrorKind::Usage) if the value is another, or null.
        impl TryFrom<Val> for $ty {
            type Error = Error;

            fn try_from(value: Val) -> Result<$ty, Error> {
                match value {
                    Val::Ref(Ref::$variant(reference)) => Ok(reference),
                    other => Err(Error::usage(format!(
                        "type mismatch: expected {}, found {other:?}",
                        stringify!($ty)
                    ))),
                }
            }
        }
    )*};
}

references! {
    Func, Func;
    I31, I31;
    StructRef, Struct;
    ArrayRef, Array;
    HostRef, Host;
    ExternRef, Extern;
    ExnRef, Exn;
    ContRef, Cont;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        assert_eq!(u32::try_from(Val::from(u32::MAX)).unwrap(), u32::MAX);
        assert_eq!(Val::from(u32::MAX), Val::I32(-1));
        assert_eq!(i64::try_from(Val::from(i64::MIN)).unwrap(), i64::MIN);
        assert_eq!(f64::try_from(Val::from(-0.0f64)).unwrap().to_bits(), (-0.0f64).to_bits());
        assert_eq!(Val::from(1.5f32), Val::F32(1.5f32.to_bits()));
        assert_eq!(u128::try_from(Val::from(7u128)).unwrap(), 7);
        let wrong = i32::try_from(Val::I64(1)).unwrap_err();
        assert_eq!(wrong.message(), "type mismatch: expected i32, found I64(1)");
    }

    #[test]
    fn a_reference_survives_the_way_there_and_back() {
        let small = I31::wrapping(7);
        assert_eq!(I31::try_from(Val::from(small)).unwrap(), small);
        assert_eq!(Ref::from(small), Ref::I31(small));
        let wrong = ArrayRef::try_from(Val::from(small)).unwrap_err();
        assert_eq!(wrong.message(), "type mismatch: expected ArrayRef, found Ref(I31(I31(7)))");
    }
}
