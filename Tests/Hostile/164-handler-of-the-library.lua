-- expect: error: bad argument; a C function as handler
return { ban = string.rep }
