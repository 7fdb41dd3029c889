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
  FetchContent_Declare(${name} GIT_REPOSITORY https://github.com/${repository}.git GIT_TAG ${tag} GIT_SHALLOW ON)
  FetchContent_MakeAvailable(${name})
  foreach(target IN LISTS ARGN)
    get_target_property(headers ${target} INTERFACE_INCLUDE_DIRECTORIES)
    set_property(TARGET ${target} PROPERTY INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${headers})
  endforeach()
endfunction()

set(BOCHNER_FETCHED_HIGHWAY OFF)
if(NOT TARGET hwy::hwy)
  set(BOCHNER_FETCHED_HIGHWAY ON)
  foreach(option IN ITEMS TESTS EXAMPLES CONTRIB INSTALL)
    set(HWY_ENABLE_${option} OFF CACHE INTERNAL "")
  endforeach()
  bochner_fetch(highway google/highway 1.0.3 hwy)
  add_library(hwy::hwy ALIAS hwy)
  # Our static libraries call it, so it is installed with them; its headers stay private.
  install(TARGETS hwy EXPORT bochnerTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
endif()

if(BOCHNER_BUILD_TESTS)
  find_package(GTest CONFIG QUIET)
  if(NOT TARGET GTest::gmock)
    set(INSTALL_GTEST OFF CACHE INTERNAL "")
    bochner_fetch(googletest google/googletest release-1.12.1 gtest gtest_main gmock)
  endif()
endif()
