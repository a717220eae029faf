#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The tags of codec v1; LuaslackCore/Format/Tree.swift has the same. */
enum tag { TAG_NULL, TAG_FALSE, TAG_TRUE, TAG_INT, TAG_FLOAT, TAG_STRING, TAG_ARRAY, TAG_OBJECT };

/* Deepest nesting that a job may have. */
enum { TREE_DEPTH = 64 };

/* A place in encoded bytes; `at` is NULL for "nothing there". */
struct tree {
  const unsigned char *at, *end;
};

struct text {
  const char *bytes;
  size_t count;
};

/* Moves past one value; false if the bytes are not one. The readers below rely on it: a tree must
 * have been skipped once with success before anything is taken out of it. */
bool tree_skip(struct tree *tree, int depth);
unsigned char tree_tag(struct tree value);
/* Enters an array or object, or passes a string's length: the 32-bit count after the tag. */
uint32_t tree_open(struct tree *value);
/* Takes `count` raw bytes, little-endian, as a number of at most eight. */
uint64_t tree_number(struct tree *tree, int count);
struct text tree_key(struct tree *tree);
struct tree tree_member(struct tree object, const char *name);
struct text tree_text(struct tree value);
int64_t tree_integer(struct tree value, int64_t otherwise);

/* Bytes being written. What does not fit is left out and remembered in `overflow`. */
struct bytes {
  unsigned char *data;
  size_t count, limit;
  bool overflow;
};

void put_raw(struct bytes *out, const void *bytes, size_t count);
void put_number(struct bytes *out, uint64_t number, int count);
void put_tag(struct bytes *out, enum tag tag);
void put_count(struct bytes *out, enum tag tag, size_t count);
/* An object's key, or the content of a string after its tag: always valid UTF-8. */
void put_text(struct bytes *out, const char *text, size_t count);
void put_member(struct bytes *out, const char *key, const char *text, size_t count);

/* Bytes of the UTF-8 character at `text`; 0 if there is none. */
size_t utf8_length(const char *text, size_t count);
/* Fills `line`, `limit` bytes with the ending 0: valid UTF-8, one line, no control characters. */
size_t one_line(char *line, size_t limit, const char *text, size_t count);
