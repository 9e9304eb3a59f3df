// Traps in a function called from an inlined one. With DWARF, a backtrace shows these lines.

int table[4];

__attribute__((noinline)) int divide(int a, int b) {
    return a / b;
}

static inline __attribute__((always_inline)) int check(int a, int b) {
    table[a & 3]++;
    return divide(a, b) + 1;
}

int main(int argc, char **argv) {
    (void)argv;
    return check(argc, argc - 1);
}
