#!/bin/sh
# Stubs of the WSDLs with wsimport, and the program with javac, into a folder. Prints the class path to run interop.Program with.
#   ./build.sh OUT
# Debian: apt-get install jaxws libjaxws-java libwss4j-java libcommons-logging-java libslf4j-java openjdk-17-jdk-headless
set -eu
here=$(cd "$(dirname "$0")" && pwd)
wsdl=$here/../../../wsdl
out=$1
jars=/usr/share/java
classpath=$out:$jars/jaxws-rt.jar:$jars/wss4j.jar:$jars/xmlsec.jar:$jars/commons-logging.jar:$jars/slf4j-api.jar:$jars/slf4j-nop.jar

mkdir -p "$out/stubs"
# -extension: SOAP 1.2 bindings are the vendor's. bare.xml: an operation takes and gives the message itself, not a list of holders.
for name in activation registration coordinator completion participant; do
  bindings=
  [ "$name" = completion ] && bindings="-b $here/bare.xml"
  wsimport -quiet -Xnocompile -extension $bindings -s "$out/stubs" "$wsdl/$name.wsdl" >&2
done
javac -nowarn -proc:none -cp "$classpath" -d "$out" $(find "$out/stubs" "$here/interop" -name '*.java') >&2
echo "$classpath"
