#define FILTER filter_native
#define confine_parent filter_native_confine_parent
#define confine_child filter_native_confine_child
#include "filter.h"
