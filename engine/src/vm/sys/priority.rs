//! Priorities of threads.

/// How a thread competes with others for processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// It gets a smaller share.
    Low,
    /// It runs on processors that nothing else uses.
    Idle,
}

impl Priority {
    /// Sets the priority of the current thread. If the system refuses, it is unchanged.
    pub(crate) fn set(self) {
        /// The nice value of a low priority, which gives a share of a third against one other
        /// thread.
        const NICE: libc::c_int = 3;
        match self {
            // SAFETY: the call has no preconditions. On Linux it applies to the current thread.
            Priority::Low => unsafe {
                libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
            },
            Priority::Idle => {
                let parameter = libc::sched_param { sched_priority: 0 };
                // SAFETY: the call reads a local structure, and applies to the current thread.
                unsafe {
                    libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameter);
                }
            }
        }
    }
}
