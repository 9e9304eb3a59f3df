/* Any engine with the standard C API. Build with -DENGINE='"NAME"' and
   -DENGINE_VERSION='"VERSION"'. The standard has one kind of error at run time, so the classes of
   run-time errors are not told apart. */

#include "../engine.h"

#ifndef ENGINE
#define ENGINE "unnamed"
#endif
#ifndef ENGINE_VERSION
#define ENGINE_VERSION "unknown"
#endif

const char engine_about[] = "engine=" ENGINE " version=" ENGINE_VERSION
                            " merges=trap+exhaustion+exception+link+limit caps=host";

const bool engine_has_host_references = true;

wasm_config_t *engine_config(void) { return wasm_config_new(); }

const char *engine_class(const char *message, bool instantiating) {
  (void)message;
  (void)instantiating;
  return "trap";
}
