package interop;

import at.ac.tuwien.big.projects.ws_bai.CoordinatorInitiatorPortTypeAtomicOutcomeStubInterface;
import at.ac.tuwien.big.projects.ws_bai.CoordinatorInitiatorService;
import org.oasis_open.docs.ws_tx.wsba._2006._06.BusinessAgreementWithCoordinatorCompletionCoordinatorPortType;
import org.oasis_open.docs.ws_tx.wsba._2006._06.CoordinatorService;
import org.oasis_open.docs.ws_tx.wscoor._2006._06.ActivationPortType;
import org.oasis_open.docs.ws_tx.wscoor._2006._06.ActivationService;
import org.oasis_open.docs.ws_tx.wscoor._2006._06.RegistrationPortType;
import org.oasis_open.docs.ws_tx.wscoor._2006._06.RegistrationService;

import static interop.Conversation.NO_ADDRESSING;

/** wsimport's stubs by SOAP version: atomic outcome, CoordinatorCompletion. */
record Ports(
    ActivationPortType activation,
    RegistrationPortType registration,
    BusinessAgreementWithCoordinatorCompletionCoordinatorPortType coordinator,
    CoordinatorInitiatorPortTypeAtomicOutcomeStubInterface initiator) {

  static Ports of(String soap) {
    return soap.equals("1.2") ? soap12() : soap11();
  }

  private static Ports soap11() {
    return new Ports(
        new ActivationService().getActivationSoap11Port(NO_ADDRESSING),
        new RegistrationService().getRegistrationSoap11Port(NO_ADDRESSING),
        new CoordinatorService().getBusinessAgreementWithCoordinatorCompletionCoordinatorSoap11Port(NO_ADDRESSING),
        new CoordinatorInitiatorService().getCoordinatorInitiatorAtomicSoap11Port(NO_ADDRESSING));
  }

  private static Ports soap12() {
    return new Ports(
        new ActivationService().getActivationSoap12Port(NO_ADDRESSING),
        new RegistrationService().getRegistrationSoap12Port(NO_ADDRESSING),
        new CoordinatorService().getBusinessAgreementWithCoordinatorCompletionCoordinatorSoap12Port(NO_ADDRESSING),
        new CoordinatorInitiatorService().getCoordinatorInitiatorAtomicSoap12Port(NO_ADDRESSING));
  }
}
