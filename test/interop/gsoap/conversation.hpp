// Requests to a cluster through gSOAP's stubs: every replica is asked, and what enough of them say alike is believed.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include "wss.hpp"

// What an answer says, by name: all of it must be the same from all.
using Facts = std::map<std::string, std::string>;

// An endpoint reference as a replica wrote it. Its reference parameters are those that gSOAP's Header has members for.
struct Epr {
  std::string address, activity, invitation, participant;

  static Epr of(const struct wsaddr__EndpointReferenceType *reference);
  static Epr of(const Facts &facts) { return {facts.at("address"), facts.at("activity"), facts.at("invitation"), facts.at("participant")}; }
  Facts facts() const { return {{"address", address}, {"activity", activity}, {"invitation", invitation}, {"participant", participant}}; }
};

// What gSOAP's fault holds: the specific code, our stable code, and whether the same request may succeed later.
struct Fault : std::runtime_error {
  Fault(const std::string &code, const std::string &concordat, bool retryable)
      : std::runtime_error(concordat), code(code), concordat(concordat), retryable(retryable) {}
  std::string code, concordat;
  bool retryable;
};

struct Request {
  std::string endpoint;
  std::string action;
  // wsa:To and reference parameters.
  Epr to;
  // In its stream; 0 for a question.
  unsigned number = 0;
  // CreateCoordinationContext only.
  bool create = false;
  // How many replicas must say the same.
  int need = 1;
  // Calls the generated function. The URL is a replica's.
  std::function<int(struct soap *, const char *url)> call;
  // Facts of the answer that the function has read; none for a one-way message.
  std::function<Facts()> read;
};

class Conversation {
 public:
  // distrust is told of replicas that are not believed, and why.
  Conversation(const Options &options, const Keys &keys, std::function<void(int, const std::string &)> distrust);

  // Sends a request until enough replicas give one answer. Throws a Fault that they agree on and that is not retryable.
  Facts ask(const Request &request);

 private:
  struct Heard {
    Facts facts;
    std::optional<Fault> fault;
  };
  std::optional<Heard> askAll(const Request &request, const std::string &messageId, time_t created);
  Heard askOne(const Request &request, const std::string &messageId, time_t created, int replica, const std::string &url);
  Heard read(const Request &request, const std::string &messageId, int replica, int error);

  const Options &options;
  std::function<void(int, const std::string &)> distrust;
  Connection connection;
  struct soap *const soap;
};
