/** Requests to a cluster with the soap package: every replica is asked, and what enough of them say alike is believed. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, URL } from 'node:url';
import { XMLSerializer } from '@xmldom/xmldom';
import soap from 'soap';
import { only, Refused, signingWith, verify, WSA } from './wss.mjs';

export const C = 'urn:concordat:2026:coordination';
const PATIENCE_MS = 60_000;
const PAUSE_MS = 300;

/** Endpoint → service and ports of its WSDL: atomic outcome, CoordinatorCompletion. */
const PORTS = {
  activation: ['ActivationService', 'ActivationSoap'],
  registration: ['RegistrationService', 'RegistrationSoap'],
  coordinator: ['CoordinatorService', 'BusinessAgreementWithCoordinatorCompletionCoordinatorSoap'],
  completion: ['CoordinatorInitiatorService', 'CoordinatorInitiatorAtomicSoap'],
};
const SHORT = { 1.1: '11', 1.2: '12' };

export const wsdlOf = (name) => fileURLToPath(new URL(`../../../wsdl/${name}.wsdl`, import.meta.url));

/** An endpoint reference as a replica wrote it. Taken from the message: the soap package's objects have no namespaces. */
export class Epr {
  constructor(element) {
    this.address = only(element, WSA, 'Address').textContent;
    this.parameters = Array.from(only(element, WSA, 'ReferenceParameters').childNodes);
  }

  /** Its reference parameters, as headers of a message to it (WS-Addressing 1.0 SOAP binding §2.3). */
  headers() {
    return this.parameters.map((parameter) => {
      const block = parameter.cloneNode(true);
      block.setAttributeNS(WSA, 'wsa:IsReferenceParameter', 'true');
      return { name: block.nodeName, xml: new XMLSerializer().serializeToString(block) };
    });
  }
}

/** All that an answer says. Replicas write the same in the same way. */
export const everything = (_result, content) => new XMLSerializer().serializeToString(content);

/** soap's HTTP client, which gives back only what verifies. */
class VerifyingHttpClient extends soap.HttpClient {
  /** The last answer, verified; undefined for the 202 of a one-way message. */
  reply;

  constructor(cluster) {
    super();
    this.cluster = cluster;
  }

  request(url, data, callback, ...more) {
    const checked = (error, response, body) => {
      if (error) return callback(error, response, body);
      try {
        this.reply = response.status === 202 && body === '' ? undefined : verify(body, this.cluster);
      } catch (refused) {
        return callback(refused);
      }
      callback(null, response, body);
    };
    return super.request(url, data, checked, ...more);
  }
}

export class Conversation {
  #clients = new Map();
  #http;

  /** @param tell is told of replicas that are not believed */
  constructor(cluster, keys, soapVersion, tell) {
    this.cluster = cluster;
    this.keys = keys;
    this.soapVersion = soapVersion;
    this.tell = tell;
    this.#http = new VerifyingHttpClient(cluster);
  }

  /**
   * Sends a request until enough replicas give one answer.
   * @param request endpoint, operation and args; the `epr` it goes to; its `number` in its stream, none for a question; `need`: how
   *   many replicas must say the same; `read`: what they must say alike, of soap's result and of the verified message.
   *   Nothing else of an answer may be used. Without `read` the request is one-way.
   * @returns what `read` gave, and the verified message
   * @throws soap's error for a fault that they agree on and that is not retryable
   */
  async ask(request) {
    const once = { ...request, messageId: `urn:uuid:${randomUUID()}`, created: new Date().toISOString() };
    for (const until = Date.now() + PATIENCE_MS; ; await pause(PAUSE_MS)) {
      const { answer, fault } = await this.#askAll(once);
      if (answer !== undefined) return answer;
      if ((fault !== undefined && !faultOf(fault).retryable) || Date.now() > until) throw fault ?? new Error('no agreement');
    }
  }

