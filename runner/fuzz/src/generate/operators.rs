//! Modules in which each function is one operator, called with the values where operators are
//! special. Random functions rarely have these operands: of `i32.rem_s` with the least integer and
//! -1 a run sees none in minutes.

use std::sync::LazyLock;

use wasm_encoder::{
    CodeSection, Encode, ExportKind, ExportSection, FieldType, Function, FunctionSection, Module,
    StorageType, TypeSection, ValType,
};
use wasmparser::{Validator, WasmFeatures};
use wassay_script::value::Value;
use wassay_terms::Features;

use super::arguments;
use crate::case::{Case, Kind, Step};
use crate::random::Random;

/// The maximum number of functions of a module, and how often each one is called.
const MOST_FUNCTIONS: usize = 14;
const CALLS: usize = 6;

/// The name of the instance.
const INSTANCE: &str = "a";

/// An operator without immediates, or with fixed ones.
#[derive(Clone, Debug)]
struct Operator {
    code: Vec<u8>,
    parameters: Vec<ValType>,
    result: ValType,
}

/// All operators with numbers and vectors as operands and as results, and short sequences that
/// store a number in an object and read it again.
static OPERATORS: LazyLock<Vec<Operator>> =
    LazyLock::new(|| codes().filter_map(|code| Operator::typed(code, WasmFeatures::all())).collect());

/// The code of everything that may be an operator (core spec, section 5.4).
fn codes() -> impl Iterator<Item = Vec<u8>> {
    let prefixed = |prefix: u8, number: u32, immediates: &[u8]| {
        let mut code = vec![prefix];
        number.encode(&mut code);
        code.extend_from_slice(immediates);
        code
    };
    let saturating = (0..8).map(move |number| prefixed(0xfc, number, &[]));
    // Relaxed vector operators, which have several results, come after these.
    let vectors = (0..0x100).map(move |number| prefixed(0xfd, number, &[]));
    let lanes = (0x15..=0x22).flat_map(move |number| [0, 1].map(|lane| prefixed(0xfd, number, &[lane])));
    let objects = (0..2u8).flat_map(|signed| {
        let (structs, arrays, i31) = (0x04 - signed, 0x0d - signed, 0x1e - signed);
        let of_type = move |ty: u8| {
            [
                vec![0xfb, 0x00, ty, 0xfb, structs, ty, 0],
                // One element, which is read at the index 0.
                vec![0xfb, 0x08, ty + 2, 1, 0x41, 0, 0xfb, arrays, ty + 2],
            ]
        };
        (0..2).flat_map(of_type).chain([vec![0xfb, 0x1c, 0xfb, i31]])
    });
    let plain = (0x45..=0xc4).map(|code| vec![code]);
    plain.chain(saturating).chain(vectors).chain(lanes).chain(objects)
}

const NUMBERS: [ValType; 5] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128];

/// How a result is divided into floats.
#[derive(Clone, Copy, Debug)]
enum Lanes {
    F32,
    F64,
    F32x4,
    F64x2,
}

impl Operator {
    /// The operator with its type, which is the one with which a function of it is valid.
    fn typed(code: Vec<u8>, features: WasmFeatures) -> Option<Operator> {
        let with_vector = NUMBERS.map(|ty| vec![ValType::V128, ty]);
        let alike = (1..=3).flat_map(|count| NUMBERS.map(|ty| vec![ty; count]));
        let parameters: Vec<Vec<ValType>> = alike.chain(with_vector).collect();
        parameters.into_iter().find_map(|parameters| {
            // Most types can be excluded without the result.
            let dropped = Operator { code: [&code[..], &[0x1a]].concat(), parameters, result: ValType::I32 };
            dropped.is_valid(None, features).then_some(())?;
            NUMBERS.into_iter().find_map(|result| {
                let operator =
                    Operator { code: code.clone(), parameters: dropped.parameters.clone(), result };
                operator.is_valid(Some(result), features).then_some(operator)
            })
        })
    }

    fn is_valid(&self, result: Option<ValType>, features: WasmFeatures) -> bool {
        let mut function = Function::new([]);
        self.operands(&mut function);
        function.raw(self.code.iter().copied());
        function.instructions().end();
        let has_objects = features.contains(WasmFeatures::GC);
        let module = module([(&self.parameters[..], result, &function)], has_objects);
        Validator::new_with_features(features).validate_all(&module).is_ok()
    }

    fn operands(&self, function: &mut Function) {
        for local in 0..self.parameters.len() as u32 {
            function.instructions().local_get(local);
        }
    }

