/** WS-Security both ways. */
export { Signer } from './signer.js';
export { Verifier } from './verifier.js';
export type { VerifiedMessage, VerifyPolicy, VerifyTrace } from './verifier.js';
export type { Addressing, EndpointReference } from './addressing.js';
export { eprFromXml, eprToXml } from './addressing.js';
