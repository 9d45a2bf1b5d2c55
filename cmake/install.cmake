# What is installed: both libraries, the headers, the command, and the files by which pkg-config and CMake find them.
include(CMakePackageConfigHelpers)

install(TARGETS mmf mmf_archive EXPORT mmf
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET mmf_command)
    install(TARGETS mmf_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/mmf DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# mmf.pc finds the prefix from where it lies itself, so that "cmake --install --prefix" may put it anywhere.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} OR IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
    set(mmf_prefix ${CMAKE_INSTALL_PREFIX})
    set(mmf_libdir ${CMAKE_INSTALL_FULL_LIBDIR})
    set(mmf_includedir ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
    file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    string(REGEX REPLACE "/$" "" up "${up}")
    set(mmf_prefix "\${pcfiledir}/${up}")
    set(mmf_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
    set(mmf_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(${PROJECT_SOURCE_DIR}/mmf.pc.in ${PROJECT_BINARY_DIR}/mmf.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/mmf.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(mmf_cmake ${CMAKE_INSTALL_LIBDIR}/cmake/mmf)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/mmfConfig.cmake.in ${PROJECT_BINARY_DIR}/mmfConfig.cmake
    INSTALL_DESTINATION ${mmf_cmake} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a new minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/mmfConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mmfConfig.cmake ${PROJECT_BINARY_DIR}/mmfConfigVersion.cmake
    DESTINATION ${mmf_cmake})
install(EXPORT mmf NAMESPACE mmf:: FILE mmfTargets.cmake DESTINATION ${mmf_cmake})
