// An adapter for the WebAssembly engine of a JavaScript host, using the process protocol wap/1
// (docs/protocol.md): it reads requests from standard input and writes replies to standard output.
//
//     node wap.js      deno run --allow-all wap.js      bun wap.js      jsc wap.js      d8 wap.js
//
// WebAssembly.Module does not distinguish malformed from invalid modules (class `compile`). Values
// never pass through JavaScript, which has no vectors: assertions are exported functions without
// parameters that return an i32.
"use strict";

// --- the host: its name, input and output
// ----------------------------------------------------------

const isNode = typeof process !== "undefined" && process.versions !== undefined && process.versions.node !== undefined;
const isDeno = typeof Deno !== "undefined";

function engine() {
  if (isDeno) return ["deno", Deno.version.deno + " (V8 " + Deno.version.v8 + ")"];
  if (isNode && process.versions.bun) return ["bun", process.versions.bun];
  if (isNode) return ["node", process.versions.node + " (V8 " + process.versions.v8 + ")"];
  const name = typeof d8 !== "undefined" ? "d8" : typeof newGlobal !== "undefined" ? "sm" : "jsc";
  // In JavaScriptCore `version` returns nothing, and in SpiderMonkey it sets the language version.
  return [name, name === "d8" ? String(version()) : ""];
}

// Calls `each` with every line of the input, and `idle` before it waits for more.
function readLines(each, idle) {
  if (!isNode && !isDeno) {
    // At the end of the input, JavaScriptCore's `readline` returns empty lines, SpiderMonkey's
    // null.
    for (let line, empty = 0; empty < 1000 && (line = readline()) !== null && line !== undefined; ) {
      empty = line === "" ? empty + 1 : 0;
      each(line);
      idle();
    }
    return;
  }
  const fs = isDeno ? null : require("fs");
  const chunk = new Uint8Array(1 << 16), decoder = new TextDecoder("latin1");
  const read = () => {
    for (;;) {
      try { return isDeno ? Deno.stdin.readSync(chunk) || 0 : fs.readSync(0, chunk, 0, chunk.length, null); }
      catch (error) {
        if (error.code === "EOF") return 0;
        // The pipe may be non-blocking, set by another process.
        if (error.code !== "EAGAIN") throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
    }
  };
  const parts = [];
  for (let length; (length = read()) > 0; ) {
    const text = decoder.decode(chunk.subarray(0, length));
    let begin = 0;
    for (let end; (end = text.indexOf("\n", begin)) >= 0; begin = end + 1) {
      parts.push(text.slice(begin, end));
      each(parts.length === 1 ? parts[0] : parts.join(""));
      parts.length = 0;
    }
    if (begin < text.length) parts.push(text.slice(begin));
    if (length < chunk.length) idle();
  }
  idle();
}

let pending = "";
function flush() {
  if (pending === "") return;
  if (isNode || isDeno) {
    let bytes = new TextEncoder().encode(pending);
    while (bytes.length > 0) {
      try { bytes = bytes.subarray(isDeno ? Deno.stdout.writeSync(bytes) : require("fs").writeSync(1, bytes)); }
      catch (error) {
        if (error.code !== "EAGAIN") throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
    }
  } else {
    print(pending.slice(0, -1));
  }
  pending = "";
}

// --- base64
// ----------------------------------------------------------------------------------------

const digits = new Uint8Array(128);
[..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].forEach((digit, value) => {
  digits[digit.charCodeAt(0)] = value;
});

function bytesOf(word) {
  if (isNode) return Buffer.from(word, "base64");
  const padding = word.endsWith("==") ? 2 : word.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((word.length / 4) * 3);
  for (let from = 0, to = 0; from < word.length; from += 4) {
    const at = index => digits[word.charCodeAt(from + index)];
    const bits = (at(0) << 18) | (at(1) << 12) | (at(2) << 6) | at(3);
    bytes[to++] = bits >> 16; bytes[to++] = bits >> 8; bytes[to++] = bits;
  }
  return bytes.subarray(0, bytes.length - padding);
}

// --- errors
// ----------------------------------------------------------------------------------------

function classOf(error) {
  const message = String(error && error.message);
  if (WebAssembly.Exception !== undefined && error instanceof WebAssembly.Exception) return "exception";
  // Limits of the JavaScript API (section 8.1), in the words of V8 and JavaScriptCore.
  if (/implementation limit|is too big, maximum/i.test(message)) return "limit";
  if (error instanceof WebAssembly.CompileError) return "compile";
  if (error instanceof WebAssembly.LinkError) return "link";
  // Call stack exhaustion: a RangeError in V8 and JavaScriptCore, an InternalError in SpiderMonkey.
  if (/call stack|recursion/i.test(message)) return "exhaustion";
  if (error instanceof WebAssembly.RuntimeError) return "trap";
  if (error instanceof RangeError) return "limit";
  // An imported module is missing.
  if (error instanceof TypeError) return "link";
  return "error";
}

const failure = error => "E " + classOf(error) + " " + String(error && error.message).replace(/\s+/g, " ").slice(0, 200);

// --- requests
// --------------------------------------------------------------------------------------

let modules, instances, registered, values;

// Host references: for each number always the same object.
const host = {
  host: number => { let value = values.get(number); if (!value) values.set(number, (value = { number })); return value; },
  eq: (value, number) => (value !== null && value === values.get(number) ? 1 : 0),
};

const imports = new Proxy({}, { get: (_, name) => registered.get(name) || {} });

function answer(line) {
  const [request, a, b, c] = line.split(" ");
  try {
    switch (request) {
      case "hello": {
        if (a !== "wap/1") return "E unsupported this adapter speaks wap/1";
        const [name, version] = engine();
        return "ok engine=" + name + " version=" + encodeURIComponent(version) + " adapter=js/wap.js caps=host";
      }
      case "B":
        modules = new Map(); instances = new Map(); registered = new Map(); values = new Map();
        return "ok " + a;
      case "C":
        modules.set(a, new WebAssembly.Module(bytesOf(b)));
        return "ok";
      case "I":
        if (!modules.has(b)) return "E nohandle";
        instances.set(a, new WebAssembly.Instance(modules.get(b), imports).exports);
        return "ok";
      case "N":
        if (!instances.has(a)) return "E nohandle";
        registered.set(decodeURIComponent(b), instances.get(a));
        return "ok";
      case "X":
        if (!instances.has(a)) return "E nohandle";
        registered.set(decodeURIComponent(b), { ...registered.get(decodeURIComponent(b)), ...instances.get(a) });
        return "ok";
      case "U":
        registered.delete(decodeURIComponent(a));
        return "ok";
      case "L":
        if (!instances.has(b)) return "E nohandle";
        instances.set(a, new WebAssembly.Instance(new WebAssembly.Module(bytesOf(c)), { m: instances.get(b), $h: host }).exports);
        return "ok";
      case "V":
        if (!instances.has(a)) return "E nohandle";
        return "v " + instances.get(a)[b]();
      case "E":
        return "ok " + a;
      default:
        return "E unsupported request " + request;
    }
  } catch (error) {
    return failure(error);
  }
}

readLines(line => {
  if (line === "" || line[0] === "#") return;
  pending += answer(line) + "\n";
  if (pending.length > 1 << 15) flush();
}, flush);
