package interop;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** The header blocks of one request. They stay the same however often, and to whomever, it is sent. */
final class Headers {
  final String messageId = "urn:uuid:" + UUID.randomUUID();
  final List<Element> blocks = new ArrayList<>();
  private final Document document = emptyDocument();

  Headers(String to, String action) {
    blocks.add(block(Names.WSA, "wsa:To", to));
    blocks.add(block(Names.WSA, "wsa:Action", action));
    blocks.add(block(Names.WSA, "wsa:MessageID", messageId));
  }

  /** The answer comes in the HTTP response. */
  Headers replyHere() {
    Element replyTo = block(Names.WSA, "wsa:ReplyTo", null);
    replyTo.appendChild(block(Names.WSA, "wsa:Address", Names.WSA + "/anonymous"));
    blocks.add(replyTo);
    return this;
  }

  /** c:Sequence: the request's number in its stream; c:Created on CreateCoordinationContext only. */
  Headers numbered(int number, boolean create) {
    Element sequence = block(Names.C, "c:Sequence", null);
    sequence.appendChild(block(Names.C, "c:Number", String.valueOf(number)));
    String now = Instant.now().truncatedTo(ChronoUnit.MILLIS).toString();
    if (create) sequence.appendChild(block(Names.C, "c:Created", now));
    blocks.add(sequence);
    return this;
  }

  private Element block(String namespace, String name, String text) {
    Element element = document.createElementNS(namespace, name);
    element.setAttributeNS(Names.XMLNS, "xmlns:" + name.split(":")[0], namespace);
    if (text != null) element.setTextContent(text);
    return element;
  }

  static Document emptyDocument() {
    try {
      return DocumentBuilderFactory.newInstance().newDocumentBuilder().newDocument();
    } catch (ParserConfigurationException e) {
      throw new IllegalStateException(e);
    }
  }
}
