#include "../../Sources/luaslack-sandbox/main.c"
