# Says what cannot be had, then fetches, at pinned versions, what the system lacks and PyPI does not carry.
include(FetchContent)

if(_bochner_missing)
  list(JOIN _bochner_missing "\n  " _bochner_missing)
  message(FATAL_ERROR "bochner needs, and did not find:\n  ${_bochner_missing}")
endif()

# Adds a CMake project of GitHub; the headers of the targets named last are then not subject to our warnings.
function(bochner_fetch name repository tag)
  message(STATUS "bochner: ${name} is not installed; fetching ${repository} ${tag}")
  set(BUILD_SHARED_LIBS OFF)
  # Their policies are old: without this their option() would discard the line above.
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
  # What they install belongs to the C++ library.
  set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
  # Highway writes the version of the outermost project into its pkg-config files.
  set(CMAKE_PROJECT_VERSION ${tag})
  FetchContent_Declare(${name} GIT_REPOSITORY https://github.com/${repository}.git GIT_TAG ${tag} GIT_SHALLOW ON)
  FetchContent_MakeAvailable(${name})
  foreach(target IN LISTS ARGN)
    get_target_property(headers ${target} INTERFACE_INCLUDE_DIRECTORIES)
    set_property(TARGET ${target} PROPERTY INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${headers})
  endforeach()
endfunction()

if(NOT TARGET hwy::hwy)
  # Our static libraries call it, so it is installed with them, by its own rules: version 1.0.3 has some that cannot be
  # switched off. The installed bochnerConfig.cmake then finds it as it finds any other.
  set(HWY_ENABLE_INSTALL ON CACHE INTERNAL "")
  foreach(option IN ITEMS TESTS EXAMPLES CONTRIB)
    set(HWY_ENABLE_${option} OFF CACHE INTERNAL "")
  endforeach()
  bochner_fetch(highway google/highway 1.0.3 hwy)
  add_library(hwy::hwy ALIAS hwy)
endif()

if(BOCHNER_BUILD_TESTS)
  find_package(GTest CONFIG QUIET)
  if(NOT TARGET GTest::gtest_main)
    set(INSTALL_GTEST OFF CACHE INTERNAL "")
    set(BUILD_GMOCK OFF CACHE INTERNAL "")
    bochner_fetch(googletest google/googletest release-1.12.1 gtest gtest_main)
  endif()
endif()
