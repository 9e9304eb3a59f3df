//! How an engine is set up.

use wassay_terms::Features;

/// The settings of an [`Engine`](crate::Engine).
///
/// ```
/// use wassay_engine::{Config, Engine, Features};
/// let engine = Engine::new(&Config::new().features(Features::V2).max_stack(512 * 1024)).unwrap();
/// # let _ = engine;
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) features: Features,
    pub(crate) verifier: bool,
    pub(crate) optimize: bool,
    pub(crate) compilation: Compilation,
    pub(crate) guard_pages: bool,
    pub(crate) max_stack: usize,
    pub(crate) collect_always: bool,
    pub(crate) limits: StoreLimits,
    pub(crate) max_bytes: u64,
}

/// When the functions of a module are compiled.
///
/// What a module computes does not depend on it. A module is decoded and validated as a whole in any
/// case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compilation {
    /// All of them when the module is made, on all processors.
    Eager,
    /// Each when it is first called, on the thread that calls it. What the compiler does not
    /// support, or a limit that it meets, is an error of that call.
    Lazy,
}

impl Compilation {
    pub(crate) fn is_lazy(self) -> bool {
        self == Compilation::Lazy
    }
}

/// What one store may use; more is an error of kind [`ErrorKind::Limit`](crate::ErrorKind::Limit),
/// or for `memory.grow` and `table.grow` the -1 that the specification provides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreLimits {
    /// Bytes of all memories together, as grown: reserved address space does not count.
    pub memory_bytes: u64,
    /// Elements of all tables together.
    pub table_elements: u64,
    /// Instances.
    pub instances: usize,
    /// Bytes of all objects together: structures, arrays and exceptions. They are given out by
    /// lines of 256 bytes, and to large objects by blocks of 64 KiB; a store in which a collection
    /// leaves less than a 64th of this free has reached the limit.
    pub heap_bytes: u64,
}

impl Default for StoreLimits {
    fn default() -> Self {
        StoreLimits {
            memory_bytes: 16 << 30,
            table_elements: 64 << 20,
            instances: 100_000,
            heap_bytes: 1 << 30,
        }
    }
}

impl Config {
    /// The default settings.
    pub fn new() -> Config {
        Config {
            features: Features::DEFAULT,
            verifier: cfg!(debug_assertions),
            optimize: true,
            compilation: Compilation::Lazy,
            guard_pages: true,
            max_stack: 1 << 20,
            collect_always: false,
            limits: StoreLimits::default(),
            max_bytes: u64::MAX,
        }
    }

    /// What modules may use. Default: [`Features::DEFAULT`].
    #[must_use]
    pub fn features(mut self, features: Features) -> Config {
        self.features = features;
        self
    }

    /// Whether Cranelift checks the code it is given. Default: in debug builds.
    #[must_use]
    pub fn verifier(mut self, on: bool) -> Config {
        self.verifier = on;
        self
    }

    /// Whether code is optimised, or compiled as fast as possible. Default: optimised.
    #[must_use]
    pub fn optimize(mut self, on: bool) -> Config {
        self.optimize = on;
        self
    }

    /// When functions are compiled. Default: [`Compilation::Lazy`].
    ///
    /// ```
    /// use wassay_engine::{Compilation, Config, Engine};
    /// let engine = Engine::new(&Config::new().compilation(Compilation::Eager)).unwrap();
    /// # let _ = engine;
    /// ```
    #[must_use]
    pub fn compilation(mut self, compilation: Compilation) -> Config {
        self.compilation = compilation;
        self
    }

    /// Whether memories with 32-bit addresses reserve the whole range they can reach, so that no
    /// access is checked.
    ///
    /// Where such a reservation fails, or without this, every access is compared with the memory's
    /// length. Default: on.
    #[must_use]
    pub fn guard_pages(mut self, on: bool) -> Config {
        self.guard_pages = on;
        self
    }

    /// How many bytes of a thread's stack wasm code may use; a thread that has less gives what it
    /// has. Default: 1 MiB.
    #[must_use]
    pub fn max_stack(mut self, bytes: usize) -> Config {
        self.max_stack = bytes;
        self
    }

    /// Whether every allocation of an object collects first, for tests: what is kept wrongly alive
    /// or wrongly not shows at once. It is slow. Default: off.
    #[must_use]
    pub fn collect_always(mut self, on: bool) -> Config {
        self.collect_always = on;
        self
    }

    /// What a store of the engine may use.
    #[must_use]
    pub fn limits(mut self, limits: StoreLimits) -> Config {
        self.limits = limits;
        self
    }

    /// How many bytes a store of the engine may use in all, besides the limits of each part:
    /// memories as grown, tables, objects with what the collector needs for them, and what
    /// instances with their globals and segments need beyond a mebibyte. Default: no limit.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Config {
        self.max_bytes = bytes;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Config::new()
    }
}
