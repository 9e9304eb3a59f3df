/* An adapter between the process protocol wap/1 and any engine with the standard WebAssembly C API,
   wasm.h.

   Requests come in on standard input, one a line, and each is answered by one line on standard
   output, in order. docs/protocol.md specifies both. What the C API leaves to the engine is in
   engine.h. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "wasm.h"

/* ---- Input and output ---- */

static void *checked(void *memory) {
  if (!memory) {
    fprintf(stderr, "adapter: out of memory\n");
    exit(1);
  }
  return memory;
}

/* The next line of standard input without its end, or NULL after the last. Before a read that may
   block, everything answered so far goes out: the driver may wait for it. */
static char *next_line(void) {
  static char *buffer;
  static size_t capacity, start, end;
  size_t searched = start;
  for (;;) {
    char *newline = end > searched ? memchr(buffer + searched, '\n', end - searched) : NULL;
    if (newline) {
      char *line = buffer + start;
      *newline = '\0';
      if (newline > line && newline[-1] == '\r') newline[-1] = '\0';
      start = (size_t)(newline - buffer) + 1;
      return line;
    }
    fflush(stdout);
    if (start > 0) memmove(buffer, buffer + start, end - start);
    end -= start;
    start = 0;
    searched = end;
    if (capacity - end < 1 << 16) buffer = checked(realloc(buffer, capacity = 2 * capacity + (1 << 17)));
    ssize_t count = read(STDIN_FILENO, buffer + end, capacity - end);
    if (count <= 0) return NULL;
    end += (size_t)count;
  }
}

static void ok(void) { puts("ok"); }

/* Replies with a failure. A long message is cut off; control characters become
   spaces. */
static void fail(const char *class, const char *message) {
  printf("E %s ", class);
  for (int i = 0; i < 1000 && message[i]; i++) putchar((unsigned char)message[i] < ' ' ? ' ' : message[i]);
  putchar('\n');
}

/* ---- Words ---- */

/* Splits the next word off *rest; returns an empty string at the end. */
static char *word(char **rest) {
  char *begin = *rest;
  *rest += strcspn(begin, " ");
  if (**rest) *(*rest)++ = '\0';
  return begin;
}

