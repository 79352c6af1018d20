package interop;

import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the program is told: the cluster's directory, whose keys, which SOAP, where to listen, and of cluster.json (which the JDK
 * cannot read) the address, f and the replicas' URLs.
 */
final class Options {
  Path dir;
  String client;
  String soap;
  int port;
  String address;
  int f;
  final SortedMap<Integer, String> replicas = new TreeMap<>();

  static Options of(String[] arguments) {
    Options options = new Options();
    options.dir = Path.of(arguments[0]);
    for (int i = 1; i + 1 < arguments.length; i += 2) options.take(arguments[i], arguments[i + 1]);
    return options;
  }

  private void take(String name, String value) {
    switch (name) {
      case "--client" -> client = value;
      case "--soap" -> soap = value;
      case "--port" -> port = Integer.parseInt(value);
      case "--address" -> address = value;
      case "--f" -> f = Integer.parseInt(value);
      case "--replica" -> {
        String[] parts = value.split("=", 2);
        replicas.put(Integer.valueOf(parts[0]), parts[1]);
      }
      default -> throw new IllegalArgumentException(name);
    }
  }
}
