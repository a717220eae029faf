#include "../../Sources/luaslack-sandbox/tree.c"
