/** Names of WS-Security 1.0 and its X.509 token profile. */
const PROFILE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-';

export const X509V3 = `${PROFILE}x509-token-profile-1.0#X509v3`;
export const BASE64_BINARY = `${PROFILE}soap-message-security-1.0#Base64Binary`;
