// A business activity from gSOAP, from both sides: wsdl2h's stubs make the messages, the wsse plugin signs and verifies them.
//
//     ./program DIR --client NAME --soap 1.1 --port PORT --address URL --f 1 --replica 1=URL ...
//
// A JSON line for each thing that happens. Numbers are kept in memory only: a program that must survive a crash writes each request
// down before it is first sent (docs/soap-messages.md).
#include <chrono>
#include <cstdio>
#include <mutex>
#include "conversation.hpp"
#include "names.hpp"
#include "participant.hpp"

namespace {
constexpr int LOOKS = 300;
constexpr auto PAUSE = std::chrono::milliseconds(200);

std::string quoted(const std::string &text) {
  std::string safe;
  for (const char c : text) safe += c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  return '"' + safe + '"';
}

void say(const std::string &members) {
  std::printf("{%s}\n", members.c_str());
  std::fflush(stdout);
}

class Flow {
 public:
  Flow(const Options &options, Conversation &conversation, Participant &participant)
      : options(options), conversation(conversation), participant(participant) {}

  void run() {
    create();
    invite();
    registerParticipant();
    const std::string id = coordinator.participant;

    complete(id);
    participant.told("Complete");
    say("\"told\":\"Complete\"");
    notify("Completed", [](struct soap *soap, const char *url) {
      auto *content = soap_new_wsba__NotificationType(soap, -1);
      return soap_send___wsba__CompletedOperation(soap, url, nullptr, content) || soap_recv_empty_response(soap);
    });
    inState("Completed");
    say("\"state\":\"Completed\"");

    close(id);
    participant.told("Close");
    say("\"told\":\"Close\"");
    notify("Closed", [](struct soap *soap, const char *url) {
      auto *content = soap_new_wsba__NotificationType(soap, -1);
      return soap_send___wsba__ClosedOperation(soap, url, nullptr, content) || soap_recv_empty_response(soap);
    });
    say("\"state\":\"Ended\",\"endedBy\":" + quoted(inState("Ended").at("endedBy")));

    // Too late: it was closed.
    try {
      cancel();
    } catch (const Fault &fault) {
      say("\"fault\":\"SOAP_ENV__Fault\",\"code\":" + quoted(fault.code) + ",\"concordat\":" + quoted(fault.concordat) +
          ",\"retryable\":" + (fault.retryable ? "true" : "false"));
    }
  }

 private:
  void create() {
    Request request{"activation", std::string(names::WSCOOR) + "/CreateCoordinationContext"};
    request.to.address = options.address + "/activation";
    request.number = 1;
    request.create = true;
    request.need = options.someHonest();
    wscoor__CreateCoordinationContextResponseType *answer = nullptr;
    request.call = [&answer](struct soap *soap, const char *url) {
      auto *content = soap_new_wscoor__CreateCoordinationContextType(soap, -1);
      content->CoordinationType = std::string(names::WSBA) + "/AtomicOutcome";
      answer = soap_new_wscoor__CreateCoordinationContextResponseType(soap, -1);
      return soap_call___wscoor__CreateCoordinationContextOperation(soap, url, nullptr, content, *answer);
    };
    request.read = [&answer] { return Epr::of(answer->c__InitiatorService).facts(); };
    initiator = Epr::of(conversation.ask(request));
    sent("CreateCoordinationContext", 1);
  }

  void invite() {
    wscoor__CreateCoordinationContextResponseType *answer = nullptr;
    const auto call = [this, &answer](struct soap *soap, const char *url) {
      auto *content = soap_new_bai__getCoordCtxWCodeReqType(soap, -1);
      content->matchcode = options.client;
      answer = soap_new_wscoor__CreateCoordinationContextResponseType(soap, -1);
      return soap_call___bai__getCoordinationContextWithMatchcode(soap, url, nullptr, content, *answer);
    };
    registration = Epr::of(onInitiator("getCoordinationContextWithMatchcode", call, [&answer] {
      return Epr::of(&answer->CoordinationContext->RegistrationService).facts();
    }));
  }

  void registerParticipant() {
    Request request{"registration", std::string(names::WSCOOR) + "/Register", registration, ++part};
    request.need = options.everybody();
    wscoor__RegisterResponseType *answer = nullptr;
    request.call = [this, &answer](struct soap *soap, const char *url) {
      auto *service = soap_new_wsaddr__EndpointReferenceType(soap, -1);
      service->Address = soap_strdup(soap, participant.url.c_str());
      service->ReferenceParameters = soap_new_wsaddr__ReferenceParametersType(soap, -1);
      soap_default_wsaddr__ReferenceParametersType(soap, service->ReferenceParameters);
      service->ReferenceParameters->o__Order = soap_strdup(soap, options.client.c_str());
      auto *content = soap_new_wscoor__RegisterType(soap, -1);
      content->ProtocolIdentifier = std::string(names::WSBA) + "/CoordinatorCompletion";
      content->ParticipantProtocolService = service;
      answer = soap_new_wscoor__RegisterResponseType(soap, -1);
      return soap_call___wscoor__RegisterOperation(soap, url, nullptr, content, *answer);
    };
    request.read = [&answer] { return Epr::of(&answer->CoordinatorProtocolService).facts(); };
    coordinator = Epr::of(conversation.ask(request));
    sent("Register", part);
  }

