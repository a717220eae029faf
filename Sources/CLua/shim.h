/* For the sandbox's build flags only: no Swift imports this module. */
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>
