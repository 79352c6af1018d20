import { ConcordatError } from '../errors.js';
import type { OutgoingMessage } from './envelope.js';
import { readFault } from './faults.js';
import type { SoapFault } from './faults.js';
import type { SoapVersion } from './parse.js';
import type { MessageSigner } from './signer.js';
import type { HttpTransport, PostResult } from './transport.js';
import type { MessageVerifier, VerifiedMessage } from './verifier.js';

export interface SoapCallerOptions {
  readonly signer: MessageSigner;
  readonly verifier: MessageVerifier;
  readonly transport: Pick<HttpTransport, 'post'>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export type CallResult =
  | { readonly kind: 'reply'; readonly message: VerifiedMessage }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'fault'; readonly fault: SoapFault; readonly message: VerifiedMessage };

export interface SendOptions {
  /** The request's MessageID: a reply must relate to it, so that an old reply cannot stand in for the new one. */
  readonly messageId?: string;
  readonly signal?: AbortSignal;
}

/** How HTTP says that a one-way message was taken: 202 as we do, or 200 or 204 as other stacks do (WS-I Basic Profile 1.1, R1111, R1112). */
const ACCEPTED: ReadonlySet<number> = new Set([200, 202, 204]);

/** One signed exchange: sign, post, verify the answer. Who answered is in `message.identity`; what that may say is the caller's matter. */
export class SoapCaller {
  constructor(private readonly options: SoapCallerOptions) {}

  /**
   * @throws PeerUnreachable (retryable) without an answer in SOAP; the Verifier's codes for an answer that does not verify;
   *   InvalidAddressingHeader for one to another request
   */
  call(url: string, message: OutgoingMessage, signal?: AbortSignal): Promise<CallResult> {
    const xml = this.options.signer.sign(message, this.options.clock());
    const { action, messageId } = message.addressing;
    return this.send(url, xml, action, message.soapVersion, {
      ...(messageId === undefined ? {} : { messageId }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** The same for an envelope that is already signed, for instance one kept to be sent again. */
  async send(
    url: string,
    signedXml: string,
    action: string,
    soapVersion: SoapVersion,
    options: SendOptions = {},
  ): Promise<CallResult> {
    const result = await this.options.transport.post(url, { soapVersion, action, xml: signedXml }, options.signal);
    if (ACCEPTED.has(result.status) && result.body.trim() === '') return { kind: 'accepted' };
    const message = this.verify(url, result);
    const fault = readFault(message.body);
    checkRelation(message, options.messageId, fault !== undefined);
    return fault === undefined ? { kind: 'reply', message } : { kind: 'fault', fault, message };
  }

  private verify(url: string, result: PostResult): VerifiedMessage {
    if (!result.body.trimStart().startsWith('<'))
      throw new ConcordatError('PeerUnreachable', `${url} answered HTTP ${result.status} without SOAP`);
    return this.options.verifier.verify(result.body, this.options.clock());
  }
}

/** A fault about a message that could not be read cannot name it; everything else must. */
function checkRelation(answer: VerifiedMessage, messageId: string | undefined, isFault: boolean): void {
  const { relatesTo } = answer.addressing;
  if (messageId === undefined || relatesTo === messageId || (isFault && relatesTo === undefined)) return;
  throw new ConcordatError('InvalidAddressingHeader', `the answer relates to ${relatesTo ?? 'nothing'}, not to ${messageId}`);
}
