export { startPeerLinks } from './links.js';
export type { PeerLinks, PeerStatus } from './links.js';
export { askOperator } from './operator.js';
export type { AskOperatorOptions } from './operator.js';
export type { OperatorHandler, OperatorIdentity, PeerAddress, PeerCredentials, PeerLimits, PeerLinksOptions } from './options.js';
