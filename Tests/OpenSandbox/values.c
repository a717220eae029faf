#include "../../Sources/luaslack-sandbox/values.c"
