/* Any bytes, as the sandbox takes a job or a request: checked once, then read with every reader. */
#include "../../../Sources/luaslack-sandbox/tree.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t count);

static void require(bool holds) {
  if (!holds) abort();
}

/* Reads a checked value in all the ways there are, and returns what follows it. */
static struct tree read_all(struct tree value) {
  struct tree after = value, at = value;
  require(tree_skip(&after, TREE_DEPTH));
  (void)tree_integer(value, -1);
  struct text text = tree_text(value);
  if (text.bytes) {
    require((const unsigned char *)text.bytes + text.count == after.at);
    char line[40];
    size_t used = one_line(line, sizeof line, text.bytes, text.count);
    require(used < sizeof line && line[used] == 0 && !strchr(line, '\n'));
    for (size_t i = 0, step; i < used; i += step) {
      step = utf8_length(line + i, used - i);
      require(step > 0);
    }
  }
  unsigned char tag = tree_tag(value);
  if (tag != TAG_ARRAY && tag != TAG_OBJECT) return after;
  for (uint32_t left = tree_open(&at); left > 0; left--) {
    if (tag == TAG_OBJECT) {
      struct text key = tree_key(&at);
      char name[9] = {0};
      if (key.count < sizeof name && !memchr(key.bytes, 0, key.count)) {
        memcpy(name, key.bytes, key.count);
        require(tree_member(value, name).at != NULL);
      }
    }
    at = read_all(at);
  }
  require(at.at == after.at);
  return after;
}

/* What is written is valid UTF-8 and stays within its limit. */
static void write_all(const unsigned char *bytes, size_t count) {
  unsigned char *room = malloc(64);
  require(room != NULL);
  struct bytes out = {room, 0, 64, false};
  put_member(&out, "key", (const char *)bytes, count);
  require(out.count <= out.limit);
  if (!out.overflow) {
    struct tree written = {room, room + out.count};
    tree_key(&written);
    struct text text = tree_text(written);
    for (size_t i = 0, step; i < text.count; i += step) {
      step = utf8_length(text.bytes + i, text.count - i);
      require(step > 0);
    }
  }
  free(room);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t count) {
  struct tree tree = {bytes, bytes + count};
  if (tree_skip(&tree, TREE_DEPTH) && tree.at == tree.end)
    read_all((struct tree){bytes, bytes + count});
  write_all(bytes, count);
  return 0;
}
