package interop;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import javax.xml.soap.SOAPMessage;
import javax.xml.ws.Endpoint;
import javax.xml.ws.Provider;
import javax.xml.ws.Service;
import javax.xml.ws.ServiceMode;
import javax.xml.ws.WebServiceProvider;
import javax.xml.ws.wsaddressing.W3CEndpointReference;
import javax.xml.ws.wsaddressing.W3CEndpointReferenceBuilder;
import org.w3c.dom.Element;

/**
 * A JAX-WS service: replicas post their commands here. Obeys a command when f + 1 replicas have sent the same. It is a Provider, since
 * a service made of the WSDL answers one-way messages with 202 before anybody has looked at them.
 */
@WebServiceProvider
@ServiceMode(Service.Mode.MESSAGE)
public final class Participant implements Provider<SOAPMessage> {
  private static final long PATIENCE_MS = 60_000;

  private final Options options;
  private final Wss wss;
  final String url;
  private final Endpoint endpoint;
  /** Command and MessageID: the replicas that sent it. A real participant keeps this on disk. */
  private final Map<String, Set<Integer>> votes = new HashMap<>();
  private final Set<String> obeyed = new HashSet<>();

  Participant(Options options, Wss wss) {
    this.options = options;
    this.wss = wss;
    url = "http://127.0.0.1:" + options.port + "/participant";
    endpoint = Endpoint.create(this);
    endpoint.publish(url);
  }

  void close() {
    endpoint.stop();
  }

  /** The endpoint reference to register. Its reference parameter comes back as a header of every command. */
  W3CEndpointReference reference() {
    Element order = Headers.emptyDocument().createElementNS(Names.OWN, "o:Order");
    order.setTextContent(options.client);
    return new W3CEndpointReferenceBuilder().address(url).referenceParameter(order).build();
  }

  /** Waits until enough replicas have sent the command. */
  synchronized void told(String command) throws InterruptedException {
    long until = System.currentTimeMillis() + PATIENCE_MS;
    while (!obeyed.contains(command)) {
      long left = until - System.currentTimeMillis();
      if (left <= 0) throw new IllegalStateException("nobody has sent " + command);
      wait(left);
    }
  }

  /** A command that verified. */
  private synchronized void take(Message message) {
    String command = message.content().getLocalName();
    // One replica's opinion, which commands nothing.
    if (command.equals("Fault") || command.equals("Status")) return;
    if (!Names.WSBA.equals(message.content().getNamespaceURI())) throw new Refused(command + " is no command");
    String action = Names.WSBA + "/" + command;
    if (!action.equals(message.header(Names.WSA, "Action"))) throw new Refused("wsa:Action does not fit");
    if (!url.equals(message.header(Names.WSA, "To"))) throw new Refused("wsa:To does not fit");
    if (!options.client.equals(message.header(Names.OWN, "Order"))) throw new Refused("this is about another order");
    Set<Integer> senders = votes.computeIfAbsent(command + " " + message.header(Names.WSA, "MessageID"), key -> new HashSet<>());
    senders.add(message.replica());
    if (senders.size() > options.f) obeyed.add(command);
    notifyAll();
  }

  /** An exception becomes a fault, and null HTTP 202. */
  @Override
  public SOAPMessage invoke(SOAPMessage command) {
    try {
      take(wss.verify(WssHandler.read(command)));
      return null;
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new Refused(String.valueOf(e.getMessage()), e);
    }
  }
}
