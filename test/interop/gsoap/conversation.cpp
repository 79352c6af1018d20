#include "conversation.hpp"
#include <chrono>
#include <cstring>
#include <ctime>
#include <thread>
#include "names.hpp"

namespace {
constexpr int ATTEMPTS = 200;
constexpr auto PAUSE = std::chrono::milliseconds(300);

wsaddr__ReferenceParameter *parameter(struct soap *soap, const std::string &value) {
  if (value.empty()) return nullptr;
  auto *block = soap_new_wsaddr__ReferenceParameter(soap, -1);
  block->__item = soap_strdup(soap, value.c_str());
  block->wsaddr__IsReferenceParameter = soap_strdup(soap, "true");
  return block;
}

// Writes the header blocks, and gives their names, all of which have to be signed.
std::string writeHeader(struct soap *soap, const Request &request, const std::string &messageId, time_t created) {
  soap->header = nullptr;
  soap_header(soap);
  auto &header = *soap->header;
  std::string names = "wsaddr:To wsaddr:Action wsaddr:MessageID";
  header.wsaddr__To = soap_strdup(soap, request.to.address.c_str());
  header.wsaddr__Action = soap_strdup(soap, request.action.c_str());
  header.wsaddr__MessageID = soap_strdup(soap, messageId.c_str());
  if (request.read) {
    header.wsaddr__ReplyTo = soap_new_wsaddr__EndpointReferenceType(soap, -1);
    soap_default_wsaddr__EndpointReferenceType(soap, header.wsaddr__ReplyTo);
    header.wsaddr__ReplyTo->Address = soap_strdup(soap, (std::string(names::WSA) + "/anonymous").c_str());
    names += " wsaddr:ReplyTo";
  }
  if (request.number > 0) {
    header.c__Sequence = soap_new_c__SequenceType(soap, -1);
    header.c__Sequence->soap_default(soap);
    header.c__Sequence->Number = request.number;
    if (request.create) {
      header.c__Sequence->Created = static_cast<time_t *>(soap_malloc(soap, sizeof(time_t)));
      *header.c__Sequence->Created = created;
    }
    names += " c:Sequence";
  }
  if ((header.c__Activity = parameter(soap, request.to.activity))) names += " c:Activity";
  if ((header.c__Invitation = parameter(soap, request.to.invitation))) names += " c:Invitation";
  if ((header.c__Participant = parameter(soap, request.to.participant))) names += " c:Participant";
  return names;
}

std::string withoutPrefix(const char *qname) {
  const char *colon = qname ? std::strrchr(qname, ':') : nullptr;
  return colon ? colon + 1 : (qname ? qname : "");
}

// The fault that gSOAP has taken apart. SOAP 1.1 has the specific code in faultcode, SOAP 1.2 in a Subcode.
std::optional<Fault> faultOf(struct soap *soap) {
  if (!soap->fault) throw Refused("no answer");
  const char **subcode = soap->version == 2 ? soap_faultsubcode(soap) : nullptr;
  const char *code = subcode && *subcode ? *subcode : *soap_faultcode(soap);
  const auto *detail = soap->version == 2 ? soap->fault->SOAP_ENV__Detail : soap->fault->detail;
  if (!detail || !detail->c__Code) throw Refused(std::string("a fault without our detail: ") + code);
  return Fault{withoutPrefix(code), detail->c__Code, detail->c__Retryable && std::strcmp(detail->c__Retryable, "true") == 0};
}
}  // namespace

Epr Epr::of(const struct wsaddr__EndpointReferenceType *reference) {
  if (!reference || !reference->Address || !reference->ReferenceParameters) throw Refused("not an endpoint reference");
  const auto text = [](const char *value) { return std::string(value ? value : ""); };
  const auto &parameters = *reference->ReferenceParameters;
  return {reference->Address, text(parameters.c__Activity), text(parameters.c__Invitation), text(parameters.c__Participant)};
}

Conversation::Conversation(const Options &options, const Keys &keys, std::function<void(int, const std::string &)> distrust)
    : options(options), distrust(std::move(distrust)), connection(keys), soap(connection.soap) {}

Facts Conversation::ask(const Request &request) {
  // The same however often, and to whomever, the request is sent.
  const std::string messageId = soap_rand_uuid(soap, "urn:uuid:");
  const time_t created = std::time(nullptr);
  for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (const auto heard = askAll(request, messageId, created)) {
      if (!heard->fault) return heard->facts;
      if (!heard->fault->retryable) throw *heard->fault;
    }
    std::this_thread::sleep_for(PAUSE);
  }
  throw std::runtime_error("no agreement on " + request.action);
}

std::optional<Conversation::Heard> Conversation::askAll(const Request &request, const std::string &messageId, time_t created) {
  std::map<Facts, int> votes;
  for (const auto &replica : options.replicas) {
    try {
      Heard heard = askOne(request, messageId, created, replica.first, replica.second);
      const Facts said = heard.fault ? Facts{{"fault", heard.fault->code}, {"code", heard.fault->concordat}} : heard.facts;
      if (++votes[said] >= request.need) return heard;
    } catch (const Refused &refused) {
      distrust(replica.first, refused.what());
    }
  }
  return std::nullopt;
}

Conversation::Heard Conversation::askOne(const Request &request, const std::string &messageId, time_t created, int replica,
                                         const std::string &url) {
  struct Cleanup {
    Connection &connection;
    ~Cleanup() { connection.clear(); }
  } cleanup{connection};
  // Anew each time: it becomes that of the last answer.
  soap_set_version(soap, options.soap == "1.2" ? 2 : 1);
  connection.sign(writeHeader(soap, request, messageId, created));
  const int error = request.call(soap, (url + "/" + request.endpoint).c_str());
  return read(request, messageId, replica, error);
}

Conversation::Heard Conversation::read(const Request &request, const std::string &messageId, int replica, int error) {
  if (!request.read && error == SOAP_OK) return {{{"accepted", "202"}}, std::nullopt};
  // Before verifying, which has errors of its own.
  const std::optional<Fault> fault = error == SOAP_OK ? std::nullopt : faultOf(soap);
  const Message message = connection.verify();
  if (message.replica != replica) throw Refused("another replica answered");
  if (message.headerText(names::WSA, "RelatesTo") != messageId) throw Refused("the answer is to another request");
  if (fault) return {{}, fault};
  return {request.read(), std::nullopt};
}
