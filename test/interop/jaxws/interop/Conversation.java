package interop;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.WebServiceException;
import javax.xml.ws.handler.Handler;
import javax.xml.ws.soap.AddressingFeature;
import javax.xml.ws.soap.SOAPFaultException;

/** Requests to a cluster through wsimport's stubs: every replica is asked, and what enough of them say alike is believed. */
final class Conversation {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long PAUSE_MS = 300;
  /** Our handler writes the addressing headers, because a MessageID must stay the same when a request is sent again. */
  static final AddressingFeature NO_ADDRESSING = new AddressingFeature(false);

  private final Options options;
  private final Wss wss;
  private final BiConsumer<Integer, String> distrust;
  /** The answer to the call in progress; null until one has come that verifies. */
  private Message reply;

  /** @param distrust is told of replicas that are not believed, and why */
  Conversation(Options options, Wss wss, BiConsumer<Integer, String> distrust) {
    this.options = options;
    this.wss = wss;
    this.distrust = distrust;
  }

  /**
   * A request. `call` invokes the operation of the port; `said` is what replicas must say alike, null for a one-way message. Nothing
   * else of an answer may be used.
   */
  record Request<P, R>(String endpoint, P port, Headers headers, int need, Function<P, R> call, Function<R, String> said) {}

  private record Heard<R>(R result, SOAPFaultException fault, String said) {}

  /**
   * Sends a request until enough replicas give one answer.
   * @throws SOAPFaultException a fault that they agree on and that is not retryable
   */
  <P, R> R ask(Request<P, R> request) throws InterruptedException {
    prepare((BindingProvider) request.port());
    Instant until = Instant.now().plus(PATIENCE);
    while (true) {
      Heard<R> heard = askAll(request);
      if (heard != null && heard.fault() == null) return heard.result();
      if (heard != null && !Fault.of(heard.fault()).retryable()) throw heard.fault();
      if (Instant.now().isAfter(until)) throw new WebServiceException("no agreement on " + request.endpoint());
      Thread.sleep(PAUSE_MS);
    }
  }

  private <P, R> Heard<R> askAll(Request<P, R> request) {
    Map<String, Integer> votes = new HashMap<>();
    for (Map.Entry<Integer, String> replica : options.replicas.entrySet()) {
      try {
        Heard<R> heard = askOne(request, replica.getKey(), replica.getValue());
        if (votes.merge(heard.said(), 1, Integer::sum) >= request.need()) return heard;
      } catch (WebServiceException e) {
        distrust.accept(replica.getKey(), e.getMessage());
      }
    }
    return null;
  }

  private <P, R> Heard<R> askOne(Request<P, R> request, int replica, String url) {
    Map<String, Object> context = ((BindingProvider) request.port()).getRequestContext();
    context.put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, url + "/" + request.endpoint());
    context.put(WssHandler.HEADERS, request.headers().blocks);
    reply = null;
    try {
      R result = request.call().apply(request.port());
      if (request.said() == null) return new Heard<>(null, null, "accepted");
      checkReply(replica, request.headers());
      return new Heard<>(result, null, request.said().apply(result));
    } catch (SOAPFaultException fault) {
      checkReply(replica, request.headers());
      return new Heard<>(null, fault, Fault.of(fault).toString());
    }
  }

  private void checkReply(int replica, Headers request) {
    if (reply == null) throw new Refused("no answer that verifies");
    if (reply.replica() != replica) throw new Refused("replica " + reply.replica() + " answered at the URL of another");
    if (!request.messageId.equals(reply.header(Names.WSA, "RelatesTo"))) throw new Refused("the answer is to another request");
  }

  private void prepare(BindingProvider port) {
    @SuppressWarnings("rawtypes")
    List<Handler> handlers = List.of(new WssHandler(wss, message -> reply = message));
    port.getBinding().setHandlerChain(handlers);
  }
}
