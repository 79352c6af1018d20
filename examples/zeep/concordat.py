"""Concordat for zeep: signs what zeep writes, verifies what replicas answer. Made to be copied.

Needs Debian's python3-zeep and python3-xmlsec, or `pip install zeep xmlsec`. docs/soap-messages.md shows what goes over the wire.
"""

import base64
import datetime
import json
import pathlib

import requests
import xmlsec
import zeep
from lxml import etree
from lxml.builder import ElementMaker
from zeep.plugins import Plugin
from zeep.wsdl.utils import get_or_create_header

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
WSA = "http://www.w3.org/2005/08/addressing"
WSCOOR = "http://docs.oasis-open.org/ws-tx/wscoor/2006/06"
WSBA = "http://docs.oasis-open.org/ws-tx/wsba/2006/06"
BAI = "http://www.big.tuwien.ac.at/projects/WS-BAI/"
C = "urn:concordat:2026:coordination"
DS = "http://www.w3.org/2000/09/xmldsig#"
OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = OASIS + "wssecurity-secext-1.0.xsd"
WSU = OASIS + "wssecurity-utility-1.0.xsd"
X509V3 = OASIS + "x509-token-profile-1.0#X509v3"
BASE64 = OASIS + "soap-message-security-1.0#Base64Binary"
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
# id-ecPublicKey (RFC 5480 §2.1.1) as DER: how PKCS#8 says that a key is on an elliptic curve.
EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

PREFIXES = {"wsa": WSA, "wsse": WSSE, "wsu": WSU, "c": C}
WSU_ID = f"{{{WSU}}}Id"

MAX_MESSAGE_BYTES = 4_194_304
TIMEOUT_S = 20
CLOCK_WINDOW = datetime.timedelta(minutes=5)

c = ElementMaker(namespace=C, nsmap={"c": C})
wsa = ElementMaker(namespace=WSA, nsmap={"wsa": WSA})


class Refused(Exception):
    """A message that is not what it should be: nothing in it is believed."""


class Cluster:
    """The replicas as cluster.json names them: a replica is who holds the key of its certificate there."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        config = json.loads((folder / "cluster.json").read_text())
        self.f = config["f"]
        self.address = config["address"].rstrip("/")
        self.urls = {replica["id"]: replica["url"].rstrip("/") for replica in config["replicas"]}
        self._ids = {der(folder / replica["certificate"]): replica["id"] for replica in config["replicas"]}

    def replica_of(self, certificate):
        """The number of the replica with this certificate (DER)."""
        try:
            return self._ids[certificate]
        except KeyError:
            raise Refused("the certificate is no replica's") from None


def der(pem_file):
    """The first thing in a PEM file."""
    lines = pathlib.Path(pem_file).read_text().split("-----BEGIN ")[1].split("-----")[1]
    return base64.b64decode(lines)


def utc(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def text_of(element):
    return etree.tostring(element, method="c14n", exclusive=True, with_tail=False).decode()


# Header blocks of a request. What is in a header counts only if it is signed; Signer signs them all.


def sequence(number, created=None):
    """c:Sequence: the request's number in its stream; c:Created on CreateCoordinationContext only."""
    children = [c.Number(str(number))] + ([c.Created(created)] if created else [])
    return c.Sequence(*children)


def message_id(value):
    return wsa.MessageID(value)


class Epr:
    """An endpoint reference as a replica wrote it. Take it from the message and not from what zeep made of it: zeep reads elements
    that it has a schema for as values, and forgets what they are called."""

    def __init__(self, element):
        self.address = element.findtext(f"{{{WSA}}}Address").strip()
        self._parameters = element.findall(f"{{{WSA}}}ReferenceParameters/*")

    def headers(self):
        """Its reference parameters, as headers of a message to it (WS-Addressing 1.0 SOAP binding §2.3)."""
        blocks = [etree.fromstring(etree.tostring(parameter, with_tail=False)) for parameter in self._parameters]
        for block in blocks:
            block.set(f"{{{WSA}}}IsReferenceParameter", "true")
        return blocks


