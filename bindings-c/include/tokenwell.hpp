// tokenwell.h for C++. The C header itself has no `extern "C"`: PHP's FFI, which reads it too, does not know it.
#ifndef TOKENWELL_HPP
#define TOKENWELL_HPP

extern "C" {
#include "tokenwell.h"
}

#endif
