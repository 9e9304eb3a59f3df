// Runs a WASI program on node's own implementation, `node:wasi`:
//
//     node --no-warnings wasi.js [--dir HOST::GUEST]... [--env NAME=VALUE]... MODULE [ARGUMENT]...
//
// The exit code is the program's, or 134 if it trapped, or 1 if it cannot be run.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const TRAPPED = 134;

function fail(message) {
  fs.writeSync(2, `wasi.js: ${message}\n`);
  process.exit(1);
}

function options(words) {
  const preopens = {};
  const env = {};
  let at = 0;
  for (; words[at] === "--dir" || words[at] === "--env"; at += 2) {
    const value = words[at + 1] ?? fail(`${words[at]}: expected a value`);
    const [separator, into] = words[at] === "--dir" ? ["::", preopens] : ["=", env];
    const end = value.indexOf(separator);
    if (end < 0) fail(`${words[at]} ${value}: expected \`${separator}\` in it`);
    const [before, after] = [value.slice(0, end), value.slice(end + separator.length)];
    if (into === preopens) preopens[after] = before;
    else env[before] = after;
  }
  if (at >= words.length) fail("expected the file of a module");
  return { preopens, env, module: words[at], args: words.slice(at + 1) };
}

async function main() {
  const { preopens, env, module, args } = options(process.argv.slice(2));
  const { WASI } = require("node:wasi");
  const compiled = await WebAssembly.compile(fs.readFileSync(module));
  const imports = WebAssembly.Module.imports(compiled);
  const unstable = imports.some((entry) => entry.module === "wasi_unstable");
  const wasi = new WASI({
    version: unstable ? "unstable" : "preview1",
    args: [path.basename(module), ...args],
    env,
    preopens,
    returnOnExit: false,
  });
  const instance = await WebAssembly.instantiate(compiled, wasi.getImportObject());
  try {
    process.exitCode = wasi.start(instance);
  } catch (error) {
    fs.writeSync(2, `${error.stack ?? error}\n`);
    process.exit(error instanceof WebAssembly.RuntimeError ? TRAPPED : 1);
  }
}

main().catch((error) => fail(error.message));
