#include "participant.hpp"
#include <chrono>
#include <cstring>
#include "names.hpp"

namespace {
constexpr int BACKLOG = 100;
constexpr int ACCEPT_TIMEOUT_S = 1;
constexpr auto PATIENCE = std::chrono::seconds(60);
constexpr int ACCEPTED = 202;
constexpr int BAD_REQUEST = 400;
}  // namespace

Participant::Participant(const Options &options, const Keys &keys)
    : url("http://127.0.0.1:" + std::to_string(options.port) + "/participant"), options(options), connection(keys), soap(connection.soap) {
  soap->accept_timeout = ACCEPT_TIMEOUT_S;
  soap->bind_flags = SO_REUSEADDR;
  if (!soap_valid_socket(soap_bind(soap, "127.0.0.1", options.port, BACKLOG))) throw std::runtime_error("cannot listen");
  thread = std::thread([this] { serve(); });
}

Participant::~Participant() {
  closing = true;
  thread.join();
}

void Participant::serve() {
  while (!closing) {
    if (!soap_valid_socket(soap_accept(soap))) continue;
    take();
    soap_closesock(soap);
    connection.clear();
  }
}

// By hand and not with soap_serve, which wants a function for every operation: every command has an empty Body. 202 only when its vote
// is noted.
void Participant::take() {
  try {
    if (soap_begin_serve(soap) || soap_ignore_element(soap) || soap_body_end_in(soap) || soap_envelope_end_in(soap) || soap_end_recv(soap))
      throw Refused("not a SOAP message");
    note(connection.verify());
    soap_send_empty_response(soap, ACCEPTED);
  } catch (const Refused &) {
    soap_send_empty_response(soap, BAD_REQUEST);
  }
}

void Participant::note(const Message &message) {
  // One replica's opinion, which commands nothing.
  if (isNamed(message.content, names::WSBA, "Status") || std::strstr(message.content->name, "Fault")) return;
  const std::string action = message.headerText(names::WSA, "Action");
  const std::string prefix = std::string(names::WSBA) + "/";
  const std::string command = action.compare(0, prefix.size(), prefix) == 0 ? action.substr(prefix.size()) : "";
  if (!isNamed(message.content, names::WSBA, command.c_str())) throw Refused("wsa:Action does not fit");
  if (message.headerText(names::WSA, "To") != url) throw Refused("wsa:To does not fit");
  if (message.headerText(names::OWN, "Order") != options.client) throw Refused("this is about another order");

  const std::lock_guard<std::mutex> lock(mutex);
  auto &senders = votes[command + " " + message.headerText(names::WSA, "MessageID")];
  senders.insert(message.replica);
  if (static_cast<int>(senders.size()) > options.f) obeyed.insert(command);
  changed.notify_all();
}

void Participant::told(const std::string &command) {
  std::unique_lock<std::mutex> lock(mutex);
  if (!changed.wait_for(lock, PATIENCE, [&] { return obeyed.count(command) > 0; })) throw std::runtime_error("nobody has sent " + command);
}
