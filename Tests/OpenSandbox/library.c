#include "../../Sources/luaslack-sandbox/library.c"