  async #askAll(request) {
    const said = new Map();
    for (const id of this.cluster.urls.keys()) {
      const heard = await this.#askOne(request, id);
      if (heard === undefined) continue;
      const key = JSON.stringify(heard.fault === undefined ? heard.answer.said : faultOf(heard.fault));
      said.set(key, (said.get(key) ?? 0) + 1);
      if (said.get(key) >= (request.need ?? this.cluster.f + 1)) return heard;
    }
    return {};
  }

  /** What one replica says: an answer, a fault, or nothing that can be believed. */
  async #askOne(request, id) {
    try {
      const { client, method, action } = await this.#operation(request, id);
      const blocks = headersOf(request, action, `${this.cluster.address}/${request.endpoint}`);
      client.clearSoapHeaders();
      for (const { xml } of blocks) client.addSoapHeader(xml);
      client.setSecurity(
        signingWith(
          this.keys,
          blocks.map(({ name }) => name),
        ),
      );
      const result = await call(method, request.args);
      const content = this.#answerOf(id, request.messageId, request.read === undefined);
      return { answer: { said: request.read?.(result, content) ?? 'accepted', content } };
    } catch (error) {
      return this.#afterError(error, request, id);
    }
  }

  #afterError(error, { messageId }, id) {
    try {
      // soap throws faults; `root` is the envelope as it was parsed.
      if (error.root?.Envelope === undefined) throw error;
      this.#answerOf(id, messageId, false);
      return { fault: error };
    } catch (unbelievable) {
      this.tell(id, unbelievable.message);
      return undefined;
    }
  }

  /** The content of the verified answer of this replica to this message; undefined for a 202. */
  #answerOf(id, messageId, oneWay) {
    const { reply } = this.#http;
    if (reply === undefined) {
      if (!oneWay) throw new Refused('no answer');
      return undefined;
    }
    if (reply.replica !== id) throw new Refused(`replica ${reply.replica} answered at the URL of another`);
    const about = reply.blocks.filter(({ namespaceURI, localName }) => namespaceURI === WSA && localName === 'RelatesTo');
    if (about.length !== 1 || about[0].textContent !== messageId) throw new Refused('the answer is to another request');
    return reply.content;
  }

  async #operation({ endpoint, operation }, id) {
    const url = `${this.cluster.urls.get(id)}/${endpoint}`;
    if (!this.#clients.has(url)) this.#clients.set(url, await this.#newClient(endpoint, url));
    const client = this.#clients.get(url);
    const [service, prefix] = PORTS[endpoint];
    const port = `${prefix}${SHORT[this.soapVersion]}Port`;
    const { soapAction } = client.wsdl.definitions.services[service].ports[port].binding.methods[operation];
    return { client, method: client[service][port][operation], action: soapAction };
  }

  #newClient(endpoint, url) {
    const forceSoap12Headers = this.soapVersion === '1.2';
    // Without a cache of its own for each version, both would share one WSDL and with it that setting.
    const options = { endpoint: url, httpClient: this.#http, forceSoap12Headers, disableCache: true };
    return soap.createClientAsync(wsdlOf(endpoint), options);
  }
}

const call = (method, args) =>
  new Promise((resolve, reject) => method(args, (error, result) => (error ? reject(error) : resolve(result))));

/** The header blocks of a request, all of which are signed. */
function headersOf({ epr, number, created, messageId, read }, action, to) {
  const replyTo = block('wsa:ReplyTo', WSA, `<wsa:Address>${WSA}/anonymous</wsa:Address>`);
  return [
    block('wsa:To', WSA, epr?.address ?? to),
    block('wsa:Action', WSA, action),
    block('wsa:MessageID', WSA, messageId),
    ...(read === undefined ? [] : [replyTo]),
    ...(number === undefined ? [] : [sequence(number, epr === undefined ? created : undefined)]),
    ...(epr?.headers() ?? []),
  ];
}

const block = (name, ns, content) => ({ name, xml: `<${name} xmlns:${name.split(':')[0]}="${ns}">${content}</${name}>` });

/** The request's number in its stream; `created` on CreateCoordinationContext only, which goes to no endpoint reference. */
const sequence = (number, created) =>
  block('c:Sequence', C, `<c:Number>${number}</c:Number>${created === undefined ? '' : `<c:Created>${created}</c:Created>`}`);

/** What soap's error for a fault holds: the specific code without its prefix, our code, and whether the same may succeed later. */
export function faultOf(error) {
  const { Fault } = error.root.Envelope.Body;
  const code = text(Fault.faultcode ?? Fault.Code.Subcode?.Value ?? Fault.Code.Value);
  const detail = Fault.detail ?? Fault.Detail;
  return { code: code.replace(/^.*:/, ''), concordat: text(detail.Code), retryable: String(text(detail.Retryable)) === 'true' };
}

/** soap gives an element that has attributes as an object. */
const text = (value) => value?.$value ?? value;
