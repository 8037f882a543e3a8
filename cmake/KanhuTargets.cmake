# How every library, program and test of Kanhu is built: one place for standard, warnings and include root.

option(KANHU_WERROR "Warnings are errors" ON)
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
if(KANHU_WERROR)
  target_compile_options(kanhu_flags INTERFACE -Werror)
endif()
if(KANHU_SANITIZE)
  target_compile_options(kanhu_flags INTERFACE -fsanitize=${KANHU_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(kanhu_flags INTERFACE -fsanitize=${KANHU_SANITIZE})
endif()

# kanhu_library(name SOURCES a.cpp ... [PUBLIC lib ...] [PRIVATE lib ...])
# A static library of one folder. Third-party libraries stay PRIVATE, except where a public header needs them.
function(kanhu_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(${name} PUBLIC kanhu_flags ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# kanhu_test(name SOURCES a_test.cpp ... [LIBRARIES lib ...] [LABELS unit])
# One Catch2 program = one CTest test; its cases print by name.
function(kanhu_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  target_link_libraries(${name} PRIVATE kanhu_flags catch_main kanhu_test_support ${ARG_LIBRARIES})
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 900)
endfunction()
