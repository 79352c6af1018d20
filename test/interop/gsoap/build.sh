#!/bin/sh
# Stubs of the WSDLs with wsdl2h and soapcpp2, and the program with g++, into a folder. Prints the path of the program.
#   ./build.sh OUT
# Debian: apt-get install gsoap libgsoap-dev libssl-dev zlib1g-dev g++ pkgconf
set -eu
here=$(cd "$(dirname "$0")" && pwd)
wsdl=$here/../../../wsdl
gsoap=/usr/share/gsoap
mkdir -p "$1"
cd "$1"

# -x: no members for extensions; those that are needed are named.
wsdl2h -P -x -t $gsoap/WS/WS-typemap.dat -t "$here/typemap.dat" -o concordat.h \
  "$wsdl/activation.wsdl" "$wsdl/registration.wsdl" "$wsdl/coordinator.wsdl" "$wsdl/completion.wsdl" >wsdl2h.log 2>&1 || { cat wsdl2h.log >&2; exit 1; }
# The WSDLs say that they use addressing, and so wsdl2h imports its own.
sed -i '/#import "wsa5.h"/d' concordat.h
# -C: the client's side only; the participant serves by hand.
soapcpp2 -c++ -C -L -x -w -I"$gsoap/import:$gsoap:$here:." "$here/client.h" >soapcpp2.log 2>&1 || { cat soapcpp2.log >&2; exit 1; }

# The library was built with these, so everything must be. No optimization: the generated code is large.
flags="$(pkg-config --cflags gsoapssl++) -std=c++17 -O0 -pthread -w -I. -I$here -I$gsoap -I$gsoap/plugin"
compile() { g++ $flags -c -o "$1" "$2"; }
compile soapC.o soapC.cpp &
generated=$!
for source in soapClient.cpp $gsoap/plugin/wsseapi.cpp $gsoap/plugin/smdevp.c $gsoap/plugin/mecevp.c $gsoap/plugin/threads.c \
  $gsoap/custom/struct_timeval.c \
  "$here/wss.cpp" "$here/conversation.cpp" "$here/participant.cpp" "$here/program.cpp"; do
  compile "$(basename "${source%.*}").o" "$source"
done
wait $generated
g++ -pthread -o program ./*.o $(pkg-config --libs gsoapssl++) -lssl -lcrypto -lz
echo "$PWD/program"
