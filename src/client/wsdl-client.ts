import { randomUUID } from 'node:crypto';
import soap from 'soap';
import type { Client, IExOptions, IHeaders } from 'soap';
import { ConcordatError } from '../errors.js';
import type { Credentials, Signer, VerifiedMessage, Verifier, XmlElement } from '../soap/index.js';
import { el, parseCanonical, parseEnvelope, serialize, SOAP_NS } from '../soap/index.js';
import { canonicalize } from '../soap/c14n.js';
import { readContentType, readSoapAction } from '../soap/content-type.js';
import { TRANSPORT_LIMITS } from '../soap/limits.js';
import { createSigner, createVerifier } from './credentials.js';
import { CLIENT_LIMITS } from './limits.js';

export interface SignedWsdlClientOptions {
  readonly credentials: Credentials;
  /** PEM texts; who answers must have a certificate of one of these. */
  readonly authorities: readonly string[];
  /** The URL to post to, if it is not the one in the WSDL. */
  readonly endpoint?: string;
  /** wsa:To, if it is not the URL that is posted to. */
  readonly to?: string;
  /** SOAP 1.1 by default. */
  readonly soapVersion?: '1.1' | '1.2';
  /** Further header blocks of every message, all of them signed: reference parameters, c:Sequence, a coordination context. */
  readonly headers?: () => readonly XmlElement[];
  /** Whether this signer may answer; by default anybody whom the authorities know. */
  readonly accepts?: (reply: VerifiedMessage) => boolean;
  readonly timeoutMs?: number;
  readonly clock?: () => number;
}

export interface SignedWsdlClient {
  /** The `soap` package's client of this WSDL: one method for each operation, and `…Async`. */
  readonly client: Client;
  /** The last answer that was accepted, with who signed it. */
  readonly lastReply: VerifiedMessage | undefined;
}

/**
 * A client made from a WSDL by the `soap` package whose messages are signed and whose answers are verified: it writes the Body, and
 * reads an answer's, while headers, addressing and security are ours. The WSDL itself is not authenticated.
 * @param wsdl URL or file name
 * @throws ConcordatError ConfigInvalid, KeyMismatch for unfit keys; what the `soap` package throws for an unreadable WSDL
 */
export async function signedWsdlClient(wsdl: string, options: SignedWsdlClientOptions): Promise<SignedWsdlClient> {
  const http = new SignedHttpClient(options, createSigner(options.credentials), createVerifier(options.authorities));
  const client = await soap.createClientAsync(
    wsdl,
    { httpClient: http, forceSoap12Headers: options.soapVersion === '1.2', disableCache: true },
    options.endpoint,
  );
  return {
    client,
    get lastReply() {
      return http.lastReply;
    },
  };
}

type RequestCallback = Parameters<InstanceType<typeof soap.HttpClient>['request']>[2];
type Pending = ReturnType<InstanceType<typeof soap.HttpClient>['request']>;

/** Stands between the `soap` package and HTTP: what it writes is signed anew from its Body, what it reads was verified. */
class SignedHttpClient extends soap.HttpClient {
  lastReply: VerifiedMessage | undefined;

  constructor(
    private readonly signed: SignedWsdlClientOptions,
    private readonly signer: Signer,
    private readonly verifier: Verifier,
  ) {
    super();
  }

  override request(url: string, data: unknown, callback: RequestCallback, headers?: IHeaders, extra?: IExOptions): Pending {
    const bounds = {
      ...extra,
      timeout: this.signed.timeoutMs ?? CLIENT_LIMITS.attemptTimeoutMs,
      maxContentLength: TRANSPORT_LIMITS.maxResponseBytes,
      maxRedirects: 0,
    };
    // Without data it fetches the WSDL or a schema.
    if (typeof data !== 'string') return super.request(url, data, callback, headers, bounds);
    const messageId = `urn:uuid:${randomUUID()}`;
    const verified: RequestCallback = (error: unknown, response?: unknown, body?: unknown) => {
      if (error !== null && error !== undefined) return void callback(error);
      let content: string;
      try {
        content = this.#open(typeof body === 'string' ? body : '', messageId);
      } catch (refused) {
        return void callback(refused);
      }
      return void callback(null, response, content);
    };
    return super.request(url, this.#sign(url, data, messageId, headers), verified, headers, bounds);
  }

  #sign(url: string, xml: string, messageId: string, headers: IHeaders = {}): string {
    const { soapVersion, body } = parseEnvelope(xml);
    const content = parseCanonical(canonicalize(body, [])).children.filter(
      (node): node is XmlElement => typeof node !== 'string',
    )[0];
    if (content === undefined) throw new ConcordatError('EnvelopeStructure', 'the Body is empty');
    return this.signer.sign(
      {
        soapVersion,
        addressing: { to: this.signed.to ?? url, action: actionOf(headers), messageId },
        headers: this.signed.headers?.() ?? [],
        body: content,
      },
      this.#now(),
    );
  }

  /** An envelope of nothing but what was signed. Empty for an empty answer: a one-way message was accepted. */
  #open(raw: string, messageId: string): string {
    if (raw.trim() === '') return '';
    const message = this.verifier.verify(raw, this.#now());
    const { relatesTo } = message.addressing;
    if (relatesTo !== messageId)
      throw new ConcordatError('InvalidAddressingHeader', `the answer relates to ${relatesTo ?? 'nothing'}`);
    if (this.signed.accepts?.(message) === false) {
      throw new ConcordatError('NotAuthorized', `${message.identity.name} may not answer this`);
    }
    this.lastReply = message;
    const ns = SOAP_NS[message.soapVersion];
    return serialize(el(ns, 'Envelope', {}, el(ns, 'Body', {}, message.body)));
  }

  #now(): number {
    return (this.signed.clock ?? Date.now)();
  }
}

/** What the WSDL binding names as soapAction, which for all our messages is the wsa:Action. */
function actionOf(headers: IHeaders): string {
  const { SOAPAction: header, 'Content-Type': type } = headers;
  const action = typeof header === 'string' ? readSoapAction(header) : readContentType(String(type)).action;
  if (action === undefined) throw new ConcordatError('AddressingHeaderRequired', 'the WSDL gives the operation no soapAction');
  return action;
}