class Addressing(Plugin):
    """zeep adds wsa:Action, wsa:MessageID and wsa:To by itself. This adds ReplyTo, and lets a given MessageID stand, because the same
    request must keep its id when it is sent again."""

    def egress(self, envelope, http_headers, operation, binding_options):
        header = get_or_create_header(envelope)
        for extra in header.findall(f"{{{WSA}}}MessageID")[1:]:
            header.remove(extra)
        if operation.output is not None:
            header.append(wsa.ReplyTo(wsa.Address(WSA + "/anonymous")))
        return envelope, http_headers


class Signer:
    """zeep's wsse: signs Body, Timestamp and every header block over exclusive C14N, with RSA-SHA256 or ECDSA-SHA256 as the key is."""

    def __init__(self, certificate_file, key_file):
        self._certificate = base64.b64encode(der(certificate_file)).decode()
        self._key = xmlsec.Key.from_file(str(key_file), xmlsec.KeyFormat.PEM)
        elliptic = EC_PUBLIC_KEY in der(key_file)[:32]
        self._algorithm = xmlsec.Transform.ECDSA_SHA256 if elliptic else xmlsec.Transform.RSA_SHA256

    def apply(self, envelope, headers):
        soap = etree.QName(envelope).namespace
        header = get_or_create_header(envelope)
        body = envelope.find(f"{{{soap}}}Body")
        parts = list(header)
        security = etree.SubElement(header, f"{{{WSSE}}}Security", {f"{{{soap}}}mustUnderstand": "1"})
        parts += [self._timestamp(security), body]
        token = etree.SubElement(security, f"{{{WSSE}}}BinarySecurityToken", ValueType=X509V3, EncodingType=BASE64)
        token.text = self._certificate
        token.set(WSU_ID, "token")
        for number, part in enumerate(parts):
            part.set(WSU_ID, f"part-{number}")
        # Before signing: afterwards nothing may change, not even where a prefix is declared.
        etree.cleanup_namespaces(header, top_nsmap=PREFIXES, keep_ns_prefixes=list(PREFIXES))

        signature = xmlsec.template.create(envelope, xmlsec.Transform.EXCL_C14N, self._algorithm, ns="ds")
        security.append(signature)
        context = xmlsec.SignatureContext()
        for part in parts:
            context.register_id(part, "Id", WSU)
            reference = xmlsec.template.add_reference(signature, xmlsec.Transform.SHA256, uri="#" + part.get(WSU_ID))
            transform = xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
            if part is body:
                # Exclusive C14N leaves out prefixes that occur in texts only, such as that of Fail's ExceptionIdentifier.
                prefixes = {prefix for node in body.iter() for prefix in node.nsmap if prefix}
                xmlsec.template.transform_add_c14n_inclusive_namespaces(transform, sorted(prefixes))
        key_info = xmlsec.template.ensure_key_info(signature)
        to_token = etree.SubElement(key_info, f"{{{WSSE}}}SecurityTokenReference")
        etree.SubElement(to_token, f"{{{WSSE}}}Reference", URI="#token", ValueType=X509V3)
        context.key = self._key
        context.sign(signature)
        return envelope, headers

    def verify(self, envelope):
        """Answers were verified as they came in, byte by byte: see Transport."""
        return envelope

    @staticmethod
    def _timestamp(security):
        timestamp = etree.SubElement(security, f"{{{WSU}}}Timestamp")
        created = now()
        etree.SubElement(timestamp, f"{{{WSU}}}Created").text = utc(created)
        etree.SubElement(timestamp, f"{{{WSU}}}Expires").text = utc(created + CLOCK_WINDOW)
        return timestamp


