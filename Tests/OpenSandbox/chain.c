#include "../../Sources/luaslack-sandbox/chain.c"
