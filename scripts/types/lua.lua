---@meta

-- Lua 5.4 as formatters have it, for lua-language-server: what is not in this file does not exist
-- (files, commands, environment, load, collectgarbage, string.dump, most of os and debug), and an
-- editor that follows the .luarc.json of `luaslack init` says so. luaslack never runs this file.

---@type string
_VERSION = "Lua 5.4"

---@type table
_G = {}

---@generic T
---@param v? T
---@param message? any
---@return T
---@return any ...
function assert(v, message, ...) end

---@param message any
---@param level? integer
function error(message, level) end

---@param object any
---@return table?
function getmetatable(object) end

---@generic T: table, V
---@param t T
---@return fun(list: V[], i?: integer): integer, V
---@return T
---@return integer
function ipairs(t) end

---@generic K, V
---@param t table<K, V>
---@param index? K
---@return K?
---@return V?
function next(t, index) end

---In the order of the keys, each time the same.
---@generic T: table, K, V
---@param t T
---@return fun(t: table<K, V>, index?: K): K, V
---@return T
function pairs(t) end

---A limit that is met cannot be caught.
---@param f function
---@return boolean ok
---@return any ...
function pcall(f, ...) end

---Shown by `luaslack check`, `luaslack preview` and --dry-run; nowhere else.
function print(...) end

---@param a any
---@param b any
---@return boolean
function rawequal(a, b) end

---@param t table
---@param index any
---@return any
function rawget(t, index) end

---@param v table|string
---@return integer
function rawlen(v) end

---@param t table
---@param index any
---@param value any
---@return table
function rawset(t, index, value) end

---Loads lib/NAME.lua beside the formatters, and nothing else.
---@param name string
---@return any
function require(name) end

---@param index integer|"#"
---@return any ...
function select(index, ...) end

---A metatable with __gc is refused.
---@param t table
---@param metatable? table
---@return table
function setmetatable(t, metatable) end

---@param e any
---@param base? integer
---@return number?
function tonumber(e, base) end

---@param v any
---@return string
function tostring(v) end

---@param v any
---@return "nil"|"number"|"string"|"boolean"|"table"|"function"|"thread"|"userdata"
function type(v) end

---@param f function
---@param handler function
---@return boolean ok
---@return any ...
function xpcall(f, handler, ...) end

-- == string

---@class stringlib
string = {}

---@param s string|number
---@param i? integer
---@param j? integer
---@return integer ...
function string.byte(s, i, j) end

---@param ... integer
---@return string
function string.char(...) end

---@param s string|number
---@param pattern string|number
---@param init? integer
---@param plain? boolean
---@return integer? first
---@return integer? last
---@return any ... captured
function string.find(s, pattern, init, plain) end

---Without %p.
---@param s string|number
---@param ... any
---@return string
function string.format(s, ...) end

---@param s string|number
---@param pattern string|number
---@return fun(): string, ...
function string.gmatch(s, pattern) end

---@param s string|number
---@param pattern string|number
---@param replacement string|number|table|function
---@param n? integer
---@return string
---@return integer count
function string.gsub(s, pattern, replacement, n) end

---@param s string|number
---@return integer
function string.len(s) end

---@param s string|number
---@return string
function string.lower(s) end

---@param s string|number
---@param pattern string|number
---@param init? integer
---@return any ...
function string.match(s, pattern, init) end

---@param format string
---@param ... string|number
---@return string
function string.pack(format, ...) end

---@param format string
---@return integer
function string.packsize(format) end

---@param s string|number
---@param n integer
---@param separator? string|number
---@return string
function string.rep(s, n, separator) end

---@param s string|number
---@return string
function string.reverse(s) end

---@param s string|number
---@param i integer
---@param j? integer
---@return string
function string.sub(s, i, j) end

---@param format string
---@param s string
---@param position? integer
---@return any ...
function string.unpack(format, s, position) end

---@param s string|number
---@return string
function string.upper(s) end

-- == table

table = {}

---@param list table
---@param separator? string|number
---@param i? integer
---@param j? integer
---@return string
function table.concat(list, separator, i, j) end

---@overload fun(list: table, value: any)
---@param list table
---@param position integer
---@param value any
function table.insert(list, position, value) end

---@param from table
---@param first integer
---@param last integer
---@param target integer
---@param to? table
---@return table
function table.move(from, first, last, target, to) end

---@return table
function table.pack(...) end