class Message:
    """What a replica signed: every header block and the Body."""

    def __init__(self, replica, header, body):
        self.replica = replica
        self.headers = [block for block in header if block.tag != f"{{{WSSE}}}Security"]
        (self.content,) = body
        self.action = self.addressing("Action")
        self.message_id = self.addressing("MessageID")
        self.relates_to = self.addressing("RelatesTo")
        self.to = self.addressing("To")

    def addressing(self, name):
        return self.header(f"{{{WSA}}}{name}")

    def header(self, tag):
        found = [block.text for block in self.headers if block.tag == tag]
        if len(found) > 1:
            raise Refused(f"{tag} comes twice")
        return found[0] if found else None

    def comparable(self):
        """What replicas must say alike: not addresses, times and signatures; not proofs, which are made of different votes; and not
        the lists of states that come with a decision, which differ between correct replicas that are not equally far."""
        content = etree.fromstring(etree.tostring(self.content, with_tail=False))
        apart = [f"{{{C}}}{name}" for name in ("Certificate", "WaitsFor", "Waiting", "Detail")]
        if content.tag != f"{{{BAI}}}listParticipantsResponse":
            apart.append(f"{{{BAI}}}participantList")
        for element in list(content.iter(*apart)):
            element.getparent().remove(element)
        return self.action, self.relates_to, text_of(content)