  void complete(const std::string &id) {
    bai__ParticipantListResponseType *answer = nullptr;
    const auto call = [&](struct soap *soap, const char *url) {
      auto *reference = soap_new_bai__BAParticipantReferenceType(soap, -1);
      reference->c__ParticipantId = soap_new_std__string(soap, -1);
      *reference->c__ParticipantId = id;
      auto *content = soap_new_bai__BAParticipantRefListType(soap, -1);
      content->participant.push_back(reference);
      answer = soap_new_bai__ParticipantListResponseType(soap, -1);
      return soap_call___bai__completeParticipants(soap, url, nullptr, content, *answer);
    };
    onInitiator("completeParticipants", call, [&answer] { return decision(*answer); });
  }

  void close(const std::string &id) {
    bai__ParticipantListResponseType *answer = nullptr;
    const auto call = [&](struct soap *soap, const char *url) {
      auto *reference = soap_new_c__ReferenceType(soap, -1);
      reference->__item = id;
      auto *content = soap_new_bai__closeAllReqType(soap, -1);
      content->c__Participant.push_back(reference);
      answer = soap_new_bai__ParticipantListResponseType(soap, -1);
      return soap_call___bai__closeAllParticipants(soap, url, nullptr, content, *answer);
    };
    onInitiator("closeAllParticipants", call, [&answer] { return decision(*answer); });
  }

  void cancel() {
    bai__ParticipantListResponseType *answer = nullptr;
    const auto call = [&](struct soap *soap, const char *url) {
      answer = soap_new_bai__ParticipantListResponseType(soap, -1);
      auto *content = soap_new_bai__cancelOrCompensateAllReqType(soap, -1);
      return soap_call___bai__cancelOrCompensateAllParticipants(soap, url, nullptr, content, *answer);
    };
    onInitiator("cancelOrCompensateAllParticipants", call, [&answer] { return decision(*answer); });
  }

  static Facts decision(const bai__ParticipantListResponseType &answer) {
    return {{"decision", answer.c__Decision ? *answer.c__Decision : ""}};
  }

  // A numbered request of the initiator.
  Facts onInitiator(const std::string &name, std::function<int(struct soap *, const char *)> call, std::function<Facts()> read) {
    Request request{"completion", names::BAI + name, initiator, ++control};
    request.need = options.someHonest();
    request.call = std::move(call);
    request.read = std::move(read);
    const Facts facts = conversation.ask(request);
    sent(name, control);
    return facts;
  }

  void notify(const std::string &name, std::function<int(struct soap *, const char *)> call) {
    Request request{"coordinator", std::string(names::WSBA) + "/" + name, coordinator, ++part};
    request.need = options.someHonest();
    request.call = std::move(call);
    conversation.ask(request);
    sent(name, part);
  }

  // Asks until the participant is in that state.
  Facts inState(const std::string &state) {
    bai__ParticipantListResponseType *answer = nullptr;
    Request request{"completion", std::string(names::BAI) + "listParticipants", initiator};
    request.need = options.everybody();
    request.call = [&answer](struct soap *soap, const char *url) {
      answer = soap_new_bai__ParticipantListResponseType(soap, -1);
      return soap_call___bai__listParticipants(soap, url, nullptr, soap_new_bai__listParticipantsReqType(soap, -1), *answer);
    };
    request.read = [&answer] {
      const auto *found = answer->participantList->participant.at(0);
      const std::string qname = soap_wsba__StateType2s(found->soap, found->wsba__Status->State);
      return Facts{{"state", qname.substr(qname.rfind(':') + 1)}, {"endedBy", found->c__EndedBy ? *found->c__EndedBy : ""}};
    };
    for (int look = 0; look < LOOKS; look++) {
      const Facts facts = conversation.ask(request);
      if (facts.at("state") == state) return facts;
      std::this_thread::sleep_for(PAUSE);
    }
    throw std::runtime_error("the participant is not " + state);
  }

  static void sent(const std::string &name, unsigned number) {
    say("\"sent\":" + quoted(name) + ",\"number\":" + std::to_string(number));
  }

  const Options &options;
  Conversation &conversation;
  Participant &participant;
  Epr initiator, registration, coordinator;
  unsigned control = 0;
  unsigned part = 0;
};
}  // namespace

int main(int count, char **arguments) {
  try {
    const Options options(count, arguments);
    const Keys keys(options);
    Conversation conversation(options, keys, [](int replica, const std::string &why) {
      say("\"distrusts\":" + std::to_string(replica) + ",\"why\":" + quoted(why));
    });
    Participant participant(options, keys);
    say("\"listening\":" + quoted(participant.url));
    Flow(options, conversation, participant).run();
    return 0;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
