package interop;

import java.util.ArrayList;
import java.util.List;
import javax.xml.transform.dom.DOMResult;
import javax.xml.ws.wsaddressing.W3CEndpointReference;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/** An endpoint reference as a replica wrote it: send to its address, with its reference parameters, and read nothing into them. */
record Epr(String address, List<Element> parameters) {
  static Epr of(W3CEndpointReference reference) {
    DOMResult result = new DOMResult();
    reference.writeTo(result);
    return of(((Document) result.getNode()).getDocumentElement());
  }

  static Epr of(Element reference) {
    String address = null;
    List<Element> parameters = new ArrayList<>();
    for (Element part : Wss.children(reference)) {
      if (part.getLocalName().equals("Address")) address = part.getTextContent();
      if (part.getLocalName().equals("ReferenceParameters")) parameters.addAll(Wss.children(part));
    }
    return new Epr(address, parameters);
  }

  /** The reference parameters as headers of a message (WS-Addressing 1.0 SOAP binding §2.3). */
  List<Element> headers() {
    List<Element> headers = new ArrayList<>();
    for (Node parameter : parameters) {
      Element block = (Element) parameter.cloneNode(true);
      block.setAttributeNS(Names.XMLNS, "xmlns:wsa", Names.WSA);
      block.setAttributeNS(Names.WSA, "wsa:IsReferenceParameter", "true");
      headers.add(block);
    }
    return headers;
  }

  /** All of it, to be compared. */
  String text() {
    StringBuilder text = new StringBuilder(address);
    for (Element each : parameters) {
      text.append(" {").append(each.getNamespaceURI()).append('}').append(each.getLocalName()).append('=').append(each.getTextContent());
    }
    return text.toString();
  }

  /** The text of a reference parameter. */
  String parameter(String name) {
    return parameters.stream().filter(each -> each.getLocalName().equals(name)).findFirst().orElseThrow().getTextContent();
  }
}
