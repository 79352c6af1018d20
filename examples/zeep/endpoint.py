"""The participant's side of the wire: replicas post their commands here."""

import http.server
import logging
import threading

from lxml import etree

from concordat import WSBA, Refused, text_of, verify

# A namespace of your own: the reference parameter that tells you which of your orders a command is about.
OWN = "urn:example:zeep"
COMMANDS = {"Complete", "Close", "Cancel", "Compensate", "Failed", "Exited", "NotCompleted"}
MAX_COMMAND_BYTES = 1_048_576


class Endpoint:
    """Listens for commands. A command is obeyed when f + 1 replicas have sent the same: at least one of them is honest."""

    def __init__(self, cluster, journal, order, port):
        self._cluster = cluster
        self._journal = journal
        self._order = order
        self._obeyed = threading.Condition()
        handler = type("Handler", (_Handler,), {"take": self.take})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/participant"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def reference(self):
        """The endpoint reference to register. Its reference parameter comes back as a header of every command."""
        order = etree.Element(f"{{{OWN}}}Order", nsmap={"o": OWN})
        order.text = self._order
        return {"Address": self.url, "ReferenceParameters": {"_value_1": [order]}}

    def wait_for(self, command, timeout):
        """Waits until f + 1 replicas have sent the command. What they sent to an earlier run counts."""
        with self._obeyed:
            if not self._obeyed.wait_for(lambda: self._journal.votes(self._subject(command)) > self._cluster.f, timeout):
                raise TimeoutError(f"fewer than {self._cluster.f + 1} replicas have sent {command}")

    def take(self, raw):
        message = verify(raw, self._cluster)
        content = etree.QName(message.content)
        if content.localname in ("Fault", "Status"):
            # One replica's opinion: a message of ours was passed over, or the answer to a GetStatus. It commands nothing.
            logging.warning("replica %s: %s", message.replica, text_of(message.content))
            return
        if content.namespace != WSBA or content.localname not in COMMANDS:
            raise Refused(f"{content.text} is no command")
        if message.action != f"{WSBA}/{content.localname}" or message.to != self.url or message.message_id is None:
            raise Refused("wsa:Action, wsa:To or wsa:MessageID does not fit")
        if message.header(f"{{{OWN}}}Order") != self._order:
            raise Refused("this is about another order")
        # Written down before it is answered with 202: some commands are sent only until then.
        with self._obeyed:
            # The id of a command is the same from all correct replicas.
            said = f"{message.message_id} {message.comparable()}"
            self._journal.vote(self._subject(content.localname), said, message.replica)
            self._obeyed.notify_all()

    def _subject(self, command):
        return f"{command} of order {self._order}"


class _Handler(http.server.BaseHTTPRequestHandler):
    take = None
    timeout = 20

    def do_POST(self):
        try:
            length = int(self.headers.get("Content-Length", ""))
            if length > MAX_COMMAND_BYTES:
                raise Refused("too large")
            self.take(self.rfile.read(length))
            self.send_response(202)
        except (Refused, ValueError) as error:
            # The replica will send it again; a proper fault would have to be signed.
            self.log_error("refused: %s", error)
            self.send_response(400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_request(self, code="-", size="-"):
        pass