    /// The lanes that may be a NaN of any bits.
    fn float_lanes(&self) -> Option<Lanes> {
        let number = || match self.code.as_slice() {
            [0xfd, low, high, ..] if *low >= 0x80 => u32::from(low & 0x7f) | u32::from(*high) << 7,
            [0xfd, low, ..] => u32::from(*low),
            _ => 0,
        };
        match (self.result, self.code.as_slice()) {
            // Reinterpretations keep the bits.
            (_, [0xbc..=0xbf]) => None,
            (ValType::F32, _) => Some(Lanes::F32),
            (ValType::F64, _) => Some(Lanes::F64),
            (ValType::V128, _) => match number() {
                0x5e | 0x67..=0x6a | 0xe0..=0xeb => Some(Lanes::F32x4),
                0x5f | 0x74 | 0x75 | 0x7a | 0x94 | 0xec..=0xf7 => Some(Lanes::F64x2),
                _ => None,
            },
            _ => None,
        }
    }

    /// A function that applies it. NaNs become canonical, since their bits depend on the engine.
    fn function(&self) -> Function {
        let lanes = self.float_lanes();
        let mut function = Function::new(lanes.map(|_| (1, self.result)));
        self.operands(&mut function);
        function.raw(self.code.iter().copied());
        let result = self.parameters.len() as u32;
        let mut code = function.instructions();
        let code = match lanes {
            Some(Lanes::F32) => {
                let nan = f32::from_bits(0x7fc0_0000).into();
                let code = code.local_tee(result).f32_const(nan).local_get(result);
                code.local_get(result).f32_eq().select()
            }
            Some(Lanes::F64) => {
                let nan = f64::from_bits(0x7ff8_0000_0000_0000).into();
                let code = code.local_tee(result).f64_const(nan).local_get(result);
                code.local_get(result).f64_eq().select()
            }
            Some(Lanes::F32x4) => {
                let nan = 0x7fc0_0000_7fc0_0000_7fc0_0000_7fc0_0000;
                let code = code.local_tee(result).v128_const(nan).local_get(result);
                code.local_get(result).f32x4_eq().v128_bitselect()
            }
            Some(Lanes::F64x2) => {
                let nan = 0x7ff8_0000_0000_0000_7ff8_0000_0000_0000;
                let code = code.local_tee(result).v128_const(nan).local_get(result);
                code.local_get(result).f64x2_eq().v128_bitselect()
            }
            None => &mut code,
        };
        code.end();
        function
    }
}

/// A module with functions of these types, which exports them as `f0` and so on. `has_objects` adds
/// the types of the objects: structures and arrays of bytes and of 16 bits.
fn module<'a>(
    functions: impl IntoIterator<Item = (&'a [ValType], Option<ValType>, &'a Function)>,
    has_objects: bool,
) -> Vec<u8> {
    let (mut types, mut declared, mut exports, mut code) =
        (TypeSection::new(), FunctionSection::new(), ExportSection::new(), CodeSection::new());
    if has_objects {
        let storage = [StorageType::I8, StorageType::I16];
        for element_type in storage {
            types.ty().struct_([FieldType { element_type, mutable: true }]);
        }
        storage.iter().for_each(|element_type| types.ty().array(element_type, true));
    }
    for (index, (parameters, result, body)) in functions.into_iter().enumerate() {
        declared.function(types.len());
        types.ty().function(parameters.iter().copied(), result);
        exports.export(&format!("f{index}"), ExportKind::Func, index as u32);
        code.function(body);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&exports).section(&code);
    module.finish()
}

/// A case that calls operators.
pub(super) fn case(random: &mut Random, features: Features, choice: u32) -> Option<Case> {
    let flags = features.library_flags();
    let plain = OPERATORS.iter().take_while(|operator| operator.code.len() == 1).count();
    let picked = (0..random.between(4, MOST_FUNCTIONS)).filter_map(|_| {
        let among = if random.chance(40) { plain } else { OPERATORS.len() };
        let operator = OPERATORS.get(random.below(among))?;
        operator.is_valid(Some(operator.result), flags).then_some(operator)
    });
    let picked: Vec<&Operator> = picked.collect();
    let bodies: Vec<Function> = picked.iter().map(|operator| operator.function()).collect();
    let functions = picked.iter().zip(&bodies);
    let functions = functions.map(|(operator, body)| (&operator.parameters[..], Some(operator.result), body));
    let bytes = module(functions, features.contains("gc"));
    let mut steps = vec![Step::Module { name: INSTANCE.to_owned(), bytes, instantiated: true }];
    for (index, operator) in picked.iter().enumerate() {
        for _ in 0..CALLS {
            steps.push(Step::Invoke {
                instance: INSTANCE.to_owned(),
                export: format!("f{index}"),
                arguments: operator.parameters.iter().map(|ty| argument(random, *ty)).collect(),
            });
        }
    }
    (steps.len() > 1).then_some(Case { features, kind: Kind::Run, steps, fuel: Vec::new(), choice })
}

