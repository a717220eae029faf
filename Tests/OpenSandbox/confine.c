#include "../../Sources/luaslack-sandbox/confine.c"
