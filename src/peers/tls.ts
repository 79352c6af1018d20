import type { PeerCertificate, TLSSocket, TlsOptions } from 'node:tls';
import type { PeerAddress, PeerCredentials } from './options.js';

export const PEER_PROTOCOL = 'concordat-peer/1';
export const OPERATOR_PROTOCOL = 'concordat-operator/1';
const OPERATOR_ROLE = 'operator';

/** TLS 1.3 (RFC 8446) with a certificate from both sides, each chained to a configured authority. */
export const tlsOptions = (credentials: PeerCredentials, authorities: readonly string[]) =>
  ({
    cert: credentials.certificatePem,
    key: credentials.privateKeyPem,
    ca: [...authorities],
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    requestCert: true,
  }) satisfies TlsOptions;

/** SHA-256 of the other side's certificate, lower-case hex; '' if there is none. */
export function remoteFingerprint(socket: TLSSocket): string {
  return normalizeFingerprint(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
}

/** Whether the other side has a certificate under which that peer is believed. */
export const isPeer = (
  socket: TLSSocket,
  { fingerprint, otherFingerprints = [] }: Pick<PeerAddress, 'fingerprint' | 'otherFingerprints'>,
): boolean => [fingerprint, ...otherFingerprints].map(normalizeFingerprint).includes(remoteFingerprint(socket));

export const normalizeFingerprint = (text: string): string => text.replaceAll(':', '').toLowerCase();

/** The CN of an operator's certificate; undefined if its OUs do not make it one. */
export function operatorName(socket: TLSSocket): string | undefined {
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate();
  const names: Readonly<Record<string, string | string[] | undefined>> = { ...certificate.subject };
  if (![names.OU].flat().includes(OPERATOR_ROLE)) return undefined;
  return [names.CN].flat()[0];
}
