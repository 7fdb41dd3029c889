# Makes `find_package(bochner)` work for whoever installs the C++ library.
include(CMakePackageConfigHelpers)
set(_bochner_config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/bochner)

configure_package_config_file(cmake/bochnerConfig.cmake.in bochnerConfig.cmake INSTALL_DESTINATION ${_bochner_config_dir})
write_basic_package_version_file(bochnerConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/bochnerConfig.cmake ${PROJECT_BINARY_DIR}/bochnerConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/BochnerDependencies.cmake
  DESTINATION ${_bochner_config_dir} COMPONENT development)
install(EXPORT bochnerTargets NAMESPACE bochner:: DESTINATION ${_bochner_config_dir} COMPONENT development)
