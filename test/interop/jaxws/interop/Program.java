package interop;

import at.ac.tuwien.big.projects.ws_bai.BAParticipantRefListType;
import at.ac.tuwien.big.projects.ws_bai.BAParticipantReferenceType;
import at.ac.tuwien.big.projects.ws_bai.BAParticipantType;
import at.ac.tuwien.big.projects.ws_bai.CancelOrCompensateAllReqType;
import at.ac.tuwien.big.projects.ws_bai.CloseAllReqType;
import at.ac.tuwien.big.projects.ws_bai.CoordinatorInitiatorPortTypeAtomicOutcomeStubInterface;
import at.ac.tuwien.big.projects.ws_bai.GetCoordCtxWCodeReqType;
import at.ac.tuwien.big.projects.ws_bai.ListParticipantsReqType;
import at.ac.tuwien.big.projects.ws_bai.ParticipantListResponseType;
import concordat._2026.coordination.ReferenceType;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.xml.ws.soap.SOAPFaultException;
import org.oasis_open.docs.ws_tx.wsba._2006._06.BusinessAgreementWithCoordinatorCompletionCoordinatorPortType;
import org.oasis_open.docs.ws_tx.wsba._2006._06.NotificationType;
import org.oasis_open.docs.ws_tx.wscoor._2006._06.CreateCoordinationContextResponseType;
import org.oasis_open.docs.ws_tx.wscoor._2006._06.CreateCoordinationContextType;
import org.oasis_open.docs.ws_tx.wscoor._2006._06.ExpiresType;
import org.oasis_open.docs.ws_tx.wscoor._2006._06.RegisterResponseType;
import org.oasis_open.docs.ws_tx.wscoor._2006._06.RegisterType;
import org.w3c.dom.Element;

/**
 * A business activity from JAX-WS, from both sides: wsimport's stubs make the messages, WSS4J signs and verifies them.
 *
 *     java -cp $(./build.sh OUT) interop.Program DIR --client NAME --soap 1.1 --port PORT --address URL --f 1 --replica 1=URL ...
 *
 * A JSON line for each thing that happens. Numbers are kept in memory only: a program that must survive a crash writes each request
 * down before it is first sent (docs/soap-messages.md).
 */
public final class Program {
  private static final String WSCOOR_ACTION = "http://docs.oasis-open.org/ws-tx/wscoor/2006/06/";
  private static final String INITIATOR_ACTION = "http://www.big.tuwien.ac.at/projects/WS-BAI/";
  private static final long PAUSE_MS = 200;
  private static final int LOOKS = 300;

  private final Options options;
  private final Ports ports;
  private final Conversation conversation;
  private final Participant participant;
  private final int someHonest;
  private final int everybody;
  private int control;
  private int part;
  private Epr initiator;
  private Epr coordinator;

  private Program(Options options, Conversation conversation, Participant participant) {
    this.options = options;
    this.conversation = conversation;
    this.participant = participant;
    ports = Ports.of(options.soap);
    someHonest = options.f + 1;
    everybody = options.replicas.size() - options.f;
  }

  public static void main(String[] arguments) throws Exception {
    Options options = Options.of(arguments);
    Wss wss = new Wss(new Keys(options));
    Conversation conversation = new Conversation(options, wss, (replica, why) -> say("\"distrusts\":%d,\"why\":%s", replica, quoted(why)));
    Participant participant = new Participant(options, wss);
    say("\"listening\":%s", quoted(participant.url));
    try {
      new Program(options, conversation, participant).run();
    } finally {
      participant.close();
    }
  }

  private void run() throws InterruptedException {
    initiator = create();
    coordinator = register(invite());
    String id = coordinator.parameter("Participant");

    decide("completeParticipants", naming(id), port -> port::completeParticipants);
    participant.told("Complete");
    say("\"told\":\"Complete\"");
    notify("Completed", port -> port.completedOperation(new NotificationType()));
    inState("Completed");
    say("\"state\":\"Completed\"");

    decide("closeAllParticipants", closing(id), port -> port::closeAllParticipants);
    participant.told("Close");
    say("\"told\":\"Close\"");
    notify("Closed", port -> port.closedOperation(new NotificationType()));
    say("\"state\":\"Ended\",\"endedBy\":%s", quoted(inState("Ended").getEndedBy()));

    // Too late: it was closed.
    try {
      decide("cancelOrCompensateAllParticipants", new CancelOrCompensateAllReqType(), port -> port::cancelOrCompensateAllParticipants);
    } catch (SOAPFaultException exception) {
      Fault fault = Fault.of(exception);
      say("\"fault\":%s,\"code\":%s,\"concordat\":%s,\"retryable\":%b", quoted(SOAPFaultException.class.getName()),
          quoted(fault.code()), quoted(fault.concordat()), fault.retryable());
    }
  }

