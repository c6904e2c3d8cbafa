#!/bin/sh
# Installs what `make build` made; `make install` calls it with all arguments.
# usage: install.sh BUILD DESTDIR PREFIX LIBDIR INCLUDEDIR DATADIR VERSION
set -eu
build=$1 destdir=$2 prefix=$3 libdir=$4 includedir=$5 datadir=$6 version=$7
here=$(cd "$(dirname "$0")" && pwd)

# What lies below the prefix goes with it when it is moved.
below() { case $1 in "$prefix"/*) printf '${prefix}%s' "${1#"$prefix"}" ;; *) printf %s "$1" ;; esac; }

fill() { # TEMPLATE FILE
  mkdir -p "$(dirname "$2")"
  sed -e "s|@PREFIX@|$prefix|g; s|@LIBDIR@|$(below "$libdir")|g; s|@INCLUDEDIR@|$(below "$includedir")|g; s|@VERSION@|$version|g" \
    -e "s|@INCLUDE_FROM_CMAKE@|$(realpath -m --relative-to="$libdir/cmake/tokenwell" "$includedir")|g" "$1" > "$2"
  chmod 644 "$2"
}

install -d "$destdir$libdir" "$destdir$includedir" "$destdir$datadir/tokenwell"
install -m 755 "$build/libtokenwell.so.0" "$destdir$libdir/libtokenwell.so.0"
ln -sf libtokenwell.so.0 "$destdir$libdir/libtokenwell.so"
install -m 644 "$build/libtokenwell.a" "$destdir$libdir/libtokenwell.a"
install -m 644 "$here/include/tokenwell.h" "$here/include/tokenwell.hpp" "$destdir$includedir/"
fill "$here/tokenwell.pc.in" "$destdir$libdir/pkgconfig/tokenwell.pc"
fill "$here/cmake/tokenwell-config.cmake.in" "$destdir$libdir/cmake/tokenwell/tokenwell-config.cmake"
install -m 644 "$here/../core/schema/config.schema.json" "$destdir$datadir/tokenwell/config.schema.json"
# For php.ini: ffi.preload = DATADIR/tokenwell/ffi.h
sed -e "s|\"libtokenwell.so.0\"|\"$libdir/libtokenwell.so.0\"|" "$here/php/include/tokenwell.h" > "$destdir$datadir/tokenwell/ffi.h"
chmod 644 "$destdir$datadir/tokenwell/ffi.h"
echo "installed in $destdir$prefix (version $version); run ldconfig if $libdir is on the loader's path"
