#include "program_file.hpp"

#define BOOST_DLL_USE_STD_FS  // headers only: without it Boost.DLL needs the library Boost.Filesystem
#include <boost/dll/runtime_symbol_info.hpp>
#include <system_error>

namespace linnet::app {

std::filesystem::path program_file() {
  std::error_code error;
  auto path = boost::dll::program_location(error);
  return error ? std::filesystem::path{} : path;
}

}  // namespace linnet::app
