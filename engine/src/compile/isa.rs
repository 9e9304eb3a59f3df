//! The target of code generation: the host's processor.

use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};

use crate::config::Config;
use crate::error::{Error, Result};

/// Describes what code from these generators depends on: the build of the engine, the processor,
/// and a hash of the settings.
pub(crate) fn describe(isas: &[&OwnedTargetIsa]) -> (String, String, String) {
    let build = format!(
        "wassay-engine {}, build {}, Cranelift {}",
        env!("CARGO_PKG_VERSION"),
        env!("ENGINE_BUILD"),
        cranelift_codegen::VERSION
    );
    let features = isas.first().map(|isa| isa.isa_flags()).unwrap_or_default();
    let features = features.iter().filter(|value| value.as_bool() == Some(true)).map(|value| value.name);
    let machine = format!("{} with {}", std::env::consts::ARCH, features.collect::<Vec<_>>().join(" "));
    let mut hasher = blake3::Hasher::new();
    for isa in isas {
        hasher.update(isa.flags().to_string().as_bytes());
        for value in isa.isa_flags() {
            hasher.update(value.to_string().as_bytes());
        }
    }
    (build, machine, hasher.finalize().to_hex()[..16].to_owned())
}

/// Creates the code generator for this machine with the engine's settings. For `complex` functions,
/// it uses a register allocator with linear run time, and no passes whose run time grows with the
/// nesting depth of blocks.
pub(crate) fn host(config: &Config, complex: bool) -> Result<OwnedTargetIsa> {
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        return Err(Error::unsupported("code is generated for x86-64 Linux only"));
    }
    if !std::arch::is_x86_feature_detected!("sse4.1") {
        return Err(Error::unsupported("this processor lacks SSE4.1, which rounding and vectors need"));
    }
    let mut flags = settings::builder();
    let verifier = if config.verifier { "true" } else { "false" };
    let optimize = config.optimize && !complex;
    let settings = [
        ("opt_level", if optimize { "speed" } else { "none" }),
        ("regalloc_algorithm", if optimize { "backtracking" } else { "single_pass" }),
        // Optimised functions are placed by their loops.
        ("machine_code_cfg_info", if optimize { "true" } else { "false" }),
        ("enable_verifier", verifier),
        ("enable_nan_canonicalization", if config.nan_canonicalization { "true" } else { "false" }),
        // Tail calls and stack walks need frame pointers.
        ("preserve_frame_pointers", "true"),
        // Results that do not fit in registers are returned through memory.
        ("enable_multi_ret_implicit_sret", "true"),
        // Frames are checked against the stack limit. The limit can be wrong if the host has
        // switched stacks; then large frames must not skip the guard page.
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
        ("unwind_info", "false"),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
    ];
    for (name, value) in settings {
        flags
            .set(name, value)
            .map_err(|error| Error::unsupported(format!("the code generator's setting {name}: {error}")))?;
    }
    let builder = cranelift_native::builder()
        .map_err(|error| Error::unsupported(format!("this processor: {error}")))?;
    builder
        .finish(settings::Flags::new(flags))
        .map_err(|error| Error::unsupported(format!("the code generator's settings: {error}")))
}
