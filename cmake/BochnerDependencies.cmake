# Finds what the static libraries are linked to. Our own build and the installed bochnerConfig.cmake both include
# this file, so that they cannot look in different places.
#
# Eigen and the Boost headers come from the system where it has them, else from the PyPI packages cmeel-eigen and
# libboost-headers, whose files lie below a site-packages folder that is listed in CMAKE_PREFIX_PATH.

set(_bochner_hints "")
foreach(_bochner_prefix IN LISTS CMAKE_PREFIX_PATH)
  list(APPEND _bochner_hints "${_bochner_prefix}/cmeel.prefix" "${_bochner_prefix}/libboost_headers")
endforeach()

find_package(Threads QUIET)

find_package(Eigen3 3.4 CONFIG QUIET)
if(NOT TARGET Eigen3::Eigen)
  find_package(Eigen3 3.4 CONFIG QUIET PATHS ${_bochner_hints} NO_DEFAULT_PATH)
endif()

# Neither FindBoost nor BoostConfig is everywhere, and only headers are needed: look for one of those we include.
if(NOT TARGET Boost::headers)
  find_path(BOCHNER_BOOST_INCLUDE_DIR boost/math/special_functions/hypergeometric_1F1.hpp)
  if(NOT BOCHNER_BOOST_INCLUDE_DIR)
    find_path(BOCHNER_BOOST_INCLUDE_DIR boost/math/special_functions/hypergeometric_1F1.hpp
      PATHS ${_bochner_hints} PATH_SUFFIXES include NO_DEFAULT_PATH)
  endif()
  mark_as_advanced(BOCHNER_BOOST_INCLUDE_DIR)
  if(BOCHNER_BOOST_INCLUDE_DIR)
    add_library(Boost::headers INTERFACE IMPORTED)
    target_include_directories(Boost::headers INTERFACE ${BOCHNER_BOOST_INCLUDE_DIR})
  endif()
endif()

find_package(hwy 1.0.3 CONFIG QUIET)

set(_bochner_missing "")
if(NOT TARGET Threads::Threads)
  list(APPEND _bochner_missing "a threads library")
endif()
if(NOT TARGET Eigen3::Eigen)
  list(APPEND _bochner_missing "Eigen 3.4 (Debian libeigen3-dev, PyPI cmeel-eigen)")
endif()
if(NOT TARGET Boost::headers)
  list(APPEND _bochner_missing "Boost headers (Debian libboost-dev, PyPI libboost-headers)")
endif()
