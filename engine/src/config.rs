//! Settings of an engine.

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
    pub(crate) tier_up_always: bool,
    pub(crate) speculation: bool,
    pub(crate) guard_pages: bool,
    pub(crate) max_stack: usize,
    pub(crate) collect_always: bool,
    pub(crate) nan_canonicalization: bool,
    pub(crate) limits: StoreLimits,
    pub(crate) max_bytes: u64,
    pub(crate) through_objects: bool,
}

/// When the functions of a module are compiled. This does not affect results. A module is always
/// decoded and validated completely when it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compilation {
    /// All functions are compiled when the module is created, optimised, on all processors.
    Eager,
    /// Each function is compiled when it is called for the first time, optimised, on the thread
    /// that calls it. If the compiler does not support the function, or reaches a limit, the call
    /// fails with that error.
    Lazy,
    /// Like [`Lazy`](Compilation::Lazy), but as fast as possible, into slower code. What runs often
    /// is compiled again, optimised, on another thread, which replaces the code while it runs.
    Tiered,
}

impl Compilation {
    /// Whether functions are compiled when they are called.
    pub(crate) fn is_lazy(self) -> bool {
        matches!(self, Compilation::Lazy | Compilation::Tiered)
    }
}

/// Limits on the resources of one store. Exceeding one is an error of kind
/// [`ErrorKind::Limit`](crate::ErrorKind::Limit), except that `memory.grow` and `table.grow`
/// return -1, as the specification allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreLimits {
    /// The maximum size of all memories together, in bytes; 16 GiB by default. Reserved address
    /// space does not count.
    pub memory_bytes: u64,
    /// The maximum number of elements of all tables together; 64 Mi by default.
    pub table_elements: u64,
    /// The maximum number of instances; 100,000 by default.
    pub instances: usize,
    /// The maximum size of all objects (structures, arrays and exceptions) together, in bytes; 1
    /// GiB by default. Memory is allocated in lines of 256 bytes, and for large objects in blocks
    /// of 64 KiB. The limit is reached when a collection leaves less than a 64th of it free.
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
            compilation: Compilation::Tiered,
            tier_up_always: false,
            speculation: true,
            guard_pages: true,
            max_stack: 1 << 20,
            collect_always: false,
            nan_canonicalization: false,
            limits: StoreLimits::default(),
            max_bytes: u64::MAX,
            through_objects: false,
        }
    }

    /// Whether functions are compiled in two tiers.
    pub(crate) fn is_tiered(&self) -> bool {
        self.compilation == Compilation::Tiered && self.optimize
    }

    /// Sets the features that modules can use. Default: [`Features::DEFAULT`].
    #[must_use]
    pub fn features(mut self, features: Features) -> Config {
        self.features = features;
        self
    }

    /// Sets whether Cranelift's verifier checks the generated IR. Default: in debug builds.
    #[must_use]
    pub fn verifier(mut self, on: bool) -> Config {
        self.verifier = on;
        self
    }

    /// Sets whether code is optimised, or compiled as fast as possible. Without optimisation there
    /// is only one tier. Default: optimised.
    #[must_use]
    pub fn optimize(mut self, on: bool) -> Config {
        self.optimize = on;
        self
    }

    /// Sets when functions are compiled. Default: [`Compilation::Tiered`].
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

    /// Sets whether processors that are idle compile functions that are likely to be called soon,
    /// if functions are compiled when they are called. Default: enabled.
    #[must_use]
    pub fn speculation(mut self, on: bool) -> Config {
        self.speculation = on;
        self
    }

    /// Sets whether a function in the first tier of [`Compilation::Tiered`] is optimised by its
    /// first call and its first iteration of a loop, on the same thread. This is for tests.
    /// Default: disabled.
    #[must_use]
    pub fn tier_up_always(mut self, on: bool) -> Config {
        self.tier_up_always = on;
        self
    }

    /// Sets whether memories with 32-bit addresses reserve their whole address range, so that
    /// accesses need no bounds checks.
    ///
    /// If this is disabled or the reservation fails, every access is compared with the length of
    /// the memory. Default: enabled.
    #[must_use]
    pub fn guard_pages(mut self, on: bool) -> Config {
        self.guard_pages = on;
        self
    }

    /// Sets how many bytes of a thread's stack wasm code can use. If the thread has less, the limit
    /// is what it has. Each continuation can use the same on a stack of its own, but at most
    /// 256 KiB. Default: 1 MiB.
    #[must_use]
    pub fn max_stack(mut self, bytes: usize) -> Config {
        self.max_stack = bytes;
        self
    }

    /// Sets whether every allocation of an object runs a collection first. This is for tests,
    /// because it shows missing and superfluous roots at once; it is slow. Default: disabled.
    #[must_use]
    pub fn collect_always(mut self, on: bool) -> Config {
        self.collect_always = on;
        self
    }

    /// Sets whether every NaN that an instruction computes is the positive canonical one, where the
    /// specification allows any sign and, if an operand is another NaN, any payload (numerics, NaN
    /// propagation). Code is larger and slower then. Default: disabled.
    #[must_use]
    pub fn nan_canonicalization(mut self, on: bool) -> Config {
        self.nan_canonicalization = on;
        self
    }

    /// Sets whether [`Module::new`](crate::Module::new) compiles each module to an object file,
    /// from which functions are loaded when they are first called. This is for tests, because it
    /// loads code in all the ways that a module can need. Default: disabled.
    #[must_use]
    pub fn through_objects(mut self, on: bool) -> Config {
        self.through_objects = on;
        self
    }

    /// Sets the limits of each store of the engine.
    #[must_use]
    pub fn limits(mut self, limits: StoreLimits) -> Config {
        self.limits = limits;
        self
    }

    /// Sets how many bytes each store of the engine can use in total, in addition to the individual
    /// limits: memories at their current size, tables, objects with the collector's bookkeeping,
    /// stacks of continuations, and what instances with their globals and segments need beyond a
    /// mebibyte. Default: no limit.
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
