"""Loads an adapter of WebAssembly/wasi-testsuite, asks it one thing, and prints the answer in JSON.

    python3 bridge.py about ADAPTER.py            {"name": .., "version": .., "versions": [..]}
    python3 bridge.py argv ADAPTER.py < TASK      ["program", "argument", ..]

TASK is an object with test_path, args, env, root, proposals, world and version. What an adapter prints itself goes to
standard error.
"""

import importlib.util
import inspect
import json
import os
import sys


def load(path):
    spec = importlib.util.spec_from_file_location("wasi_adapter", path)
    module = importlib.util.module_from_spec(spec)
    # Adapters may import what lies beside them.
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec.loader.exec_module(module)
    return module


def about(adapter):
    # Adapters of earlier versions of the suite do not say which versions of WASI they are for: it was preview 1.
    versions = getattr(adapter, "get_wasi_versions", lambda: ["wasm32-wasip1"])
    return {"name": adapter.get_name(), "version": adapter.get_version(), "versions": list(versions())}


def argv(adapter, task):
    args, env, root = task["args"], task["env"], task["root"]
    parameters = inspect.signature(adapter.compute_argv).parameters
    if "args_env_root" in parameters:
        given = [task["test_path"], (args, env, root), task["proposals"], task["world"], task["version"]]
    else:
        # The form of earlier versions: folders by their names in the guest.
        dirs = [(root, "/")] if root else []
        given = [task["test_path"], args, env, dirs, task["version"]]
    words = adapter.compute_argv(*given[: len(parameters)])
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        sys.exit("compute_argv did not return a list of words")
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
