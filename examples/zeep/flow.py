#!/usr/bin/python3
"""One business activity from zeep, message by message: created, joined, completed and closed, through one replica.

    /usr/bin/python3 examples/zeep/flow.py DIR --client NAME --order 17 --data FOLDER --port PORT

DIR has cluster.json, the replicas' certificates and keys/NAME.{pem,key}; NAME needs the roles initiator and participant. After a
crash run it again with the same --order, --data and --port: every request is the same as before, and the flow goes on.
docs/soap-messages.md shows what goes over the wire.
"""

import argparse
import json
import pathlib
import time

import zeep

import concordat
from concordat import BAI, C, WSBA, WSCOOR, Cluster, Epr, NoQuorum, Signer, Transport
from endpoint import Endpoint
from journal import Journal

PATIENCE_S = 60

# Endpoint → the binding of its WSDL that we use: SOAP 1.1, atomic outcome, ParticipantCompletion.
BINDINGS = {
    "activation": f"{{{WSCOOR}}}ActivationSoap11Binding",
    "registration": f"{{{WSCOOR}}}RegistrationSoap11Binding",
    "coordinator": f"{{{WSBA}}}BusinessAgreementWithParticipantCompletionCoordinatorSoap11Binding",
    "completion": f"{{{BAI}}}CoordinatorInitiator_Atomic_Binding",
}


def say(**event):
    print(json.dumps(event), flush=True)


class Conversation:
    """Sends messages to the cluster: zeep makes them of the WSDLs, the journal numbers them."""

    def __init__(self, cluster, transport, signer, journal, bindings=BINDINGS):
        self._cluster = cluster
        self._transport = transport
        self._wsse = {"wsse": signer, "plugins": [concordat.Addressing()], "transport": transport}
        self._journal = journal
        self._bindings = bindings
        self._clients = {}

    def numbered(self, stream, label, endpoint, operation, epr=None, create=False, **content):
        """A request that changes something. The same stream and label always give the same request, also in another run."""
        created = concordat.utc(concordat.now()) if create else None
        words = json.dumps(content, sort_keys=True, default=concordat.text_of)
        number, id, created = self._journal.request(stream, label, words, created)
        answer = self.ask(
            endpoint,
            operation,
            epr,
            lambda: [concordat.message_id(id), concordat.sequence(number, created)],
            **content,
        )
        say(sent=operation, stream=stream, number=number)
        return answer

    def ask(self, endpoint, operation, epr=None, headers=list, **content):
        """Sends a message and gives the verified answer; None to a one-way message. Repeats what a retryable fault refused."""
        service = self._service(endpoint, epr)
        until = time.monotonic() + PATIENCE_S
        while True:
            # Header blocks become part of the message, so each attempt gets its own.
            blocks = headers() + (epr.headers() if epr else [])
            try:
                service[operation](**content, _soapheaders=blocks)
                return self._transport.reply
            except (zeep.exceptions.Fault, NoQuorum) as error:
                code, retryable = concordat.fault_code(error)
                say(refused=operation, code=code, retryable=retryable)
                if not retryable or time.monotonic() > until:
                    raise
            time.sleep(0.5)

    def _service(self, endpoint, epr):
        """zeep's proxy, from the WSDL that the replica serves. wsa:To is the address of the endpoint reference; without one, the
        cluster's."""
        if endpoint not in self._clients:
            self._clients[endpoint] = zeep.Client(self._transport.wsdl(endpoint), **self._wsse)
        address = epr.address if epr else f"{self._cluster.address}/{endpoint}"
        return self._clients[endpoint].create_service(self._bindings[endpoint], address)


def run(order, conversation, endpoint):
    create, control, part = (f"{stream} of order {order}" for stream in ("create", "control", "participant"))

    # 1  The initiator creates the activity. Activity ids and addresses come in endpoint references: send them back as they came.
    answer = conversation.numbered(
        create,
        "create",
        "activation",
        "CreateCoordinationContextOperation",
        create=True,
        Expires=900_000,
        CoordinationType=f"{WSBA}/AtomicOutcome",
    )
    initiator = Epr(answer.content.find(f"{{{C}}}InitiatorService"))
    say(activity=answer.content.findtext(f".//{{{WSCOOR}}}Identifier"))

    # 2  It reserves a matchcode for the participant, and would now hand the context over, in a signed message of its own business.
    answer = conversation.numbered(
        control, "invite", "completion", "getCoordinationContextWithMatchcode", initiator, matchcode="florist"
    )
    registration = Epr(answer.content.find(f".//{{{WSCOOR}}}RegistrationService"))

    # 3  The participant registers, and only then starts to work.
    answer = conversation.numbered(
        part,
        "register",
        "registration",
        "RegisterOperation",
        registration,
        ProtocolIdentifier=f"{WSBA}/ParticipantCompletion",
        ParticipantProtocolService=endpoint.reference(),
    )
    coordinator = Epr(answer.content.find(f"{{{WSCOOR}}}CoordinatorProtocolService"))

    # 4  Its work is done and could be undone.
    conversation.numbered(part, "completed", "coordinator", "CompletedOperation", coordinator)

    # 5  The initiator looks who is there. A question has no number.
    me = wait_until(lambda: florist(conversation, initiator), "Completed", "Closing", "Ended")

    # 6  It closes, and names whom: that decides for everybody.
    conversation.numbered(
        control, "close", "completion", "closeAllParticipants", initiator, Participant=[me.findtext(f".//{{{C}}}ParticipantId")]
    )

    # 7  Every replica sends Close; two that say the same are enough.
    endpoint.wait_for("Close", PATIENCE_S)
    say(told="Close")

    # 8  The participant makes its work final, and says so.
    conversation.numbered(part, "closed", "coordinator", "ClosedOperation", coordinator)

    me = wait_until(lambda: florist(conversation, initiator), "Ended")
    say(outcome=me.findtext(f"{{{C}}}EndedBy"))


def florist(conversation, initiator):
    """The one participant, as listParticipants shows it."""
    return conversation.ask("completion", "listParticipants", initiator).content.find(f".//{{{BAI}}}participant")


def wait_until(look, *states):
    """Looks until the participant is in one of the states."""
    until = time.monotonic() + PATIENCE_S
    while True:
        found = look()
        state = found.findtext(f"{{{WSBA}}}Status/{{{WSBA}}}State").split(":")[-1]
        if state in states:
            return found
        if time.monotonic() > until:
            raise TimeoutError(f"the participant is still {state}")
        time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", help="directory with cluster.json and keys")
    parser.add_argument("--client", required=True, help="whose keys")
    parser.add_argument("--order", default="1", help="what the activity is for; names it across runs")
    parser.add_argument("--data", default=".", help="directory for the journal")
    parser.add_argument("--port", type=int, required=True, help="where replicas reach us; must stay the same")
    parser.add_argument("--replica", type=int, default=1, help="the replica to send to")
    parser.add_argument("--agreement", action="store_true", help="believe only what enough replicas say alike")
    options = parser.parse_args()

    pathlib.Path(options.data).mkdir(parents=True, exist_ok=True)
    keys = pathlib.Path(options.dir, "keys")
    cluster = Cluster(options.dir)
    journal = Journal(pathlib.Path(options.data, "journal.db"))
    signer = Signer(keys / f"{options.client}.pem", keys / f"{options.client}.key")
    transport = Transport(cluster, options.replica, options.agreement)
    endpoint = Endpoint(cluster, journal, options.order, options.port)
    try:
        run(options.order, Conversation(cluster, transport, signer, journal), endpoint)
    finally:
        endpoint.close()


if __name__ == "__main__":
    main()
