package interop;

import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import org.apache.ws.security.WSConstants;
import org.apache.ws.security.WSDataRef;
import org.apache.ws.security.WSEncryptionPart;
import org.apache.ws.security.WSSecurityEngine;
import org.apache.ws.security.WSSecurityEngineResult;
import org.apache.ws.security.WSSecurityException;
import org.apache.ws.security.handler.RequestData;
import org.apache.ws.security.message.WSSecHeader;
import org.apache.ws.security.message.WSSecSignature;
import org.apache.ws.security.message.WSSecTimestamp;
import org.apache.ws.security.util.WSSecurityUtil;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/** Signs and verifies envelopes with WSS4J. Made to be copied. */
final class Wss {
  private static final int LIFETIME_S = 300;

  private final Keys keys;

  Wss(Keys keys) {
    this.keys = keys;
  }

  /** Adds the Security header: Body, Timestamp and every header block are signed, each by its wsu:Id. */
  void sign(Document envelope) throws WSSecurityException {
    Element header = headerOf(envelope);
    List<WSEncryptionPart> parts = new ArrayList<>();
    envelope.getDocumentElement().setAttributeNS(Names.XMLNS, "xmlns:wsu", WSConstants.WSU_NS);
    for (Element block : children(header)) parts.add(identified(block, parts.size()));
    parts.add(identified(WSSecurityUtil.findBodyElement(envelope), parts.size()));

    WSSecHeader security = new WSSecHeader();
    security.insertSecurityHeader(envelope);
    WSSecTimestamp timestamp = new WSSecTimestamp();
    timestamp.setTimeToLive(LIFETIME_S);
    timestamp.build(envelope, security);
    parts.add(new WSEncryptionPart(timestamp.getId()));

    WSSecSignature signature = new WSSecSignature();
    signature.setUserInfo(Keys.ALIAS, Keys.PASSWORD);
    signature.setKeyIdentifierType(WSConstants.BST_DIRECT_REFERENCE);
    signature.setSignatureAlgorithm(keys.signatureMethod);
    signature.setDigestAlgo(Names.SHA256);
    signature.setParts(parts);
    signature.build(envelope, keys.crypto, security);
  }

  private static WSEncryptionPart identified(Element part, int number) {
    String id = "part-" + number;
    part.setAttributeNS(WSConstants.WSU_NS, "wsu:Id", id);
    return new WSEncryptionPart(id);
  }

  /**
   * Opens a message of a replica. WSS4J checks the signature, the chain to the authority and the Timestamp; what has to be signed, by
   * whom and how is said here: everything, so that nothing JAX-WS reads can be somebody else's addition.
   */
  Message verify(Document envelope) {
    try {
      return opened(envelope);
    } catch (WSSecurityException e) {
      throw new Refused("WSS4J: " + e.getMessage(), e);
    }
  }

  private Message opened(Document envelope) throws WSSecurityException {
    Element security = WSSecurityUtil.getSecurityHeader(envelope, null);
    if (security == null) throw new Refused("there is no Security header");
    RequestData data = new RequestData();
    data.setSigCrypto(keys.crypto);
    WSSecurityEngine engine = new WSSecurityEngine();
    data.setWssConfig(engine.getWssConfig());
    List<WSSecurityEngineResult> results = engine.processSecurityHeader(security, data);

    WSSecurityEngineResult signature = only(results, WSConstants.SIGN);
    WSSecurityEngineResult timestamp = only(results, WSConstants.TS);
    X509Certificate certificate = (X509Certificate) signature.get(WSSecurityEngineResult.TAG_X509_CERTIFICATE);
    int replica = keys.replicaOf(certificate);
    checkAlgorithms(signature, certificate);

    List<Element> signed = signedParts(signature);
    Element body = WSSecurityUtil.findBodyElement(envelope);
    List<Element> blocks = children(headerOf(envelope)).stream().filter(block -> block != security).toList();
    List<Element> needed = new ArrayList<>(blocks);
    needed.add(body);
    needed.add(((org.apache.ws.security.message.token.Timestamp) timestamp.get(WSSecurityEngineResult.TAG_TIMESTAMP)).getElement());
    for (Element part : needed) if (!signed.contains(part)) throw new Refused(part.getNodeName() + " is not signed");
    return new Message(replica, blocks, children(body).get(0));
  }

  private static void checkAlgorithms(WSSecurityEngineResult signature, X509Certificate certificate) {
    String expected = certificate.getPublicKey().getAlgorithm().equals("EC") ? Names.ECDSA_SHA256 : Names.RSA_SHA256;
    require(expected, signature.get(WSSecurityEngineResult.TAG_SIGNATURE_METHOD));
    require(Names.EXCLUSIVE_C14N, signature.get(WSSecurityEngineResult.TAG_CANONICALIZATION_METHOD));
  }

  private static List<Element> signedParts(WSSecurityEngineResult signature) {
    List<Element> parts = new ArrayList<>();
    for (Object each : (List<?>) signature.get(WSSecurityEngineResult.TAG_DATA_REF_URIS)) {
      WSDataRef reference = (WSDataRef) each;
      require(List.of(Names.EXCLUSIVE_C14N), reference.getTransformAlgorithms());
      require(Names.SHA256, reference.getDigestAlgorithm());
      parts.add(reference.getProtectedElement());
    }
    return parts;
  }

  private static void require(Object expected, Object found) {
    if (!expected.equals(found)) throw new Refused(found + " is not accepted");
  }

  private static WSSecurityEngineResult only(List<WSSecurityEngineResult> results, int action) {
    List<WSSecurityEngineResult> found = results.stream()
        .filter(result -> Integer.valueOf(action).equals(result.get(WSSecurityEngineResult.TAG_ACTION)))
        .toList();
    if (found.size() != 1) throw new Refused("not one " + (action == WSConstants.SIGN ? "Signature" : "Timestamp"));
    return found.get(0);
  }

  /** The Header, made if there is none: JAX-WS leaves it out when it has nothing to put there. */
  static Element headerOf(Document envelope) {
    Element root = envelope.getDocumentElement();
    Element first = children(root).get(0);
    if (first.getLocalName().equals("Header")) return first;
    Element header = envelope.createElementNS(root.getNamespaceURI(), root.getPrefix() + ":Header");
    root.insertBefore(header, first);
    return header;
  }

  static List<Element> children(Node parent) {
    List<Element> found = new ArrayList<>();
    for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element element) found.add(element);
    }
    return found;
  }
}