def verify(raw, cluster):
    """Opens a message of a replica, or raises Refused. Stricter than WS-Security must be: everything in it has to be signed, so that
    nothing that zeep reads later can be somebody else's addition."""
    try:
        return _verify(raw, cluster)
    except (etree.XMLSyntaxError, xmlsec.Error, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise Refused(f"not a signed message: {error}") from error


def _verify(raw, cluster):
    if len(raw) > MAX_MESSAGE_BYTES:
        raise Refused("too large")
    root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    if root.getroottree().docinfo.doctype or any(not isinstance(node.tag, str) for node in root.iter()):
        raise Refused("a DOCTYPE, comment or processing instruction")
    header, body = root
    soap = etree.QName(root).namespace
    if [part.tag for part in (root, header, body)] != [f"{{{soap}}}{name}" for name in ("Envelope", "Header", "Body")]:
        raise Refused("not an Envelope of Header and Body")
    (security,) = header.findall(f"{{{WSSE}}}Security")
    (signature,) = security.findall(f"{{{DS}}}Signature")
    (timestamp,) = security.findall(f"{{{WSU}}}Timestamp")

    ids = {}
    for node in root.iter():
        for name, value in node.attrib.items():
            if etree.QName(name).localname.lower() == "id":
                if value in ids:
                    raise Refused(f"the Id {value} comes twice")
                ids[value] = node

    replica = cluster.replica_of(_token(signature, security, ids))
    parts = [_referenced(reference, ids) for reference in signature.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")]
    needed = [block for block in header if block is not security] + [timestamp, body]
    if any(all(part is not need for part in parts) for need in needed):
        raise Refused("a part is not signed")
    _algorithm(signature, "CanonicalizationMethod", EXCLUSIVE_C14N)
    # That it fits the type of the certificate's key is checked by xmlsec.
    _algorithm(signature, "SignatureMethod", RSA_SHA256, ECDSA_SHA256)

    context = xmlsec.SignatureContext()
    context.key = _key(_token(signature, security, ids))
    for part in parts:
        context.register_id(part, "Id", WSU)
    context.verify(signature)

    _check_time(timestamp)
    return Message(replica, header, body)


def _token(signature, security, ids):
    (reference,) = signature.findall(f"{{{DS}}}KeyInfo/{{{WSSE}}}SecurityTokenReference/{{{WSSE}}}Reference")
    token = ids[reference.get("URI")[1:]]
    if token.getparent() is not security or token.tag != f"{{{WSSE}}}BinarySecurityToken":
        raise Refused("the key is no BinarySecurityToken of this message")
    return base64.b64decode(token.text)


def _key(certificate):
    return xmlsec.Key.from_memory(certificate, xmlsec.KeyFormat.CERT_DER)


def _referenced(reference, ids):
    """The part that a reference is to; by wsu:Id, through exclusive C14N and SHA-256 and nothing else."""
    transforms = [transform.get("Algorithm") for transform in reference.iter(f"{{{DS}}}Transform")]
    digest = reference.find(f"{{{DS}}}DigestMethod").get("Algorithm")
    if transforms != [EXCLUSIVE_C14N] or digest != SHA256:
        raise Refused("a transform or digest that is not accepted")
    part = ids[reference.get("URI")[1:]]
    if part.get(WSU_ID) != reference.get("URI")[1:]:
        raise Refused("a reference to something else than a wsu:Id")
    return part


def _algorithm(signature, name, *expected):
    if signature.find(f"{{{DS}}}SignedInfo/{{{DS}}}{name}").get("Algorithm") not in expected:
        raise Refused(f"{name} is not {' or '.join(expected)}")


def _check_time(timestamp):
    created, expires = (
        datetime.datetime.fromisoformat(timestamp.find(f"{{{WSU}}}{name}").text.replace("Z", "+00:00"))
        for name in ("Created", "Expires")
    )
    if abs(now() - created) > CLOCK_WINDOW or expires <= now():
        raise Refused("the message is too old, or from the future")


class Transport(zeep.Transport):
    """Posts what zeep made to replicas, and gives back only what verifies.

    One replica is asked by default. It passes the request on, so the request takes effect; but a lying replica can lie to you.
    With `agreement` the same bytes go to every replica, and an answer counts when enough of them say the same: f + 1, among whom is
    an honest one; for Register and listParticipants n - f, so that a list shows everybody whose Register was acknowledged.
    """

    def __init__(self, cluster, replica=1, agreement=False):
        super().__init__(timeout=TIMEOUT_S, operation_timeout=TIMEOUT_S)
        self._cluster = cluster
        self._first = replica
        self._agreement = agreement
        # The last answer, verified; None for the 202 of a one-way message.
        self.reply = None

    def wsdl(self, endpoint):
        return f"{self._cluster.urls[self._first]}/{endpoint}?wsdl"

    def post_xml(self, address, envelope, headers):
        relates_to = envelope.find(f".//{{{WSA}}}MessageID").text
        path = "/" + address.rstrip("/").rsplit("/", 1)[1]
        raw = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        wants_answer = envelope.find(f".//{{{WSA}}}ReplyTo") is not None
        replicas, need = self._whom(envelope)
        said = {}
        for replica in replicas:
            try:
                response = self.session.post(
                    self._cluster.urls[replica] + path, data=raw, headers=headers, timeout=TIMEOUT_S, allow_redirects=False
                )
                message, what = self._understood(response, replica, relates_to, wants_answer)
            except (requests.RequestException, Refused) as error:
                self.logger.warning("replica %s: %s", replica, error)
                continue
            said.setdefault(what, []).append(replica)
            if len(said[what]) >= need:
                self.reply = message
                return response
        raise NoQuorum(f"{need} replicas did not give one answer, but {sorted(said.values())}")

    def _whom(self, envelope):
        """The replicas to ask, and how many of them must say the same."""
        if not self._agreement:
            return [self._first], 1
        (content,) = envelope[-1]
        n, f = len(self._cluster.urls), self._cluster.f
        by_all = content.tag in (f"{{{WSCOOR}}}Register", f"{{{BAI}}}listParticipants")
        return sorted(self._cluster.urls), n - f if by_all else f + 1

    def _understood(self, response, replica, relates_to, wants_answer):
        # A one-way message was accepted. HTTP says so, unsigned: it counts for the replica at this URL.
        if response.status_code == 202 and not response.content and not wants_answer:
            return None, "accepted"
        message = verify(response.content, self._cluster)
        if message.replica != replica:
            raise Refused(f"replica {message.replica} answered at the URL of replica {replica}")
        if message.relates_to != relates_to:
            raise Refused("the answer is to another request")
        return message, message.comparable()


class NoQuorum(Exception):
    """Not enough replicas answered alike. Send exactly the same again."""


def fault_code(error):
    """(c:Code, whether the same request may succeed later) of a zeep.exceptions.Fault or NoQuorum; docs/errors.md lists the codes."""
    if isinstance(error, NoQuorum):
        return "NoQuorum", True
    detail = error.detail
    code = detail.findtext(f"{{{C}}}Code") if detail is not None else None
    return code, detail is not None and detail.findtext(f"{{{C}}}Retryable") == "true"
