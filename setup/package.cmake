# SPDX-License-Identifier: MIT
# The Debian package (make package). Libraries are found by dpkg-shlibdeps; plugins and programs it cannot see stand here.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kanhu)
set(CPACK_PACKAGE_VENDOR "Kanhu")
set(CPACK_PACKAGE_CONTACT "Kanhu maintainers <kanhu@example.org>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION video)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Watches cameras of elder-care facilities, tells presence and faces as events over ZeroMQ,\n records clips of flagged events.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}/models")  # libkanhu-hog.so, which the package brings itself
# procps: the unit's ExecReload. tzdata: time zones of facilities. The sysusers and tmpfiles files need either package.
string(JOIN ", " CPACK_DEBIAN_PACKAGE_DEPENDS
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav procps tzdata
  "systemd | systemd-standalone-sysusers" "systemd | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS npm)  # fetch-models
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# No conffiles: nothing of the package lies in /etc. The administrator writes /etc/kanhu/kanhu.yaml, upgrades never ask about it.
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${CMAKE_CURRENT_LIST_DIR}/debian/postinst;${CMAKE_CURRENT_LIST_DIR}/debian/prerm;${CMAKE_CURRENT_LIST_DIR}/debian/postrm")
include(CPack)
