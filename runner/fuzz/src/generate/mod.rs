//! Generates cases: modules and calls, or bytes to be judged.
//!
//! | file | is |
//! |---|---|
//! | `config` | the features and the shape of the modules of a case |
//! | `module` | valid modules whose functions end, by `wasm-smith` |
//! | `lengths` | short lengths for bulk instructions |
//! | `operators` | modules in which each function is one operator |
//! | `arguments` | arguments of calls |
//! | `observer` | modules that change memories and tables, and read them after the calls |
//! | `mutate` | bytes that are mostly malformed or invalid |

mod arguments;
mod config;
mod lengths;
mod module;
mod mutate;
mod observer;
mod operators;

pub use mutate::mutate;

use wassay_script::value::Value;
use wassay_terms::Features;

use self::module::Generated;
use crate::case::{Case, Kind, Step};
use crate::random::Random;

/// The names of the first and the second instance, and under which they are registered.
const NAMES: [&str; 2] = ["a", "b"];

/// The maximum number of calls in a case.
const MOST_CALLS: usize = 24;

/// Generates the case with this number: modules that use at most these features. `None` if the
/// random numbers do not yield a usable module.
pub fn case(seed: u64, number: u64, allowed: Features) -> Option<Case> {
    let mut random = Random::of_case(seed, number);
    // Which engines run a case does not depend on what its modules use.
    let choice = Random::of_case(!seed, number).bits() as u32;
    let (config, features) = config::pick(&mut random, allowed);
    if random.chance(15) {
        return operators::case(&mut random, features, choice);
    }
    let first = module::module(&mut random, &config, features, None)?;
    match random.below(10) {
        0..2 => {
            let mut bytes = first.bytes;
            mutate(&mut random, &mut bytes);
            let step = Step::Module { name: NAMES[0].to_owned(), bytes, instantiated: false };
            Some(Case { features, kind: Kind::Verdict, steps: vec![step], fuel: Vec::new(), choice })
        }
        2..5 => {
            let offer = module::offer(&first.shape, NAMES[0]);
            let second = offer.and_then(|offer| module::module(&mut random, &config, features, Some(&offer)));
            Some(Case { choice, ..run(&mut random, features, [Some(first), second]) })
        }
        _ => Some(Case { choice, ..run(&mut random, features, [Some(first), None]) }),
    }
}

/// A case that calls what modules export, and then observes their state.
fn run(random: &mut Random, features: Features, modules: [Option<Generated>; 2]) -> Case {
    let (mut steps, mut calls, mut state, mut observers, mut fuel) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (module, name) in modules.into_iter().zip(NAMES) {
        let Some(Generated { bytes, shape, fuel: fuel_index }) = module else { continue };
        let name = name.to_owned();
        steps.push(Step::Module { name: name.clone(), bytes, instantiated: true });
        steps.push(Step::Register { instance: name.clone() });
        for index in 0..shape.functions.len() {
            let Some(ty) = shape.function(index) else { continue };
            for _ in 0..random.between(1, 3) {
                let arguments = ty.params().iter().map(|ty| arguments::argument(random, &shape, *ty));
                let Some(arguments) = arguments.collect() else { continue };
                calls.push(Step::Invoke { instance: name.clone(), export: format!("f{index}"), arguments });
            }
        }
        for index in shape.imported.globals..shape.globals.len() {
            if index != fuel_index as usize {
                state.push(Step::Get { instance: name.clone(), export: format!("g{index}") });
            }
        }
        if let Some(observer) = observer::observer(&shape, &name, features) {
            let observer_name = format!("o{name}");
            steps.push(Step::Module {
                name: observer_name.clone(),
                bytes: observer.bytes,
                instantiated: true,
            });
            for export in observer.changes {
                let numbers = [(); 3].map(|()| Value::I64(arguments::length(random)));
                let instance = observer_name.clone();
                calls.push(Step::Invoke { instance, export, arguments: numbers.to_vec() });
            }
            observers.extend(observer.ranges.into_iter().map(|(export, end)| Step::Observe {
                instance: observer_name.clone(),
                export,
                range: (0, end),
            }));
        }
        fuel.push(fuel_index);
    }
    // The calls of both instances in turns, so that each sees what the other one changed.
    for at in (1..calls.len()).rev() {
        calls.swap(at, random.below(at + 1));
    }
    calls.truncate(MOST_CALLS);
    steps.extend(calls);
    steps.extend(state);
    steps.extend(observers);
    Case { features, kind: Kind::Run, steps, fuel, choice: 0 }
}

#[cfg(test)]
mod tests {
    use wasmparser::Validator;

    use super::*;

    #[test]
    fn cases_depend_on_seed_and_number_only_and_are_of_both_kinds() {
        let allowed = Features::DEFAULT;
        let shown = |number| format!("{:?}", case(7, number, allowed));
        assert_eq!(shown(3), shown(3));
        assert_ne!(shown(3), shown(4));
        let cases: Vec<Case> = (0..200).filter_map(|number| case(7, number, allowed)).collect();
        assert!(cases.len() > 150, "{}", cases.len());
        let verdicts = cases.iter().filter(|case| case.kind == Kind::Verdict).count();
        assert!((10..100).contains(&verdicts), "{verdicts}");
        let pairs = cases.iter().filter(|case| case.fuel.len() == 2).count();
        assert!(pairs > 20, "{pairs}");
    }

    #[test]
    fn modules_that_run_are_valid() {
        for number in 0..150 {
            let Some(case) = case(11, number, Features::DEFAULT) else { continue };
            for step in &case.steps {
                let Step::Module { bytes, instantiated: true, name } = step else { continue };
                let validated =
                    Validator::new_with_features(case.features.library_flags()).validate_all(bytes).map(drop);
                assert!(validated.is_ok(), "{number} {name} {}: {validated:?}", case.features);
            }
        }
    }
}
