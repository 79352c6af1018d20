package interop;

import java.util.Iterator;
import javax.xml.namespace.QName;
import javax.xml.soap.Detail;
import javax.xml.soap.SOAPFault;
import javax.xml.ws.soap.SOAPFaultException;
import org.w3c.dom.Element;

/** What a SOAPFaultException holds: the specific code, our stable code, and whether the same request may succeed later. */
record Fault(String code, String concordat, boolean retryable) {
  static Fault of(SOAPFaultException exception) {
    SOAPFault fault = exception.getFault();
    // SOAP 1.1 has the specific code in faultcode, SOAP 1.2 in a Subcode.
    Iterator<?> subcodes = fault.getNamespaceURI().equals("http://www.w3.org/2003/05/soap-envelope") ? fault.getFaultSubcodes() : null;
    QName code = subcodes != null && subcodes.hasNext() ? (QName) subcodes.next() : fault.getFaultCodeAsQName();
    return new Fault(code.getLocalPart(), detail(fault, "Code"), "true".equals(detail(fault, "Retryable")));
  }

  private static String detail(SOAPFault fault, String name) {
    Detail detail = fault.getDetail();
    if (detail == null) return null;
    for (Element entry : Wss.children(detail)) {
      if (Names.C.equals(entry.getNamespaceURI()) && name.equals(entry.getLocalName())) return entry.getTextContent();
    }
    return null;
  }
}
