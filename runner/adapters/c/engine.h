/* What the C API leaves to each engine. One file in engine/ defines all of it; engine/generic.c for
   any engine. */

#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>

#include "wasm.h"

/* Words of the answer to `hello`: engine=, version=, merges=, caps=. */
extern const char engine_about[];

/* Whether values of type externref can pass through the C API. If not, caps= lacks `host`. */
extern const bool engine_has_host_references;

/* The configuration to create the engine with. */
wasm_config_t *engine_config(void);

/* The class of a failed instantiation or call by its message: "link", "trap", "exhaustion",
   "exception" or "limit". */
const char *engine_class(const char *message, bool instantiating);

#endif