  private Epr create() throws InterruptedException {
    CreateCoordinationContextType content = new CreateCoordinationContextType();
    ExpiresType expires = new ExpiresType();
    expires.setValue(900_000);
    content.setExpires(expires);
    content.setCoordinationType(Names.WSBA + "/AtomicOutcome");
    Headers headers = new Headers(options.address + "/activation", WSCOOR_ACTION + "CreateCoordinationContext").replyHere().numbered(1, true);
    CreateCoordinationContextResponseType created = conversation.ask(new Conversation.Request<>("activation", ports.activation(), headers,
        someHonest, port -> port.createCoordinationContextOperation(content), answer -> initiatorOf(answer).text()));
    sent("CreateCoordinationContext", 1);
    return initiatorOf(created);
  }

  private Epr invite() throws InterruptedException {
    GetCoordCtxWCodeReqType content = new GetCoordCtxWCodeReqType();
    content.setMatchcode(options.client);
    CreateCoordinationContextResponseType invited = onInitiator("getCoordinationContextWithMatchcode", ++control, someHonest,
        port -> port.getCoordinationContextWithMatchcode(content), answer -> registrationOf(answer).text());
    return registrationOf(invited);
  }

  private Epr register(Epr registration) throws InterruptedException {
    RegisterType content = new RegisterType();
    content.setProtocolIdentifier(Names.WSBA + "/CoordinatorCompletion");
    content.setParticipantProtocolService(participant.reference());
    RegisterResponseType registered = conversation.ask(new Conversation.Request<>("registration", ports.registration(),
        addressed(registration, WSCOOR_ACTION + "Register", ++part).replyHere(), everybody, port -> port.registerOperation(content),
        answer -> Epr.of(answer.getCoordinatorProtocolService()).text()));
    sent("Register", part);
    return Epr.of(registered.getCoordinatorProtocolService());
  }

  /** A numbered request of the initiator that answers with the list of participants. */
  private <C> void decide(String name, C content,
      Function<CoordinatorInitiatorPortTypeAtomicOutcomeStubInterface, Function<C, ParticipantListResponseType>> operation)
      throws InterruptedException {
    onInitiator(name, ++control, someHonest, port -> operation.apply(port).apply(content), answer -> String.valueOf(answer.getDecision()));
  }

  private <R> R onInitiator(String name, int number, int need,
      Function<CoordinatorInitiatorPortTypeAtomicOutcomeStubInterface, R> call, Function<R, String> said) throws InterruptedException {
    Headers headers = addressed(initiator, INITIATOR_ACTION + name, number).replyHere();
    R answer = conversation.ask(new Conversation.Request<>("completion", ports.initiator(), headers, need, call, said));
    if (number > 0) sent(name, number);
    return answer;
  }

  private void notify(String name, Consumer<BusinessAgreementWithCoordinatorCompletionCoordinatorPortType> operation)
      throws InterruptedException {
    Headers headers = addressed(coordinator, Names.WSBA + "/" + name, ++part);
    conversation.ask(new Conversation.Request<>("coordinator", ports.coordinator(), headers, someHonest, port -> {
      operation.accept(port);
      return null;
    }, null));
    sent(name, part);
  }

  /** Asks until the participant is in that state. */
  private BAParticipantType inState(String state) throws InterruptedException {
    for (int look = 0; look < LOOKS; look++) {
      BAParticipantType found = onInitiator("listParticipants", 0, everybody, port -> port.listParticipants(new ListParticipantsReqType()),
          answer -> summary(answer.getParticipantList().getParticipant().get(0))).getParticipantList().getParticipant().get(0);
      if (found.getStatus().getState().getLocalPart().equals(state)) return found;
      Thread.sleep(PAUSE_MS);
    }
    throw new IllegalStateException("the participant is not " + state);
  }

  private static String summary(BAParticipantType participant) {
    return participant.getStatus().getState() + " " + participant.getEndedBy();
  }

  private static Epr initiatorOf(CreateCoordinationContextResponseType answer) {
    return Epr.of((Element) answer.getAny().get(0));
  }

  private static Epr registrationOf(CreateCoordinationContextResponseType answer) {
    return Epr.of(answer.getCoordinationContext().getRegistrationService());
  }

  private static BAParticipantRefListType naming(String id) {
    BAParticipantReferenceType reference = new BAParticipantReferenceType();
    reference.setParticipantId(id);
    BAParticipantRefListType content = new BAParticipantRefListType();
    content.getParticipant().add(reference);
    return content;
  }

  private static CloseAllReqType closing(String id) {
    ReferenceType reference = new ReferenceType();
    reference.setValue(id);
    CloseAllReqType content = new CloseAllReqType();
    content.getParticipant().add(reference);
    return content;
  }

  /** Headers of a message to an endpoint reference; a question has no number. */
  private static Headers addressed(Epr epr, String action, int number) {
    Headers headers = new Headers(epr.address(), action);
    if (number > 0) headers.numbered(number, false);
    headers.blocks.addAll(epr.headers());
    return headers;
  }

  private static void sent(String name, int number) {
    say("\"sent\":%s,\"number\":%d", quoted(name), number);
  }

  private static void say(String members, Object... values) {
    System.out.printf("{" + members + "}%n", values);
  }

  private static String quoted(String text) {
    return text == null ? "null" : '"' + text.replaceAll("[\"\\\\\\p{Cntrl}]", " ") + '"';
  }
}
