#include "bench/process_cost.hpp"

#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <string>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace linnet::app::bench {
namespace {

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; }

}  // namespace

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::size_t private_kb() {
  std::ifstream file{"/proc/self/smaps_rollup"};
  std::string word;
  std::size_t kb = 0;
  while (file >> word)
    if (word == "Private_Dirty:" && file >> kb) return kb;
  return 0;
}

void trim_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace linnet::app::bench
