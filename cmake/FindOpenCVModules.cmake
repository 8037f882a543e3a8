# SPDX-License-Identifier: MIT
# Debian's separate OpenCV modules (libopencv-{core,imgproc,dnn,video}-dev: 16 packages) come without OpenCVConfig.cmake,
# which only the 210 packages of libopencv-dev bring. Defines opencv::core, opencv::imgproc, opencv::dnn, opencv::video.
find_path(OpenCVModules_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
set(_required OpenCVModules_INCLUDE_DIR)
foreach(_module core imgproc dnn video)
  find_library(OpenCVModules_${_module}_LIBRARY opencv_${_module})
  list(APPEND _required OpenCVModules_${_module}_LIBRARY)
endforeach()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCVModules REQUIRED_VARS ${_required}
  REASON_FAILURE_MESSAGE "install libopencv-core-dev libopencv-imgproc-dev libopencv-dnn-dev libopencv-video-dev")
foreach(_module core imgproc dnn video)
  if(OpenCVModules_FOUND AND NOT TARGET opencv::${_module})
    add_library(opencv::${_module} UNKNOWN IMPORTED)
    set_target_properties(opencv::${_module} PROPERTIES
      IMPORTED_LOCATION "${OpenCVModules_${_module}_LIBRARY}"
      INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${OpenCVModules_INCLUDE_DIR}"
      INTERFACE_INCLUDE_DIRECTORIES "${OpenCVModules_INCLUDE_DIR}")
    if(NOT _module STREQUAL core)
      set_property(TARGET opencv::${_module} APPEND PROPERTY INTERFACE_LINK_LIBRARIES opencv::core)
    endif()
  endif()
endforeach()
mark_as_advanced(${_required})
