# linnet_module(NAME DEPS module... [LINK target...] [TEST_LABELS label...])
#
# One folder under src/ is one target. Its sources are every .cpp below the folder; *_test.cpp go into
# one test program, NAME_test. A module sees the headers of itself and of what it names in DEPS (and of
# what those name), and of nothing else: each module has an include root of its own, holding only a link
# to its folder, so that including "ice/agent.hpp" from sctp/ does not compile.

add_library(linnet_flags INTERFACE)
target_compile_features(linnet_flags INTERFACE cxx_std_23)
target_compile_options(linnet_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wimplicit-fallthrough -Wunused
  # GCC's -Wnull-dereference and -Wmismatched-new-delete see ghosts inside of Asio and its coroutines.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>
  # So do, in optimised builds, -Wrestrict in concatenated strings (its bug 105651) and -Wmaybe-uninitialized in variants.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict>
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-maybe-uninitialized>
  $<$<CXX_COMPILER_ID:Clang>:-Wnull-dereference>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-missing-field-initializers>
  $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-designated-field-initializers>
  $<$<BOOL:${LINNET_WARNINGS_AS_ERRORS}>:-Werror>)
if(LINNET_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Instrumented code confuses what GCC believes about coroutine frames.
  target_compile_options(linnet_flags INTERFACE -Wno-maybe-uninitialized -Wno-tsan)
endif()
if(LINNET_SANITIZE)
  add_compile_options(-fsanitize=${LINNET_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LINNET_SANITIZE})
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(LINNET_LAYERS_DIR "${PROJECT_BINARY_DIR}/layers")

function(linnet_module name)
  cmake_parse_arguments(arg "" "" "DEPS;LINK;TEST_LABELS" ${ARGN})
  set(dir "${CMAKE_CURRENT_SOURCE_DIR}/${name}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${dir}/*.cpp")
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")

  file(MAKE_DIRECTORY "${LINNET_LAYERS_DIR}/${name}")
  file(CREATE_LINK "${dir}" "${LINNET_LAYERS_DIR}/${name}/${name}" SYMBOLIC)

  set(target linnet_${name})
  if(sources)
    add_library(${target} OBJECT ${sources})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:linnet_flags>)
    # A static archive of the module beside its objects: what tests and later modules link.
    add_library(${target}_a STATIC $<TARGET_OBJECTS:${target}>)
    set_target_properties(${target}_a PROPERTIES OUTPUT_NAME linnet_${name})
    target_compile_features(${target} PUBLIC cxx_std_23)
  else()
    add_library(${target} INTERFACE)
    add_library(${target}_a INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope}
    "$<BUILD_INTERFACE:${LINNET_LAYERS_DIR}/${name}>"
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>")
  foreach(dep ${arg_DEPS})
    target_link_libraries(${target} ${scope} linnet_${dep}_headers)
    if(sources)
      target_link_libraries(${target}_a PUBLIC linnet_${dep}_a)
    else()
      target_link_libraries(${target}_a INTERFACE linnet_${dep}_a)
    endif()
  endforeach()
  target_link_libraries(${target} ${scope} ${arg_LINK})
  if(sources)
    target_link_libraries(${target}_a PUBLIC ${arg_LINK})
  else()
    target_link_libraries(${target}_a INTERFACE ${arg_LINK})
  endif()

  # The headers alone, for modules above.
  add_library(${target}_headers INTERFACE)
  target_include_directories(${target}_headers INTERFACE
    "${LINNET_LAYERS_DIR}/${name}" "${PROJECT_SOURCE_DIR}/include")
  foreach(dep ${arg_DEPS})
    target_link_libraries(${target}_headers INTERFACE linnet_${dep}_headers)
  endforeach()
  foreach(lib ${arg_LINK})
    target_link_libraries(${target}_headers INTERFACE ${lib})
  endforeach()
  target_link_libraries(${target}_a INTERFACE ${target}_headers)

  if(LINNET_BUILD_TESTS AND tests)
    set(labels unit)
    if(arg_TEST_LABELS)
      set(labels ${arg_TEST_LABELS})
    endif()
    linnet_test(${name}_test SOURCES ${tests} LINK ${target}_a LABELS ${labels})
  endif()
endfunction()

# linnet_test(NAME SOURCES file... LINK target... [LABELS label...] [TIMEOUT seconds])
# A GoogleTest program whose cases become ctest cases.
function(linnet_test name)
  cmake_parse_arguments(arg "" "TIMEOUT;PREFIX" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  # Every test may use the simulator, which is defined later, in tests/sim.
  target_link_libraries(${name} PRIVATE ${arg_LINK} $<TARGET_NAME_IF_EXISTS:linnet_sim> linnet_flags GTest::gmock_main)
  if("unit" IN_LIST arg_LABELS OR "sim" IN_LIST arg_LABELS)
    add_dependencies(sanitized_tests ${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 TEST_PREFIX "${arg_PREFIX}"
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()

# An installed library made of modules' objects.
# linnet_library(NAME EXPORT_NAME OBJECTS module... [LINK target...])
function(linnet_library target export_name)
  cmake_parse_arguments(arg "" "" "OBJECTS;LINK" ${ARGN})
  set(objects)
  foreach(module ${arg_OBJECTS})
    if(NOT TARGET linnet_${module})
      continue()
    endif()
    get_target_property(type linnet_${module} TYPE)
    if(type STREQUAL "OBJECT_LIBRARY")
      list(APPEND objects $<TARGET_OBJECTS:linnet_${module}>)
    endif()
  endforeach()
  if(NOT objects)
    return()
  endif()
  add_library(${target} ${objects})
  add_library(linnet::${export_name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${export_name} OUTPUT_NAME ${target} VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE CXX)
  target_compile_features(${target} PUBLIC cxx_std_23)
  target_include_directories(${target} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  target_link_libraries(${target} PUBLIC ${arg_LINK})
  install(TARGETS ${target} EXPORT linnetTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()

# Everything that script/test builds with AddressSanitizer.
add_custom_target(sanitized_tests)