static int digit64(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes base64 in place. Returns the number of bytes, or -1. */
static long unbase64(char *text) {
  size_t length = strlen(text);
  if (length % 4) return -1;
  if (length && text[length - 1] == '=') length--;
  if (length && text[length - 1] == '=') length--;
  uint32_t bits = 0;
  char *out = text;
  for (size_t i = 0; i < length; i++) {
    int digit = digit64(text[i]);
    if (digit < 0) return -1;
    bits = bits << 6 | (uint32_t)digit;
    if (i % 4) *out++ = (char)(bits >> (6 - 2 * (i % 4)));
  }
  return out - text;
}

/* Decodes a percent-encoded name in place. */
static void unpercent(char *text, wasm_name_t *name) {
  char *out = text, *in = text;
  while (*in) {
    unsigned byte;
    if (*in == '%' && in[1] && in[2] && sscanf(in + 1, "%2x", &byte) == 1) {
      *out++ = (char)byte;
      in += 3;
    } else {
      *out++ = *in++;
    }
  }
  *name = (wasm_name_t){.size = (size_t)(out - text), .data = text};
}

static bool same(const wasm_name_t *a, const wasm_name_t *b) {
  return a->size == b->size && !memcmp(a->data, b->data, a->size);
}

static bool named(const wasm_name_t *name, const char *text) {
  return name->size == strlen(text) && !memcmp(name->data, text, name->size);
}

/* ---- The state of the running script ---- */

typedef struct slot {
  uint32_t handle;
  wasm_module_t *module;
  wasm_instance_t *instance;
  wasm_exporttype_vec_t names; /* of the instance's exports, in the order of `values` */
  wasm_extern_vec_t values;
  struct slot *next; /* in the same bucket */
} slot_t;

typedef struct {
  wasm_name_t name;
  uint32_t handle;
} registration_t;

enum { BUCKETS = 1 << 10 };

static wasm_engine_t *engine;
static wasm_store_t *store;
static slot_t *buckets[BUCKETS];
static registration_t *registered; /* in the order of registration */
static size_t registered_count;
static wasm_func_t *host, *eq;

/* Splits a handle off *rest. Replies with an error and returns false if there is none. */
static bool handle(char **rest, uint32_t *number) {
  char *text = word(rest), *after;
  unsigned long long value = strtoull(text, &after, 10);
  if (*text < '0' || *text > '9' || *after || value > UINT32_MAX) {
    fail("error", "not a handle");
    return false;
  }
  *number = (uint32_t)value;
  return true;
}

static void clear_instance(slot_t *slot) {
  if (!slot->instance) return;
  wasm_extern_vec_delete(&slot->values);
  wasm_exporttype_vec_delete(&slot->names);
  wasm_instance_delete(slot->instance);
  slot->instance = NULL;
}

static void clear_module(slot_t *slot) {
  if (slot->module) wasm_module_delete(slot->module);
  slot->module = NULL;
}

/* Returns the slot of a handle, or NULL if the handle is unused. */
static slot_t *find(uint32_t number) {
  slot_t *slot = buckets[number % BUCKETS];
  while (slot && slot->handle != number) slot = slot->next;
  return slot;
}

/* Returns the slot of a handle; creates it if the handle is unused. */
static slot_t *slot_of(uint32_t number) {
  slot_t *slot = find(number);
  if (slot) return slot;
  slot = checked(calloc(1, sizeof *slot));
  slot->handle = number;
  slot->next = buckets[number % BUCKETS];
  return buckets[number % BUCKETS] = slot;
}

/* Returns the slot of an instance. Replies with an error and returns NULL if there is none. */
static slot_t *find_instance(uint32_t number) {
  slot_t *slot = find(number);
  if (slot && slot->instance) return slot;
  fail("nohandle", "no such instance");
  return NULL;
}

static void unregister(const wasm_name_t *name) {
  size_t kept = 0;
  for (size_t i = 0; i < registered_count; i++) {
    if (same(&registered[i].name, name)) {
      wasm_name_delete(&registered[i].name);
    } else {
      registered[kept++] = registered[i];
    }
  }
  registered_count = kept;
}

/* Adds the exports of an instance to those registered under a name. */
static void add(const wasm_name_t *name, uint32_t number) {
  registered = checked(realloc(registered, (registered_count + 1) * sizeof *registered));
  registration_t *entry = &registered[registered_count++];
  wasm_name_copy(&entry->name, name);
  entry->handle = number;
}

/* Ends the script: frees its modules and instances, and the store. */
static void forget(void) {
  for (size_t i = 0; i < BUCKETS; i++) {
    for (slot_t *slot; (slot = buckets[i]);) {
      buckets[i] = slot->next;
      clear_instance(slot);
      clear_module(slot);
      free(slot);
    }
  }
  while (registered_count) wasm_name_delete(&registered[--registered_count].name);
  if (host) wasm_func_delete(host);
  if (eq) wasm_func_delete(eq);
  host = eq = NULL;
  if (store) wasm_store_delete(store);
  store = NULL;
}

/* ---- Host references ---- */

/* The number of a host reference plus one is stored as its host information: NULL is for values of
   other origin. */
static void *information(int32_t number) { return (void *)((uintptr_t)(uint32_t)number + 1); }

static wasm_trap_t *make_reference(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  wasm_foreign_t *foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info(foreign, information(args->data[0].of.i32));
  results->data[0] = (wasm_val_t){.kind = WASM_EXTERNREF, .of.ref = wasm_foreign_as_ref(foreign)};
  return NULL;
}

static wasm_trap_t *compare_reference(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  wasm_ref_t *reference = args->data[0].of.ref;
  bool equal = reference && wasm_ref_get_host_info(reference) == information(args->data[1].of.i32);
  results->data[0] = (wasm_val_t)WASM_I32_VAL(equal);
  return NULL;
}

static void make_host_functions(void) {
  wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_externref());
  host = wasm_func_new(store, type, make_reference);
  wasm_functype_delete(type);
  type = wasm_functype_new_2_1(wasm_valtype_new_externref(), wasm_valtype_new_i32(), wasm_valtype_new_i32());
  eq = wasm_func_new(store, type, compare_reference);
  wasm_functype_delete(type);
}

