"""Calls a function of an adapter of WebAssembly/wasi-testsuite, and prints the result as JSON.

    python3 bridge.py about ADAPTER.py            {"name": .., "version": .., "versions": [..]}
    python3 bridge.py argv ADAPTER.py < TASK      ["program", "argument", ..]

TASK is an object with test_path, args, env, root, proposals, world and version. Anything that the
adapter prints itself goes to standard error.
"""

import importlib.util
import inspect
import json
import os
import sys


def load(path):
    spec = importlib.util.spec_from_file_location("wasi_adapter", path)
    module = importlib.util.module_from_spec(spec)
    # Adapters may import modules in their own folder.
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec.loader.exec_module(module)
    return module


def about(adapter):
    # Adapters for earlier versions of the suite do not list versions of WASI: only preview 1
    # existed.
    versions = getattr(adapter, "get_wasi_versions", lambda: ["wasm32-wasip1"])
    return {"name": adapter.get_name(), "version": adapter.get_version(), "versions": list(versions())}


def argv(adapter, task):
    args, env, root = task["args"], task["env"], task["root"]
    parameters = inspect.signature(adapter.compute_argv).parameters
    if "args_env_root" in parameters:
        given = [task["test_path"], (args, env, root), task["proposals"], task["world"], task["version"]]
    else:
        # The form in earlier versions: a list of folders with their names in the guest.
        dirs = [(root, "/")] if root else []
        given = [task["test_path"], args, env, dirs, task["version"]]
    words = adapter.compute_argv(*given[: len(parameters)])
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        sys.exit("compute_argv: expected a non-empty list of strings as its result")
    return words


def main():
    what, path = sys.argv[1:3]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    adapter = load(path)
    answer = about(adapter) if what == "about" else argv(adapter, json.load(sys.stdin))
    json.dump(answer, answers)
    answers.close()


main()
