// The one place where Boost.JSON is compiled: it is used header-only, so that nothing needs libboost_json.
#include <boost/json/src.hpp>
