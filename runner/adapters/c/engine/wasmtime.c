/* wasmtime. Its C API reports every error as a trap; the message tells them apart. */

#include "../engine.h"

#ifndef ENGINE_VERSION
#define ENGINE_VERSION "unknown"
#endif

/* wasmtime's extensions of the C API, declared in its own header. */
void wasmtime_config_shared_memory_set(wasm_config_t *, bool);
void wasmtime_config_wasm_custom_page_sizes_set(wasm_config_t *, bool);
void wasmtime_config_wasm_exceptions_set(wasm_config_t *, bool);
void wasmtime_config_wasm_function_references_set(wasm_config_t *, bool);
void wasmtime_config_wasm_gc_set(wasm_config_t *, bool);
void wasmtime_config_wasm_memory64_set(wasm_config_t *, bool);
void wasmtime_config_wasm_threads_set(wasm_config_t *, bool);
void wasmtime_config_wasm_wide_arithmetic_set(wasm_config_t *, bool);

const char engine_about[] = "engine=wasmtime version=" ENGINE_VERSION " caps=";

const bool engine_has_host_references = false;

wasm_config_t *engine_config(void) {
  wasm_config_t *config = wasm_config_new();
  wasmtime_config_wasm_function_references_set(config, true);
  wasmtime_config_wasm_gc_set(config, true);
  wasmtime_config_wasm_exceptions_set(config, true);
  wasmtime_config_wasm_memory64_set(config, true);
  wasmtime_config_wasm_threads_set(config, true);
  wasmtime_config_shared_memory_set(config, true);
  wasmtime_config_wasm_custom_page_sizes_set(config, true);
  wasmtime_config_wasm_wide_arithmetic_set(config, true);
  return config;
}

const char *engine_class(const char *message, bool instantiating) {
  if (strstr(message, "call stack exhausted")) return "exhaustion";
  if (strstr(message, "thrown Wasm exception")) return "exception";
  if (strstr(message, "wasm trap: ")) return "trap";
  if (instantiating && strstr(message, "incompatible import type")) return "link";
  return "limit";
}