---@param list table
---@param position? integer
---@return any
function table.remove(list, position) end

---@generic T
---@param list T[]
---@param before? fun(a: T, b: T): boolean
function table.sort(list, before) end

---@generic T
---@param list T[]
---@param i? integer
---@param j? integer
---@return T ...
function table.unpack(list, i, j) end

-- == math

math = {}

---@type number
math.huge = 0
---@type integer
math.maxinteger = 0
---@type integer
math.mininteger = 0
---@type number
math.pi = 0

---@generic N: number
---@param x N
---@return N
function math.abs(x) end

---@param x number
---@return number
function math.acos(x) end

---@param x number
---@return number
function math.asin(x) end

---@param y number
---@param x? number
---@return number
function math.atan(y, x) end

---@param x number
---@return integer
function math.ceil(x) end

---@param x number
---@return number
function math.cos(x) end

---@param x number
---@return number
function math.cosh(x) end

---@param x number
---@return number
function math.deg(x) end

---@param x number
---@return number
function math.exp(x) end

---@param x number
---@return integer
function math.floor(x) end

---@param x number
---@param y number
---@return number
function math.fmod(x, y) end

---@param x number
---@return number
---@return integer
function math.frexp(x) end

---@param m number
---@param e integer
---@return number
function math.ldexp(m, e) end

---@param x number
---@param base? integer
---@return number
function math.log(x, base) end

---@param x number
---@return number
function math.log10(x) end

---@generic N: number
---@param x N
---@param ... N
---@return N
function math.max(x, ...) end

---@generic N: number
---@param x N
---@param ... N
---@return N
function math.min(x, ...) end

---@param x number
---@return integer
---@return number
function math.modf(x) end

---@param x number
---@param y number
---@return number
function math.pow(x, y) end

---@param x number
---@return number
function math.rad(x) end

---Starts from the event, so that it does the same each time.
---@param m? integer
---@param n? integer
---@return number
function math.random(m, n) end

---@param seed? number
function math.randomseed(seed) end

---@param x number
---@return number
function math.sin(x) end

---@param x number
---@return number
function math.sinh(x) end

---@param x number
---@return number
function math.sqrt(x) end

---@param x number
---@return number
function math.tan(x) end

---@param x number
---@return number
function math.tanh(x) end

---@param x any
---@return integer?
function math.tointeger(x) end

---@param x any
---@return "integer"|"float"|nil
function math.type(x) end

---@param m integer
---@param n integer
---@return boolean
function math.ult(m, n) end

-- == utf8

utf8 = {}

---@type string
utf8.charpattern = ""

---@param ... integer
---@return string
function utf8.char(...) end

---@param s string
---@param i? integer
---@param j? integer
---@param lax? boolean
---@return integer ...
function utf8.codepoint(s, i, j, lax) end

---@param s string
---@param lax? boolean
---@return fun(s: string, i: integer): integer, integer
function utf8.codes(s, lax) end

---@param s string
---@param i? integer
---@param j? integer
---@param lax? boolean
---@return integer?
---@return integer? wrong
function utf8.len(s, i, j, lax) end

---@param s string
---@param n integer
---@param i? integer
---@return integer?
function utf8.offset(s, n, i) end

-- == coroutine

coroutine = {}

---@param co thread
---@return boolean
---@return any
function coroutine.close(co) end

---@param f function
---@return thread
function coroutine.create(f) end

---@param co? thread
---@return boolean
function coroutine.isyieldable(co) end

---@param co thread
---@return boolean
---@return any ...
function coroutine.resume(co, ...) end

---@return thread
---@return boolean
function coroutine.running() end

---@param co thread
---@return "running"|"suspended"|"normal"|"dead"
function coroutine.status(co) end

---@param f function
---@return fun(...): ...
function coroutine.wrap(f) end

---@return any ...
function coroutine.yield(...) end

-- == os and debug: what is left of them

os = {}

---@return number
function os.clock() end

---Of event.time, in the config's time zone, if no time is given.
---@param format? string
---@param time? integer
---@return any
function os.date(format, time) end

---@param later integer
---@param earlier integer
---@return number
function os.difftime(later, earlier) end

---The seconds of event.time, or of a date.
---@param date? table
---@return integer
function os.time(date) end

debug = {}

---@overload fun(message?: any, level?: integer): string
---@param thread thread
---@param message? any
---@param level? integer
---@return string
function debug.traceback(thread, message, level) end
