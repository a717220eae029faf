#include "../../Sources/luaslack-sandbox/guard.c"
