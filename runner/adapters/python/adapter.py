"""An adapter for the `wasmtime` package of PyPI, using the process protocol wap/1.

It reads requests from standard input, one per line, and writes one line per request to standard
output, in order. docs/protocol.md specifies the protocol.
"""

import base64
import functools
import importlib.metadata
import os
import sys
from urllib.parse import unquote

from wasmtime import (Config, Engine, Func, FuncType, Instance, Module, Store, Trap, TrapCode, ValType,
                      WasmtimeError)

# The features that can be switched, with the names of wasmtime's switches. wasmtime always has the
# other features up to 2.0, and no other ones. `reference-types` is missing, since the package
# cannot switch off the features that depend on it.
SWITCHES = {
    "multi-value": "wasm_multi_value",
    "bulk-memory": "wasm_bulk_memory",
    "simd": "wasm_simd",
    "relaxed-simd": "wasm_relaxed_simd",
    "tail-call": "wasm_tail_call",
    "function-references": "wasm_function_references",
    "multi-memory": "wasm_multi_memory",
    "memory64": "wasm_memory64",
    "exceptions": "wasm_exceptions",
    "gc": "wasm_gc",
    "threads": "wasm_threads",
    "custom-page-sizes": "wasm_custom_page_sizes",
    "wide-arithmetic": "wasm_wide_arithmetic",
    "stack-switching": "wasm_stack_switching",
}

# The features that each version of the specification adds to the previous one.
VERSIONS = {
    "1.0": [],
    "2.0": ["multi-value", "bulk-memory", "simd"],
    "3.0": ["relaxed-simd", "tail-call", "function-references", "multi-memory", "memory64", "exceptions", "gc"],
}


class Failure(Exception):
    """Why a request failed: a class of the protocol, and a message."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


@functools.cache
def configured(features):
    """The engine with the features of an expression such as `3.0,threads`, and no others."""
    on = set()
    for word in features.split(","):
        if word in VERSIONS:
            on.update(name for version in VERSIONS if version <= word for name in VERSIONS[version])
        elif word.startswith("-"):
            on.discard(word[1:])
        else:
            on.add(word)
    config = Config()
    for name, switch in SWITCHES.items():
        setattr(config, switch, name in on)
    config.shared_memory = "threads" in on
    return Engine(config)


class HostReference:
    """The host reference with a number. Equal numbers are the same reference."""

    def __init__(self, number):
        self.number = number


class Adapter:
    def __init__(self):
        self.begin("")

    def begin(self, script, *options):
        """Begins a script: a fresh store, with the features of the script or, without any, all."""
        features = [unquote(option[len("features="):]) for option in options if option.startswith("features=")]
        self.store = Store(configured(features[0] if features else ",".join(SWITCHES)))
        self.modules, self.instances, self.registered, self.host = {}, {}, {}, {}
        return f"ok {script}"

    def answer(self, line):
        request, *words = line.split(" ")
        if request not in REQUESTS:
            return f"E unsupported not a request of wap/1: {request}"
        try:
            answer = REQUESTS[request](self, *words)
        except Failure as failure:
            return f"E {failure.kind} {failure}"
        except (TypeError, ValueError) as error:
            return f"E error {error}"
        return "ok" if answer is None else answer

    def hello(self, version, *_):
        if version != "wap/1":
            raise Failure("unsupported", f"this adapter speaks wap/1, not {version}")
        return (f"ok engine=wasmtime-py version={importlib.metadata.version('wasmtime')}"
                " adapter=python/adapter.py caps=host,features")

    def compile(self, handle, wasm):
        self.modules.pop(handle, None)
        self.modules[handle] = self.module(wasm)

    def instantiate(self, handle, module):
        self.instances.pop(handle, None)
        module = find(self.modules, module)
        self.instances[handle] = self.exports(module, lambda name: self.registered.get(name, {}))

    def register(self, handle, name):
        self.registered[unquote(name)] = find(self.instances, handle)

    def extend(self, handle, name):
        name, exports = unquote(name), find(self.instances, handle)
        self.registered[name] = self.registered.get(name, {}) | exports

    def unregister(self, name):
        self.registered.pop(unquote(name), None)

    def wrap(self, handle, under_test, wasm):
        self.instances.pop(handle, None)
        under_test = find(self.instances, under_test)
        sources = {"m": under_test, "$h": self.host_functions()}
        self.instances[handle] = self.exports(self.module(wasm), lambda name: sources.get(name, {}))

    def call(self, handle, name):
        function = find(self.instances, handle).get(unquote(name))
        if function is None:
            raise Failure("error", f"no export {name}")
        try:
            return f"v {function(self.store)}"
        except (Trap, WasmtimeError) as error:
            raise stopped(error) from None

    def module(self, wasm):
        try:
            return Module(self.store.engine, base64.b64decode(wasm, validate=True))
        except WasmtimeError as error:
            raise Failure("compile", error) from None

    def exports(self, module, source):
        """Instantiates `module` with imports from `source(MODULE NAME)`: its exports by name."""
        values = []
        for wanted in module.imports:
            value = source(wanted.module).get(wanted.name)
            if value is None:
                raise Failure("link", f"unknown import {wanted.module} {wanted.name}")
            values.append(value)
        try:
            return dict(Instance(self.store, module, values).exports(self.store))
        except (Trap, WasmtimeError) as error:
            raise stopped(error) from None
        except TypeError as error:
            # Version 50 of the package cannot import a shared memory.
            raise Failure("unsupported", error) from None

    def host_functions(self):
        if not self.host:
            i32, externref = ValType.i32(), ValType.externref()
            same = lambda value, number: int(isinstance(value, HostReference) and value.number == number)
            self.host = {
                "host": Func(self.store, FuncType([i32], [externref]), HostReference),
                "eq": Func(self.store, FuncType([externref, i32], [i32]), same),
            }
        return self.host


REQUESTS = {
    "hello": Adapter.hello, "B": Adapter.begin, "C": Adapter.compile, "I": Adapter.instantiate,
    "N": Adapter.register, "X": Adapter.extend, "U": Adapter.unregister, "L": Adapter.wrap, "V": Adapter.call, "E": Adapter.begin,
}


def find(table, handle):
    if handle not in table:
        raise Failure("nohandle", handle)
    return table[handle]


def stopped(error):
    """Why an instantiation or a call failed."""
    message = str(error)
    if "thrown Wasm exception" in message:
        kind = "exception"
    elif isinstance(error, Trap):
        kind = "exhaustion" if error.trap_code == TrapCode.STACK_OVERFLOW else "trap"
    elif "incompatible import type" in message:
        kind = "link"
    else:
        kind = "limit"
    return Failure(kind, message)


def lines():
    """The lines of standard input. Before a read that may block, all answers go out."""
    begun = []
    while chunk := os.read(sys.stdin.fileno(), 1 << 16):
        first, *more = chunk.split(b"\n")
        begun.append(first)
        if more:
            yield b"".join(begun)
            yield from more[:-1]
            begun = more[-1:]
        sys.stdout.flush()


def main():
    adapter = Adapter()
    for line in lines():
        line = line.decode("utf-8", "replace").rstrip("\r")
        # Plan files may contain empty lines and comments.
        if line and not line.startswith("#"):
            sys.stdout.write(" ".join(adapter.answer(line).split())[:1000] + "\n")
            if line.startswith("E "):
                sys.stdout.flush()
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        # Buffered output cannot be written either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit("adapter: standard output is closed")
