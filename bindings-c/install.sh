#!/bin/sh
# Installs what `make build` made; `make install` calls it with all arguments.
# usage: install.sh BUILD DESTDIR PREFIX LIBDIR INCLUDEDIR DATADIR VERSION
set -eu
build=$1 destdir=$2 prefix=$3 libdir=$4 includedir=$5 datadir=$6 version=$7
here=$(cd "$(dirname "$0")" && pwd)

fill() { # TEMPLATE FILE
  mkdir -p "$(dirname "$2")"
  sed -e "s|@PREFIX@|$prefix|g; s|@LIBDIR@|$libdir|g; s|@INCLUDEDIR@|$includedir|g; s|@VERSION@|$version|g" "$1" > "$2"
  chmod 644 "$2"
}

install -d "$destdir$libdir" "$destdir$includedir" "$destdir$datadir/tokenwell"
install -m 755 "$build/libtokenwell.so.0" "$destdir$libdir/libtokenwell.so.0"
ln -sf libtokenwell.so.0 "$destdir$libdir/libtokenwell.so"
install -m 644 "$build/libtokenwell.a" "$destdir$libdir/libtokenwell.a"
install -m 644 "$here/include/tokenwell.h" "$here/include/tokenwell.hpp" "$destdir$includedir/"
fill "$here/tokenwell.pc.in" "$destdir$libdir/pkgconfig/tokenwell.pc"
fill "$here/cmake/tokenwell-config.cmake.in" "$destdir$libdir/cmake/tokenwell/tokenwell-config.cmake"
# For php.ini: ffi.preload = DATADIR/tokenwell/ffi.h
sed -e "s|\"libtokenwell.so.0\"|\"$libdir/libtokenwell.so.0\"|" "$here/php/include/tokenwell.h" > "$destdir$datadir/tokenwell/ffi.h"
chmod 644 "$destdir$datadir/tokenwell/ffi.h"
echo "installed in $destdir$prefix (version $version); run ldconfig if $libdir is on the loader's path"
