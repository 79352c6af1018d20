package interop;

import java.util.List;
import org.w3c.dom.Element;

/** What a replica signed: every header block, and the child of the Body. */
record Message(int replica, List<Element> headers, Element content) {
  /** The text of the only header block of that name; null if there is none. */
  String header(String namespace, String name) {
    List<String> found = headers.stream()
        .filter(block -> namespace.equals(block.getNamespaceURI()) && name.equals(block.getLocalName()))
        .map(Element::getTextContent)
        .toList();
    if (found.size() > 1) throw new Refused(name + " comes twice");
    return found.isEmpty() ? null : found.get(0);
  }
}
