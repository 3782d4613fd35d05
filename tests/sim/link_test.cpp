#include "sim/link.hpp"

#include <gtest/gtest.h>

#include "sim/hostile.hpp"
#include "sim/pair.hpp"
#include "sim/seed_trace.hpp"
#include "sim/world.hpp"
