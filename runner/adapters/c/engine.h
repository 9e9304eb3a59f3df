/* The parts that differ between engines. Each file in engine/ defines them for one engine, and
   engine/generic.c for any. */

#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>

#include "wasm.h"

/* The fields of the reply to `hello`: engine=, version=, merges=, caps=. */
extern const char engine_about[];

/* Whether the C API supports values of type externref. If not, caps= lacks `host`. */
extern const bool engine_has_host_references;

/* The configuration to create the engine with. */
wasm_config_t *engine_config(void);

/* Returns the class of a failed instantiation or call, from its message: "link", "trap",
   "exhaustion", "exception" or "limit". */
const char *engine_class(const char *message, bool instantiating);

#endif