/* ---- Requests ---- */

static wasm_module_t *compile(char *base64) {
  long size = unbase64(base64);
  if (size < 0) {
    fail("error", "not base64");
    return NULL;
  }
  wasm_byte_vec_t bytes = {.size = (size_t)size, .data = base64};
  wasm_module_t *module = wasm_module_new(store, &bytes);
  if (!module) fail("compile", "rejected"); /* the API gives no reason */
  return module;
}

static wasm_extern_t *export_of(const slot_t *slot, const wasm_name_t *name) {
  for (size_t i = 0; i < slot->names.size; i++) {
    if (same(wasm_exporttype_name(slot->names.data[i]), name)) return slot->values.data[i];
  }
  return NULL;
}

/* The value of an import: of a wrapper, when there is an instance under test, else from the
   registered instances. */
static wasm_extern_t *resolve(const wasm_importtype_t *import, const slot_t *under_test) {
  const wasm_name_t *module = wasm_importtype_module(import), *name = wasm_importtype_name(import);
  if (under_test) {
    if (named(module, "m")) return export_of(under_test, name);
    if (!named(module, "$h")) return NULL;
    if (!host) make_host_functions();
    return wasm_func_as_extern(named(name, "host") ? host : eq);
  }
  for (size_t i = registered_count; i-- > 0;) {
    if (!same(&registered[i].name, module)) continue;
    const slot_t *slot = find(registered[i].handle);
    wasm_extern_t *value = slot && slot->instance ? export_of(slot, name) : NULL;
    if (value) return value;
  }
  return NULL;
}

static void fail_trap(wasm_trap_t *trap, bool instantiating) {
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  char *text = checked(calloc(1, message.size + 1));
  memcpy(text, message.data, message.size);
  fail(engine_class(text, instantiating), text);
  free(text);
  wasm_byte_vec_delete(&message);
  wasm_trap_delete(trap);
}

/* Looks up the values of all imports. Replies with an error and returns false if one is missing. */
static bool fill_in(const wasm_importtype_vec_t *imports, const slot_t *under_test, wasm_extern_t **values) {
  for (size_t i = 0; i < imports->size; i++) {
    bool of_host = under_test && named(wasm_importtype_module(imports->data[i]), "$h");
    if (of_host && !engine_has_host_references) {
      fail("unsupported", "host references do not pass through this engine's C API");
      return false;
    }
    values[i] = resolve(imports->data[i], under_test);
    if (!values[i]) {
      fail("link", "unknown import");
      return false;
    }
  }
  return true;
}

/* Instantiates `module` into a slot, and replies. */
static void instantiate(slot_t *slot, const wasm_module_t *module, const slot_t *under_test) {
  wasm_importtype_vec_t imports;
  wasm_module_imports(module, &imports);
  wasm_extern_t **values = checked(calloc(imports.size + 1, sizeof *values));
  clear_instance(slot);
  if (fill_in(&imports, under_test, values)) {
    wasm_extern_vec_t vector = {.size = imports.size, .data = values};
    wasm_trap_t *trap = NULL;
    slot->instance = wasm_instance_new(store, module, &vector, &trap);
    if (slot->instance) {
      wasm_module_exports(module, &slot->names);
      wasm_instance_exports(slot->instance, &slot->values);
      ok();
    } else if (trap) {
      fail_trap(trap, true);
    } else {
      fail("link", "the imports do not match");
    }
  }
  free(values);
  wasm_importtype_vec_delete(&imports);
}

