/* The bytes that cross the process border: reads the job's tree, writes a frame's. Knows nothing of
 * Lua, allocates nothing, and never reads beyond the end it was given. */
#include "tree.h"

#include <string.h>

static size_t left(struct tree tree) { return (size_t)(tree.end - tree.at); }

uint64_t tree_number(struct tree *tree, int count) {
  uint64_t number = 0;
  for (int i = 0; i < count; i++) number |= (uint64_t)tree->at[i] << (8 * i);
  tree->at += count;
  return number;
}

static bool skip_text(struct tree *tree) {
  if (left(*tree) < 4) return false;
  uint64_t count = tree_number(tree, 4);
  if (left(*tree) < count) return false;
  tree->at += count;
  return true;
}

bool tree_skip(struct tree *tree, int depth) {
  if (left(*tree) == 0) return false;
  unsigned char tag = *tree->at++;
  if (tag <= TAG_TRUE) return true;
  if (tag == TAG_STRING) return skip_text(tree);
  if (tag == TAG_INT || tag == TAG_FLOAT) {
    if (left(*tree) < 8) return false;
    tree->at += 8;
    return true;
  }
  if (tag > TAG_OBJECT || depth == 0 || left(*tree) < 4) return false;
  for (uint64_t count = tree_number(tree, 4); count > 0; count--) {
    if (tag == TAG_OBJECT && !skip_text(tree)) return false;
    if (!tree_skip(tree, depth - 1)) return false;
  }
  return true;
}

unsigned char tree_tag(struct tree value) { return value.at ? *value.at : TAG_NULL; }

uint32_t tree_open(struct tree *value) {
  value->at++;
  return (uint32_t)tree_number(value, 4);
}

struct text tree_key(struct tree *tree) {
  size_t count = (size_t)tree_number(tree, 4);
  struct text text = {(const char *)tree->at, count};
  tree->at += count;
  return text;
}

struct tree tree_member(struct tree object, const char *name) {
  struct tree none = {NULL, NULL};
  if (tree_tag(object) != TAG_OBJECT) return none;
  for (uint32_t count = tree_open(&object); count > 0; count--) {
    struct text key = tree_key(&object);
    if (key.count == strlen(name) && memcmp(key.bytes, name, key.count) == 0) return object;
    tree_skip(&object, TREE_DEPTH);
  }
  return none;
}

struct text tree_text(struct tree value) {
  struct text none = {NULL, 0};
  if (tree_tag(value) != TAG_STRING) return none;
  value.at++;
  return tree_key(&value);
}

int64_t tree_integer(struct tree value, int64_t otherwise) {
  unsigned char tag = tree_tag(value);
  if (tag != TAG_INT && tag != TAG_FLOAT) return otherwise;
  value.at++;
  uint64_t bits = tree_number(&value, 8);
  if (tag == TAG_INT) return (int64_t)bits;
  double number;
  memcpy(&number, &bits, sizeof number);
  return number > -9e15 && number < 9e15 ? (int64_t)number : otherwise;
}

void put_raw(struct bytes *out, const void *bytes, size_t count) {
  if (out->overflow || count > out->limit - out->count) {
    out->overflow = true;
    return;
  }
  memcpy(out->data + out->count, bytes, count);
  out->count += count;
}

void put_number(struct bytes *out, uint64_t number, int count) {
  unsigned char bytes[8];
  for (int i = 0; i < count; i++) bytes[i] = (unsigned char)(number >> (8 * i));
  put_raw(out, bytes, (size_t)count);
}

void put_tag(struct bytes *out, enum tag tag) { put_number(out, tag, 1); }

void put_count(struct bytes *out, enum tag tag, size_t count) {
  put_tag(out, tag);
  put_number(out, count, 4);
}

size_t utf8_length(const char *text, size_t count) {
  const unsigned char *byte = (const unsigned char *)text;
  if (count == 0) return 0;
  if (byte[0] < 0x80) return 1;
  if (byte[0] < 0xc2 || byte[0] > 0xf4) return 0;
  size_t length = byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;
  if (length > count) return 0;
  for (size_t i = 1; i < length; i++)
    if ((byte[i] & 0xc0) != 0x80) return 0;
  /* Overlong forms, surrogates, beyond U+10FFFF. */
  if ((byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xed && byte[1] > 0x9f)) return 0;
  if ((byte[0] == 0xf0 && byte[1] < 0x90) || (byte[0] == 0xf4 && byte[1] > 0x8f)) return 0;
  return length;
}

void put_text(struct bytes *out, const char *text, size_t count) {
  size_t start = out->count;
  put_number(out, 0, 4);
  while (count > 0 && !out->overflow) {
    size_t run = 0, length = 0;
    while ((length = utf8_length(text + run, count - run)) > 0) run += length;
    put_raw(out, text, run);
    text += run, count -= run;
    if (count == 0) break;
    put_raw(out, "\xEF\xBF\xBD", 3);
    text++, count--;
  }
  if (out->overflow) return;
  struct bytes prefix = {out->data + start, 0, 4, false};
  put_number(&prefix, out->count - start - 4, 4);
}

void put_member(struct bytes *out, const char *key, const char *text, size_t count) {
  put_text(out, key, strlen(key));
  put_tag(out, TAG_STRING);
  put_text(out, text, count);
}

static bool is_control(const char *text, size_t length) {
  unsigned char first = (unsigned char)text[0];
  if (length == 2) return first == 0xc2 && (unsigned char)text[1] < 0xa0;
  return length == 1 && (first < 0x20 || first == 0x7f);
}

size_t one_line(char *line, size_t limit, const char *text, size_t count) {
  size_t used = 0;
  while (count > 0) {
    size_t length = utf8_length(text, count), step = length > 0 ? length : 1;
    const char *piece = length == 0 ? "?" : is_control(text, length) ? " " : text;
    size_t width = piece == text ? length : 1;
    if (used + width >= limit) break;
    memcpy(line + used, piece, width);
    used += width, text += step, count -= step;
  }
  line[used] = 0;
  return used;
}
