# SPDX-License-Identifier: MIT
# How every library, program and test of Kanhu is built: one place for standard, warnings and include root.

option(KANHU_WERROR "Warnings are errors" ON)
option(KANHU_FUZZ "Build the fuzz targets, and what they reach so that they see which way it went (clang only; preset asan)" OFF)
set(KANHU_SANITIZE "" CACHE STRING "Sanitizers: '', 'address,undefined' or 'thread'")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()

add_library(kanhu_flags INTERFACE)
target_compile_features(kanhu_flags INTERFACE cxx_std_20)
target_include_directories(kanhu_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(kanhu_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                                             -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees uninitialised values inside std::optional and nlohmann::json that are none; valgrind and ASan look for real ones.
  target_compile_options(kanhu_flags INTERFACE -Wno-maybe-uninitialized)
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A type of a .cpp with a member from that file's anonymous namespace: GCC takes the .cpp for a header, because a unity file includes it.
  target_compile_options(kanhu_flags INTERFACE -Wno-subobject-linkage)
endif()
if(KANHU_WERROR)
  target_compile_options(kanhu_flags INTERFACE -Werror)
endif()
if(KANHU_SANITIZE)
  target_compile_options(kanhu_flags INTERFACE -fsanitize=${KANHU_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(kanhu_flags INTERFACE -fsanitize=${KANHU_SANITIZE})
  target_compile_definitions(kanhu_flags INTERFACE KANHU_SANITIZED)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # The headers of others are theirs to check.
    set(_theirs "${PROJECT_SOURCE_DIR}/tests/support/sanitizers/theirs.txt")
    target_compile_options(kanhu_flags INTERFACE -fsanitize-ignorelist=${_theirs})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${_theirs}")
  endif()
endif()
# What fuzz targets reach; the rest and the tests need not be seen, which takes time to compile and to run.
set(KANHU_FUZZED kanhu_base kanhu_config kanhu_words kanhu_media kanhu_sense kanhu_relay kanhu_journal kanhu_publish kanhu_ingest kanhu_daemon)

# kanhu_library(name SOURCES a.cpp ... [PUBLIC lib ...] [PRIVATE lib ...])
# A static library of one folder. Third-party libraries stay PRIVATE, except where a public header needs them.
function(kanhu_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(${name} PUBLIC kanhu_flags ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  if(KANHU_FUZZ AND name IN_LIST KANHU_FUZZED)
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# kanhu_test(name SOURCES a_test.cpp ... [LIBRARIES lib ...] [OPTIMISED] [STREAMS])
# One Catch2 program = one CTest test of label "unit"; its cases print by name. The target unit_tests builds all of them.
# OPTIMISED: it does much itself, such as making pictures pixel by pixel. Other tests are not optimised: that would take
# longer to compile than it saves.
# STREAMS: it runs GStreamer, some of whose leaks only the whole call stack tells from ours (lsan.supp); with whole stacks at
# every allocation, tests that make much JSON take several times as long.
add_custom_target(unit_tests)
function(kanhu_test name)
  cmake_parse_arguments(ARG "OPTIMISED;STREAMS" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  target_link_libraries(${name} PRIVATE kanhu_flags catch_main kanhu_test_support ${ARG_LIBRARIES})
  if(NOT ARG_OPTIMISED)
    target_compile_options(${name} PRIVATE -O0)
  endif()
  add_dependencies(unit_tests ${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 900)
  if(ARG_STREAMS AND KANHU_SANITIZE MATCHES "address")
    set_tests_properties(${name} PROPERTIES ENVIRONMENT ASAN_OPTIONS=fast_unwind_on_malloc=0)
  endif()
endfunction()