static void on_compile(char *rest) {
  uint32_t number;
  if (!handle(&rest, &number)) return;
  slot_t *slot = slot_of(number);
  clear_module(slot);
  slot->module = compile(word(&rest));
  if (slot->module) ok();
}

static void on_instantiate(char *rest) {
  uint32_t number, of;
  if (!handle(&rest, &number) || !handle(&rest, &of)) return;
  const slot_t *slot = find(of);
  if (slot && slot->module) {
    instantiate(slot_of(number), slot->module, NULL);
  } else {
    fail("nohandle", "no such module");
  }
}

static void on_wrap(char *rest) {
  uint32_t number, of;
  if (!handle(&rest, &number) || !handle(&rest, &of)) return;
  const slot_t *under_test = find_instance(of);
  if (!under_test) return;
  wasm_module_t *module = compile(word(&rest));
  if (!module) return;
  instantiate(slot_of(number), module, under_test);
  wasm_module_delete(module);
}

/* Registers an instance, instead of or in addition to those with the same name. */
static void on_register(char *rest, bool replacing) {
  uint32_t number;
  if (!handle(&rest, &number) || !find_instance(number)) return;
  wasm_name_t name;
  unpercent(word(&rest), &name);
  if (replacing) unregister(&name);
  add(&name, number);
  ok();
}

static void on_unregister(char *rest) {
  wasm_name_t name;
  unpercent(word(&rest), &name);
  unregister(&name);
  ok();
}

static void on_call(char *rest) {
  uint32_t number;
  if (!handle(&rest, &number)) return;
  const slot_t *slot = find_instance(number);
  if (!slot) return;
  wasm_name_t name;
  unpercent(word(&rest), &name);
  wasm_extern_t *value = export_of(slot, &name);
  wasm_func_t *function = value ? wasm_extern_as_func(value) : NULL;
  if (!function || wasm_func_param_arity(function) != 0 || wasm_func_result_arity(function) != 1) {
    fail("error", "no function [] -> [i32] of this name");
    return;
  }
  wasm_val_t result = WASM_I32_VAL(0);
  wasm_val_vec_t args = WASM_EMPTY_VEC, results = {.size = 1, .data = &result};
  wasm_trap_t *trap = wasm_func_call(function, &args, &results);
  if (trap) {
    fail_trap(trap, false);
  } else {
    printf("v %" PRId32 "\n", result.of.i32);
  }
}

static void answer(char *line) {
  char *rest = line, *request = word(&rest);
  if (!strcmp(request, "hello") && !strcmp(word(&rest), "wap/1")) {
    printf("ok adapter=c/adapter.c %s\n", engine_about);
    return;
  }
  if (!strcmp(request, "B") || !strcmp(request, "E")) {
    forget();
    store = wasm_store_new(engine);
    printf("ok %s\n", word(&rest));
    /* Flush after each script, so that the driver can judge it while the next one runs. */
    if (*request == 'E') fflush(stdout);
  } else if (!strcmp(request, "C")) {
    on_compile(rest);
  } else if (!strcmp(request, "I")) {
    on_instantiate(rest);
  } else if (!strcmp(request, "N") || !strcmp(request, "X")) {
    on_register(rest, *request == 'N');
  } else if (!strcmp(request, "U")) {
    on_unregister(rest);
  } else if (!strcmp(request, "L")) {
    on_wrap(rest);
  } else if (!strcmp(request, "V")) {
    on_call(rest);
  } else {
    fail("unsupported", "not a request of wap/1");
  }
}

int main(void) {
  static char output[1 << 16];
  setvbuf(stdout, output, _IOFBF, sizeof output);
  engine = wasm_engine_new_with_config(engine_config());
  if (!engine) {
    fprintf(stderr, "adapter: the engine cannot be created\n");
    return 1;
  }
  store = wasm_store_new(engine);
  for (char *line; (line = next_line());) {
    /* Plan files may contain empty lines and comments. */
    if (*line && *line != '#') answer(line);
  }
  forget();
  wasm_engine_delete(engine);
  return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
