// What the program is told: the cluster's directory, whose keys, which SOAP, where to listen, and what cluster.json says.
#pragma once
#include <map>
#include <stdexcept>
#include <string>

struct Options {
  std::string dir, client, soap, address;
  int port = 0;
  int f = 0;
  std::map<int, std::string> replicas;

  Options(int count, char **arguments) : dir(count > 1 ? arguments[1] : "") {
    for (int i = 2; i + 1 < count; i += 2) take(arguments[i], arguments[i + 1]);
  }

  int someHonest() const { return f + 1; }
  int everybody() const { return static_cast<int>(replicas.size()) - f; }

 private:
  void take(const std::string &name, const std::string &value) {
    if (name == "--client") client = value;
    else if (name == "--soap") soap = value;
    else if (name == "--port") port = std::stoi(value);
    else if (name == "--address") address = value;
    else if (name == "--f") f = std::stoi(value);
    else if (name == "--replica") replicas[std::stoi(value)] = value.substr(value.find('=') + 1);
    else throw std::invalid_argument(name);
  }
};
