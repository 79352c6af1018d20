#!/usr/bin/python3
"""A business activity from zeep, from both sides: python3-zeep makes the messages, python3-xmlsec signs and verifies them.

    /usr/bin/python3 program.py DIR --client NAME --soap 1.1 --port PORT

Asks every replica, and believes what enough of them say alike. Built of examples/zeep. A JSON line for each thing that happens.
"""

import argparse
import logging
import pathlib
import re
import sys

import zeep

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "examples" / "zeep"))
import concordat  # noqa: E402
from concordat import BAI, C, SOAP11, WSBA, WSCOOR, Cluster, Epr, Signer, Transport  # noqa: E402
from endpoint import Endpoint  # noqa: E402
from flow import PATIENCE_S, Conversation, say, wait_until  # noqa: E402
from journal import Journal  # noqa: E402

SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
COORDINATOR_COMPLETION = "BusinessAgreementWithCoordinatorCompletionCoordinator"
# The bindings of the WSDLs by SOAP version, for an atomic outcome and CoordinatorCompletion.
BINDINGS = {
    version: {
        "activation": f"{{{WSCOOR}}}ActivationSoap{short}Binding",
        "registration": f"{{{WSCOOR}}}RegistrationSoap{short}Binding",
        "coordinator": f"{{{WSBA}}}{COORDINATOR_COMPLETION}Soap{short}Binding",
        "completion": f"{{{BAI}}}CoordinatorInitiator_Atomic_{'Soap12_' if short == '12' else ''}Binding",
    }
    for version, short in {"1.1": "11", "1.2": "12"}.items()
}


class Distrust(logging.Handler):
    """Transport logs whose answer it does not believe."""

    def emit(self, record):
        say(distrusts=record.args[0], why=str(record.args[1]))


def run(name, conversation, endpoint):
    create, control, part = f"create {name}", f"control {name}", f"participant {name}"

    def send(stream, endpoint_name, operation, epr=None, **content):
        return conversation.numbered(stream, operation, endpoint_name, operation, epr, create=epr is None, **content)

    def look():
        return conversation.ask("completion", "listParticipants", initiator).content.find(f".//{{{BAI}}}participant")

    answer = send(create, "activation", "CreateCoordinationContextOperation", CoordinationType=f"{WSBA}/AtomicOutcome")
    initiator = Epr(answer.content.find(f"{{{C}}}InitiatorService"))
    answer = send(control, "completion", "getCoordinationContextWithMatchcode", initiator, matchcode=name)
    registration = Epr(answer.content.find(f".//{{{WSCOOR}}}RegistrationService"))

    answer = send(
        part,
        "registration",
        "RegisterOperation",
        registration,
        ProtocolIdentifier=f"{WSBA}/CoordinatorCompletion",
        ParticipantProtocolService=endpoint.reference(),
    )
    coordinator = Epr(answer.content.find(f"{{{WSCOOR}}}CoordinatorProtocolService"))
    participant = answer.content.findtext(f".//{{{C}}}Participant")

    send(control, "completion", "completeParticipants", initiator, participant=[{"ParticipantId": participant}])
    endpoint.wait_for("Complete", PATIENCE_S)
    say(told="Complete")
    send(part, "coordinator", "CompletedOperation", coordinator)
    wait_until(look, "Completed")
    say(state="Completed")

    send(control, "completion", "closeAllParticipants", initiator, Participant=[participant])
    endpoint.wait_for("Close", PATIENCE_S)
    say(told="Close")
    send(part, "coordinator", "ClosedOperation", coordinator)
    ended = wait_until(look, "Ended")
    say(state="Ended", endedBy=ended.findtext(f"{{{C}}}EndedBy"))

    # Too late: it was closed.
    try:
        send(control, "completion", "cancelOrCompensateAllParticipants", initiator)
    except zeep.exceptions.Fault as fault:
        # SOAP 1.1 has the specific code in faultcode, SOAP 1.2 in a Subcode.
        specific = fault.subcodes[0].localname if fault.subcodes else re.sub("^.*:", "", fault.code)
        code, retryable = concordat.fault_code(fault)
        say(fault="zeep.exceptions.Fault", code=specific, concordat=code, retryable=retryable)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", help="directory with cluster.json and keys")
    parser.add_argument("--client", required=True, help="whose keys")
    parser.add_argument("--soap", choices=BINDINGS, required=True)
    parser.add_argument("--port", type=int, required=True, help="where replicas reach us")
    options = parser.parse_args()

    logging.getLogger("zeep.transports").addHandler(Distrust())
    keys = pathlib.Path(options.dir, "keys")
    cluster = Cluster(options.dir)
    journal = Journal(pathlib.Path(options.dir, "journal.db"))
    signer = Signer(keys / f"{options.client}.pem", keys / f"{options.client}.key")
    transport = Transport(cluster, agreement=True)
    endpoint = Endpoint(cluster, journal, options.client, options.port)
    say(listening=endpoint.url)
    try:
        run(options.client, Conversation(cluster, transport, signer, journal, BINDINGS[options.soap]), endpoint)
    finally:
        endpoint.close()


if __name__ == "__main__":
    main()