/// An argument: half of the integers are at the ends of their range or near zero.
fn argument(random: &mut Random, ty: ValType) -> Value {
    match ty {
        ValType::I32 => Value::I32(integer(random, 32) as i32),
        ValType::I64 => Value::I64(integer(random, 64) as i64),
        ValType::F32 => Value::F32(arguments::f32_bits(random)),
        ValType::F64 => Value::F64(arguments::f64_bits(random)),
        _ => {
            let width = random.pick(8, &[16, 32, 64]);
            match random.chance(60) {
                true => Value::V128((0..128 / width).fold(0, |bits, _| {
                    let lane = integer(random, width) & (u64::MAX >> (64 - width));
                    bits << width | u128::from(lane)
                })),
                false => Value::V128(arguments::vector(random)),
            }
        }
    }
}

fn integer(random: &mut Random, bits: u32) -> u64 {
    let sign = 1 << (bits - 1);
    match random.chance(50) {
        true => random.pick(0, &[1, u64::MAX, sign, sign - 1]),
        false => arguments::integer(random, bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_has_its_type() {
        let typed = |code: &[u8]| {
            let operator = OPERATORS.iter().find(|operator| operator.code == code)?;
            Some((operator.parameters.clone(), operator.result))
        };
        use ValType::{F32, F64, I32, I64, V128};
        for (code, parameters, result) in [
            (&[0x6f][..], vec![I32, I32], I32),
            (&[0x50], vec![I64], I32),
            (&[0xb6], vec![F64], F32),
            (&[0xfc, 7], vec![F64], I64),
            (&[0xfd, 0x52], vec![V128, V128, V128], V128),
            (&[0xfd, 0x65], vec![V128, V128], V128),
            (&[0xfd, 0x15, 1], vec![V128], I32),
            (&[0xfb, 0, 0, 0xfb, 3, 0, 0], vec![I32], I32),
            (&[0xfb, 0x1c, 0xfb, 0x1e], vec![I32], I32),
        ] {
            assert_eq!(typed(code), Some((parameters, result)), "{code:x?}");
        }
        // The 128 plain ones without `ref.null` and other instructions, and those with prefixes.
        let plain = OPERATORS.iter().take_while(|operator| operator.code.len() == 1).count();
        assert_eq!(plain, 128);
        assert!(OPERATORS.len() > 350, "{}", OPERATORS.len());
        let lanes = |code: &[u8]| {
            let operator = OPERATORS.iter().find(|operator| operator.code == code).unwrap();
            operator.float_lanes().is_some()
        };
        assert!(lanes(&[0x92]) && lanes(&[0xfd, 0xe4, 1]) && lanes(&[0xfd, 0x94, 1]));
        assert!(!lanes(&[0xbe]) && !lanes(&[0xfd, 0x65]) && !lanes(&[0x6a]));
    }

    #[test]
    fn modules_are_valid_under_the_features_of_the_case() {
        for (number, features) in ["1.0", "2.0", "2.0,-simd", "3.0"].into_iter().cycle().enumerate().take(80)
        {
            let features: Features = features.parse().unwrap();
            let mut random = Random::of_case(13, number as u64);
            let Some(case) = case(&mut random, features, 0) else { continue };
            let [Step::Module { bytes, .. }, ..] = case.steps.as_slice() else { panic!("{case:?}") };
            let validated =
                Validator::new_with_features(features.library_flags()).validate_all(bytes).map(drop);
            assert!(validated.is_ok(), "{number}: {validated:?}");
        }
    }

    #[test]
    fn a_remainder_meets_the_operands_whose_quotient_overflows() {
        let mut random = Random::of_case(17, 0);
        let met = (0..3000).filter(|_| {
            let [x, y] = [(); 2].map(|()| argument(&mut random, ValType::I32));
            (x, y) == (Value::I32(i32::MIN), Value::I32(-1))
        });
        assert!(met.count() > 10);
    }
}
