//! Determines which functions may change the state of their instance: its globals, memories,
//! tables, segments and objects.

use wasmparser::{FunctionBody, Operator};

/// The effects of each function of a module, imported ones first. Imported functions are those of
/// `spectest`, which have none.
#[derive(Debug, Default)]
pub(super) struct Effects {
    functions: Vec<Effect>,
}

/// The effects of a function.
#[derive(Clone, Debug, Default)]
struct Effect {
    changes: bool,
    /// Whether it calls an unknown function, which may be any function of the module.
    calls_any: bool,
    calls: Vec<u32>,
}

impl Effects {
    /// Adds an imported function, which has no effects.
    pub(super) fn push_imported(&mut self) {
        self.functions.push(Effect::default());
    }

    /// Adds a function. An unparsable one may have any effect.
    pub(super) fn push(&mut self, body: &FunctionBody<'_>) {
        let read = || {
            let mut effect = Effect::default();
            let mut operators = body.get_operators_reader()?;
            while !operators.eof() {
                effect.note(&operators.read()?);
            }
            Ok::<_, wasmparser::Error>(effect)
        };
        self.functions.push(read().unwrap_or(Effect { changes: true, ..Effect::default() }));
    }

    /// For each function, whether it may change the state, directly or through calls.
    pub(super) fn changing(self) -> Vec<bool> {
        let mut changing: Vec<bool> = self.functions.iter().map(|effect| effect.changes).collect();
        loop {
            let any = changing.contains(&true);
            let mut is_done = true;
            for (at, effect) in self.functions.iter().enumerate() {
                let is_known = changing.get(at).copied().unwrap_or(true);
                let mut callees = effect.calls.iter();
                let calls = callees.any(|callee| changing.get(*callee as usize).copied().unwrap_or(true));
                if let Some(changes) =
                    changing.get_mut(at).filter(|_| !is_known && (calls || effect.calls_any && any))
                {
                    *changes = true;
                    is_done = false;
                }
            }
            if is_done {
                return changing;
            }
        }
    }
}

impl Effect {
    fn note(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                self.calls.push(*function_index);
            }
            Operator::CallIndirect { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::CallRef { .. }
            | Operator::ReturnCallRef { .. } => self.calls_any = true,
            _ => self.changes |= may_change(name(operator)),
        }
    }
}

/// Whether an operator may change the state, judged by its name: all that do contain one of these
/// words, as will those of later proposals.
fn may_change(name: &str) -> bool {
    const WORDS: [&str; 10] =
        ["Store", "Rmw", "Set", "Grow", "Fill", "Copy", "Init", "Resume", "Suspend", "Switch"];
    match name {
        "LocalSet" => false,
        "DataDrop" | "ElemDrop" => true,
        _ => WORDS.iter().any(|word| name.contains(word)),
    }
}

macro_rules! named {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $type:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        /// The name of an operator in the library.
        fn name(operator: &Operator<'_>) -> &'static str {
            match operator {
                $(Operator::$op { .. } => stringify!($op),)*
                // An operator unknown to this code may have any effect.
                _ => "Set",
            }
        }
    };
}
wasmparser::for_each_operator!(named);

#[cfg(test)]
mod tests {
    use wasmparser::{Parser, Payload};

    use super::*;

    fn changing(text: &str) -> Vec<bool> {
        let module = crate::quoted(text.as_bytes()).unwrap();
        let mut effects = Effects::default();
        for payload in Parser::new(0).parse_all(&module) {
            if let Payload::CodeSectionEntry(body) = payload.unwrap() {
                effects.push(&body);
            }
        }
        effects.changing()
    }

    #[test]
    fn pure_functions_change_nothing() {
        let text = "(module (memory 1) (table 1 funcref) (global $g (mut i32) (i32.const 0)) (type $s (struct (field (mut i32))))
            (func (param i32) (result i32) (local i32) (local.set 1 (i32.load (local.get 0))) (i32.div_s (local.get 1) (i32.const 0)))
            (func (global.set $g (i32.const 1)))
            (func (call 1))
            (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))
            (func (struct.set $s 0 (ref.null $s) (i32.const 1)))
            (func (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))
            (func (v128.store8_lane 0 (i32.const 0) (v128.const i64x2 0 0)))
            (func $loop (call $loop)))";
        assert_eq!(changing(text), [false, true, true, true, true, true, true, false]);
    }

    #[test]
    fn an_indirect_call_may_call_any_function() {
        let indirect = "(table 1 funcref) (func (call_indirect (i32.const 0)))";
        assert_eq!(changing(&format!("(module {indirect} (func))")), [false, false]);
        let writes = "(func (drop (table.grow 0 (ref.null func) (i32.const 1))))";
        assert_eq!(changing(&format!("(module {indirect} {writes})")), [true, true]);
    }
}
