# Rules that every target of ours obeys.

# C++20 without extensions and, in our own builds, warnings (as errors when BOCHNER_WERROR is on). Users who build
# from source with another compiler must not fail on a warning that we have never seen.
function(bochner_target target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  if(BOCHNER_IS_TOP_LEVEL AND BOCHNER_WERROR)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # False alarms about std::string's operator+ in the headers of GCC 12 (its bug 105651).
      target_compile_options(${target} PRIVATE -Wno-restrict)
    endif()
  endif()
endfunction()

# One floor of the house: every .cpp below the calling folder becomes the static library bochner::<name>, whose
# include paths are `<floor>/<file>.h`. Other arguments are the libraries it is linked to.
function(bochner_floor name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(target bochner_${name})
  add_library(${target} STATIC ${sources})
  add_library(bochner::${name} ALIAS ${target})
  bochner_target(${target})
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/bochner>)
  target_link_libraries(${target} ${ARGN})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON EXPORT_NAME ${name})
  install(TARGETS ${target} EXPORT bochnerTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
  install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/bochner COMPONENT development
    FILES_MATCHING PATTERN "*.h")
endfunction()
