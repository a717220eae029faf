#include "../../Sources/luaslack-sandbox/script.c"
