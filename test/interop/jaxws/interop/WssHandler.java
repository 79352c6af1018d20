package interop;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import javax.xml.namespace.QName;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.soap.SOAPMessage;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import javax.xml.transform.stream.StreamSource;
import javax.xml.ws.handler.MessageContext;
import javax.xml.ws.handler.soap.SOAPHandler;
import javax.xml.ws.handler.soap.SOAPMessageContext;
import org.apache.ws.security.WSConstants;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** Between a port and the wire: adds the header blocks and signs what goes out, verifies what comes in. */
final class WssHandler implements SOAPHandler<SOAPMessageContext> {
  /** Property of an outgoing message: its header blocks, a List of Element. */
  static final String HEADERS = "interop.headers";

  private final Wss wss;
  private final Consumer<Message> verified;

  /** @param verified is given each answer before JAX-WS reads it */
  WssHandler(Wss wss, Consumer<Message> verified) {
    this.wss = wss;
    this.verified = verified;
  }

  /** Security is understood here; without this JAX-WS refuses messages whose header says mustUnderstand. */
  @Override
  public Set<QName> getHeaders() {
    return Set.of(new QName(WSConstants.WSSE_NS, WSConstants.WSSE_LN));
  }

  @Override
  public boolean handleMessage(SOAPMessageContext context) {
    try {
      if ((Boolean) context.get(MessageContext.MESSAGE_OUTBOUND_PROPERTY)) send(context);
      else verified.accept(wss.verify(read(context.getMessage())));
      return true;
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new Refused(String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public boolean handleFault(SOAPMessageContext context) {
    return handleMessage(context);
  }

  @Override
  public void close(MessageContext context) {}

  private void send(SOAPMessageContext context) throws Exception {
    Document unsigned = read(context.getMessage());
    Element header = Wss.headerOf(unsigned);
    for (Object block : (List<?>) context.get(HEADERS)) header.appendChild(unsigned.importNode((Element) block, true));
    // Written and read once more: a DOM need not have the declarations of its namespaces, and what is signed must.
    Document envelope = parse(bytesOf(unsigned));
    wss.sign(envelope);
    context.getMessage().getSOAPPart().setContent(new StreamSource(new ByteArrayInputStream(bytesOf(envelope))));
  }

  private static byte[] bytesOf(Document document) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    TransformerFactory.newInstance().newTransformer().transform(new DOMSource(document), new StreamResult(bytes));
    return bytes.toByteArray();
  }

  /** A message as a document of its own: what SAAJ gives is a view that XML Signature cannot find its way in. */
  static Document read(SOAPMessage message) throws Exception {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    message.writeTo(text);
    return parse(text.toByteArray());
  }

  private static Document parse(byte[] text) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setNamespaceAware(true);
    factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
    return factory.newDocumentBuilder().parse(new ByteArrayInputStream(text));
  }
}
